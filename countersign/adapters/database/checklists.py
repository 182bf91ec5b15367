"""Checklists of a departure: accounts to shut, open tasks that pass on, people who report to the leaver."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, select

from countersign.adapters.database.acts import ActView, NewAct
from countersign.adapters.database.booked_acts import BookedActs
from countersign.adapters.database.branch_days import branch_day
from countersign.adapters.database.cases import actor_of, case_now
from countersign.adapters.database.checklist_views import (
    ChecklistsView,
    checklists_view,
    revocations_of,
    successor_of,
    tasks_of,
    team_acts,
    team_of,
)
from countersign.adapters.database.engine import Database
from countersign.adapters.database.evidence import EvidenceLog, parcels
from countersign.adapters.database.items import those_who_left
from countersign.adapters.database.looks import tell_look
from countersign.adapters.database.own_departure import refuse_own
from countersign.adapters.database.people import people_of
from countersign.adapters.database.scope import Scope
from countersign.adapters.database.tables import (
    ActRow,
    Case,
    Departure,
    PassedTask,
    Person,
    Revocation,
    Task,
)
from countersign.contracts.cases import ActKind, Role
from countersign.domain.checklists import (
    AFTER_WITHDRAWAL,
    GIVE_BACK,
    NEEDS_REASON,
    TOLD,
    AccessState,
    TaskState,
    new_superiors,
)
from countersign.domain.evidence import EventKind, Sealed
from countersign.domain.refusal import Refusal
from countersign.ids import new_id

_AFTER_ALL = (AccessState.TO_GIVE_BACK, AccessState.GIVEN_BACK)
_GIVE_BACK_WITHIN = timedelta(days=1)
"""Who stays needs the accounts for the next day's work."""

MOST_TASKS = 2000
"""How many tasks a departure may hold."""


@dataclass(frozen=True)
class ChecklistAct:
    """Who does something on a checklist: `id` is the act's, the same id is the same act.

    `asked` is a hash of what was asked for, kept so that the same id with other content can be told apart.
    """

    id: str
    case_id: str
    role: Role
    actor: str
    asked: str | None = None


@dataclass(frozen=True)
class ListedTask:
    """A task or an approval of the leaver's in another system."""

    system: str
    reference: str
    title: str = field(repr=False)


