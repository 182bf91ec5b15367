"""Starting cases: preview, the case row with its frozen input, and the order to start the workflow."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from pydantic import TypeAdapter
from sqlmodel import Session, col, select

from countersign.adapters.database.beginnings import begin_case
from countersign.adapters.database.engine import Database
from countersign.adapters.database.evidence import EvidenceLog
from countersign.adapters.database.leave_file import LeaveFile, leave_file
from countersign.adapters.database.next_sending import next_sending
from countersign.adapters.database.notices import Notices
from countersign.adapters.database.policy_book import policy_for, why_off
from countersign.adapters.database.sifting import PreviewText, Sieve
from countersign.adapters.database.tables import Branch, Case, Leave, Outbox, Person, StoredPolicy
from countersign.adapters.paper import Unprintable
from countersign.contracts.cases import CaseState, Process
from countersign.contracts.leave_return import ClockStart, LeaveKind, LeaveReturnInput
from countersign.domain.calendar import WorkCalendar
from countersign.domain.evidence import Sealed
from countersign.domain.leave_return import (
    REMINDER_STEP,
    LeaveDates,
    LeaveReturnPolicy,
    OverdueStep,
    leave_dates,
    overdue_steps,
    preview,
    reminder_leaves,
    step_names,
)
from countersign.domain.leave_return_policy import leave_return_policy
from countersign.domain.planner import Plan
from countersign.domain.policy import Audience, Channel
from countersign.domain.sms_cost import SmsEstimate
from countersign.domain.sms_templates import TemplateRefused
from countersign.ids import leave_return_workflow_id, new_id

INPUT: TypeAdapter[LeaveReturnInput] = TypeAdapter(LeaveReturnInput)
_YEARS_AHEAD = 2


class CannotStart(ValueError):
    """A case that may not start; `field` names what to mend, `quiet` says why without a personal word."""

    def __init__(self, field: str, sentence: str, quiet: str | None = None) -> None:
        super().__init__(sentence)
        self.field, self.quiet = field, quiet or sentence


class SwitchedOff(CannotStart):
    """A case of a process that may not be started in this branch."""

    def __init__(self, sentence: str) -> None:
        super().__init__("process", sentence)


class AlreadyStarted(Exception):
    """A case for this leave exists; `case_id` names it."""

    def __init__(self, case_id: str) -> None:
        super().__init__(f"a case for this leave exists already: {case_id}")
        self.case_id = case_id


@dataclass(frozen=True)
class StartWish:
    """What somebody wants to start; `overdue` decides steps.

    `policy` is a stored name or a whole policy; None takes the one that the branch has chosen.
    """

    leave_id: str
    policy: str | Mapping[str, Any] | None = None
    overdue: Mapping[str, str] = field(default_factory=dict)
    grading_pending: bool | None = None


@dataclass(frozen=True)
class StartPreview:
    """Everything HR sees before a start: dates, steps, texts, what is missing, what is overdue.

    `blocks` says in words what must be mended first, `warnings` what may go wrong; `sms` counts the texts
    that a silent person would get. `reminder_at` is when the reminder would leave, None when none would.
    """

    leave_id: str
    policy_version: str
    dates: LeaveDates
    reminder_at: datetime | None
    plan: Plan
    overdue: tuple[OverdueStep, ...]
    texts: tuple[PreviewText, ...]
    missing: tuple[str, ...]
    existing_case: str | None
    blocks: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]
    sms: SmsEstimate


class Starts:
    """Previews and starts leave-return cases. `lapse` is the time-lapse factor of the data directory."""

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
        self._policies: dict[str, LeaveReturnPolicy] = {}

    # -- policies -----------------------------------------------------------------------------------------

    def policy(
        self, session: Session, wanted: str | Mapping[str, Any] | None, branch_id: str
    ) -> tuple[LeaveReturnPolicy, str]:
        """Return a policy and its version; None is the branch's choice.

        Raises `CannotStart` or `CaseFileError`.
        """
        if wanted is None:
            wanted = policy_for(session, Process.LEAVE_RETURN, branch_id)
        if isinstance(wanted, str):
            stored = stored_policy(session, Process.LEAVE_RETURN, wanted)
            version = f"{wanted}@{stored.version}"  # of one version there is one body, ever
            if version not in self._policies:
                self._policies[version] = leave_return_policy(stored.body, f"policy {wanted}")
            return self._policies[version], version
        return leave_return_policy(dict(wanted), "policy"), "inline"

    # -- preview ------------------------------------------------------------------------------------------

    def preview(self, wish: StartWish) -> StartPreview:
        """Return what a start would do now; nothing is written."""
        with self._database.reading() as session:
            file = self._file(session, wish.leave_id)
            policy, version = self.policy(session, wish.policy, file.branch.id)
            now = self._start_instant(file, policy)
            return self._preview(session, file, policy, version, wish, now)

    def _preview(
        self,
        session: Session,
        file: LeaveFile,
        policy: LeaveReturnPolicy,
        version: str,
        wish: StartWish,
        now: datetime,
    ) -> StartPreview:
        calendar, reach, ends_on = self._calendar(), file.reach(), file.leave.ends_on
        overdue = overdue_steps(ends_on, policy, calendar, reach, now)
        _check_choices(wish.overdue, policy)
        dates, planned = preview(ends_on, policy, calendar, reach, now, wish.overdue)
        if not any(step.channels for step in planned.steps):
            raise CannotStart(
                "policy.rungs",
                "policy.rungs: no step can reach anybody; add a phone number, an e-mail address or a channel",
            )
        existing = session.exec(select(Case.id).where(Case.leave_id == file.leave.id)).first()
        reminder_at = None
        if wish.overdue.get(REMINDER_STEP) != "skip":
            reminder_at = reminder_leaves(dates, policy, calendar, file.branch.zone, now)
        texts = self._texts(file, policy, planned, reminder_at is not None)
        found = self._sieve.sift(session, texts)
        off = why_off(session, Process.LEAVE_RETURN, file.branch.id)
        return StartPreview(
            leave_id=file.leave.id,
            policy_version=version,
            dates=dates,
            reminder_at=reminder_at,
            plan=planned,
            overdue=overdue,
            texts=texts,
            missing=_missing(file, policy),
            existing_case=existing,
            blocks=found.blocks if off is None else (("process", off), *found.blocks),
            warnings=found.warnings,
            sms=found.sms,
        )

    def _texts(
        self, file: LeaveFile, policy: LeaveReturnPolicy, planned: Plan, reminded: bool
    ) -> tuple[PreviewText, ...]:
        """Render every text of the ladder; a template that cannot be rendered stops the start here."""
        texts: list[PreviewText] = []
        steps: list[tuple[str, Audience, tuple[Channel, ...], datetime | None]] = [
            (s.rung, s.audience, s.channels, s.waits_until) for s in planned.steps
        ]
        if reminded:
            steps.insert(0, (REMINDER_STEP, Audience.EMPLOYEE, _reminder_channels(file, policy), None))
        for name, audience, channels, answer_by in steps:
            confidential = policy.confidential and audience is Audience.EMPLOYEE
            try:
                texts += self._notices.preview(file, name, audience, channels, answer_by, confidential)
            except TemplateRefused as refusal:
                raise CannotStart("policy.rungs", f"step {name}: {refusal}") from None
            except Unprintable as fault:
                raise cannot_print(name, fault) from None
        return tuple(texts)

    # -- start --------------------------------------------------------------------------------------------

    def start(self, wish: StartWish, actor: Mapping[str, Any]) -> str:
        """Create the case and the order to start its workflow in one transaction; return the case id.

        Raises `CannotStart`, `CaseFileError`, `TemplateFault`, or `AlreadyStarted`; then nothing is written.
        """
        return self._database.write(lambda session: self.start_in(session, wish, actor))

    def start_in(self, session: Session, wish: StartWish, actor: Mapping[str, Any]) -> str:
        """Do the same inside the caller's transaction."""
        file = self._file(session, wish.leave_id)
        off = why_off(session, Process.LEAVE_RETURN, file.branch.id)
        if off is not None:
            raise SwitchedOff(off)
        policy, version = self.policy(session, wish.policy, file.branch.id)
        started = self._start_instant(file, policy)
        shown = self._preview(session, file, policy, version, wish, started)
        if shown.existing_case is not None:
            raise AlreadyStarted(shown.existing_case)
        if shown.blocks:
            raise CannotStart(*shown.blocks[0])
        case_id, now = new_id(), self._clock()
        frozen = self._input(case_id, file, policy, version, wish, started)
        case = Case(
            id=case_id,
            kind=Process.LEAVE_RETURN.value,
            workflow_id=leave_return_workflow_id(file.leave.id),
            person_id=file.person.id,
            branch_id=file.branch.id,
            leave_id=file.leave.id,
            policy_version=version,
            frozen=INPUT.dump_python(frozen, mode="json"),
            state=CaseState.STARTING.value,
            stage="starting",
            ends_on=file.leave.ends_on,
            provisional=shown.plan.provisional or shown.dates.provisional,
            clock_factor=self._lapse,
            clock_case=started if self._lapse > 1 else None,
            created_at=now,
        )
        case.next_at = next_sending(case, file.branch, started)
        session.add(case)
        session.flush()
        body = {
            "case": case_id,
            "process": case.kind,
            "leave": file.leave.id,
            "leave_kind": file.leave.kind,
            "ends_on": file.leave.ends_on.isoformat(),
            "branch": file.branch.id,
            "policy": version,
            "person": {"name": Sealed(file.person.name), "number": Sealed(file.person.number)},
        }
        begin_case(session, self._evidence, case, started, actor, body, now)
        return case_id

    def _input(
        self,
        case_id: str,
        file: LeaveFile,
        policy: LeaveReturnPolicy,
        version: str,
        wish: StartWish,
        started: datetime,
    ) -> LeaveReturnInput:
        leave = file.leave
        injury = leave.kind == LeaveKind.INJURY.value
        # Silence about the grading of an injury means that it is not known to be over.
        pending = injury if wish.grading_pending is None else wish.grading_pending
        first = min(leave.ends_on, started.date()).year
        calendar = self._calendar().slice(first, first + _YEARS_AHEAD)
        return LeaveReturnInput(
            case_id=case_id,
            leave_id=leave.id,
            person_id=file.person.id,
            branch_id=file.branch.id,
            leave_kind=LeaveKind(leave.kind),
            ends_on=leave.ends_on,
            policy=policy,
            policy_version=version,
            calendar=calendar,
            reach=file.reach(),
            clock=ClockStart(started, self._lapse),
            grading_pending=injury and pending,
            overdue=dict(wish.overdue),
        )

    def _file(self, session: Session, leave_id: str) -> LeaveFile:
        file = leave_file(session, leave_id)
        if file is None:
            raise CannotStart("leave", f"leave: no leave has the id {leave_id[:40]!r}; see GET /leaves")
        if file.leave.ends_on < file.leave.starts_on:
            raise CannotStart(
                "leave", "leave: it ends before it begins; correct the roster and import it again"
            )
        return file

    def _start_instant(self, file: LeaveFile, policy: LeaveReturnPolicy) -> datetime:
        """Return the case's time at the start: now, in whole seconds; in time-lapse the first planned one."""
        now = self._clock().replace(microsecond=0)
        if self._lapse == 1:
            return now
        dates = leave_dates(file.leave.ends_on, policy, self._calendar(), file.branch.zone)
        return max(now, (dates.remind_at or dates.back_until) - timedelta(minutes=1))

    # -- leaves that start by themselves ------------------------------------------------------------------

    def schedule(self, session: Session, leave_id: str) -> None:
        """Put a leave's start into the outbox, due when its reminder is due; again moves the date.

        Also where the process is switched off: whether it starts is decided on that day.
        """
        file = self._file(session, leave_id)
        policy, _ = self.policy(session, None, file.branch.id)
        due = self._due(file.leave, policy, file.branch.zone)
        subject = f"leave/{leave_id}"
        row = session.exec(select(Outbox).where(Outbox.subject == subject)).first()
        if row is None:
            row = Outbox(id=new_id(), kind="leave_due", subject=subject, body={"leave": leave_id}, due_at=due)
            session.add(row)
        elif row.done_at is None:
            row.due_at = due

    def reschedule(self, session: Session) -> None:
        """Move every start that waits to the date that follows from the policy its branch has now."""
        policies: dict[str, LeaveReturnPolicy] = {}
        waiting = (
            select(Outbox, Leave, Branch)
            .join(Leave, col(Outbox.subject) == "leave/" + col(Leave.id))
            .join(Person, col(Person.id) == col(Leave.person_id))
            .join(Branch, col(Branch.id) == col(Person.branch_id))
            .where(Outbox.kind == "leave_due", col(Outbox.done_at).is_(None))
        )
        due: dict[tuple[str, date], datetime] = {}
        for row, leave, branch in session.exec(waiting):
            if branch.id not in policies:
                policies[branch.id], _ = self.policy(session, None, branch.id)
            same = branch.id, leave.ends_on
            if same not in due:
                due[same] = self._due(leave, policies[branch.id], branch.zone)
            if row.due_at != due[same]:
                row.due_at = due[same]
                session.add(row)

    def _due(self, leave: Leave, policy: LeaveReturnPolicy, zone: str) -> datetime:
        """Return when a leave starts by itself: an hour before its reminder; in time-lapse at once."""
        if self._lapse > 1:
            return self._clock()
        dates = leave_dates(leave.ends_on, policy, self._calendar(), zone)
        return (dates.remind_at or dates.back_until) - timedelta(hours=1)


