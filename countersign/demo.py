"""The demo company: loaded once, with one notice under way so that there is something to look at."""

import json
import re
import tempfile
import time
import urllib.request
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from sqlmodel import Session, select

from countersign.adapters.database.departures import DepartureWish
from countersign.adapters.database.migrate import shipped_policies
from countersign.adapters.database.policy_book import COMPANY
from countersign.adapters.database.starts import StartWish
from countersign.adapters.database.tables import (
    Account,
    Employment,
    Leave,
    Person,
    PolicyChoice,
    StoredPolicy,
)
from countersign.bootstrap import Parts
from countersign.contracts.cases import Process, Role
from countersign.domain.departure import DepartureKind, Track
from countersign.domain.ledger import Voucher, advance
from countersign.domain.local_time import day_of
from countersign.imports import import_file
from countersign.sandbox.demo import demo_roster, roster_with_fault
from countersign.sandbox.demo_holdings import demo_holdings

SAMPLE_EMPLOYEE = "E2003"
SAMPLE_POLICY: dict[str, Any] = {
    "name": "demo_at_any_hour",
    "remind_before": {"value": 21, "unit": "calendar_days"},
    "remind_channels": ["preferred", "email", "in_system"],
    "rungs": [
        {
            "name": "first_notice",
            "audience": "employee",
            "channels": ["preferred", "email", "in_system"],
            "wait": {"value": 3, "unit": "calendar_days"},
        },
        {
            "name": "paper_notice",
            "audience": "employee",
            "channels": ["courier"],
            "wait": {"value": 5, "unit": "working_days"},
        },
    ],
}
"""No sending window and an early reminder: what is started by it speaks at once, at whatever hour."""

SAMPLE_LEAVER, SAMPLE_SUCCESSOR = "E2006", "E2003"
"""A regional manager who has resigned and owes five months of her own share of the insurance."""

_SHARE_FEN, _MONTHS = 1_053_00, 5
_AT_ANY_HOUR: dict[Process, dict[str, Any]] = {
    Process.OFFBOARDING: {"remind_channels": ["email", "in_system"]},
    Process.HANDOVER: {},
    Process.STATUTORY: {"certificate_at": "00:00"},
}
"""What the demo company's policies for departures have other than the shipped ones, beside the window."""

DEMO_PASSWORD = "try-it-out-2026"  # noqa: S105  of invented people, on a machine of one's own
DEMO_HR = "wu.xiaolan"
DEMO_ACCOUNTS: tuple[tuple[str, str, Role, dict[str, Any]], ...] = (
    (DEMO_HR, "吴晓岚", Role.HR, {"number": "E1002", "edits_templates": True}),
    ("chu.wenjing", "褚文静", Role.HR, {"number": "E2002", "branch": "上海分公司"}),
    ("zheng.haifeng", "郑海峰", Role.MANAGER, {"number": "E1003", "branch": "北京分公司"}),
    ("chen.siqi", "陈思齐", Role.MANAGER, {"number": "E2001", "branch": "上海分公司"}),
    ("feng.yujie", "冯玉洁", Role.FINANCE, {"number": "E1006"}),
    ("xu.zhigang", "许志刚", Role.ADMINISTRATION, {"number": "E2005"}),
    ("auditor", "审计员", Role.AUDITOR, {}),
    ("lawyer", "法务", Role.LEGAL, {}),
    ("admin", "系统管理员", Role.SYSTEM_ADMINISTRATOR, {"edits_templates": True}),
)
"""Who can sign in to the demo: login, name, role, and what else the account holds."""

_DEMO = "demo"
_CODE = re.compile(r"/n/([0-9A-Z-]{14})")


