"""Writes the people of a roster, a hundred or so in one transaction."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from sqlmodel import Session, col, select

from countersign.adapters.database.consents import with_consent
from countersign.adapters.database.queries import select_columns
from countersign.adapters.database.tables import (
    Branch,
    Case,
    Departure,
    EmergencyContact,
    Employment,
    Leave,
    Person,
)
from countersign.adapters.roster.agreement import CASE_IS_RUNNING
from countersign.adapters.roster.cells import Code, RosterRow
from countersign.adapters.roster.changes import Change, Fields, How, Ledger, Of, plain
from countersign.adapters.roster.columns import CONTRACT_FIELDS
from countersign.adapters.roster.lines import Headers, Line
from countersign.adapters.sheets import RowError
from countersign.domain.certificate import ContractType
from countersign.domain.employment import has_left
from countersign.domain.regions import Region
from countersign.domain.yaml_text import shown
from countersign.ids import new_id

DAYS_AFTER_WHICH_NO_CASE_STARTS = 30

Schedule = Callable[[Session, str, Person], None]
"""Called with the transaction, the leave's id and the person for each leave that a case should follow."""


_PERSON_FIELDS = (
    "id_number", "phone", "email", "preferred_channel", "department", "post", "manager_number",
    "service_address", "e_delivery_consent_on",
)  # fmt: skip

_SIGNED = ("service_address", "e_delivery_consent_on")
"""What a signed consent settles; a date in a file is the weaker form of it."""


@dataclass(frozen=True)
class PersonOrder:
    """One person with the good rows of the file; all rows agree on everything but the leave."""

    number: str
    lines: tuple[Line, ...]
    present: frozenset[str]
    branch_region: Region
    today: date

    @property
    def values(self) -> RosterRow:
        """What all rows of the person agree on."""
        return self.lines[0].values


@dataclass
class Written:
    """What a transaction did: cases to follow leaves, rows refused after all, sentences to tell."""

    cases: int = 0
    refused: list[RowError] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    ledger: Ledger = field(default_factory=Ledger)


def write_people(
    session: Session, chunk: list[PersonOrder], headers: Headers, schedule: Schedule | None
) -> Written:
    """Write some people; without `schedule` nothing is sent to the database and nothing is scheduled."""
    written = Written()

    def flush() -> None:
        # The tables know their foreign keys, but the session does not: parents go first.
        if schedule is not None:
            session.flush()

    with session.no_autoflush:
        branches = _keep_branches(session, chunk, written)
        flush()
        numbers = [order.number for order in chunk]
        stored = {p.number: p for p in session.exec(select(Person).where(col(Person.number).in_(numbers)))}
        signed = with_consent(session, [person.id for person in stored.values()])
        for order in chunk:
            new = order.number not in stored
            if new:
                stored[order.number] = _new_person(session, order, branches)
            person = stored[order.number]
            told, differs = _told(person, order, signed=person.id in signed)
            move = _move(session, person, branches[order.values.branch or ""], new=new)
            written.ledger.keep(
                order.lines[0].row, Of.PERSON, (order.number,), person, new=new, also=move, **told
            )
            if differs:
                written.warnings.append(
                    f"the person of row {order.lines[0].row} has signed a consent, which counts; their "
                    "service address and consent date in the file are not taken"
                )
        flush()
        ids = [person.id for person in stored.values()]
        _keep_employments(session, chunk, stored, ids, written)
        _keep_contacts(session, chunk, stored, ids, written.ledger)
        leaves = _keep_leaves(session, chunk, stored, ids, headers, written)
        flush()
    for order, leave in leaves:
        written.cases += 1
        if schedule is not None:
            schedule(session, leave.id, stored[order.number])
    return written


