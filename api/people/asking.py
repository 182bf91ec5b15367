"""The form of a questionnaire for leavers, behind a link and for those who are signed in."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.datastructures import FormData

from api.language import Sentence, sentence
from api.people.forms import FieldError, Typed, has_nonce, text_in
from api.people.ticking import Wrong
from countersign.adapters.database.questionnaires import AskedView, Said
from countersign.domain.questionnaire import LONGEST_ANSWER, Fault, Question, QuestionKind
from countersign.ids import answer_act_id

DECLINED = "declined"
MOST_FIELDS = 60
FORM_LIMIT = 512 * 1024
"""Bytes of a form in which every question for words is answered at length."""

_STALE = sentence("This form is no longer valid. Check your answers and send them again.")
_MISSING = sentence("Choose an answer, or say below that you would rather not answer.")
_NO_WORDS = sentence("Write an answer, or say below that you would rather not answer.")
_UNKNOWN = sentence("Choose one of the answers.")
OVER = FieldError(
    "questionnaire", sentence("The questionnaire is closed; nothing can be answered or changed any more.")
)
"""Somebody answers after the time, or stays after all."""


@dataclass(frozen=True)
class Filled:
    """A questionnaire as it was sent: `answers` by question, `declined` when the other button was pressed."""

    nonce: str = ""
    answers: Mapping[str, str] = field(default_factory=dict, repr=False)
    declined: bool = False


def filled_in(form: FormData, asked: AskedView) -> Filled:
    """Return what stands in a posted form."""
    answers = {one.id: text_in(form, name_of(one)) for one in asked.questionnaire.questions}
    return Filled(text_in(form, "nonce"), answers, form.get("reply") == DECLINED)


def name_of(question: Question) -> str:
    """Return the name of a question's field."""
    return f"q-{question.id}"


def said_in(filled: Filled, asked: AskedView, form_of: str) -> Said:
    """Return what a form says; `form_of` is the id of the link or the account. Raises `Wrong`."""
    if not has_nonce(Typed(nonce=filled.nonce)):
        raise Wrong((FieldError("questionnaire", _STALE),))
    if filled.declined:
        return Said(answer_act_id(form_of, DECLINED, filled.nonce), asked.person_id, None)
    errors = [
        FieldError(name_of(one), _told(fault, one, filled.answers[one.id]))
        for one in asked.questionnaire.questions
        if (fault := one.fault(filled.answers[one.id])) is not None
    ]
    if errors:
        raise Wrong(tuple(errors))
    words = "\n".join(f"{one}={answer}" for one, answer in sorted(filled.answers.items()))
    content = hashlib.sha256(words.encode()).hexdigest()
    return Said(answer_act_id(form_of, content, filled.nonce), asked.person_id, filled.answers)


def _told(fault: Fault, question: Question, answer: str) -> Sentence:
    if fault is Fault.TOO_LONG:
        return sentence(
            "Your text has %(length)s characters; shorten it to %(limit)s.",
            length=len(answer),
            limit=LONGEST_ANSWER,
        )
    if fault is Fault.UNKNOWN:
        return _UNKNOWN
    return _NO_WORDS if question.kind is QuestionKind.TEXT else _MISSING
