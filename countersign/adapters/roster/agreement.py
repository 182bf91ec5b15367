"""The rows of a roster together: what contradicts another row or what the database knows."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass
from datetime import date

from sqlmodel import Session, col, select

from countersign.adapters.database.tables import Branch, Case, Leave, Person
from countersign.adapters.roster.cells import Code, region_in_name
from countersign.adapters.roster.columns import COLUMNS, LEAVE_FIELDS
from countersign.adapters.roster.lines import Headers, Line
from countersign.contracts.leave_return import LeaveKind
from countersign.domain.employment import has_left
from countersign.domain.regions import Region, known_regions, region
from countersign.domain.yaml_text import shown

_PERSONAL = tuple(name for name in COLUMNS if name not in ("number", *LEAVE_FIELDS))


@dataclass(frozen=True)
class Known:
    """What the database knows before the import: the branch of each number, the region of each branch."""

    homes: dict[str, str]
    branches: dict[str, str]
    running: dict[tuple[str, str, date], date]

    @classmethod
    def read(cls, session: Session) -> "Known":
        """Read it in one snapshot."""
        leaves = session.exec(
            select(col(Person.number), col(Leave.kind), col(Leave.starts_on), col(Leave.ends_on))
            .where(col(Leave.person_id) == col(Person.id))
            .where(col(Case.leave_id) == col(Leave.id))
        )
        return cls(
            homes=dict(
                session.exec(
                    select(Person.number, Branch.name).join(Branch, col(Branch.id) == col(Person.branch_id))
                ).all()
            ),
            branches=dict(session.exec(select(Branch.name, Branch.region)).all()),
            running={(number, kind, starts): ends for number, kind, starts, ends in leaves},
        )


def branch_regions(lines: list[Line], known: Known, headers: Headers) -> dict[str, Region]:
    """Find the region of every branch in the file; rows of a branch without one are marked."""
    written: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for line in lines:
        if line.values.branch and line.values.region:
            written[line.values.branch][line.values.region].append(line.row)
    found: dict[str, Region] = {}
    for line in lines:
        branch = line.values.branch
        if branch is None:
            continue
        said = written.get(branch, {})
        if len(said) > 1:
            rows = _listed(sorted(rows[0] for rows in said.values()))
            sentence = f"rows {rows} name different regions for the same branch; a branch has one"
            line.errors.append(headers.error(line.row, "region", Code.CONFLICT, sentence))
            continue
        name = next(iter(said), None) or known.branches.get(branch) or region_in_name(branch)
        if name is not None:
            found[branch] = region(name)
        elif "region" not in line.unread:
            sentence = f"nothing says in which region the branch lies; write one of {_region_list()}"
            line.errors.append(headers.error(line.row, "region", Code.MISSING, sentence))
    return found


def _region_list() -> str:
    return ", ".join(known.zh for known in known_regions())


def _listed(rows: Sequence[int]) -> str:
    return ", ".join(map(str, rows[:-1])) + f" and {rows[-1]}" if len(rows) > 1 else str(rows[0])


def by_number(lines: Iterable[Line]) -> dict[str, list[Line]]:
    """Return the rows of each person, in the file's order."""
    people: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        if line.values.number is not None:
            people[line.values.number].append(line)
    return people


def check_people(
    people: dict[str, list[Line]], headers: Headers, known: Known, today: Callable[[Line], date]
) -> None:
    """Add to every line what contradicts the other rows of the person, or the database."""
    for number, lines in people.items():
        if len(lines) > 1:
            _check_agreement(lines, headers)
            _check_leaves_stand_once(lines, headers)
        for line in lines:
            _check_line(line, number, headers, known, today(line))
    _check_id_numbers(people, headers, today)


def _check_agreement(lines: list[Line], headers: Headers) -> None:
    for name in _PERSONAL:
        read = [line for line in lines if name not in line.unread]
        if len({getattr(line.values, name) for line in read}) > 1:
            rows = _listed([line.row for line in read])
            sentence = f"rows {rows} belong to the same person and say different things; make them agree"
            for line in read:
                line.errors.append(headers.error(line.row, name, Code.CONFLICT, sentence))


