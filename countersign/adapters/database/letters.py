"""Letters on their way: what a courier reports of a posted letter, kept once and told to the case."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, select

from countersign.adapters.database.cases import case_now, raise_alarm
from countersign.adapters.database.deliveries import ENDED, delivery_body
from countersign.adapters.database.engine import Database
from countersign.adapters.database.evidence import EvidenceLog
from countersign.adapters.database.looks import tell_look
from countersign.adapters.database.receipts import tell_ladder
from countersign.adapters.database.tables import Branch, Case, Delivery, EventRow
from countersign.contracts.cases import Process
from countersign.contracts.notices import SendState
from countersign.domain.courier import (
    EVENT_OF,
    WEAK,
    CourierState,
    code_of,
    courier_words,
    delivery_after,
)
from countersign.domain.evidence import Sealed
from countersign.domain.receipts import DeliveryState, advance

_CLOCKS_DIFFER = timedelta(minutes=5)
_BEFORE_POSTING = timedelta(days=1)
"""HR may write down a posting later in the day than it was."""
_NUMBER_LIVES = timedelta(days=366)
"""Couriers give a number again after years; reports much later are about another letter."""


@dataclass(frozen=True)
class CourierReport:
    """One report on a letter: `at` is when it happened, in the time of the case; `words` the courier's."""

    tracking_number: str = field(repr=False)
    state: CourierState
    at: datetime
    words: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class ReportTaken:
    """What came of a report: the cases of its letters, and whether it said anything new."""

    cases: tuple[str, ...]
    new: bool


class NoSuchLetter(LookupError):
    """No posted letter bears this tracking number."""


class ReportRefused(ValueError):
    """A report that cannot be true; the sentence says why and what to do, `field` where."""

    def __init__(self, sentence: str, field: str = "at") -> None:
        super().__init__(sentence)
        self.field = field


