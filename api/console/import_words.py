"""What the pages of imports call records, fields and values."""

from dataclasses import dataclass, field

from api.console.drawing import word, yuan
from api.language import Catalogue, Sentence, sentence
from countersign.adapters.database.import_runs import RunState
from countersign.adapters.roster.changes import Change, How, Of, roster_field
from countersign.adapters.roster.columns import COLUMNS
from countersign.domain.courier import CourierState, courier_words
from countersign.domain.levels import ZH
from countersign.domain.regions import known_regions
from countersign.imports.handed_in import Bar

KINDS = {
    "employees": sentence("Employees and leaves"),
    "leavers": sentence("Leavers"),
    "documents": sentence("Work documents that employees keep"),
    "customers": sentence("Customers that employees look after"),
    "assets": sentence("Equipment that employees have"),
    "calendar": sentence("Holidays and make-up days of a year"),
    "courier": sentence("Results from couriers"),
}
STATES = {
    RunState.READING: sentence("being checked"),
    RunState.PREVIEWED: sentence("checked, not applied"),
    RunState.UNREADABLE: sentence("not readable"),
    RunState.APPLYING: sentence("being applied"),
    RunState.APPLIED: sentence("applied"),
    RunState.UNDONE: sentence("undone"),
    RunState.UNDONE_IN_PART: sentence("undone in part"),
    RunState.WITHDRAWN: sentence("withdrawn"),
}
SIGNS = {
    RunState.READING: "wait",
    RunState.PREVIEWED: "wait",
    RunState.APPLYING: "wait",
    RunState.UNREADABLE: "over",
    RunState.APPLIED: "done",
}
BARS = {
    Bar.NOTHING_TO_DO: sentence("Nothing to apply: everything in this file stands in the data already."),
    Bar.NO_GOOD_ROWS: sentence(
        "Every row has a fault, so nothing can be applied. Mend the file and hand it in again."
    ),
    Bar.FAULTS: sentence("Some rows have faults. Mend them, or go on with the others alone."),
    Bar.SECOND_PERSON: sentence("Waits for a second person: who hands a file in does not apply it."),
}
_RECORDS = {
    Of.BRANCH: sentence("branch"),
    Of.PERSON: sentence("employee"),
    Of.EMPLOYMENT: sentence("employment"),
    Of.CONTACT: sentence("emergency contact"),
    Of.LEAVE: sentence("leave"),
    Of.DAY: sentence("day"),
    Of.LETTER: sentence("letter"),
    Of.DEPARTURE: sentence("departure"),
}
_HOWS = {How.NEW: sentence("new"), How.CHANGED: sentence("changed"), How.GONE: sentence("removed")}
_FIELDS = {
    "zone": sentence("time zone"),
    "state": sentence("state"),
    "kind": sentence("kind of day"),
    "at": sentence("time"),
    "departure_kind": sentence("kind of departure"),
    "ground": sentence("legal ground"),
    "last_day": sentence("last day"),
    "noticed_on": sentence("notice given on"),
    "successor": sentence("successor"),
}
_HOLDING_FIELDS = {
    "title": sentence("name"),
    "holder": sentence("held by"),
    "location": sentence("place"),
    "kind": sentence("kind"),
    "contact_name": sentence("contact person"),
    "contact_way": sentence("contact"),
    "follow_up": sentence("follow-up"),
    "model": sentence("model"),
    "serial_number": sentence("serial number"),
    "condition": sentence("condition when given out"),
    "value_fen": sentence("value"),
    "mandatory": sentence("must be handed over"),
    "receiver": sentence("receiver"),
}
_YES_NO = {"yes": sentence("yes"), "no": sentence("no")}
_DEPARTURE_WORDS = {"departure_kind": "departure", "ground": "ground"}
_EMPLOYMENT = {"active": sentence("employed"), "ended": sentence("left")}
_DAYS = {"off": sentence("a day off"), "work": sentence("a working day")}


@dataclass(frozen=True)
class ChangeLine:
    """A change as a page tells it: the record, what happens, and each field's name, old and new value."""

    row: int
    record: str = field(repr=False)
    how: How
    told: str
    fields: tuple[tuple[str, str, str], ...] = field(repr=False)


def change_line(change: Change, words: Catalogue, language: str) -> ChangeLine:
    """Return a change in the reader's language."""
    fields = tuple(
        (
            _field(change.of, name, words, language),
            _value(change.of, name, old, words, language),
            _value(change.of, name, new, words, language),
        )
        for name, (old, new) in change.fields.items()
    )
    record = f"{_record(change, words, language)} {_key(change, language)}"
    return ChangeLine(change.row, record, change.how, words.say(_HOWS[change.how]), fields)


def _record(change: Change, words: Catalogue, language: str) -> str:
    if change.of is Of.HOLDING:
        return word(language, "track", change.key[1])
    return words.say(_RECORDS[change.of])


def _key(change: Change, language: str) -> str:
    if change.of is Of.LEAVE:
        number, kind, starts_on = change.key
        return f"{number} · {word(language, 'leave_kind', kind)} {starts_on}"
    if change.of in (Of.LETTER, Of.HOLDING):
        return change.key[0]
    return " · ".join(change.key)


def _field(of: Of, name: str, words: Catalogue, language: str) -> str:
    if of is Of.HOLDING:
        return words.say(_HOLDING_FIELDS[name])
    column = roster_field(of, name)
    if column in COLUMNS:
        return COLUMNS[column] if language == ZH else column.replace("_", " ")
    known: Sentence | None = _FIELDS.get(name)
    return name.replace("_", " ") if known is None else words.say(known)


def _value(of: Of, name: str, value: str | None, words: Catalogue, language: str) -> str:
    if value is None:
        return "—"
    if of is Of.HOLDING:
        return _holding_value(name, value, words)
    if of is Of.DEPARTURE and name in _DEPARTURE_WORDS:
        return word(language, _DEPARTURE_WORDS[name], value)
    if name == "region":
        return next((_of(language, one.zh, one.en) for one in known_regions() if one.name == value), value)
    if name == "preferred_channel":
        return word(language, "channel", value)
    if of is Of.EMPLOYMENT and value in _EMPLOYMENT:
        return words.say(_EMPLOYMENT[value])
    if of is Of.DAY and value in _DAYS:
        return words.say(_DAYS[value])
    if of is Of.LETTER and name == "state":
        return courier_words(CourierState(value), language)
    if name == "at":
        return value[:16].replace("T", " ")
    return value


def _holding_value(name: str, value: str, words: Catalogue) -> str:
    if name == "value_fen":
        return yuan(int(value))
    return words.say(_YES_NO[value]) if name == "mandatory" else value


def _of(language: str, chinese: str, english: str = "") -> str:
    return chinese if language == ZH else english or chinese
