"""The demo company: loaded once, with one notice under way so that there is something to look at."""

import json
import re
import tempfile
import time
import urllib.request
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlmodel import select

from countersign.adapters.database.starts import StartWish
from countersign.adapters.database.tables import Leave, Person
from countersign.bootstrap import Parts
from countersign.imports import import_file
from countersign.sandbox.demo import demo_roster

SAMPLE_EMPLOYEE = "E2003"
SAMPLE_POLICY = {
    "name": "demo_at_any_hour",
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
"""No sending window, so that the sample notice leaves at once, at whatever hour the demo is started."""

_CODE = re.compile(r"/n/([0-9A-Z-]{14})")


def load_demo(parts: Parts) -> None:
    """Import the demo roster and start the sample case, before any process that would start cases runs.

    A data directory that has people already is left as it is.
    """
    with parts.database.reading() as session:
        if session.exec(select(Person.id)).first() is not None:
            return
    today = parts.clock().astimezone(ZoneInfo("Asia/Shanghai")).date()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "demo-roster.xlsx"
        file.write_bytes(demo_roster(today))
        result = import_file(parts, "employees", file, dry_run=False, accept_good_rows=False)
    if result["rejected"]:
        raise RuntimeError(f"The demo roster was refused: {result['rejected'][0]['message']}")
    with parts.database.reading() as session:
        leave = session.exec(select(Leave).join(Person).where(Person.number == SAMPLE_EMPLOYEE)).one()
    wish = StartWish(leave.id, SAMPLE_POLICY, {"before_end": "run_now"})
    parts.starts.start(wish, {"role": "machine", "id": "demo"})


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
