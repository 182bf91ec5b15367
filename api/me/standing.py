"""How a matter about somebody stands, in plain words: what the company does now, and what comes next.

Nothing that is internal is told: no reasons, no comments, nobody else who is asked.
"""

from api.language import Sentence, sentence
from countersign.adapters.database.own_notices import OwnCase
from countersign.contracts.cases import CaseState, Process
from countersign.domain.policy import Channel

_LEAVE = {
    "starting": sentence("This matter has just been opened."),
    "overdue_review": sentence("HR is checking the dates of this matter. You can answer all the same."),
    "grading_pending": sentence("The result of your work capacity assessment is awaited."),
    "before_end": sentence("Your leave is still running. You can already say when you will return."),
    "return_day": sentence("Your day of return is here; the company waits to see you or to hear from you."),
    "extension_review": sentence("HR has your request for a longer leave and is deciding."),
    "objection_review": sentence("HR has your objection and is preparing an answer."),
}
_LEAVE_WAITS = sentence("The company is waiting for your answer about your return.")
_LEAVE_ENDS = {
    "back": sentence("Closed: you are back at work."),
    "returns_on": sentence("Closed: you have named the day of your return."),
    "resigned": sentence("Closed: you have resigned."),
    "exhausted": sentence(
        "Closed without an answer from you. HR decides what follows; if you have something to say, "
        "call the contact below."
    ),
}
_TEXT = {
    "starting": sentence("This matter has just been opened."),
    "overdue_review": sentence("HR is checking the dates of this matter. You can answer all the same."),
    "objection_review": sentence("HR has your objection and is preparing an answer."),
}
_TEXT_WAITS = sentence("You are asked to read a text and to confirm it.")
_TEXT_ENDS = {
    "acknowledged": sentence("Closed: you have confirmed the text."),
    "exhausted": sentence("Closed without a confirmation from you. HR decides what follows."),
}
_CALLED_OFF = sentence("Closed by HR. Nothing more is asked of you here.")
_PAUSED = sentence("This matter rests for now. Nothing more is sent until it goes on.")
_LEAVING = {
    "starting": sentence("This matter has just been opened."),
    "overdue_review": sentence("HR is checking the dates of this matter. You can hand things over already."),
    "before_last_day": sentence("Your last day is ahead. You can hand things over already."),
    "gate": sentence("You need not do anything here now. The company finishes what is left."),
}
_LEAVING_WAITS = sentence("The company is waiting for you to hand things over, or to settle what is open.")
_LEAVING_ENDS = {
    "completed": sentence("Closed: everything is handed over and settled."),
    "withdrawn": sentence("Closed: the departure was withdrawn; you stay."),
}
_TAKING_OVER = {
    "starting": sentence("This matter has just been opened."),
    "announced": sentence("You will take over work. Nothing is asked of you yet."),
    "waiting": sentence("Your colleague has not handed over yet. Nothing is asked of you now."),
}
_TAKING_OVER_WAITS = sentence("You are asked to confirm what you have taken over.")
_TAKING_OVER_ENDS = {
    "confirmed": sentence("Closed: you have taken everything over."),
    "released": sentence("Closed: nothing is left for you to take over."),
    "withdrawn": sentence("Closed: nobody leaves, so nothing is taken over."),
}
_ENDING = {
    "starting": sentence("This matter has just been opened."),
    "before_last_day": sentence("The employment has not ended yet. The company prepares your papers."),
    "duties": sentence("The company carries out what the law asks at the end of an employment."),
}
_ENDING_WAITS = sentence("A written notice of the company waits for you. Please read and answer it.")
_ENDING_ENDS = {
    "fulfilled": sentence("Closed: the company has done what the law asks at the end of an employment."),
    "withdrawn": sentence("Closed: the departure was withdrawn; you stay."),
}
_STAGES = {
    Process.LEAVE_RETURN: (_LEAVE, _LEAVE_WAITS),
    Process.ACKNOWLEDGEMENT: (_TEXT, _TEXT_WAITS),
    Process.OFFBOARDING: (_LEAVING, _LEAVING_WAITS),
    Process.HANDOVER: (_TAKING_OVER, _TAKING_OVER_WAITS),
    Process.STATUTORY: (_ENDING, _ENDING_WAITS),
}
_ENDS = {
    Process.LEAVE_RETURN: _LEAVE_ENDS,
    Process.ACKNOWLEDGEMENT: _TEXT_ENDS,
    Process.OFFBOARDING: _LEAVING_ENDS,
    Process.HANDOVER: _TAKING_OVER_ENDS,
    Process.STATUTORY: _ENDING_ENDS,
}

_NAMES = {
    Process.LEAVE_RETURN: sentence("Return from leave"),
    Process.ACKNOWLEDGEMENT: sentence("A text to confirm"),
    Process.OFFBOARDING: sentence("Your departure"),
    Process.HANDOVER: sentence("Work that you take over"),
    Process.STATUTORY: sentence("The end of your employment"),
}
_BY_HAND = {
    Channel.COURIER.value: sentence("A letter to your address on file"),
    Channel.VISIT.value: sentence("A visit at your address on file"),
    Channel.PUBLIC_NOTICE.value: sentence("A public notice"),
}
_MESSAGE = sentence("A message to you")


def standing(case: OwnCase) -> Sentence:
    """Return how a case stands."""
    if case.state == CaseState.CLOSED.value:
        return _ENDS[case.process].get(case.outcome or "", _CALLED_OFF)
    if case.state == CaseState.PAUSED.value:
        return _PAUSED
    stages, waits = _STAGES[case.process]
    return stages.get(case.stage, waits)


def coming(case: OwnCase) -> Sentence | None:
    """Return what the company will do next that reaches the employee, unless something happens before."""
    if case.coming is None:
        return None
    return next((_BY_HAND[one] for one in case.coming.channels if one in _BY_HAND), _MESSAGE)


def name_of_matter(process: Process) -> Sentence:
    """Return what a kind of case is called to the person whom it is about."""
    return _NAMES[process]
