"""What the JSON API takes: strict models with closed sets of keys."""

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    model_validator,
)

from api.errors import DAY_WANTED, INSTANT_WANTED
from countersign.adapters.database.consents import Consent
from countersign.adapters.database.letters import CourierReport
from countersign.adapters.database.manual_evidence import ManualKind, ManualResult
from countersign.adapters.database.starts import StartWish
from countersign.adapters.database.stops import StopScope
from countersign.adapters.roster import read_email, read_phone
from countersign.contracts.cases import ActKind
from countersign.domain.courier import CourierState, tracking_number


def _day(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise ValueError(DAY_WANTED) from None


def _instant(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        raise ValueError(INSTANT_WANTED) from None


def _of_our_time(value: date) -> date:
    if not _FIRST_YEAR <= value.year <= _LAST_YEAR:
        raise ValueError(f"must lie in the years {_FIRST_YEAR} to {_LAST_YEAR}")
    return value


_FIRST_YEAR, _LAST_YEAR = 2000, 2200
Day = Annotated[
    date, BeforeValidator(_day), AfterValidator(_of_our_time), Field(json_schema_extra={"format": "date"})
]
Instant = Annotated[AwareDatetime, BeforeValidator(_instant), AfterValidator(_of_our_time)]
TrackingNumber = Annotated[str, Field(max_length=60), AfterValidator(tracking_number)]
Words = Annotated[str, Field(min_length=1, max_length=2000, pattern=r"\S")]


class Strict(BaseModel):
    """Refuses unknown keys and values of the wrong type."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Choice(StrEnum):
    """What becomes of a step that was overdue at the start."""

    RUN_NOW = "run_now"
    SKIP = "skip"


_Choice = Annotated[Choice, Field(strict=False)]


class StartRequest(Strict):
    """Which leave to start, under which policy; `overdue` decides steps whose date has passed."""

    leave: Annotated[str, Field(min_length=1, max_length=40)]
    policy: str | dict[str, Any] | None = None
    overdue: dict[str, _Choice] = {}
    grading_pending: bool | None = None

    def wish(self) -> StartWish:
        """Return the domain's words for it."""
        overdue = {step: choice.value for step, choice in self.overdue.items()}
        return StartWish(self.leave, self.policy, overdue, self.grading_pending)


class EstimateRequest(Strict):
    """Which leaves a bulk start would take in, under which policy."""

    leaves: Annotated[
        list[Annotated[str, Field(min_length=1, max_length=40)]], Field(min_length=1, max_length=200)
    ]
    policy: str | dict[str, Any] | None = None


class StopRequest(Strict):
    """What to stop: everything, one branch, or one provider; and why."""

    scope: Annotated[StopScope, Field(strict=False)]
    subject: Annotated[str, Field(min_length=1, max_length=80)] | None = None
    reason: Words


class ErasureRequest(Strict):
    """Why a closed case's personal values are deleted for good."""

    reason: Words


class LinkCaseRequest(Strict):
    """Which case's evidence is handed over."""

    case: Annotated[str, Field(min_length=26, max_length=26, pattern="^[0-9A-Z]{26}$")]
    reason: Words


class StaffAct(StrEnum):
    """What HR can do in a leave-return case."""

    BACK = ActKind.BACK.value
    SKIP = ActKind.SKIP.value
    PAUSE = ActKind.PAUSE.value
    RESUME = ActKind.RESUME.value
    CANCEL = ActKind.CANCEL.value
    POSTED = ActKind.POSTED.value
    VISITED = ActKind.VISITED.value
    GRADING_DONE = ActKind.GRADING_DONE.value
    EXTENSION_GRANTED = ActKind.EXTENSION_GRANTED.value
    EXTENSION_REFUSED = ActKind.EXTENSION_REFUSED.value
    OBJECTION_ANSWERED = ActKind.OBJECTION_ANSWERED.value
    OVERDUE_DECIDED = ActKind.OVERDUE_DECIDED.value
    SNOOZE = ActKind.SNOOZE.value
    JUMP = ActKind.JUMP.value
    RESEND = ActKind.RESEND.value
    REPLAN = ActKind.REPLAN.value
    PUBLISHED = ActKind.PUBLISHED.value


NEEDS: Mapping[StaffAct, tuple[str, ...]] = {
    StaffAct.SKIP: ("step", "reason"),
    StaffAct.PAUSE: ("reason",),
    StaffAct.RESUME: ("reason",),
    StaffAct.CANCEL: ("reason",),
    StaffAct.POSTED: ("happened_at",),
    StaffAct.PUBLISHED: ("happened_at", "where"),
    StaffAct.VISITED: ("happened_at", "witness", "result"),
    StaffAct.EXTENSION_GRANTED: ("on",),
    StaffAct.EXTENSION_REFUSED: ("reason",),
    StaffAct.OBJECTION_ANSWERED: ("reason",),
    StaffAct.OVERDUE_DECIDED: ("choices",),
    StaffAct.SNOOZE: ("until", "reason"),
    StaffAct.JUMP: ("step", "reason"),
    StaffAct.RESEND: ("reason",),
    StaffAct.REPLAN: ("reason",),
}
"""The fields without which an act cannot be recorded."""


class ActRequest(Strict):
    """One act of HR. Which further fields are needed depends on the act; what was written is sealed."""

    act: Annotated[StaffAct, Field(strict=False)]
    reason: Words | None = None
    step: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    on: Day | None = None
    happened_at: Instant | None = None
    until: Instant | None = None
    courier: Annotated[str, Field(min_length=1, max_length=40, pattern=r"\S")] | None = None
    tracking_number: TrackingNumber | None = None
    courier_number: Annotated[str, Field(min_length=4, max_length=60)] | None = None
    where: Words | None = None
    document: Annotated[str, Field(min_length=26, max_length=26, pattern="^[0-9A-Z]{26}$")] | None = None
    witness: Words | None = None
    result: Words | None = None
    choices: Annotated[dict[str, _Choice], Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        for name in NEEDS.get(self.act, ()):
            if getattr(self, name) is None:
                raise ValueError(f"{self.act.value} needs the field {name}")
        if self.act is StaffAct.POSTED and not (self.tracking_number or self.courier_number):
            raise ValueError(
                "posted needs the field tracking_number, by which the courier's reports find the letter, or "
                "courier_number where there is none"
            )
        return self

    def body(self) -> dict[str, Any]:
        """Return what is free of personal data."""
        told: dict[str, Any] = {"step": self.step}
        told["on"] = self.on.isoformat() if self.on else None
        told["happened_at"] = self.happened_at.isoformat() if self.happened_at else None
        told["until"] = self.until.isoformat() if self.until else None
        told["document"] = self.document
        told["choices"] = {k: v.value for k, v in self.choices.items()} if self.choices else None
        return {name: value for name, value in told.items() if value is not None}

    def words(self) -> dict[str, str]:
        """Return what a person wrote."""
        told = {
            "reason": self.reason,
            "courier": self.courier,
            "tracking_number": self.tracking_number,
            "courier_number": self.courier_number,
            "where": self.where,
            "witness": self.witness,
            "result": self.result,
        }
        return {name: value for name, value in told.items() if value is not None}


class CourierEventRequest(Strict):
    """One report of a courier on a letter; `words` are the courier's own."""

    tracking_number: TrackingNumber
    state: Annotated[CourierState, Field(strict=False)]
    at: Instant
    words: Words | None = None

    def report(self) -> CourierReport:
        """Return the domain's words for it."""
        return CourierReport(self.tracking_number, self.state, self.at, self.words)


class ManualEvidenceForm(BaseModel):
    """What somebody did or saw and writes down; all fields are text of a form."""

    model_config = ConfigDict(extra="forbid")

    kind: ManualKind
    result: ManualResult
    happened_at: Instant
    words: Words
    witness: Annotated[str, Field(max_length=200)] | None = None


class ConsentForm(BaseModel):
    """What a person has signed; all fields are text of a form."""

    model_config = ConfigDict(extra="forbid")

    e_delivery: bool
    signed_on: Day
    service_address: Annotated[str, Field(max_length=500)] | None = None
    mobile: Annotated[str, BeforeValidator(read_phone)] | None = None
    email: Annotated[str, BeforeValidator(read_email)] | None = None

    @model_validator(mode="after")
    def _reaches_somebody(self) -> Self:
        if not (self.service_address or self.mobile or self.email):
            raise ValueError("name at least one of service_address, mobile and email")
        if self.e_delivery and not (self.mobile or self.email):
            raise ValueError("who agrees to electronic delivery names a mobile or an email for it")
        return self

    def consent(self) -> Consent:
        """Return the domain's words for it."""
        return Consent(self.e_delivery, self.signed_on, self.service_address, self.mobile, self.email)


class PunchRequest(Strict):
    """One clock-in."""

    number: Annotated[str, Field(min_length=1, max_length=40)]
    at: Instant
