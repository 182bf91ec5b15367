"""Which target was told of which alarm, so that each is told once and a failing one disturbs no other."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from countersign.adapters.database.engine import Database
from countersign.adapters.database.tables import Alarm, AlarmTold
from countersign.adapters.logs import redact
from countersign.domain.alerts import MOST_A_MINUTE, AlarmNote
from countersign.ids import new_id
from countersign.retries import ALERT_CLAIM

_WORTH_TELLING = timedelta(days=1)
_MOST_AT_ONCE = 1000


@dataclass(frozen=True)
class Claim:
    """Alarms that one process tells one target now, in at most `room` messages; `tries` failed before."""

    notes: tuple[AlarmNote, ...] = ()
    room: int = 0
    tries: int = 0


class AlarmBook:
    """The books of telling. Targets stand in it by a key that opens nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(self, target: str, now: datetime) -> Claim:
        """Take what this target was not told of yet, for `ALERT_CLAIM`; nothing while the target must wait.

        An alarm is taken when its minute is over, so that the alarms of a minute share a message, and while
        it is younger than a day.
        """
        with self._database.reading() as session:
            if session.exec(_open().where(col(Alarm.at) < _minute(now)).limit(1)).first() is None:
                return Claim()
        return self._database.write(lambda session: self._claim(session, target, now))

    def _claim(self, session: Session, target: str, now: datetime) -> Claim:
        known = {
            row.alarm_id: row
            for row in session.exec(
                select(AlarmTold)
                .join(Alarm, col(Alarm.id) == col(AlarmTold.alarm_id))
                .where(AlarmTold.target == target, col(Alarm.told_at).is_(None))
            )
        }
        untold = [row for row in known.values() if row.told_at is None]
        room = MOST_A_MINUTE - _messages_since(session, target, now - timedelta(minutes=1))
        if room <= 0 or any(row.next_at > now for row in untold):
            return Claim()
        taken = []
        for alarm in session.exec(
            _open()
            .where(col(Alarm.at) < _minute(now), col(Alarm.at) > now - _WORTH_TELLING)
            .order_by(col(Alarm.at))
        ).all():
            row = known.get(alarm.id)
            if row is not None and row.told_at is not None:
                continue
            if row is None:
                row = AlarmTold(alarm_id=alarm.id, target=target)
            row.next_at = now + ALERT_CLAIM
            session.add(row)
            # The sentence is free of personal data by the rule of those who write it; this is the last guard.
            taken.append(AlarmNote(alarm.id, alarm.case_id, redact(alarm.sentence), alarm.at))
            if len(taken) == _MOST_AT_ONCE:
                break
        return Claim(tuple(taken), room, max((row.tries for row in untold), default=0))

    def told(self, target: str, alarm_ids: Sequence[str], now: datetime) -> None:
        """Keep that one message told these alarms to a target."""

        def keep(session: Session) -> None:
            message = new_id()
            for alarm_id in alarm_ids:
                row = session.get_one(AlarmTold, (alarm_id, target))
                row.told_at, row.message = now, message

        self._database.write(keep)

    def put_off(self, target: str, alarm_ids: Sequence[str], tries: int, until: datetime) -> None:
        """Keep that a target did not take these alarms, the `tries`-th time in a row."""

        def keep(session: Session) -> None:
            for alarm_id in alarm_ids:
                row = session.get_one(AlarmTold, (alarm_id, target))
                row.tries, row.next_at = tries, until
                alarm = session.get_one(Alarm, alarm_id)
                alarm.tell_tries = max(alarm.tell_tries, tries)

        self._database.write(keep)

    def close(self, targets: Sequence[str], now: datetime) -> int:
        """Close the alarms that every target knows or that are a day old; return how many were given up.

        What was older than a day when the first target was set up was never tried, so it is not given up.
        """
        with self._database.reading() as session:
            if session.exec(_open().limit(1)).first() is None:
                return 0

        def keep(session: Session) -> int:
            given_up = 0
            rows = session.exec(
                select(AlarmTold)
                .join(Alarm, col(Alarm.id) == col(AlarmTold.alarm_id))
                .where(col(Alarm.told_at).is_(None))
            ).all()
            tried = {row.alarm_id for row in rows}
            told = {(row.alarm_id, row.target) for row in rows if row.told_at is not None}
            for alarm in session.exec(_open()).all():
                known = all((alarm.id, target) in told for target in targets)
                too_old = alarm.at <= now - _WORTH_TELLING
                if known or too_old:
                    alarm.told_at = now
                    given_up += not known and alarm.id in tried
            return given_up

        return self._database.write(keep)


def _open() -> SelectOfScalar[Alarm]:
    """Return the query of alarms about which telling is not over."""
    return select(Alarm).where(col(Alarm.told_at).is_(None))


def _messages_since(session: Session, target: str, since: datetime) -> int:
    return session.exec(
        select(func.count(func.distinct(AlarmTold.message))).where(
            AlarmTold.target == target, col(AlarmTold.told_at) > since
        )
    ).one()


def _minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)
