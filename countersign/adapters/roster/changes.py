"""What an import does to each record, so that it can be shown before and undone afterwards."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any

Fields = dict[str, tuple[str | None, str | None]]
"""What each field was and what it becomes, as text; dates as YYYY-MM-DD."""


class Of(StrEnum):
    """What kind of record an import touches; the keys say how one is found again.

    A branch by its name; a person and their contact by the employee number; an employment by number and day
    of hiring; a leave by number, kind and first day; a calendar's day by its date; a letter by its tracking
    number; a holding by its number and track; a departure by the employee number.
    """

    BRANCH = "branch"
    PERSON = "person"
    EMPLOYMENT = "employment"
    CONTACT = "contact"
    LEAVE = "leave"
    DAY = "day"
    LETTER = "letter"
    HOLDING = "holding"
    DEPARTURE = "departure"


class How(StrEnum):
    """What happens to a record."""

    NEW = "new"
    CHANGED = "changed"
    GONE = "gone"


@dataclass(frozen=True)
class Change:
    """One record that an import makes, changes or removes; `row` is the file's (0 for none)."""

    row: int
    of: Of
    key: tuple[str, ...] = field(repr=False)
    how: How
    fields: Fields = field(repr=False)

    def as_json(self) -> dict[str, Any]:
        """Return it as it is kept."""
        fields = {name: list(pair) for name, pair in self.fields.items()}
        return {"row": self.row, "of": self.of, "key": list(self.key), "how": self.how, "fields": fields}

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> "Change":
        """Read it back."""
        fields = {name: (old, new) for name, (old, new) in kept["fields"].items()}
        return cls(kept["row"], Of(kept["of"]), tuple(kept["key"]), How(kept["how"]), fields)


class Ledger:
    """Sets values on records and remembers what stood there; the first word about a record counts."""

    def __init__(self) -> None:
        self._changes: dict[tuple[Of, tuple[str, ...]], Change] = {}

    def __iter__(self) -> Iterator[Change]:
        """Go over the changes in the order in which they were made."""
        return iter(self._changes.values())

    def keep(
        self,
        row: int,
        of: Of,
        key: tuple[str, ...],
        record: Any,
        *,
        new: bool,
        also: Fields | None = None,
        **values: Any,
    ) -> None:
        """Set values on a record and remember what differs, or everything when it is new.

        `also` are fields that were set elsewhere and are told in other words.
        """
        fields: Fields = dict(also or {})
        for name, value in values.items():
            old = getattr(record, name)
            if old != value:
                setattr(record, name, value)
            if new and value is not None:
                fields[name] = (None, plain(value))
            elif not new and old != value:
                fields[name] = (plain(old), plain(value))
        if new or fields:
            self.note(Change(row, of, key, How.NEW if new else How.CHANGED, fields))

    def note(self, change: Change) -> None:
        """Remember a change; a record that is known already is not counted twice."""
        self._changes.setdefault((change.of, change.key), change)


def plain(value: Any) -> str | None:
    """Return a stored value as text."""
    if value is None:
        return None
    return value.isoformat() if isinstance(value, date) else str(value)


_ROSTER_FIELDS = {
    (Of.EMPLOYMENT, "ended_on"): "left_on",
    (Of.CONTACT, "name"): "emergency_contact",
    (Of.CONTACT, "phone"): "emergency_contact_phone",
    (Of.CONTACT, "consent_on"): "emergency_contact_consent_on",
    (Of.LEAVE, "ends_on"): "leave_ends_on",
}


def roster_field(of: Of, name: str) -> str:
    """Return what a record's field is called in a roster; itself where it is called the same."""
    return _ROSTER_FIELDS.get((of, name), name)
