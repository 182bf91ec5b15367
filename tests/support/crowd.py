"""A large company: people, and cases at every stage, as rows without processes behind them."""

import random
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import insert

from countersign.adapters.database.tables import Branch, Case, Employment, Leave, Person, Task
from countersign.bootstrap import Parts
from countersign.ids import new_id

_SURNAMES, _GIVEN = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗", "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平"
_STAGES = (
    ("before_end", "employee", None),
    ("ladder", "employee", None),
    ("ladder", "emergency_contact", None),
    ("posting_due", "hr", "1.paper_notice"),
    ("visit_due", "hr", "1.on_site_check"),
    ("extension_review", "hr", "extension_review"),
    ("objection_review", "hr", "objection_review"),
)
_STEPS = (("first_notice", ["sms", "email"]), ("second_reminder", ["sms"]), ("paper_notice", ["courier"]))


def crowd(parts: Parts, people: int, cases: int, *, seed: int = 7) -> None:
    """Put people and open cases into the books; the same seed gives the same company, but for ids."""
    chance, now = random.Random(seed), parts.clock().replace(microsecond=0)
    branches = [
        {"id": new_id(), "name": name, "region": region, "zone": "Asia/Shanghai"}
        for name, region in (
            ("华东分公司", "shanghai"),
            ("华北分公司", "beijing"),
            ("华南分公司", "guangdong"),
        )
    ]
    persons = [_person(chance, number, branches) for number in range(people)]
    rows: dict[Any, list[dict[str, Any]]] = {
        Branch: branches,
        Person: persons,
        Employment: [
            {"id": new_id(), "person_id": p["id"], "hired_on": date(2020, 1, 6), "state": "active"}
            for p in persons
        ],
        Leave: [],
        Case: [],
        Task: [],
    }
    for number in range(cases):
        leave, case, task = _case(chance, persons[number % people], now)
        rows[Leave].append(leave)
        rows[Case].append(case)
        rows[Task] += task
    with parts.database.transaction() as session:
        for table, values in rows.items():
            if values:
                session.connection().execute(insert(table), values)


def _person(chance: random.Random, number: int, branches: list[dict[str, Any]]) -> dict[str, Any]:
    given = "".join(chance.choices(_GIVEN, k=chance.choice((1, 2, 2))))
    return {
        "id": new_id(),
        "number": f"P{number:05}",
        "name": chance.choice(_SURNAMES) + given,
        "phone": f"+86138{number:08}",
        "email": f"p{number}@example.com",
        "preferred_channel": "sms",
        "language": "zh-CN",
        "branch_id": branches[number % len(branches)]["id"],
        "department": chance.choice(("生产部", "销售部", "仓储部", "财务部")),
        "post": "员工",
        "manager_number": f"P{number // 20:05}",
    }


def _case(
    chance: random.Random, person: dict[str, Any], now: datetime
) -> tuple[dict[str, Any], dict[str, Any], list[dict[str, Any]]]:
    stage, holder, key = chance.choice(_STAGES)
    due = now + timedelta(hours=chance.randint(-120, 200))
    ended = now.date() - timedelta(days=chance.randint(1, 20))
    leave = {
        "id": new_id(),
        "person_id": person["id"],
        "kind": "sick",
        "starts_on": ended - timedelta(days=30),
        "ends_on": ended,
    }
    case_id, at = new_id(), due
    steps = []
    for name, channels in _STEPS:
        steps.append(
            {
                "step": f"1.{name}",
                "rung": name,
                "audience": "employee",
                "channels": channels,
                "at": at.isoformat(timespec="seconds"),
                "waits_until": (at + timedelta(days=3)).isoformat(timespec="seconds"),
                "state": "planned" if at > now else "reached",
            }
        )
        at += timedelta(days=3)
    ahead = [
        datetime.fromisoformat(s["at"]) for s in steps if s["state"] == "planned" and "sms" in s["channels"]
    ]
    case = {
        "id": case_id,
        "kind": "leave_return",
        "workflow_id": f"leave-return/{leave['id']}",
        "person_id": person["id"],
        "branch_id": person["branch_id"],
        "leave_id": leave["id"],
        "policy_version": "leave_return_standard@1",
        "frozen": {},
        "state": "running",
        "stage": stage,
        "holder": holder,
        "due_at": due,
        "next_at": min(ahead, default=None),
        "steps": steps,
        "ends_on": ended,
        "provisional": chance.random() < 0.1,
        "clock_factor": 1,
        "created_at": now - timedelta(days=9),
    }
    opened = now - timedelta(hours=chance.randint(1, 90))
    task = {"id": new_id(), "case_id": case_id, "key": key, "kind": stage, "holder": holder}
    return leave, case, [] if key is None else [task | {"due_at": due, "opened_at": opened}]