def _keep_branches(session: Session, chunk: list[PersonOrder], written: Written) -> dict[str, Branch]:
    wanted = {order.values.branch or "": order for order in reversed(chunk)}
    stored = {b.name: b for b in session.exec(select(Branch).where(col(Branch.name).in_(wanted)))}
    for name, order in sorted(wanted.items(), key=lambda pair: pair[1].lines[0].row):
        place = order.branch_region
        new = name not in stored
        if new:
            stored[name] = Branch(id=new_id(), name=name, region=place.name, zone=place.zone)
            session.add(stored[name])
        elif stored[name].region == place.name:
            continue
        else:
            written.warnings.append(
                f"the branch {shown(name)} moves from {stored[name].region} to {place.name}"
            )
        row = order.lines[0].row
        written.ledger.keep(
            row, Of.BRANCH, (name,), stored[name], new=new, region=place.name, zone=place.zone
        )
    return stored


def _new_person(session: Session, order: PersonOrder, branches: dict[str, Branch]) -> Person:
    values = order.values
    branch = branches[values.branch or ""]
    person = Person(id=new_id(), number=order.number, name=values.name or "", branch_id=branch.id)
    session.add(person)
    return person


def _told(person: Person, order: PersonOrder, *, signed: bool) -> tuple[dict[str, Any], bool]:
    """Return what is taken of a person; and whether the file differs from what they signed, which is kept."""
    values = order.values
    changes: dict[str, Any] = {
        name: getattr(values, name) for name in _PERSON_FIELDS if name in order.present
    }
    differs = False
    for name in _SIGNED if signed else ():
        told = changes.pop(name, None)
        differs = differs or (told is not None and told != getattr(person, name))
    if changes.get("preferred_channel") is not None:
        changes["preferred_channel"] = changes["preferred_channel"].value
    if values.language is not None:
        changes["language"] = values.language
    return {"name": values.name, **changes}, differs


def _move(session: Session, person: Person, branch: Branch, *, new: bool) -> Fields:
    """Put a person into a branch; return the names of both branches where that is news."""
    if new:
        return {"branch": (None, branch.name)}
    if person.branch_id == branch.id:
        return {}
    before = session.get_one(Branch, person.branch_id).name
    person.branch_id = branch.id
    return {"branch": (before, branch.name)}


def _keep_employments(
    session: Session, chunk: list[PersonOrder], people: dict[str, Person], ids: list[str], written: Written
) -> None:
    settled = _settled_ends(session, ids)
    found = session.exec(select(Employment).where(col(Employment.person_id).in_(ids)))
    stored = {(one.person_id, one.hired_on): one for one in found}
    for order in chunk:
        hired_on, left_on = order.values.hired_on, order.values.left_on
        if hired_on is None:
            continue
        person = people[order.number]
        one = stored.get((person.id, hired_on))
        new = one is None
        if one is None:
            one = Employment(id=new_id(), person_id=person.id, hired_on=hired_on)
            session.add(one)
        told, row = _contract(order), order.lines[0].row
        if "left_on" in order.present and settled.get(one.id, left_on) != left_on:
            written.warnings.append(
                f"row {row}: a departure has settled when this employment ended, which counts; the day of "
                "leaving in the file is not taken"
            )
        elif "left_on" in order.present and one.id not in settled:
            ended = has_left(left_on, order.today)
            back = one.state == "ended" and not ended
            told |= {"ended_on": left_on, "state": "ended" if ended else "active" if back else one.state}
        key = (order.number, hired_on.isoformat())
        written.ledger.keep(row, Of.EMPLOYMENT, key, one, new=new, **told)


def _settled_ends(session: Session, people: list[str]) -> dict[str, date]:
    """Return by employment the day on which a departure has ended it; no file moves that."""
    rows = session.exec(
        select_columns(Departure.employment_id, Departure.ended_on).where(
            col(Departure.person_id).in_(people),
            col(Departure.ended_on).is_not(None),
            col(Departure.withdrawn_at).is_(None),
        )
    )
    return dict(rows.all())


