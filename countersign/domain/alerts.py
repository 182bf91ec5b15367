"""What a group is told of alarms: a sentence each, the case's id and a link; never a person."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from countersign.domain.local_time import to_the_minute

MOST_A_MINUTE = 20
"""WeCom and DingTalk take twenty messages a minute from a robot; DingTalk then shuts it for ten minutes."""

MOST_BYTES = 2000
"""WeCom cuts a text at 2048 bytes; the other robots take more."""

_SENTENCE_CHARACTERS = 300


@dataclass(frozen=True)
class AlarmNote:
    """One alarm as it may leave: `sentence` is free of personal data, `at` is aware."""

    alarm_id: str
    case_id: str | None
    sentence: str
    at: datetime


@dataclass(frozen=True)
class AlertMessage:
    """One message to a group, with the ids of the alarms it tells."""

    title: str
    body: str
    alarm_ids: tuple[str, ...]


def alert_messages(notes: Sequence[AlarmNote], room: int, base_url: str) -> tuple[AlertMessage, ...]:
    """Return at most `room` messages (1 or more) that tell every alarm, the oldest first.

    Alarms of one minute share a message. When there are more minutes than messages, the last message
    says how many alarms remain and where they can be read. A message has at most `MOST_BYTES` bytes; what
    does not fit in is counted in it.
    """
    ordered = sorted(notes, key=lambda note: note.at)
    minutes = [
        tuple(same) for _, same in groupby(ordered, key=lambda note: note.at.replace(second=0, microsecond=0))
    ]
    if len(minutes) <= room:
        return tuple(_of_one_minute(minute, base_url) for minute in minutes)
    rest = tuple(note for minute in minutes[room - 1 :] for note in minute)
    return (*(_of_one_minute(minute, base_url) for minute in minutes[: room - 1]), _summary(rest, base_url))


def _of_one_minute(notes: Sequence[AlarmNote], base_url: str) -> AlertMessage:
    title = f"Countersign: {_counted(len(notes))} at {_local(notes[0].at)}"
    entries = [_entry(note, base_url) for note in notes]
    kept = len(entries)
    while _size(title, _body(entries, kept, base_url)) > MOST_BYTES and kept > 0:
        kept -= 1
    return AlertMessage(title, _body(entries, kept, base_url), tuple(note.alarm_id for note in notes))


def _summary(notes: Sequence[AlarmNote], base_url: str) -> AlertMessage:
    title = f"Countersign: {_counted(len(notes))} more"
    body = (
        f"From {_local(notes[0].at)} to {_local(notes[-1].at)} there were too many for a message each. "
        f"Read them here:\n{_list_url(base_url)}"
    )
    return AlertMessage(title, body, tuple(note.alarm_id for note in notes))


def _body(entries: Sequence[str], kept: int, base_url: str) -> str:
    left_out = len(entries) - kept
    more = [f"and {_counted(left_out)} more:\n{_list_url(base_url)}"] if left_out else []
    return "\n\n".join([*entries[:kept], *more])


def _entry(note: AlarmNote, base_url: str) -> str:
    said = note.sentence
    if len(said) > _SENTENCE_CHARACTERS:
        said = f"{said[: _SENTENCE_CHARACTERS - 1]}…"
    if note.case_id is None:
        return f"{said}\n{_list_url(base_url)}"
    return f"{said}\nCase {note.case_id}\n{base_url}/api/v1/cases/{note.case_id}"


def _counted(number: int) -> str:
    return "1 alarm" if number == 1 else f"{number} alarms"


def _list_url(base_url: str) -> str:
    return f"{base_url}/api/v1/alarms"


def _local(at: datetime) -> str:
    return to_the_minute(at)


def _size(title: str, body: str) -> int:
    return len(f"{title}\n{body}".encode())