def load_demo(parts: Parts) -> None:
    """Import the demo roster and start the sample case, before any process that would start cases runs.

    A data directory that has people already is left as it is.
    """
    with parts.database.reading() as session:
        if session.exec(select(Person.id)).first() is not None:
            return
    today = day_of(parts.clock())
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "demo-roster.xlsx"
        file.write_bytes(demo_roster(today))
        result = import_file(parts, "employees", file, dry_run=False, accept_good_rows=False)
    if result["rejected"]:
        raise RuntimeError(f"The demo roster was refused: {result['rejected'][0]['message']}")
    for track in Track:
        parts.holdings.put(demo_holdings(track), _DEMO, None)
    with parts.database.reading() as session:
        leave = session.exec(select(Leave).join(Person).where(Person.number == SAMPLE_EMPLOYEE)).one()
    for login, name, role, more in DEMO_ACCOUNTS:
        parts.accounts.create(login, name, role, created_by=_DEMO, password=DEMO_PASSWORD, **more)
    parts.database.write(lambda session: session.add(_stored_policy(parts)))
    wish = StartWish(leave.id, SAMPLE_POLICY["name"], {"before_end": "run_now"})
    parts.starts.start(wish, {"role": "machine", "id": _DEMO})
    parts.database.write(lambda session: _speak_at_any_hour(session, parts))
    _somebody_leaves(parts, today)


def _speak_at_any_hour(session: Session, parts: Parts) -> None:
    """Let departures of the demo company speak at whatever hour they are tried."""
    for process, body in shipped_policies():
        if (kind := Process(process)) not in _AT_ANY_HOUR:
            continue
        name, at = f"demo_{kind.value}", parts.clock()
        told = {"sending_window": None, **_AT_ANY_HOUR[kind], "name": name}
        mine = {key: value for key, value in {**body, **told}.items() if value is not None}
        session.add(StoredPolicy(name=name, version=1, process=process, body=mine, created_at=at))
        session.add(
            PolicyChoice(branch_id=COMPANY, process=process, policy=name, chosen_by=_DEMO, chosen_at=at)
        )


def _somebody_leaves(parts: Parts, today: date) -> None:
    """Start the departure of somebody who still owes what the company advanced for her."""
    with parts.database.reading() as session:
        mine = select(Employment.id).join(Person).where(Person.number == SAMPLE_LEAVER)
        employment = session.exec(mine).one()

    def advances(session: Session) -> None:
        for month in range(_MONTHS, 0, -1):
            on = today - timedelta(days=30 * month)
            voucher = Voucher(f"{_DEMO}/advance/{month}", employment, on, _DEMO, reference=f"{on:%Y-%m}")
            parts.ledger.book(session, advance(voucher, _SHARE_FEN))

    parts.database.write(advances)
    wish = DepartureWish(
        SAMPLE_LEAVER,
        DepartureKind.RESIGNATION,
        last_day=today + timedelta(days=20),
        noticed_on=today - timedelta(days=12),
        successor=SAMPLE_SUCCESSOR,
        overdue={"reminder_30": "run_now"},
    )
    parts.departures.start(wish, {"role": "machine", "id": _DEMO})


def _stored_policy(parts: Parts) -> StoredPolicy:
    """Return the sample policy as one that the pages offer, so that a tour can start a case by it."""
    return StoredPolicy(
        name=SAMPLE_POLICY["name"],
        version=1,
        process=Process.LEAVE_RETURN,
        body=SAMPLE_POLICY,
        created_at=parts.clock(),
    )


def is_demo(parts: Parts) -> bool:
    """Say whether the data directory holds the demo company."""
    with parts.database.reading() as session:
        made = select(Account.id).where(Account.login == DEMO_HR, Account.created_by == _DEMO)
        return session.exec(made).first() is not None


def practice_roster(today: date) -> bytes:
    """Return a roster (.xlsx) of two new colleagues of the demo company; one row has a fault."""
    return roster_with_fault(today)


def sample_link(base_url: str, outbox_url: str, patience_s: float = 20) -> str | None:
    """Return the link in the newest message to the sample employee; None when none came in time."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        with urllib.request.urlopen(f"{outbox_url}/outbox.json", timeout=5) as answer:  # noqa: S310  our own
            messages = json.load(answer)["messages"]
        for message in messages:
            if found := _CODE.search(message.get("text") or ""):
                return f"{base_url}/n/{found[1]}"
        time.sleep(0.3)
    return None
