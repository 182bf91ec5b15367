"""What a departure starts with: a wish read against the books, or the first reason why it cannot be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from countersign.adapters.database.own_departure import OF_ONESELF
from countersign.adapters.database.people import PersonFile, person_file, person_named
from countersign.adapters.database.policy_book import policy_for, why_off
from countersign.adapters.database.scope import Scope
from countersign.adapters.database.starts import CannotStart, stored_policy
from countersign.adapters.database.tables import (
    Branch,
    Departure,
    Employment,
    HandoverItem,
    Holding,
    Leave,
    Person,
)
from countersign.contracts.cases import Process
from countersign.contracts.leave_return import LeaveKind
from countersign.domain.calendar import WorkCalendar
from countersign.domain.certificate import contract_term
from countersign.domain.departure import (
    ARTICLE,
    CLOSED_ITEMS,
    GROUNDS,
    NEEDS_NOTICE,
    DepartureKind,
    Ground,
    ProposedBy,
    Track,
)
from countersign.domain.employment import has_left
from countersign.domain.local_time import day_in
from countersign.domain.offboarding import (
    Asks,
    HandoverPolicy,
    KindTemplate,
    OffboardingPolicy,
    Reminder,
    StatutoryPolicy,
    reminders,
)
from countersign.domain.offboarding_policy import handover_policy, offboarding_policy, statutory_policy
from countersign.domain.refusal import Refusal

YEARS_AHEAD = 3
NOTICE_DAYS = 30
"""Notice of a resignation (article 37) and of a dismissal without fault (article 40)."""

PROTECTED = frozenset({LeaveKind.MATERNITY.value, LeaveKind.INJURY.value, LeaveKind.SICK.value})
"""Leaves during which article 42 forbids a dismissal under articles 40 and 41."""

RECEIVED_BY_PEOPLE = frozenset({Track.DOCUMENTS, Track.CUSTOMERS})
"""Tracks whose items pass to a colleague; equipment goes back to administration."""

_BARRED = frozenset({Ground.NO_FAULT, Ground.LAYOFF})
_DECIDED: Mapping[DepartureKind, ProposedBy] = {
    DepartureKind.RESIGNATION: ProposedBy.EMPLOYEE,
    DepartureKind.DISMISSAL: ProposedBy.EMPLOYER,
    DepartureKind.ABSENCE: ProposedBy.EMPLOYER,
}
_SAME_MANY = 5


@dataclass(frozen=True)
class DepartureWish:
    """What somebody wants to start.

    `employee` and `successor` are employee numbers or ids. `ground` None takes the first of the kind,
    `proposed_by` None what the kind says, of an agreement and an expiry the employer. `policy` is a stored
    name or a whole policy; None takes the one that the branch has chosen. `overdue` decides reminders that a
    late start has missed: `run_now` or `skip`.
    """

    employee: str
    kind: DepartureKind
    last_day: date
    noticed_on: date
    ground: Ground | None = None
    proposed_by: ProposedBy | None = None
    successor: str | None = None
    policy: str | Mapping[str, Any] | None = None
    overdue: Mapping[str, str] = field(default_factory=dict)
    reason: str = field(default="", repr=False)


@dataclass(frozen=True)
class Terms:
    """A wish that may be started, with everything it names.

    `receivers` holds for each holding who takes it over; None is administration. `leaves` are those that
    cover today.
    """

    wish: DepartureWish
    file: PersonFile
    employment: Employment
    ground: Ground
    proposed_by: ProposedBy
    successor: Person | None
    policy: OffboardingPolicy
    policy_version: str
    statutory: StatutoryPolicy
    statutory_version: str
    handover: HandoverPolicy
    holdings: tuple[Holding, ...]
    receivers: Mapping[str, Person | None]
    leaves: tuple[Leave, ...]
    today: date

    @property
    def branch(self) -> Branch:
        """The branch of the leaver."""
        return self.file.branch

    @property
    def template(self) -> KindTemplate:
        """What belongs to this kind."""
        return self.policy.template(self.wish.kind)

    @property
    def needs_notice(self) -> bool:
        """Whether the employment ends only when the employer's notice is delivered."""
        return self.wish.kind in NEEDS_NOTICE

    @property
    def asks_at_once(self) -> bool:
        """Whether the leaver is asked from the start on, with no reminders before the last day."""
        return self.template.asks is Asks.AT_ONCE

    @property
    def facts(self) -> str | None:
        """What the employer's notice rests on; of other ends the reason is nobody's text."""
        return self.wish.reason.strip() or None if self.needs_notice else None

    def reminders(self, calendar: WorkCalendar) -> tuple[Reminder, ...]:
        """Return the reminders before the last day."""
        if self.asks_at_once:
            return ()
        return reminders(self.wish.last_day, self.policy, calendar, self.branch.zone)