def _contract(order: PersonOrder) -> dict[str, Any]:
    """Return the term of the contract, where the file has columns for it; with two days it is fixed."""
    if not order.present.intersection(CONTRACT_FIELDS):
        return {}
    values = order.values
    kind = values.contract_type or (ContractType.FIXED if values.contract_ends_on else None)
    return {
        "contract_type": None if kind is None else kind.value,
        "contract_starts_on": values.contract_starts_on,
        "contract_ends_on": values.contract_ends_on,
    }


def _keep_contacts(
    session: Session, chunk: list[PersonOrder], people: dict[str, Person], ids: list[str], ledger: Ledger
) -> None:
    found = session.exec(select(EmergencyContact).where(col(EmergencyContact.person_id).in_(ids)))
    stored = {contact.person_id: contact for contact in found}
    for order in chunk:
        if "emergency_contact" not in order.present:
            continue
        values, person, row = order.values, people[order.number], order.lines[0].row
        contact = stored.get(person.id)
        if values.emergency_contact is None:
            if contact is not None:
                ledger.note(Change(row, Of.CONTACT, (order.number,), How.GONE, _last_words(contact)))
                session.delete(contact)
            continue
        new = contact is None
        if contact is None:
            contact = EmergencyContact(person_id=person.id, name=values.emergency_contact)
            session.add(contact)
        changes: dict[str, tuple[str, Any]] = {
            "relation": ("relation", values.relation),
            "emergency_contact_phone": ("phone", values.emergency_contact_phone),
            "emergency_contact_consent_on": ("consent_on", values.emergency_contact_consent_on),
        }
        kept = dict(change for name, change in changes.items() if name in order.present)
        ledger.keep(row, Of.CONTACT, (order.number,), contact, new=new, name=values.emergency_contact, **kept)


def _last_words(contact: EmergencyContact) -> Fields:
    told = {name: getattr(contact, name) for name in ("name", "relation", "phone", "consent_on")}
    return {name: (plain(value), None) for name, value in told.items() if value is not None}


def _keep_leaves(
    session: Session,
    chunk: list[PersonOrder],
    people: dict[str, Person],
    ids: list[str],
    headers: Headers,
    written: Written,
) -> list[tuple[PersonOrder, Leave]]:
    """Write leaves and return those that a case should follow."""
    found = session.exec(select(Leave).where(col(Leave.person_id).in_(ids)))
    stored = {(leave.person_id, leave.kind, leave.starts_on): leave for leave in found}
    with_case = set(
        session.exec(
            select(Case.leave_id).where(col(Case.leave_id).in_([leave.id for leave in stored.values()]))
        )
    )
    to_follow = []
    for order in chunk:
        for line in order.lines:
            if line.leave is None:
                continue
            kind, starts_on, ends_on = line.leave
            person = people[order.number]
            leave = stored.get((person.id, kind.value, starts_on))
            if leave is not None and leave.ends_on == ends_on:
                continue
            if leave is not None and leave.id in with_case:
                # The case began after the rows were checked.
                error = headers.error(line.row, "leave_ends_on", Code.CONFLICT, CASE_IS_RUNNING)
                written.refused.append(error)
                continue
            new = leave is None
            if leave is None:
                leave = Leave(
                    id=new_id(), person_id=person.id, kind=kind.value, starts_on=starts_on, ends_on=ends_on
                )
                session.add(leave)
            key = (order.number, kind.value, starts_on.isoformat())
            written.ledger.keep(line.row, Of.LEAVE, key, leave, new=new, ends_on=ends_on)
            if order.today - ends_on > timedelta(days=DAYS_AFTER_WHICH_NO_CASE_STARTS):
                written.warnings.append(
                    f"row {line.row}: the leave ended more than {DAYS_AFTER_WHICH_NO_CASE_STARTS} days ago; "
                    "no case is started; start one by hand if it is needed"
                )
            else:
                to_follow.append((order, leave))
    return to_follow