class Checklists:
    """Keeps the checklists; every change is evidence in the offboarding chain.

    Methods that act return the act's receipt; carry it with `dispatcher.carry(view.id)` afterwards. `Refusal`
    says what is refused; then nothing is changed.
    """

    def __init__(
        self,
        database: Database,
        booked_acts: BookedActs,
        evidence: EvidenceLog,
        clock: Callable[[], datetime],
    ) -> None:
        self._database, self._booked, self._evidence, self._clock = database, booked_acts, evidence, clock

    # -- reading ------------------------------------------------------------------------------------------

    def view(self, case_id: str, scope: Scope) -> ChecklistsView | None:
        """Return the checklists of a departure; None where there is none in the scope."""
        with self._database.reading() as session:
            departure = scope.departure(session, case_id)
            return None if departure is None else checklists_view(session, departure)

    # -- accounts -----------------------------------------------------------------------------------------

    def revoked(
        self, act: ChecklistAct, systems: Sequence[str], state: AccessState, reason: str = ""
    ) -> ActView:
        """Keep what became of the leaver's accounts in one or several systems; `reason` is in words."""
        if state not in TOLD:
            raise Refusal("state", f"state: must be one of {', '.join(TOLD)}")
        if state in NEEDS_REASON and not reason.strip():
            raise Refusal("reason", "reason: is missing; say why the account could not be shut")
        if not systems:
            raise Refusal("systems", "systems: choose at least one system")
        body = {"systems": sorted(set(systems)), "state": state.value}
        new = _new(act, ActKind.REVOKED, body, {"reason": reason.strip()})
        return self._booked.take(new, self._revoke)

    def _revoke(self, session: Session, act: ActRow, case: Case) -> None:
        departure = _departure(session, case)
        rows = {one.system: one for one in revocations_of(session, departure.case_id)}
        unknown = [name for name in act.body["systems"] if name not in rows]
        if unknown:
            known = ", ".join(rows) or "none"
            raise Refusal("systems", f"systems: {', '.join(unknown)} is not on the list; known: {known}")
        reason = act.words.get("reason") or None
        for name in act.body["systems"]:
            row = rows[name]
            before, row.state, row.reason = row.state, act.body["state"], reason
            row.changed_by, row.changed_at = act.actor, act.at
            session.add(row)
            self._tell_access(session, case, act, row, before, EventKind.ACCESS_REVOKED)

    def given_back(
        self, case_id: str, systems: Sequence[str], actor: str, evidence_actor: Mapping[str, Any]
    ) -> None:
        """Keep that accounts that a withdrawn departure had shut were given back; again changes nothing.

        The case is closed by then, so this is no act of it. Raises `Refusal`; then nothing is changed.
        """

        def keep(session: Session) -> None:
            rows = {one.system: one for one in revocations_of(session, case_id)}
            back = {name for name, one in rows.items() if one.state in _AFTER_ALL}
            if not back.issuperset(systems):
                raise Refusal("system", "system: no account of this name is to be given back")
            now, case = self._clock(), session.get_one(Case, case_id)
            refuse_own(session, case.person_id, actor, "system")
            at = case_now(case, now)
            for row in (rows[name] for name in dict.fromkeys(systems)):
                if row.state == AccessState.GIVEN_BACK:
                    continue
                row.state, row.reason = AccessState.GIVEN_BACK.value, None
                row.changed_by, row.changed_at = actor, now
                session.add(row)
                body = {"system": row.system, "access": row.state, "before": AccessState.TO_GIVE_BACK.value}
                key = f"access/{row.id}/given_back"
                self._evidence.append(session, case, key, at, EventKind.ACCESS_RESTORED, evidence_actor, body)
            if all(one.state != AccessState.TO_GIVE_BACK for one in rows.values()):
                task = select(Task).where(Task.case_id == case_id, Task.key == GIVE_BACK)
                for one in session.exec(task):
                    one.done_at = at

        self._database.write(keep)

    def _tell_access(
        self, session: Session, case: Case, act: ActRow, row: Revocation, before: str, kind: EventKind
    ) -> None:
        body: dict[str, Any] = {"act": act.id, "system": row.system, "access": row.state, "before": before}
        if row.reason:
            body["reason"] = Sealed(row.reason)
        key = f"act/{act.id}/access/{row.id}"
        self._evidence.append(session, case, key, act.at, kind, actor_of(session, act), body)

    # -- open tasks ---------------------------------------------------------------------------------------

    def list_tasks(
        self, case_id: str, tasks: Sequence[ListedTask], actor: Mapping[str, Any]
    ) -> tuple[int, int]:
        """Keep the leaver's open tasks of other systems; return how many are new and how many known.

        Raises `Refusal` for a departure that is over, and for more tasks than anybody can have.
        """

        def keep(session: Session) -> tuple[int, int]:
            case = session.get_one(Case, case_id)
            departure = _departure(session, case)
            if departure.closed_at is not None:
                raise Refusal("case", "case: this departure is closed; its tasks are passed on elsewhere")
            known = {(one.system, one.reference) for one in tasks_of(session, case_id)}
            wanted = {(one.system, one.reference): one for one in tasks}
            new = [one for key, one in wanted.items() if key not in known]
            if len(known) + len(new) > MOST_TASKS:
                raise Refusal("tasks", f"tasks: a departure holds at most {MOST_TASKS}; leave some out")
            now = self._clock()
            at = case_now(case, now)
            rows = [
                PassedTask(
                    id=new_id(),
                    departure_id=case_id,
                    system=one.system,
                    reference=one.reference,
                    title=one.title,
                    holder_id=departure.person_id,
                    listed_at=at,
                )
                for one in new
            ]
            session.add_all(rows)
            session.flush()
            self._tell_tasks(session, case, f"tasks/{new_id()}", at, EventKind.TASK_LISTED, actor, rows, {})
            if rows:
                tell_look(session, case, now)
            return len(new), len(wanted) - len(new)

        return self._database.write(keep)

    def move_tasks(self, act: ChecklistAct, tasks: Sequence[str] = (), to: str | None = None) -> ActView:
        """Pass tasks, by their ids, to the employee of a number.

        Without ids all that the leaver still has, without a number to the successor.
        """

        def take(session: Session) -> ActView:
            departure = _departure_of(session, act.case_id)
            receiver = self._receiver(session, departure, to)
            chosen = list(tasks) or [
                one.id
                for one in tasks_of(session, act.case_id)
                if one.holder_id == departure.person_id and one.state == TaskState.OPEN
            ]
            body = {"tasks": sorted(set(chosen)), "to": receiver.id}
            new = _new(act, ActKind.TASKS_MOVED, body)
            return self._booked.take_within(session, new, self._move)

        return self._once(act, take)

    def _move(self, session: Session, act: ActRow, case: Case) -> None:
        _departure(session, case)
        rows = {one.id: one for one in tasks_of(session, case.id)}
        chosen = [rows[one] for one in act.body["tasks"] if one in rows]
        if len(chosen) < len(act.body["tasks"]):
            raise Refusal("tasks", "tasks: one of them is not on this list; open the list again and choose")
        moving = [one for one in chosen if one.holder_id != act.body["to"]]
        if not moving:
            raise Refusal("tasks", "tasks: none is left to be passed on to this person")
        before = self._hand(
            session, moving, dict.fromkeys((one.id for one in moving), act.body["to"]), act.at
        )
        for one in moving:
            one.state = TaskState.MOVED.value
        self._tell_moved(session, case, act, moving, before)

    @staticmethod
    def _hand(
        session: Session, rows: Sequence[PassedTask], to: Mapping[str, str], at: datetime
    ) -> dict[str, str]:
        """Give tasks to other people; return who had each before."""
        before = {one.id: one.holder_id for one in rows}
        for one in rows:
            one.holder_id, one.moved_at = to[one.id], at
            session.add(one)
        return before

    def _tell_moved(
        self, session: Session, case: Case, act: ActRow, rows: Sequence[PassedTask], before: Mapping[str, str]
    ) -> None:
        people = people_of(session, {*before.values(), *(one.holder_id for one in rows)})
        each = {
            one.id: {"before": _named(people[before[one.id]]), "after": _named(people[one.holder_id])}
            for one in rows
        }
        key, actor = f"act/{act.id}/tasks", actor_of(session, act)
        self._tell_tasks(session, case, key, act.at, EventKind.TASK_MOVED, actor, rows, each)

    def _tell_tasks(
        self,
        session: Session,
        case: Case,
        key: str,
        at: datetime,
        kind: EventKind,
        actor: Mapping[str, Any],
        rows: Sequence[PassedTask],
        each: Mapping[str, Mapping[str, Any]],
    ) -> None:
        for number, some in enumerate(parcels(rows)):
            told = [
                {
                    "task": one.id,
                    "system": one.system,
                    "reference": Sealed(one.reference),
                    "title": Sealed(one.title),
                    **each.get(one.id, {}),
                }
                for one in some
            ]
            self._evidence.append(session, case, f"{key}/{number}", at, kind, actor, {"tasks": told})

    # -- people who report to the leaver -------------------------------------------------------------------

    def move_team(self, act: ChecklistAct, to: str | None = None) -> ActView:
        """Let everybody who reports to the leaver report to the employee of a number, else the successor.

        The new superior, and whoever is above them, reports to the leaver's own superior.
        """

        def take(session: Session) -> ActView:
            departure = _departure_of(session, act.case_id)
            receiver = self._receiver(session, departure, to)
            leaver = session.get_one(Person, departure.person_id)
            team = team_of(session, leaver)
            superiors = dict(session.exec(select(Person.number, Person.manager_number)).all())
            after = new_superiors([one.number for one in team], leaver.number, receiver.number, superiors)
            ids = {one.number: one.id for one in team}
            body = {"team": {ids[number]: superior for number, superior in after.items()}, "to": receiver.id}
            new = _new(act, ActKind.TASKS_MOVED, body)
            return self._booked.take_within(session, new, self._move_team)

        return self._once(act, take)

    def _move_team(self, session: Session, act: ActRow, case: Case) -> None:
        departure = _departure(session, case)
        team = people_of(session, act.body["team"])
        if not team:
            raise Refusal("team", "team: nobody reports to this person any longer; nothing is left to do")
        leaver = session.get_one(Person, departure.person_id)
        for one in team.values():
            one.manager_number = act.body["team"][one.id]
            session.add(one)
        after = {one.id: one.manager_number for one in team.values()}
        before = dict.fromkeys(team, leaver.number)
        self._tell_team(session, case, act, list(team.values()), before, after)

    def _tell_team(
        self,
        session: Session,
        case: Case,
        act: ActRow,
        team: Sequence[Person],
        before: Mapping[str, str | None],
        after: Mapping[str, str | None],
    ) -> None:
        actor = actor_of(session, act)
        for number, some in enumerate(parcels(team)):
            told = [
                {"person": one.id, **_named(one), "before": _sealed(before[one.id])}
                | {"after": _sealed(after[one.id])}
                for one in some
            ]
            key = f"act/{act.id}/team/{number}"
            self._evidence.append(session, case, key, act.at, EventKind.TEAM_MOVED, actor, {"team": told})

    # -- turning it round ----------------------------------------------------------------------------------

    def undo(self, session: Session, departure: Departure, act: ActRow, case: Case) -> None:
        """List what was shut to be opened again, give tasks and reports back; the history stays.

        `act` is the withdrawal. A report who has got another superior since keeps that one.
        """
        rows = revocations_of(session, departure.case_id)
        for row in rows:
            after = AFTER_WITHDRAWAL.get(AccessState(row.state))
            if after is not None:
                before, row.state, row.reason = row.state, after.value, None
                row.changed_by, row.changed_at = act.actor, act.at
                session.add(row)
                self._tell_access(session, case, act, row, before, EventKind.ACCESS_RESTORED)
        if any(row.state == AccessState.TO_GIVE_BACK for row in rows):
            session.add(
                Task(
                    id=new_id(),
                    case_id=case.id,
                    key=GIVE_BACK,
                    kind=GIVE_BACK,
                    holder=Role.ADMINISTRATION.value,
                    due_at=act.at + _GIVE_BACK_WITHIN,
                    opened_at=act.at,
                )
            )
        moved = [one for one in tasks_of(session, departure.case_id) if one.state == TaskState.MOVED]
        own = dict.fromkeys((one.id for one in moved), departure.person_id)
        before_ = self._hand(session, moved, own, act.at)
        for one in moved:
            one.state = TaskState.MOVED_BACK.value
        if moved:
            self._tell_moved(session, case, act, moved, before_)
        self._undo_team(session, departure, act, case)

    def _undo_team(self, session: Session, departure: Departure, act: ActRow, case: Case) -> None:
        leaver = session.get_one(Person, departure.person_id)
        given = {k: v for one in team_acts(session, departure.case_id) for k, v in one.body["team"].items()}
        people = people_of(session, given)
        back = [one for one in people.values() if one.manager_number == given[one.id]]
        for one in back:
            one.manager_number = leaver.number
            session.add(one)
        if back:
            after = dict.fromkeys((one.id for one in back), leaver.number)
            self._tell_team(session, case, act, back, given, after)

    # -- what all acts share -------------------------------------------------------------------------------

    def _once(self, act: ChecklistAct, take: Callable[[Session], ActView]) -> ActView:
        """Take an act in whose body is read from the books; the same id again returns the first receipt."""

        def first(session: Session) -> ActView:
            known = session.get(ActRow, act.id)
            if known is None:
                return take(session)
            again = _new(act, ActKind(known.kind), known.body, known.words)
            return self._booked.take_within(session, again, _nothing)

        return self._database.write(first)

    def _receiver(self, session: Session, departure: Departure, to: str | None) -> Person:
        """Return who takes over; raises `Refusal` for the leaver, for who has left, and for nobody."""
        if to is None:
            found = successor_of(session, departure)
            if found is None:
                raise Refusal(
                    "to", "to: this departure names no successor; give the number of who takes over"
                )
        else:
            found = session.exec(select(Person).where(Person.number == to)).first()
            if found is None:
                raise Refusal("to", "to: no employee has this number; correct it")
        if found.id == departure.person_id:
            raise Refusal("to", "to: is the person who leaves; name somebody else")
        case = session.get_one(Case, departure.case_id)
        today = branch_day(session, departure.branch_id, case_now(case, self._clock()))
        if those_who_left(session, [found.id], today):
            raise Refusal("to", "to: has left the company; name somebody else")
        return found


def _nothing(_session: Session, _act: ActRow, _case: Case) -> None:
    return


def _new(
    act: ChecklistAct, kind: ActKind, body: Mapping[str, Any], words: Mapping[str, str] | None = None
) -> NewAct:
    told = {name: text for name, text in (words or {}).items() if text}
    asked = {} if act.asked is None else {"asked": act.asked}
    return NewAct(act.id, act.case_id, kind, act.role, act.actor, body={**body, **asked}, words=told)


def _departure_of(session: Session, case_id: str) -> Departure:
    return _departure(session, session.get_one(Case, case_id))


def _departure(session: Session, case: Case) -> Departure:
    """Return the departure of an offboarding case; raises `Refusal` where nobody leaves any more."""
    found = session.get(Departure, case.id)
    if found is None:
        raise Refusal("case", "case: is no departure; act on the offboarding case")
    if found.withdrawn_at is not None:
        raise Refusal("case", "case: this departure was withdrawn; nobody leaves")
    return found


def _named(person: Person) -> dict[str, Any]:
    return {"id": person.id, "name": Sealed(person.name)}


def _sealed(number: str | None) -> Sealed | None:
    """Return an employee number as the chain holds it; null for nobody."""
    return None if number is None else Sealed(number)