class Letters:
    """Takes in what couriers, files and people report of letters."""

    def __init__(self, database: Database, evidence: EvidenceLog, clock: Callable[[], datetime]) -> None:
        self._database, self._evidence, self._clock = database, evidence, clock

    def take(self, report: CourierReport, branch_id: str | None, actor: Mapping[str, Any]) -> ReportTaken:
        """Take in a report; the same one again changes nothing.

        One envelope can hold the letters of several cases: each of them is told. Raises `NoSuchLetter` for a
        number that no letter of the branch bears, `ReportRefused` for a time that cannot be.
        """
        return self._database.write(lambda session: self._take(session, report, branch_id, actor))

    def check(self, report: CourierReport, branch_id: str | None) -> None:
        """Raise what `take` would raise; nothing is written."""
        with self._database.reading() as session:
            self._letters(session, report, branch_id)

    def knows(self, report: CourierReport, branch_id: str | None) -> bool:
        """Say whether a report stands in the evidence of all its letters; raises like `take`."""
        with self._database.reading() as session:
            return all(
                session.exec(
                    select(EventRow.seq).where(
                        EventRow.case_id == case.id, EventRow.key == _key(delivery, report)
                    )
                ).first()
                is not None
                for delivery, case in self._letters(session, report, branch_id)
            )

    def zone_of(self, tracking_number: str, branch_id: str | None) -> str | None:
        """Return the zone in which a letter's times are written; None for an unknown number."""
        with self._database.reading() as session:
            found = _bearing(session, tracking_number, branch_id)
            return session.get_one(Branch, found[0][1].branch_id).zone if found else None

    def why_not_posted_under(self, case_id: str, tracking_number: str, posted_at: datetime) -> str | None:
        """Say why a letter of this case cannot bear the number: another person's letter does already."""
        with self._database.reading() as session:
            case = session.get_one(Case, case_id)
            for delivery, other in _bearing(session, tracking_number, None):
                near = delivery.by_hand_at is None or abs(posted_at - delivery.by_hand_at) <= _NUMBER_LIVES
                if other.person_id != case.person_id and near:
                    return (
                        "tracking_number: a letter to somebody else bears this number; "
                        "compare it with the waybill"
                    )
        return None

    def _letters(
        self, session: Session, report: CourierReport, branch_id: str | None
    ) -> list[tuple[Delivery, Case]]:
        """Return the letters that a report is about."""
        bearing = _bearing(session, report.tracking_number, branch_id)
        if not bearing:
            raise NoSuchLetter(
                "tracking_number: no posted letter bears this number; record it with the posting first"
            )
        if all(report.at > case_now(case, self._clock()) + _CLOCKS_DIFFER for _, case in bearing):
            raise ReportRefused("at: lies in the future; give the time at which it happened")
        found = [(delivery, case) for delivery, case in bearing if _can_be_about(report, delivery)]
        if not found:
            raise ReportRefused(
                "at: lies before the letter was posted or more than a year behind it; check the date"
            )
        return found

    def _take(
        self, session: Session, report: CourierReport, branch_id: str | None, actor: Mapping[str, Any]
    ) -> ReportTaken:
        found = self._letters(session, report, branch_id)
        new = [self._keep(session, delivery, case, report, actor) for delivery, case in found]
        return ReportTaken(tuple(dict.fromkeys(case.id for _, case in found)), any(new))

    def _keep(
        self,
        session: Session,
        delivery: Delivery,
        case: Case,
        report: CourierReport,
        actor: Mapping[str, Any],
    ) -> bool:
        """Write one report into one chain and let the delivery follow it; False for a twin."""
        body: dict[str, Any] = delivery_body(delivery) | {
            "state": report.state.value,
            "happened_at": report.at.isoformat(),
            "tracking_number": Sealed(report.tracking_number),
            "words": Sealed(report.words) if report.words else None,
            "says": courier_words(report.state),
        }
        at, key = case_now(case, self._clock()), _key(delivery, report)
        if not self._evidence.append(session, case, key, at, EVENT_OF[report.state], actor, body):
            return False
        before = DeliveryState(delivery.state)
        after = advance(before, delivery_after(report.state))
        weak = report.state in WEAK
        if report.state is not CourierState.IN_TRANSIT and not (weak and before is DeliveryState.DELIVERED):
            delivery.courier_result = report.state.value
            delivery.error_code, delivery.sentence = (
                (code_of(report.state), courier_words(report.state)) if weak else (None, None)
            )
        if after is not before:
            delivery.state, delivery.settled_at = after.value, report.at
            if ENDED[after] is not SendState.ACCEPTED or before is DeliveryState.FAILED_PERMANENT:
                tell_ladder(session, case, delivery, ENDED[after], delivery.error_code, self._clock())
        if case.kind == Process.STATUTORY.value and after is DeliveryState.DELIVERED:
            tell_look(session, case, self._clock())
        if weak and case.state != "closed":
            raise_alarm(session, "weak_letter", self._clock(), case.id, f"({courier_words(report.state)})")
        return True


def _bearing(session: Session, tracking_number: str, branch_id: str | None) -> list[tuple[Delivery, Case]]:
    """Return the posted letters that bear a number, the oldest first."""
    query = select(Delivery).where(Delivery.tracking_number == tracking_number).order_by(Delivery.id)
    rows = [(delivery, session.get_one(Case, delivery.case_id)) for delivery in session.exec(query).all()]
    return [(delivery, case) for delivery, case in rows if branch_id in (None, case.branch_id)]


def _can_be_about(report: CourierReport, delivery: Delivery) -> bool:
    posted = delivery.by_hand_at
    return posted is None or posted - _BEFORE_POSTING <= report.at <= posted + _NUMBER_LIVES


def _key(delivery: Delivery, report: CourierReport) -> str:
    return f"courier/{delivery.id}/{_content(report)}"


def _content(report: CourierReport) -> str:
    """Return what tells a report from every other one about the same letter.

    The courier's words are no part of it: the key stays after an erasure, and a hash of words can be guessed.
    """
    told = f"{report.state.value}\n{report.at.timestamp()}"
    return hashlib.sha256(told.encode()).hexdigest()[:32]
