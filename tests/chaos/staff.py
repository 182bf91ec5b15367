"""The company of a run: as many invented people as wanted, each with a leave that ended yesterday."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from countersign.adapters.database.engine import Database
from countersign.adapters.database.tables import Branch, Employment, Leave, Person
from countersign.adapters.real_clock import utc_now
from countersign.ids import new_id

_ZONE = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True)
class Address:
    """Where one person is reached; the last five digits of the number decide a text's end at the stand-in."""

    phone: str
    email: str


def plain(number: int) -> Address:
    """Return addresses at which everything arrives."""
    return Address(f"+1{20_000 + number}55555", f"p{number}@example.com")


def ending(number: int, digits: str) -> Address:
    """Return addresses whose texts end as the stand-in's magic number says."""
    return Address(f"+1{20_000 + number}{digits}", f"p{number}@example.com")


def hire(
    database: Database, count: int, address: Callable[[int], Address] = plain, ended_days_ago: int = 1
) -> list[str]:
    """Put a branch and `count` people with a leave each into the database; return the leaves' ids."""
    last_day = utc_now().astimezone(_ZONE).date() - timedelta(days=ended_days_ago)
    leaves = []
    with database.transaction() as session:
        branch = Branch(id=new_id(), name="北京", region="beijing")
        session.add(branch)
        session.flush()
        for number in range(count):
            reached = address(number)
            person = Person(
                id=new_id(),
                number=f"C{number:05}",
                name=f"甲{number:05}",
                phone=reached.phone,
                email=reached.email,
                preferred_channel="sms",
                branch_id=branch.id,
            )
            session.add(person)
            session.flush()
            session.add(Employment(id=new_id(), person_id=person.id, hired_on=date(2020, 1, 2)))
            leave = Leave(
                id=new_id(),
                person_id=person.id,
                kind="sick",
                starts_on=last_day - timedelta(days=9),
                ends_on=last_day,
            )
            session.add(leave)
            leaves.append(leave.id)
    return leaves


def ladder(*rungs: str, channels: tuple[str, ...] = ("sms",)) -> dict[str, object]:
    """Return a policy that speaks at any hour and waits one calendar day after each rung."""
    wait = {"value": 1, "unit": "calendar_days"}
    return {
        "name": "chaos",
        "remind_before": None,
        "rungs": [
            {"name": rung, "audience": "employee", "channels": list(channels), "wait": wait} for rung in rungs
        ],
    }