def cannot_print(step: str, fault: Unprintable) -> CannotStart:
    """Return the refusal of a start whose letter could not be printed."""
    quiet = f"step {step}: no font has a character of {fault.places}; ask for a preview, which names it"
    return CannotStart("paper", f"step {step}: {fault}", quiet)


def stored_policy(session: Session, process: Process, name: str) -> StoredPolicy:
    """Return the newest version of a stored policy of a process; raises `CannotStart`."""
    stored = session.exec(
        select(StoredPolicy)
        .where(StoredPolicy.name == name, StoredPolicy.process == process.value)
        .order_by(col(StoredPolicy.version).desc())
    ).first()
    if stored is None:
        raise CannotStart("policy", f"policy: no stored policy is named {name[:40]!a}; see GET /policies")
    return stored


def _check_choices(overdue: Mapping[str, str], policy: LeaveReturnPolicy) -> None:
    known = {REMINDER_STEP, *step_names(policy.ladder)}
    for step, choice in overdue.items():
        if step not in known:
            raise CannotStart("overdue", f"overdue: {step!r} is no step; known: {', '.join(sorted(known))}")
        if choice not in {"run_now", "skip"}:
            raise CannotStart(f"overdue.{step}", f"overdue.{step}: choose run_now or skip")


def _reminder_channels(file: LeaveFile, policy: LeaveReturnPolicy) -> tuple[Channel, ...]:
    reach = file.reach()
    found = [reach.resolve(Audience.EMPLOYEE, channel) for channel in policy.remind_channels]
    return tuple(dict.fromkeys(c for c in found if c is not None))


def _missing(file: LeaveFile, policy: LeaveReturnPolicy) -> tuple[str, ...]:
    """Return what is not on record and would be wanted, as codes."""
    person = file.person
    audiences = {rung.audience for rung in policy.ladder.rungs}
    facts = {
        "phone": person.phone,
        "email": person.email,
        "service_address": person.service_address,
        "e_delivery_consent": person.e_delivery_consent_on,
    }
    if Audience.EMERGENCY_CONTACT in audiences:
        contact = file.contact
        facts["emergency_contact"] = contact.phone if contact else None
        facts["emergency_contact_consent"] = contact.consent_on if contact else None
    if Audience.MANAGER in audiences:
        facts["manager"] = file.manager.id if file.manager else None
    return tuple(name for name, value in facts.items() if not value)
