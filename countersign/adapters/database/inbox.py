"""The inbox: machine reports are stored raw, answered fast, and processed later."""

import hashlib
import json
import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, col, select

from countersign.adapters.database.acts import Acts, NewAct
from countersign.adapters.database.engine import Database
from countersign.adapters.database.tables import Branch, Case, Inbox, Person, Punch
from countersign.contracts.cases import ActKind, Role
from countersign.ids import new_id

log = logging.getLogger("countersign.inbox")
_CLOCKS_DIFFER = timedelta(minutes=5)
REPORT_FIELDS = ("MessageSid", "MessageStatus", "ErrorCode")


class InboxBook:
    """Takes in machine reports and punches.

    `handlers` has for every source what reads its raw form and says in words what came of it.
    """

    def __init__(
        self,
        database: Database,
        handlers: Mapping[str, Callable[[Mapping[str, Any]], str]],
        acts: Acts,
        clock: Callable[[], datetime],
    ) -> None:
        self._database, self._handlers = database, handlers
        self._acts, self._clock = acts, clock

    def keep(self, source: str, raw: Mapping[str, str], token: str | None) -> bool:
        """Store a report once; False for a twin, told by the provider's token, else by the report itself."""
        told = token or json.dumps(
            [raw.get(name) for name in REPORT_FIELDS] if source == "twilio.status" else sorted(raw.items())
        )
        dedup = hashlib.sha256(f"{source}\n{told}".encode()).hexdigest()

        def store(session: Session) -> bool:
            if session.exec(select(Inbox.id).where(Inbox.dedup == dedup)).first() is not None:
                return False
            # U+0000 cannot be stored, and a report is kept rather than refused.
            kept = {name: text.replace("\0", "\ufffd") for name, text in raw.items()}
            session.add(Inbox(id=new_id(), source=source, dedup=dedup, raw=kept, received_at=self._clock()))
            return True

        return self._database.write(store)

    def process(self, limit: int = 100) -> int:
        """Process reports that were stored; return how many."""
        with self._database.reading() as session:
            waiting = list(
                session.exec(
                    select(Inbox)
                    .where(col(Inbox.done_at).is_(None))
                    .order_by(col(Inbox.received_at))
                    .limit(limit)
                )
            )
        for row in waiting:
            try:
                result = self._handlers[row.source](row.raw)
            except (DBAPIError, OSError) as fault:
                # The database or the store of papers is away, not the report at fault: it is taken again.
                log.warning("inbox %s: cannot be processed now: %s", row.id, type(fault).__name__)
                continue
            except Exception as fault:
                # One report that cannot be read must not hold up the ones behind it; its raw form stays.
                log.warning("inbox %s: could not be processed: %s", row.id, type(fault).__name__)
                result = f"could not be processed: {type(fault).__name__}"

            def done(session: Session, row_id: str = row.id, result: str = result) -> None:
                kept = session.get_one(Inbox, row_id)
                kept.done_at, kept.result = self._clock(), result

            self._database.write(done)
        return len(waiting)

    def punch(self, number: str, at: datetime, branch_id: str | None) -> tuple[str, str | None]:
        """Keep a clock-in once; return what it meant and the act it made, if any.

        A punch on or after the first day behind the leave says "back" for a running leave-return case.
        Raises `LookupError` for an unknown employee number, `ValueError` for a time that lies ahead.
        """
        if at > self._clock() + _CLOCKS_DIFFER:
            raise ValueError("at: lies in the future; send clock-ins when they have happened")

        def keep(session: Session) -> tuple[str, Case | None, str]:
            person = session.exec(select(Person).where(Person.number == number)).first()
            if person is None or (branch_id is not None and person.branch_id != branch_id):
                raise LookupError(f"number: no employee has the number {number[:40]!r}")
            known = session.exec(select(Punch).where(Punch.person_id == person.id, Punch.at == at)).first()
            if known is None:
                known = Punch(id=new_id(), person_id=person.id, at=at, received_at=self._clock())
                session.add(known)
            zone = ZoneInfo(session.get_one(Branch, person.branch_id).zone)
            day = at.astimezone(zone).date()
            case = session.exec(
                select(Case).where(
                    Case.person_id == person.id, Case.kind == "leave_return", Case.state != "closed"
                )
            ).first()
            if case is None or case.ends_on is None or day <= case.ends_on:
                return known.id, None, person.id
            return known.id, case, person.id

        punch_id, case, person_id = self._database.write(keep)
        if case is None:
            return "kept", None
        act = self._acts.take(
            NewAct(
                id=f"punch-{punch_id}",
                case_id=case.id,
                kind=ActKind.BACK,
                role=Role.MACHINE,
                actor=f"punch:{person_id}",
                body={"on": at.date().isoformat(), "punch": punch_id},
            )
        )
        return "back", act.id