def leaver_of(session: Session, wish: DepartureWish, scope: Scope) -> tuple[Person, Employment]:
    """Return who leaves and their newest employment; raises `Refusal`."""
    person = person_named(session, wish.employee)
    if person is None or not scope.covers(person, person.branch_id):
        raise Refusal(
            "employee",
            f"employee: nobody here has the employee number or id {wish.employee[:40]!a}; correct it, or "
            "import the employee first",
        )
    if person.id == scope.own:
        raise Refusal("employee", OF_ONESELF.format(field="employee"))
    employment = newest_employment(session, person.id)
    if employment is None:
        raise Refusal(
            "employee",
            "employee: has no employment on record; import the hiring date (入职日期) with the roster, then "
            "start again",
        )
    return person, employment


def terms_of(
    session: Session, wish: DepartureWish, person: Person, employment: Employment, now: datetime
) -> Terms:
    """Read a wish against the books; raises `Refusal` or `CaseFileError` for the first thing to mend."""
    file = person_file(session, person)
    today = day_in(now, file.branch.zone)
    _check_employment(employment, wish, today)
    _check_days(wish, today)
    ground, proposed_by = _ground(wish), _proposed_by(wish)
    leaves = _leaves(session, person.id, today)
    _check_protection(ground, leaves)
    policy, version = _offboarding(session, wish, file.branch.id)
    statutory, statutory_version = _statutory(session, file.branch.id)
    successor = _successor(session, wish, person, today)
    tracks = policy.template(wish.kind).tracks
    holdings = tuple(one for one in _holdings(session, person.id) if Track(one.track) in tracks)
    receivers = _receivers(session, wish, person, successor, holdings, today)
    return Terms(
        wish=wish,
        file=file,
        employment=employment,
        ground=ground,
        proposed_by=proposed_by,
        successor=successor,
        policy=policy,
        policy_version=version,
        statutory=statutory,
        statutory_version=statutory_version,
        handover=_handover(session, file.branch.id),
        holdings=holdings,
        receivers=receivers,
        leaves=leaves,
        today=today,
    )


def newest_employment(session: Session, person_id: str) -> Employment | None:
    """Return the employment of a person that began last."""
    query = (
        select(Employment).where(Employment.person_id == person_id).order_by(col(Employment.hired_on).desc())
    )
    return session.exec(query).first()


def switched_off(session: Session, branch_id: str) -> str | None:
    """Say which of the three processes of a departure is switched off in a branch; None when none is."""
    for process in (Process.OFFBOARDING, Process.HANDOVER, Process.STATUTORY):
        off = why_off(session, process, branch_id)
        if off is not None:
            return off
    return None


def check_last_day(last_day: date, today: date) -> None:
    """Refuse a last day in the past or out of sight."""
    if last_day < today:
        raise Refusal("last_day", f"last_day: {last_day} is in the past; name today or a later day")
    if last_day > _years_later(today, YEARS_AHEAD):
        raise Refusal("last_day", f"last_day: {last_day} is more than {YEARS_AHEAD} years ahead; correct it")


def taken_over_elsewhere(session: Session, person_id: str) -> str | None:
    """Say what somebody who leaves is still to take over from others; None where there is nothing."""
    rows = session.exec(
        select(Person.number, func.count())
        .select_from(HandoverItem)
        .join(Departure, col(Departure.case_id) == col(HandoverItem.departure_id))
        .join(Person, col(Person.id) == col(Departure.person_id))
        .where(
            HandoverItem.receiver_id == person_id,
            col(HandoverItem.state).not_in([state.value for state in CLOSED_ITEMS]),
            col(Departure.holds).is_not(None),
            col(Departure.closed_at).is_(None),
        )
        .group_by(Person.number)
        .order_by(col(Person.number))
    ).all()
    if not rows:
        return None
    told = ", ".join(f"{number} ({count})" for number, count in rows)
    return (
        f"This person is still to take over items from others who leave: {told}; name another receiver "
        "there, or they wait for somebody who is gone"
    )


