"""The questionnaire for leavers: what a policy may ask, what an answer may be, and what is never counted."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from countersign.domain.departure import DepartureKind
from countersign.domain.offboarding_policy import offboarding_policy
from countersign.domain.policies import refusals, written_out
from countersign.domain.policy_file import CaseFileError
from countersign.domain.questionnaire import (
    GROUP,
    OPEN_DAYS,
    Fault,
    Given,
    Option,
    Question,
    QuestionKind,
    figures,
)

SHIPPED: dict[str, Any] = yaml.safe_load(
    Path("countersign/policies/offboarding_standard.yaml").read_text("utf-8")
)
REASON = Question(
    "reason",
    QuestionKind.CHOICE,
    "原因？",
    "Why?",
    (Option("pay", "薪酬", "Pay"), Option("far", "太远", "Far")),
)
MANAGER = Question("manager", QuestionKind.SCALE, "上级？", "Manager?", optional=True)
AGAIN = Question("again", QuestionKind.YES_NO, "回来？", "Again?", optional=True)
WORDS = Question("words", QuestionKind.TEXT, "还有？", "Else?", optional=True)
ALL = (REASON, MANAGER, AGAIN, WORDS)
FIRST = date(2026, 1, 1)
OPEN = timedelta(days=OPEN_DAYS)


def asking(**changed: Any) -> dict[str, Any]:
    """Return the shipped policy with another questionnaire."""
    return {**SHIPPED, "questionnaire": {**SHIPPED["questionnaire"], **changed}}


def one(**changed: Any) -> list[dict[str, Any]]:
    return [{"id": "a", "kind": "text", "zh": "问", "en": "Ask", **changed}]


def test_the_shipped_questions_are_for_those_who_leave_by_themselves_and_most_may_be_left_out() -> None:
    found = offboarding_policy(SHIPPED, "policy").questionnaire
    assert found is not None
    assert [question.id for question in found.questions if not question.optional] == ["reason"]
    assert 6 <= len(found.questions) <= 8
    assert {question.kind for question in found.questions} == set(QuestionKind)
    assert not {DepartureKind.DISMISSAL, DepartureKind.ABSENCE} & set(found.kinds)
    assert found.open_until(date(2026, 3, 31)) == date(2026, 4, 14)


def test_a_policy_that_was_stored_before_asks_nothing() -> None:
    older = {key: value for key, value in SHIPPED.items() if key != "questionnaire"}
    assert offboarding_policy(older, "policy").questionnaire is None
    assert written_out("offboarding", older)["questionnaire"] is None
    assert offboarding_policy(written_out("offboarding", older), "policy").questionnaire is None


def test_a_policy_that_is_written_out_asks_the_same() -> None:
    again = offboarding_policy(written_out("offboarding", SHIPPED), "policy")
    assert again == offboarding_policy(SHIPPED, "policy")


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"questions": []}, "questionnaire.questions holds 0 questions; ask 1 to 20"),
        ({"questions": one() * 2}, "questionnaire.questions names an id twice; give each question its own"),
        ({"questions": one(id="1a")}, "questionnaire.questions[0].id must be 1 to 40 small letters"),
        (
            {"questions": one(kind="stars")},
            'questionnaire.questions[0].kind is the unknown kind of question "st',
        ),
        (
            {"questions": one(zh=" ")},
            "questionnaire.questions[0].zh is empty; write it or leave the line out",
        ),
        (
            {"questions": one(en="x" * 201)},
            "questionnaire.questions[0].en has 201 characters; shorten it to 200",
        ),
        ({"questions": one(optional="yes")}, "questionnaire.questions[0].optional must be true or false"),
        ({"questions": one(kind="choice")}, "questionnaire.questions[0] has 0 options; a choice has 2 to 12"),
        (
            {"questions": one(options=[{"id": "b", "zh": "选", "en": "B"}])},
            "questionnaire.questions[0] has options; only a question of kind choice has any",
        ),
        (
            {"questions": one(kind="choice", options=[{"id": "b", "zh": "选", "en": "B"}] * 2)},
            "questionnaire.questions[0].options names an id twice; give each choice its own",
        ),
        ({"open_days": 91}, "questionnaire.open_days must be 0 to 90 days"),
        ({"kinds": []}, "questionnaire.kinds is empty; name one or more of resignation"),
        ({"kinds": ["retired"]}, 'questionnaire.kinds[0] is the unknown kind of departure "retired"'),
        (
            {"title": "x"},
            'questionnaire holds the unknown key "title"; known keys: kinds, open_days, questions',
        ),
    ],
)
def test_a_questionnaire_that_makes_no_sense_is_refused_in_words(changed: dict[str, Any], told: str) -> None:
    with pytest.raises(CaseFileError) as refusal:
        offboarding_policy(asking(**changed), "policy")
    assert told in str(refusal.value)
    assert refusals("offboarding", asking(**changed))[0].field.startswith("questionnaire")


@pytest.mark.parametrize(
    ("question", "answer", "fault"),
    [
        (REASON, "", Fault.MISSING),
        (REASON, "pay", None),
        (REASON, "薪酬", Fault.UNKNOWN),
        (MANAGER, "", None),
        (MANAGER, "5", None),
        (MANAGER, "6", Fault.UNKNOWN),
        (MANAGER, "²", Fault.UNKNOWN),
        (AGAIN, "no", None),
        (AGAIN, "maybe", Fault.UNKNOWN),
        (WORDS, "字" * 2000, None),
        (WORDS, "字" * 2001, Fault.TOO_LONG),
    ],
)
def test_an_answer_fits_its_question(question: Question, answer: str, fault: Fault | None) -> None:
    assert question.fault(answer) is fault


# -- figures ----------------------------------------------------------------------------------------------


def given(number: int, branch: str = "B", **answers: str) -> Given:
    """Return what somebody answered who left that many days after the first."""
    day = FIRST + timedelta(days=number)
    return Given(f"{number:03}", branch, day, ALL, {"reason": "pay", **answers}, day + OPEN)


def all_days(_: date) -> bool:
    return True


def days(first: int, last: int) -> Callable[[date], bool]:
    return lambda day: FIRST + timedelta(days=first) <= day <= FIRST + timedelta(days=last)


def test_fewer_than_five_answers_are_not_shown_at_all() -> None:
    assert figures([given(n) for n in range(GROUP - 1)], all_days) == ()


def test_five_answers_are_counted_and_words_never_are() -> None:
    people = [given(n, manager=str(n + 1), words="秘密") for n in range(4)] + [given(4, reason="far")]
    (reason,) = figures(people, all_days)
    assert (reason.question, reason.counted, dict(reason.counts)) == (REASON, 5, {"pay": 4, "far": 1})
    assert reason.mean is None
    people[4] = given(4, manager="1", again="no")
    by_id = {one.question.id: one for one in figures(people, all_days)}
    assert by_id.keys() == {"reason", "manager"}
    assert (by_id["manager"].mean, by_id["manager"].counted) == (2.2, 5)


def test_people_of_several_branches_make_no_group_together() -> None:
    assert figures([given(n, branch="A" if n < 2 else "B") for n in range(6)], all_days) == ()


def test_no_choice_of_days_tells_what_a_single_person_said() -> None:
    """Whatever two spans somebody compares, they differ by whole groups or by nothing."""
    people = [given(n, reason="far" if n == 5 else "pay") for n in range(13)]
    found = [
        dict(shown[0].counts) if (shown := figures(people, days(first, last))) else {"pay": 0, "far": 0}
        for first in range(13)
        for last in range(first, 13)
    ]
    for one_span, other in combinations(found, 2):
        assert (sum(one_span.values()) - sum(other.values())) % GROUP == 0
    assert {span["far"] for span in found if sum(span.values()) < GROUP} == {0}
    # Whoever leaves later changes nothing in the groups before.
    assert figures(people[:12], days(0, 9)) == figures(people, days(0, 9))


def test_whoever_may_answer_for_longer_shifts_no_group_that_was_shown_before() -> None:
    """Else two looks at the same days, before and after, differ by what this one person said."""
    people = [given(n) for n in range(9)]
    long_open = replace(given(2, reason="far"), departure_id="002b", over_on=FIRST + timedelta(days=60))
    assert figures([*people, long_open], days(0, 6)) == figures(people, days(0, 6)) != ()


def test_a_question_with_other_choices_is_another_question_and_a_new_wording_is_shown() -> None:
    reworded = Question("reason", QuestionKind.CHOICE, "主要原因？", "Main reason?", REASON.options)
    other = Question(
        "reason", QuestionKind.CHOICE, "原因？", "Why?", (*REASON.options, Option("x", "他", "X"))
    )
    people = [given(n) for n in range(4)]
    eighth, ninth = FIRST + timedelta(days=8), FIRST + timedelta(days=9)
    people.append(Given("9", "B", ninth, (reworded,), {"reason": "pay"}, ninth + OPEN))
    people += [Given(f"8{n}", "B", eighth, (other,), {"reason": "x"}, eighth + OPEN) for n in range(4)]
    (shown,) = figures(people, all_days)
    assert (shown.question, shown.counted) == (reworded, 5)
