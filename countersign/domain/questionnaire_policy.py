"""The questionnaire of a policy of departures as people write it."""

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, StrictBool, StrictInt, StrictStr, model_validator

from countersign.domain.departure import DepartureKind
from countersign.domain.input_models import InputModel, one_of
from countersign.domain.policy_file import Text
from countersign.domain.questionnaire import OPEN_DAYS, Option, Question, QuestionKind, Questionnaire

MOST_QUESTIONS, FEWEST_OPTIONS, MOST_OPTIONS = 20, 2, 12
LONGEST_QUESTION, LONGEST_OPTION, MOST_OPEN_DAYS = 200, 60, 90

_ID = re.compile(r"[a-z][a-z0-9_]{0,39}")


def _id(value: str) -> str:
    if not _ID.fullmatch(value):
        raise ValueError("must be 1 to 40 small letters, digits and _, beginning with a letter")
    return value


def _short(most: int) -> AfterValidator:
    def checked(value: str) -> str:
        if len(value) > most:
            raise ValueError(f"has {len(value)} characters; shorten it to {most}")
        return value.strip()

    return AfterValidator(checked)


def _kinds(kinds: list[DepartureKind]) -> list[DepartureKind]:
    if not kinds:
        raise ValueError(f"is empty; name one or more of {', '.join(DepartureKind)}")
    return [kind for kind in DepartureKind if kind in kinds]


def _open_days(days: int) -> int:
    if not 0 <= days <= MOST_OPEN_DAYS:
        raise ValueError(f"must be 0 to {MOST_OPEN_DAYS} days")
    return days


Id = Annotated[StrictStr, AfterValidator(_id)]
Kind = Annotated[DepartureKind, BeforeValidator(one_of(DepartureKind, "kind of departure"))]


class OptionModel(InputModel):
    """One choice as written."""

    id: Id
    zh: Annotated[Text, _short(LONGEST_OPTION)]
    en: Annotated[Text, _short(LONGEST_OPTION)]


def _options(options: list[OptionModel]) -> list[OptionModel]:
    if len({one.id for one in options}) < len(options):
        raise ValueError("names an id twice; give each choice its own")
    return options


class QuestionModel(InputModel):
    """One question as written."""

    id: Id
    kind: Annotated[QuestionKind, BeforeValidator(one_of(QuestionKind, "kind of question"))]
    zh: Annotated[Text, _short(LONGEST_QUESTION)]
    en: Annotated[Text, _short(LONGEST_QUESTION)]
    options: Annotated[list[OptionModel], AfterValidator(_options)] = Field(default=[])
    optional: StrictBool = False

    @model_validator(mode="after")
    def _has_options_when_it_is_a_choice(self) -> "QuestionModel":
        few = FEWEST_OPTIONS <= len(self.options) <= MOST_OPTIONS
        if self.kind is QuestionKind.CHOICE and not few:
            raise ValueError(
                f"has {len(self.options)} options; a choice has {FEWEST_OPTIONS} to {MOST_OPTIONS}"
            )
        if self.kind is not QuestionKind.CHOICE and self.options:
            raise ValueError("has options; only a question of kind choice has any")
        return self


def _questions(questions: list[QuestionModel]) -> list[QuestionModel]:
    if not 1 <= len(questions) <= MOST_QUESTIONS:
        raise ValueError(f"holds {len(questions)} questions; ask 1 to {MOST_QUESTIONS}")
    if len({one.id for one in questions}) < len(questions):
        raise ValueError("names an id twice; give each question its own")
    return questions


class QuestionnaireModel(InputModel):
    """The questionnaire as written; `kinds` are the kinds of departure that are asked."""

    kinds: Annotated[list[Kind], AfterValidator(_kinds)] = Field(default=list(DepartureKind))
    open_days: Annotated[StrictInt, AfterValidator(_open_days)] = OPEN_DAYS
    questions: Annotated[list[QuestionModel], AfterValidator(_questions)]


def questionnaire_of(model: QuestionnaireModel | None) -> Questionnaire | None:
    """Turn a questionnaire as written into the domain's value."""
    if model is None:
        return None
    questions = tuple(
        Question(
            one.id,
            one.kind,
            one.zh,
            one.en,
            tuple(Option(each.id, each.zh, each.en) for each in one.options),
            one.optional,
        )
        for one in model.questions
    )
    return Questionnaire(questions, tuple(model.kinds), model.open_days)