def warnings_of(terms: Terms) -> tuple[str, ...]:
    """Return in words what HR should know before the start, and what does not stop it."""
    wish = terms.wish
    notice = (wish.last_day - wish.noticed_on).days
    found = []
    if terms.ground is Ground.RESIGNATION and notice < NOTICE_DAYS:
        found.append(
            f"Between notice and last day lie {notice} days; a resignation takes {NOTICE_DAYS}, in "
            "probation 3 (劳动合同法37), unless both sides agree on an earlier day"
        )
    if terms.ground in _BARRED and notice < NOTICE_DAYS:
        found.append(
            f"Between notice and last day lie {notice} days; this ground takes {NOTICE_DAYS} of notice, "
            "or one month's wage instead (劳动合同法40, 41)"
        )
    if terms.needs_notice:
        found.append(
            "Tell the trade union the reasons before the notice goes out (劳动合同法43), and keep its "
            "answer; without a union, the staff representative"
        )
    if terms.needs_notice and not wish.reason.strip():
        found.append(
            "No reason is given, so the notice states no facts; a court wants to read what it rests on"
        )
    if wish.kind is DepartureKind.ABSENCE and terms.leaves:
        found.append(
            "A leave on record covers today: somebody on leave is not absent; look into it before you start"
        )
    if wish.kind in {DepartureKind.MUTUAL, DepartureKind.CONTRACT_END} and wish.proposed_by is None:
        found.append(
            "Who proposed the end was not said; it is taken to be the employer, so compensation is due "
            "(劳动合同法46)"
        )
    job = terms.employment
    if contract_term(job.contract_type, job.contract_starts_on, job.contract_ends_on) is None:
        found.append(
            "The term of the contract is not on record, and the certificate must name it (实施条例24); "
            "import it with the roster before the last day"
        )
    if not terms.file.person.post:
        found.append(
            "The post is not on record, and the certificate must name it (实施条例24); import it with the "
            "roster before the last day"
        )
    return tuple(found)


def _check_employment(employment: Employment, wish: DepartureWish, today: date) -> None:
    if has_left(employment.ended_on, today):
        raise Refusal(
            "employee",
            f"employee: the employment ended on {employment.ended_on}; nothing is left to start. Of somebody "
            "hired again, import the new hiring date first",
        )
    if wish.last_day < employment.hired_on:
        raise Refusal("last_day", "last_day: lies before the day of hiring; correct one of the two")


def _check_days(wish: DepartureWish, today: date) -> None:
    # A last day lies not before today and a notice not after it, so the two are in order as well.
    check_last_day(wish.last_day, today)
    if wish.noticed_on > today:
        raise Refusal(
            "noticed_on", f"noticed_on: {wish.noticed_on} is still to come; start once notice was given"
        )


def _ground(wish: DepartureWish) -> Ground:
    known = GROUNDS[wish.kind]
    ground = wish.ground or known[0]
    if ground not in known:
        raise Refusal(
            "ground",
            f"ground: {ground.value} is no ground of {wish.kind.value}; choose one of {', '.join(known)}",
        )
    return ground


def _proposed_by(wish: DepartureWish) -> ProposedBy:
    decided = _DECIDED.get(wish.kind)
    if decided is not None and wish.proposed_by not in (None, decided):
        raise Refusal(
            "proposed_by", f"proposed_by: the {decided.value} ends a {wish.kind.value}; leave it out"
        )
    return decided or wish.proposed_by or ProposedBy.EMPLOYER


def _leaves(session: Session, person_id: str, today: date) -> tuple[Leave, ...]:
    query = select(Leave).where(
        Leave.person_id == person_id, col(Leave.starts_on) <= today, col(Leave.ends_on) >= today
    )
    return tuple(session.exec(query).all())


def _check_protection(ground: Ground, leaves: Sequence[Leave]) -> None:
    if ground in _BARRED and any(leave.kind in PROTECTED for leave in leaves):
        raise Refusal(
            "ground",
            f"ground: 劳动合同法42 forbids an end under {ARTICLE[ground]} during pregnancy and maternity "
            "leave, medical treatment or a work injury, and such a leave covers today; wait until it "
            "is over, or choose another ground",
        )


