"""The report of departures over a span of days, and each of its tables to take along."""

from collections.abc import Callable, Mapping

from fastapi import Response

from api.console.downloads import list_file
from api.console.drawing import page, word
from api.console.reports import span_asked
from api.console.route import console_router
from api.console.visit import Missing, Reader, Visit
from api.language import Sentence, sentence
from countersign.adapters.database.exit_reports import ExitReport, Stretch
from countersign.adapters.list_files import Value
from countersign.domain.levels import ZH
from countersign.domain.questionnaire import GROUP, NO, YES, Figures, Option, Question

router = console_router()

STRETCHES: Mapping[Stretch, Sentence] = {
    Stretch.NOTICE_TO_END: sentence("From the notice to the last day"),
    Stretch.TO_HAND_OVER: sentence("The leaver hands an item over"),
    Stretch.TO_ACCEPT: sentence("The receiver confirms an item"),
    Stretch.TO_CERTIFICATE: sentence("From the end to the certificate"),
    Stretch.TO_WAGES: sentence("From the end to the final wages"),
    Stretch.TO_INSURANCE: sentence("From the end to the social insurance drop"),
    Stretch.TO_FILE: sentence("From the end to the transfer of the file"),
    Stretch.TO_LIST: sentence("From the end to the unemployment list"),
    Stretch.TO_CLOSE: sentence("From the end to the closed file"),
}
Table = tuple[list[str], list[list[Value]]]


@router.get("/reports/exits")
def exits(visit: Reader) -> Response:
    """Show the departures of the span that the address asks for, by default of ninety days."""
    span, branch = span_asked(visit), visit.asked("branch")[:26]
    report = _read(visit)
    return page(
        visit,
        "console/exit_report.html",
        report=report,
        span=span,
        branch=branch,
        branches=visit.parts.case_lists.branches(visit.scope),
        answers=_answers(visit),
        group=GROUP,
        in_language=lambda one: in_language(one, visit.language),
        answer_words=lambda question, value: answer_words(visit, question, value),
        stretches={one.stretch: visit.words.say(STRETCHES[one.stretch]) for one in report.durations},
    )


@router.get("/reports/exits/{table}.{form}")
def take_along(visit: Reader, table: str, form: str) -> Response:
    """Hand out one table."""
    if table not in _TABLES:
        raise Missing
    headers, rows = _TABLES[table](visit, _read(visit))
    return list_file(form, f"exits-{table}", headers, rows, table)


def _read(visit: Visit) -> ExitReport:
    scope = visit.scope.narrowed(visit.asked("branch")[:26])
    return visit.parts.exit_reports.read(scope, span_asked(visit), visit.parts.clock())


def _answers(visit: Visit) -> tuple[Figures, ...]:
    scope = visit.scope.narrowed(visit.asked("branch")[:26])
    return visit.parts.questionnaires.figures(scope, span_asked(visit), visit.parts.clock())


def _heads(visit: Visit, *heads: str) -> list[str]:
    return [visit.words.gettext(one) for one in heads]


def _kinds(visit: Visit, report: ExitReport) -> Table:
    rows: list[list[Value]] = [
        [
            word(visit.language, "departure", one.kind),
            word(visit.language, "ground", one.ground),
            one.ended,
            one.ahead,
            one.withdrawn,
        ]
        for one in report.exits
    ]
    return _heads(visit, "Kind of departure", "Ground", "Ended", "Still ahead", "Withdrawn"), rows


def _durations(visit: Visit, report: ExitReport) -> Table:
    rows: list[list[Value]] = [
        [visit.words.say(STRETCHES[one.stretch]), one.count, str(one.days), str(one.longest)]
        for one in report.durations
    ]
    return _heads(visit, "Part", "Counted", "Days, median", "Days, longest"), rows


def _late(visit: Visit, report: ExitReport) -> Table:
    rows: list[list[Value]] = [
        [
            word(visit.language, "hand", one.hand.value),
            one.number,
            one.name,
            one.count,
            one.oldest.isoformat(),
            one.days,
        ]
        for one in report.late
    ]
    return _heads(visit, "Whose turn", "Number", "Name", "Items", "Oldest due", "Days late"), rows


def _gates(visit: Visit, report: ExitReport) -> Table:
    rows: list[list[Value]] = [
        [
            word(visit.language, "gate", one.reason.value),
            one.departures,
            one.items,
            f"{one.amount_fen // 100}.{one.amount_fen % 100:02}",
        ]
        for one in report.gates
    ]
    return _heads(visit, "What is in the way", "Departures", "Items", "Owed, yuan"), rows


def _suspended(visit: Visit, report: ExitReport) -> Table:
    rows: list[list[Value]] = [
        [one.number, one.name, one.since.isoformat(), one.days] for one in report.suspended
    ]
    return _heads(visit, "Number", "Name", "Since", "Days"), rows


def _questionnaire(visit: Visit, _: ExitReport) -> Table:
    rows: list[list[Value]] = [
        [
            in_language(one.question, visit.language),
            answer_words(visit, one.question, value),
            count,
            one.counted,
            "" if one.mean is None else str(one.mean),
        ]
        for one in _answers(visit)
        for value, count in one.counts.items()
    ]
    return _heads(visit, "Question", "Answer", "People", "People in all", "Mean"), rows


def in_language(one: Question | Option, language: str) -> str:
    """Return a question or a choice in the language of the page."""
    return one.zh if language == ZH else one.en


def answer_words(visit: Visit, question: Question, value: str) -> str:
    """Return what a value of a question is called."""
    option = next((one for one in question.options if one.id == value), None)
    if option is not None:
        return in_language(option, visit.language)
    return visit.words.gettext({YES: "Yes", NO: "No"}.get(value, value))


_TABLES: Mapping[str, Callable[[Visit, ExitReport], Table]] = {
    "kinds": _kinds,
    "durations": _durations,
    "late": _late,
    "gates": _gates,
    "suspended": _suspended,
    "questionnaire": _questionnaire,
}
