"""A departure in the books with one receiver and four or more items, and links for both sides."""

import hashlib
import io
from datetime import UTC, date, datetime, timedelta

from PIL import Image

from countersign.adapters.database.tables import (
    Case,
    Delivery,
    Departure,
    HandoverItem,
    Link,
    Notice,
    Person,
)
from countersign.bootstrap import Parts
from countersign.domain.departure import Track
from countersign.ids import new_id
from tests.support.leaving import leaving

NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
LAST_DAY = date(2026, 3, 31)


def link_to(parts: Parts, side: str, case: str, person: str, text: str) -> None:
    """Give somebody a notice in a case, and a link to it that is called after the side."""
    name = f"link-{side}"
    with parts.database.transaction() as session:
        session.add(
            Notice(
                id=f"notice-{side}",
                case_id=case,
                step="1.reminder_7",
                template="reminder",
                audience="employee",
                person_id=person,
                language="zh-CN",
                title=f"通知 {side}",
                text=text,
                fingerprint=hashlib.sha256(side.encode()).hexdigest(),
                answer_by=NOW + timedelta(days=3),
                created_at=NOW,
            )
        )
        session.flush()
        session.add(
            Delivery(
                id=name,
                notice_id=f"notice-{side}",
                case_id=case,
                channel="sms",
                attempt=1,
                state="sent",
                address="+8613800138000",
                text="…",
                created_at=NOW,
            )
        )
        session.flush()
        session.add(
            Link(
                id=name,
                case_id=case,
                notice_id=f"notice-{side}",
                person_id=person,
                key_id="1",
                code_hash=parts.link_keys.hash_of(parts.link_keys.code(name)),
                expires_at=NOW + timedelta(days=60),
            )
        )


def handing_over(parts: Parts, many: int = 0) -> tuple[str, str, str]:
    """Return the departure, the receiver's case and the receiver."""
    case = leaving(parts, LAST_DAY)
    with parts.database.transaction() as session:
        departure = session.get_one(Departure, case)
        receiver = Person(id=new_id(), number="E2000", name="王接收", branch_id=departure.branch_id)
        session.add(receiver)
        session.flush()
        share = Case(
            id=new_id(),
            kind="handover",
            workflow_id="ladder/share",
            person_id=receiver.id,
            branch_id=departure.branch_id,
            departure_id=case,
            policy_version="handover_standard@1",
            state="running",
            stage="waiting",
            created_at=NOW,
        )
        session.add(share)
        session.flush()
        listed = [(Track.DOCUMENTS, "D-1"), (Track.CUSTOMERS, "C-1"), (Track.CUSTOMERS, "C-2")]
        listed += [(Track.EQUIPMENT, "E-1")]
        listed += [(Track.CUSTOMERS, f"M-{number:03}") for number in range(many)]
        for track, reference in listed:
            session.add(
                HandoverItem(
                    id=new_id(),
                    departure_id=case,
                    share_id=share.id,
                    track=track.value,
                    reference=reference,
                    title=f"标题 {reference} <b>&",
                    receiver_id=receiver.id,
                    due_on=LAST_DAY,
                    listed_at=NOW,
                )
            )
        return case, share.id, receiver.id


def photo(size: int = 30) -> bytes:
    """Return a small PNG, as wide as told."""
    out = io.BytesIO()
    Image.new("RGB", (size, 20), "teal").save(out, "PNG")
    return out.getvalue()
