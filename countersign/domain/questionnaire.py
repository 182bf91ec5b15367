"""The questionnaire for somebody who leaves: its questions, what an answer may be, and what is counted.

It is voluntary and holds nothing up. What one person answered is for HR alone. Figures are made of groups of
`GROUP` people of one branch in the order in which their time to answer ended: a group is counted whole or not
at all, so that no choice of days lets anybody work out what a single person said.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

from countersign.domain.departure import DepartureKind

GROUP = 5
"""How many people's answers are shown together at least."""
SCALE = (1, 2, 3, 4, 5)
"""What a question of kind scale can be answered with: not at all, up to fully."""
YES, NO = "yes", "no"
LONGEST_ANSWER = 2000
OPEN_DAYS = 14


class QuestionKind(StrEnum):
    """How a question is answered."""

    CHOICE = "choice"
    SCALE = "scale"
    YES_NO = "yes_no"
    TEXT = "text"


class Fault(StrEnum):
    """What is wrong with an answer."""

    MISSING = "missing"
    UNKNOWN = "unknown"
    TOO_LONG = "too_long"


class Reply(StrEnum):
    """What became of a questionnaire: nothing yet, answered, or declined, also after it was answered."""

    NONE = "none"
    ANSWERED = "answered"
    DECLINED = "declined"


@dataclass(frozen=True)
class Option:
    """One choice of a question."""

    id: str
    zh: str
    en: str


@dataclass(frozen=True)
class Question:
    """One question; `options` only for a choice. One that is not `optional` is needed where one answers."""

    id: str
    kind: QuestionKind
    zh: str
    en: str
    options: tuple[Option, ...] = ()
    optional: bool = False

    @property
    def values(self) -> tuple[str, ...]:
        """What it can be answered with; empty for a text."""
        return {
            QuestionKind.CHOICE: tuple(one.id for one in self.options),
            QuestionKind.SCALE: tuple(str(one) for one in SCALE),
            QuestionKind.YES_NO: (YES, NO),
            QuestionKind.TEXT: (),
        }[self.kind]

    def fault(self, answer: str) -> Fault | None:
        """Say what is wrong with an answer; an empty one leaves the question out."""
        if not answer:
            return None if self.optional else Fault.MISSING
        if self.kind is QuestionKind.TEXT:
            return Fault.TOO_LONG if len(answer) > LONGEST_ANSWER else None
        return None if answer in self.values else Fault.UNKNOWN


@dataclass(frozen=True)
class Questionnaire:
    """The questions of a policy, for which kinds of departure, and how long they stay open.

    `open_days` are the days after the last day, on which answers can still be given and changed.
    """

    questions: tuple[Question, ...]
    kinds: tuple[DepartureKind, ...] = tuple(DepartureKind)
    open_days: int = OPEN_DAYS

    def open_until(self, last_day: date) -> date:
        """Return the last day on which it can be answered."""
        return last_day + timedelta(days=self.open_days)


# -- figures ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Given:
    """The answers of one person whose questionnaire is over; `day` is when the employment ended.

    `over_on` is the last day on which they could answer.
    """

    departure_id: str
    branch_id: str
    day: date
    questions: tuple[Question, ...]
    answers: Mapping[str, str] = field(repr=False)
    over_on: date


@dataclass(frozen=True)
class Figures:
    """What people answered to one question: how many in whole groups, and of these how many each value."""

    question: Question
    counted: int
    counts: Mapping[str, int]

    @property
    def mean(self) -> float | None:
        """The mean of a scale, rounded to one digit; None for other questions."""
        if self.question.kind is not QuestionKind.SCALE:
            return None
        return round(sum(int(value) * n for value, n in self.counts.items()) / self.counted, 1)


def figures(given: Iterable[Given], within: Callable[[date], bool]) -> tuple[Figures, ...]:
    """Count answers by question in groups of `GROUP`; questions for words are never counted.

    `given` must hold everybody of the branches in it, whenever they left: the groups follow from all of them.
    `within` says whether a day lies in the span. A question without a whole group in it is not returned, so
    that nobody learns whether a certain person answered. The same id with other options is another question;
    of several wordings the newest is shown.
    """
    newest: dict[_Same, Question] = {}
    counts: dict[_Same, Counter[str]] = {}
    filling: dict[tuple[_Same, str], list[tuple[date, str]]] = {}
    # By the day from which they count: who left early and may answer for longer joins at the end, since
    # among groups that were shown before they would shift everybody behind them, and tell their answer.
    for one in sorted(given, key=lambda one: (one.over_on, one.departure_id)):
        for question in one.questions:
            answer = one.answers.get(question.id, "")
            if question.kind is QuestionKind.TEXT or question.fault(answer) or not answer:
                continue
            same = (question.id, question.values)
            newest[same] = question
            group = filling.setdefault((same, one.branch_id), [])
            group.append((one.day, answer))
            if len(group) == GROUP:
                if all(within(day) for day, _ in group):
                    counts.setdefault(same, Counter()).update(answer for _, answer in group)
                group.clear()
    return tuple(
        Figures(question, counts[same].total(), {one: counts[same][one] for one in question.values})
        for same, question in newest.items()
        if same in counts
    )


_Same = tuple[str, tuple[str, ...]]