def _offboarding(session: Session, wish: DepartureWish, branch_id: str) -> tuple[OffboardingPolicy, str]:
    wanted = wish.policy
    if wanted is None:
        wanted = policy_for(session, Process.OFFBOARDING, branch_id)
    if not isinstance(wanted, str):
        return offboarding_policy(dict(wanted), "policy"), "inline"
    body, version = _stored(session, Process.OFFBOARDING, wanted)
    return offboarding_policy(body, f"policy {wanted}"), version


def _statutory(session: Session, branch_id: str) -> tuple[StatutoryPolicy, str]:
    wanted = policy_for(session, Process.STATUTORY, branch_id)
    body, version = _stored(session, Process.STATUTORY, wanted)
    return statutory_policy(body, f"policy {wanted}"), version


def _handover(session: Session, branch_id: str) -> HandoverPolicy:
    wanted = policy_for(session, Process.HANDOVER, branch_id)
    body, _ = _stored(session, Process.HANDOVER, wanted)
    return handover_policy(body, f"policy {wanted}")


def _stored(session: Session, process: Process, name: str) -> tuple[dict[str, Any], str]:
    try:
        stored = stored_policy(session, process, name)
    except CannotStart as refusal:
        raise Refusal(refusal.field, str(refusal)) from None
    return stored.body, f"{name}@{stored.version}"


def _successor(session: Session, wish: DepartureWish, leaver: Person, today: date) -> Person | None:
    if wish.successor is None:
        return None
    person = person_named(session, wish.successor)
    if person is None:
        raise Refusal(
            "successor",
            f"successor: nobody has the employee number or id {wish.successor[:40]!a}; correct it",
        )
    why = _why_no_receiver(session, person, leaver, wish.last_day, today)
    if why is not None:
        raise Refusal("successor", f"successor: {why}; choose somebody else")
    return person


def _why_no_receiver(
    session: Session, person: Person, leaver: Person, last_day: date, today: date
) -> str | None:
    """Say why somebody cannot take over; None when they can."""
    if person.id == leaver.id:
        return f"{person.number} is the person who leaves"
    employment = newest_employment(session, person.id)
    if employment is not None and has_left(employment.ended_on, today):
        return f"{person.number} has left on {employment.ended_on}"
    leaving = session.exec(
        select(Departure).where(
            Departure.person_id == person.id,
            col(Departure.holds).is_not(None),
            col(Departure.last_day) <= last_day,
        )
    ).first()
    return (
        None if leaving is None else f"{person.number} leaves on {leaving.last_day}, no later than the leaver"
    )


def _holdings(session: Session, person_id: str) -> Sequence[Holding]:
    query = (
        select(Holding)
        .where(Holding.person_id == person_id)
        .order_by(col(Holding.track), col(Holding.reference))
    )
    return session.exec(query).all()


def _receivers(
    session: Session,
    wish: DepartureWish,
    leaver: Person,
    successor: Person | None,
    holdings: Sequence[Holding],
    today: date,
) -> dict[str, Person | None]:
    """Return who takes over each holding; refuse what nobody would take over."""
    named = {one.receiver_id for one in holdings if one.receiver_id is not None}
    people = {one: session.get_one(Person, one) for one in sorted(named)}
    for person in people.values():
        why = _why_no_receiver(session, person, leaver, wish.last_day, today)
        if why is not None:
            mine = [one.reference for one in holdings if one.receiver_id == person.id]
            raise Refusal(
                "successor", f"items: {why}, and is to take over {_listed(mine)}; name another receiver there"
            )
    found = {
        one.id: people[one.receiver_id]
        if one.receiver_id is not None
        else (successor if Track(one.track) in RECEIVED_BY_PEOPLE else None)
        for one in holdings
    }
    nobodys = [
        one.reference for one in holdings if Track(one.track) in RECEIVED_BY_PEOPLE and found[one.id] is None
    ]
    if nobodys:
        raise Refusal(
            "successor",
            f"successor: nobody is named to take over {_listed(nobodys)}; name a successor, or a receiver in "
            "each of them",
        )
    return found


def _listed(references: Sequence[str]) -> str:
    named = ", ".join(references[:_SAME_MANY])
    more = len(references) - _SAME_MANY
    return f"{named} and {more} more" if more > 0 else named


def _years_later(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28) + timedelta(days=1)
