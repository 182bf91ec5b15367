"""Circulars: one text for several addressees, and for each of them a case of their own with its own chain."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import func
from sqlmodel import Session, col, or_, select

from countersign.adapters.database.beginnings import begin_case
from countersign.adapters.database.circular_file import CircularFile, circular_file
from countersign.adapters.database.engine import Database
from countersign.adapters.database.evidence import EvidenceLog
from countersign.adapters.database.notices import Notices
from countersign.adapters.database.policy_book import COMPANY, policy_for, why_off
from countersign.adapters.database.sifting import PreviewText, Sieve
from countersign.adapters.database.starts import CannotStart, cannot_print, stored_policy
from countersign.adapters.database.tables import Case, Circular, Person
from countersign.adapters.paper import Unprintable
from countersign.contracts.acknowledgement import AcknowledgementInput
from countersign.contracts.cases import CaseState, Process
from countersign.contracts.leave_return import ClockStart
from countersign.domain.acknowledgement import AcknowledgementPolicy
from countersign.domain.acknowledgement_policy import acknowledgement_policy
from countersign.domain.calendar import WorkCalendar
from countersign.domain.evidence import Sealed
from countersign.domain.planner import Plan, plan
from countersign.domain.policy import Audience, Channel
from countersign.domain.sms_cost import SmsEstimate
from countersign.domain.sms_templates import TemplateRefused
from countersign.ids import ladder_workflow_id, new_id

MOST_ADDRESSEES = 1000
INPUT: TypeAdapter[AcknowledgementInput] = TypeAdapter(AcknowledgementInput)

_YEARS_AHEAD = 2
_AT_ONCE = 400
_NAMED = 20


@dataclass(frozen=True)
class CircularWish:
    """What HR wants confirmed.

    `addressees` are employee numbers or ids; `policy` is a stored name or a whole policy. None takes the one
    that the addressees' branch has chosen, or the company when they are of several branches.
    """

    title: str = field(repr=False)
    text: str = field(repr=False)
    addressees: tuple[str, ...] = field(repr=False)
    policy: str | Mapping[str, Any] | None = None


@dataclass(frozen=True)
class AddresseePreview:
    """What would happen for one addressee who stays silent; `missing` are codes of absent contact data."""

    person_id: str
    number: str
    name: str = field(repr=False)
    plan: Plan
    texts: tuple[PreviewText, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True)
class CircularPreview:
    """Everything HR sees before a circular goes out.

    `blocks` says in words what must be mended first, `warnings` what may go wrong; `sms` counts the texts
    that leave when nobody confirms. `fingerprint` is that of the notice, the same for every addressee.
    """

    title: str = field(repr=False)
    text: str = field(repr=False)
    fingerprint: str
    policy_version: str
    addressees: tuple[AddresseePreview, ...]
    blocks: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]
    sms: SmsEstimate


@dataclass(frozen=True)
class CreatedCircular:
    """A circular that was made, with the number of its addressees."""

    circular_id: str
    addressees: int


@dataclass(frozen=True)
class _Laid:
    """A circular laid out but not stored."""

    circular: Circular
    policy: AcknowledgementPolicy
    version: str
    files: tuple[CircularFile, ...]
    shown: CircularPreview
    started: datetime


class Circulars:
    """Previews and makes circulars. `lapse` is the time-lapse factor of the data directory."""

    def __init__(
        self,
        database: Database,
        evidence: EvidenceLog,
        notices: Notices,
        calendar: Callable[[], WorkCalendar],
        clock: Callable[[], datetime],
        lapse: int,
        sieve: Sieve,
    ) -> None:
        self._database, self._evidence, self._notices = database, evidence, notices
        self._calendar, self._clock, self._lapse, self._sieve = calendar, clock, lapse, sieve

    # -- preview ------------------------------------------------------------------------------------------

    def preview(self, wish: CircularWish, branch_id: str | None) -> CircularPreview:
        """Return what a circular would do now; nothing is written.

        `branch_id` limits the addressees to one branch; None is the whole company. Raises `CannotStart`,
        `CaseFileError` or `TemplateFault`.
        """
        with self._database.reading() as session:
            return self._lay_out(session, wish, branch_id, "preview").shown

    def _lay_out(self, session: Session, wish: CircularWish, branch_id: str | None, by: str) -> _Laid:
        people = _addressees(session, wish.addressees, branch_id)
        branches = sorted({person.branch_id for person in people})
        policy, version = _policy(session, wish.policy, branches)
        started = self._clock().replace(microsecond=0)
        circular = Circular(
            id=new_id(),
            branch_id=branch_id,
            title=_one_line(wish.title),
            text=_lines(wish.text),
            sensitive=policy.confidential,
            created_by=by,
            created_at=self._clock(),
        )
        files = tuple(circular_file(session, circular, person) for person in people)
        calendar = self._calendar()
        addressees = tuple(self._addressee(file, policy, calendar, started) for file in files)
        found = self._sieve.sift(session, [text for one in addressees for text in one.texts])
        off = [why for one in branches if (why := why_off(session, Process.ACKNOWLEDGEMENT, one))]
        shown = CircularPreview(
            title=circular.title,
            text=circular.text,
            fingerprint=hashlib.sha256(f"{circular.title}\n{circular.text}".encode()).hexdigest(),
            policy_version=version,
            addressees=addressees,
            blocks=(*(("process", why) for why in off), *found.blocks),
            warnings=found.warnings,
            sms=found.sms,
        )
        return _Laid(circular, policy, version, files, shown, started)

    def _addressee(
        self, file: CircularFile, policy: AcknowledgementPolicy, calendar: WorkCalendar, at: datetime
    ) -> AddresseePreview:
        planned = plan(policy.ladder, calendar, at, file.reach())
        texts: list[PreviewText] = []
        for step in planned.steps:
            confidential = policy.confidential and step.audience is Audience.EMPLOYEE
            try:
                texts += self._notices.preview(
                    file, step.rung, step.audience, step.channels, step.waits_until, confidential
                )
            except TemplateRefused as refusal:
                raise CannotStart("policy.rungs", f"step {step.rung}: {refusal}") from None
            except Unprintable as fault:
                raise cannot_print(step.rung, fault) from None
        person = file.person
        return AddresseePreview(
            person.id, person.number, person.name, planned, tuple(texts), _missing(file, policy)
        )

    # -- making -------------------------------------------------------------------------------------------

    def create(
        self, wish: CircularWish, branch_id: str | None, actor: Mapping[str, Any], request_key: str
    ) -> CreatedCircular:
        """Make a circular, a case for each addressee and the orders to start them, all in one transaction.

        The same `request_key` again returns the first circular. Raises as `preview` does, and `CannotStart`
        for what a preview shows as blocking; then nothing is written.
        """
        return self._database.write(
            lambda session: self._create(session, wish, branch_id, actor, request_key)
        )

    def _create(
        self,
        session: Session,
        wish: CircularWish,
        branch_id: str | None,
        actor: Mapping[str, Any],
        request_key: str,
    ) -> CreatedCircular:
        known = session.exec(select(Circular).where(Circular.request_key == request_key)).first()
        if known is not None:
            count = select(func.count()).select_from(Case).where(Case.circular_id == known.id)
            return CreatedCircular(known.id, session.exec(count).one())
        laid = self._lay_out(session, wish, branch_id, actor["id"])
        if laid.shown.blocks:
            raise CannotStart(*laid.shown.blocks[0])
        laid.circular.request_key = request_key
        session.add(laid.circular)
        session.flush()
        calendar = self._calendar().slice(laid.started.year, laid.started.year + _YEARS_AHEAD)
        cases = [
            self._case(laid, file, one.plan.provisional, calendar)
            for file, one in zip(laid.files, laid.shown.addressees, strict=True)
        ]
        session.add_all(cases)
        session.flush()
        for case, file in zip(cases, laid.files, strict=True):
            self._begin(session, laid, case, file, actor)
        return CreatedCircular(laid.circular.id, len(cases))

    def _case(self, laid: _Laid, file: CircularFile, provisional: bool, calendar: WorkCalendar) -> Case:
        case_id = new_id()
        frozen = AcknowledgementInput(
            case_id=case_id,
            circular_id=laid.circular.id,
            person_id=file.person.id,
            branch_id=file.branch.id,
            policy=laid.policy,
            policy_version=laid.version,
            calendar=calendar,
            reach=file.reach(),
            clock=ClockStart(laid.started, self._lapse),
        )
        return Case(
            id=case_id,
            kind=Process.ACKNOWLEDGEMENT.value,
            workflow_id=ladder_workflow_id(case_id),
            person_id=file.person.id,
            branch_id=file.branch.id,
            circular_id=laid.circular.id,
            policy_version=laid.version,
            frozen=INPUT.dump_python(frozen, mode="json"),
            state=CaseState.STARTING.value,
            stage="starting",
            provisional=provisional,
            clock_factor=self._lapse,
            clock_case=laid.started if self._lapse > 1 else None,
            created_at=laid.circular.created_at,
        )

    def _begin(
        self, session: Session, laid: _Laid, case: Case, file: CircularFile, actor: Mapping[str, Any]
    ) -> None:
        body = {
            "case": case.id,
            "process": case.kind,
            "circular": laid.circular.id,
            "fingerprint": laid.shown.fingerprint,
            "branch": file.branch.id,
            "policy": laid.version,
            "person": {"name": Sealed(file.person.name), "number": Sealed(file.person.number)},
        }
        begin_case(session, self._evidence, case, laid.started, actor, body, laid.circular.created_at)


def _policy(
    session: Session, wanted: str | Mapping[str, Any] | None, branches: Sequence[str]
) -> tuple[AcknowledgementPolicy, str]:
    if wanted is None:
        # One circular has one policy, whoever is to confirm it.
        place = branches[0] if len(branches) == 1 else COMPANY
        wanted = policy_for(session, Process.ACKNOWLEDGEMENT, place)
    if isinstance(wanted, str):
        stored = stored_policy(session, Process.ACKNOWLEDGEMENT, wanted)
        return acknowledgement_policy(stored.body, f"policy {wanted}"), f"{wanted}@{stored.version}"
    return acknowledgement_policy(dict(wanted), "policy"), "inline"


def _addressees(session: Session, wanted: Sequence[str], branch_id: str | None) -> list[Person]:
    """Return the people meant, in the order given; raises `CannotStart` for strangers and for doubles."""
    if not 1 <= len(wanted) <= MOST_ADDRESSEES:
        raise CannotStart(
            "addressees",
            f"addressees: holds {len(wanted)}; name 1 to {MOST_ADDRESSEES}, and make "
            "a second circular for more",
        )
    by_name: dict[str, Person] = {}
    for begin in range(0, len(wanted), _AT_ONCE):
        some = wanted[begin : begin + _AT_ONCE]
        query = select(Person).where(or_(col(Person.number).in_(some), col(Person.id).in_(some)))
        if branch_id is not None:
            query = query.where(Person.branch_id == branch_id)
        for person in session.exec(query):
            by_name[person.id] = by_name[person.number] = person
    strangers = [one for one in wanted if one not in by_name]
    if strangers:
        raise CannotStart(
            "addressees",
            f"addressees: nobody here has the employee number or id {_listed(strangers)}; correct the list, "
            "or import the people first",
        )
    people = [by_name[one] for one in wanted]
    ids = [person.id for person in people]
    twice = [one for index, one in enumerate(wanted) if by_name[one].id in ids[:index]]
    if twice:
        raise CannotStart(
            "addressees", f"addressees: {_listed(twice)} stands there twice; name each person once"
        )
    return people


def _listed(names: Sequence[str]) -> str:
    said = ", ".join(ascii(one[:40])[1:-1] for one in names[:_NAMED])
    return said if len(names) <= _NAMED else f"{said} and {len(names) - _NAMED} more"


def _one_line(title: str) -> str:
    return " ".join(title.split())


def _lines(text: str) -> str:
    """Return a text with one kind of line ends, so that its fingerprint does not hang on who typed it."""
    return "\n".join(
        line.rstrip() for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    ).strip()


def _missing(file: CircularFile, policy: AcknowledgementPolicy) -> tuple[str, ...]:
    """Return what is not on record and would be wanted, as codes."""
    rungs = policy.ladder.rungs
    facts: dict[str, object] = {"phone": file.person.phone, "email": file.person.email}
    if any(rung.audience is Audience.MANAGER for rung in rungs):
        facts["manager"] = file.manager
    if any({Channel.COURIER, Channel.VISIT} & set(rung.channels) for rung in rungs):
        facts["service_address"] = file.person.service_address
    return tuple(name for name, value in facts.items() if not value)
