"""What an event of a case shows before it is opened: lists in one line, sums as money, words for codes."""

from api.console.case_timeline import gathered
from countersign.domain.evidence import Disclosure, Event, EventKind
from countersign.domain.timeline import entries

AT = "2026-03-02T09:00:00.000+08:00"


def test_a_list_is_one_line_with_its_first_entries_and_how_many_there_are() -> None:
    facts = [("by", "Lin")]
    for number in range(1, 6):
        facts += [(f"items {number} · reference", f"W-{number}"), (f"items {number} · track", "customers")]
    assert gathered([*facts, ("side", "leaver")]) == (
        ("by", "Lin"),
        ("items", "W-1; W-2; W-3 … (5)"),
        ("side", "leaver"),
    )


def test_a_single_entry_and_equal_sums_lose_nothing() -> None:
    one = [("items 1 · reference", "Z-1"), ("items 1 · state", "accepted")]
    assert gathered(one) == (("items", "Z-1 accepted"),)
    twice = [
        (f"instalments {number} · {name}", text)
        for number in (1, 2)
        for name, text in (("due on", f"5-{number}"), ("amount", "¥2.00"))
    ]
    assert gathered(twice) == (("instalments", "5-1 ¥2.00; 5-2 ¥2.00"),)


def test_sums_are_told_as_money_and_accounts_by_their_names() -> None:
    body = {
        "lines": [{"account": "insurance_advance", "amount_fen": {"sealed": "h"}}],
        "posting_kind": "write_off",
    }
    event = Event(1, 1, AT, EventKind.LEDGER_POSTED, {"role": "finance", "id": "x"}, body, "", "")
    (entry,) = entries([event], [Disclosure(1, "/body/lines/0/amount_fen", "s", "-526500")], "en")
    assert dict(entry.facts) == {
        "lines 1 · account": "advanced insurance share",
        "lines 1 · amount": "-¥5,265.00",
        "kind of posting": "debt given up",
    }