def _check_leaves_stand_once(lines: list[Line], headers: Headers) -> None:
    seen: dict[tuple[LeaveKind, date] | None, Line] = {}
    for line in lines:
        if line.leave is None and any(
            getattr(line.values, name) or name in line.unread for name in LEAVE_FIELDS
        ):
            continue
        key = line.leave[:2] if line.leave else None
        first = seen.setdefault(key, line)
        if first is line:
            continue
        if first.leave == line.leave:
            sentence = f"row {first.row} already says the same of this person; delete one of the two"
            line.errors.append(headers.error(line.row, "number", Code.DUPLICATE, sentence))
            continue
        sentence = f"rows {first.row} and {line.row} give two ends to the same leave; keep one of them"
        for one in (first, line):
            one.errors.append(headers.error(one.row, "leave_ends_on", Code.CONFLICT, sentence))


def _check_line(line: Line, number: str, headers: Headers, known: Known, today: date) -> None:
    values = line.values
    if values.manager_number == number:
        line.errors.append(
            headers.error(line.row, "manager_number", Code.CONFLICT, "nobody is their own superior")
        )
    if has_left(values.left_on, today) and values.leave_kind is not None:
        sentence = "the person has left, and nobody is called back from this leave; remove the leave"
        line.errors.append(headers.error(line.row, "leave_kind", Code.CONFLICT, sentence))
    if line.leave is not None:
        kind, starts_on, ends_on = line.leave
        if known.running.get((number, kind.value, starts_on), ends_on) != ends_on:
            line.errors.append(headers.error(line.row, "leave_ends_on", Code.CONFLICT, CASE_IS_RUNNING))


CASE_IS_RUNNING = "a case is running for this leave; change its end in the case"


def _check_id_numbers(people: dict[str, list[Line]], headers: Headers, today: Callable[[Line], date]) -> None:
    """Find one identity under two numbers; a former employment under an old number is none."""
    seen: dict[str, Line] = {}
    for lines in people.values():
        line = lines[0]
        identity, left_on = line.values.id_number, line.values.left_on
        if identity is None or has_left(left_on, today(line)):
            continue
        first = seen.setdefault(identity, line)
        if first is not line:
            sentence = f"row {first.row} gives the same number to another person; correct one of the two"
            for one in lines:
                one.errors.append(headers.error(one.row, "id_number", Code.DUPLICATE, sentence))


def check_managers(
    people: dict[str, list[Line]], headers: Headers, known: Known, accept_good_rows: bool
) -> None:
    """Refuse superiors whom nobody knows; where good rows are taken, also those whose rows are refused."""
    everybody = [line for lines in people.values() for line in lines]
    sentence = "no person with this number is in the file or the database"
    _refuse_managers(everybody, known.homes.keys() | people.keys(), headers, sentence)
    if not accept_good_rows:
        return
    sentence = "the rows of the person with this number are refused, and the database has none"
    left = len(everybody) + 1
    while len(good := [line for line in everybody if line.good]) < left:
        left = len(good)
        there = known.homes.keys() | {line.values.number for line in good if line.values.number}
        _refuse_managers(good, there, headers, sentence)


def check_branch(lines: Iterable[Line], headers: Headers, known: Known, only: str) -> None:
    """Refuse rows of other branches, and people who work in one; `only` is the name of the one branch."""
    for line in lines:
        branch, number = line.values.branch, line.values.number or ""
        if branch is not None and branch != only:
            sentence = f"is not {shown(only)}, the branch you work for; leave this row to that branch"
            line.errors.append(headers.error(line.row, "branch", Code.OTHER_BRANCH, sentence))
        elif known.homes.get(number, only) != only:
            sentence = "belongs to a person of another branch; only head office moves people between branches"
            line.errors.append(headers.error(line.row, "number", Code.OTHER_BRANCH, sentence))


def _refuse_managers(lines: Iterable[Line], there: Set[str], headers: Headers, sentence: str) -> None:
    for line in lines:
        manager = line.values.manager_number
        if manager is not None and manager not in there:
            line.errors.append(headers.error(line.row, "manager_number", Code.UNKNOWN_MANAGER, sentence))
