"""What opening a link leaves behind: facts in exact words, and never a change of the case."""

import json
from collections.abc import Iterator
from datetime import timedelta
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from countersign.adapters.database.evidence import EvidenceLog
from countersign.adapters.database.scope import Scope
from countersign.adapters.database.tables import ActRow, Delivery, EventRow
from countersign.adapters.database.views import Views
from countersign.adapters.documents import Documents
from countersign.adapters.links import LinkKeys
from tests.support.house import NOW, House, open_house

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.5 Mobile/15E148 Safari/604.1"
)
WECHAT = IPHONE.replace("Version/17.5 ", "").replace("Safari/604.1", "MicroMessenger/8.0.49(0x18003137)")
PERSON = {"user-agent": IPHONE}
SCANNERS = [
    {"user-agent": "BarracudaCentral Sentinel"},
    {"user-agent": "Mozilla/5.0 (compatible; Proofpoint URL Defense)"},
    {"user-agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 HeadlessChrome/131.0.0.0"},
    {"user-agent": "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 BingPreview/1.0b"},
    {"user-agent": "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"},
    {"user-agent": "DingTalkBot-LinkService/1.0"},
    {"user-agent": "WhatsApp/2.23.20.0 A"},
    {"user-agent": "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5"},
    {"user-agent": "curl/8.5.0"},
    {"user-agent": ""},
    {"user-agent": IPHONE, "sec-purpose": "prefetch;prerender"},
    {"user-agent": IPHONE, "x-moz": "prefetch"},
]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(tmp_path) as made:
        yield made


def events(house: House, kind: str) -> list[dict[str, Any]]:
    return [json.loads(row.line)["body"] for row in house.rows(EventRow) if row.kind == kind]


def delivery(house: House, link: str = "link-sms") -> Delivery:
    return next(one for one in house.rows(Delivery) if one.id == link)


def levels(house: House, link: str = "link-sms") -> list[tuple[str, str]]:
    views = Views(house.database, EvidenceLog(lambda: house.now), Documents(Path("unused")))
    case = views.case(Scope(), "case-1")
    assert case is not None
    [row] = [d for notice in case["notices"] for d in notice["deliveries"] if d["id"] == link]
    return [(str(one["level"]), one["words"]) for one in row["levels"]]


# -- fetched ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("headers", SCANNERS, ids=lambda h: " ".join(h.values())[:40] or "none")
def test_scanners_previews_and_prefetches_move_nothing_however_often_they_come(
    house: House, headers: dict[str, str]
) -> None:
    before = house.dump()
    for _ in range(4):
        assert house.client.head(house.url(), headers=headers).status_code == 200
    assert house.dump() == before
    for _ in range(4):
        assert house.client.get(house.url(), headers=headers).status_code == 200
        house.later(seconds=30)
    after = house.dump()
    assert {name for name in before if before[name] != after[name]} == {"delivery", "event", "disclosure"}
    assert [row.kind for row in house.rows(EventRow)] == ["link.fetched"]
    seen = delivery(house)
    assert (seen.fetches, seen.fetched_at, seen.opened_at, seen.acknowledged_at) == (4, NOW, None, None)
    assert "may be a machine" not in levels(house)[-1][1]


def test_the_first_fetch_of_each_kind_stands_in_the_evidence_with_agent_and_address_sealed(
    house: House,
) -> None:
    for _ in range(3):
        for agent in ("BarracudaCentral", "curl/8", WECHAT):
            house.client.get(house.url(), headers={"user-agent": agent})
    bodies = events(house, "link.fetched")
    assert [body["by"] for body in bodies] == ["scanner", "tool", "browser"]
    assert [body["says"] for body in bodies] == [
        "link fetched by a mail scanner",
        "link fetched by a program",
        "link fetched (may be a machine)",
    ]
    assert all(set(body["agent"]) == set(body["address"]) == {"sealed"} for body in bodies)
    assert delivery(house).fetches == 9
    assert [words for _, words in levels(house)] == [body["says"] for body in bodies]


def test_a_browser_within_ten_seconds_of_sending_is_too_fast_for_a_person(house: House) -> None:
    house.change(Delivery, "link-sms", sending_at=NOW - timedelta(seconds=9))
    house.client.get(house.url(), headers=PERSON)
    house.later(seconds=1)
    house.client.get(house.url(), headers=PERSON)
    assert [body["by"] for body in events(house, "link.fetched")] == ["instant", "browser"]


# -- opened -----------------------------------------------------------------------------------------------


def cookie_of(answer: Any) -> Any:
    parsed = SimpleCookie(answer.headers["set-cookie"])
    return parsed["countersign-seen"]


def test_the_cookie_belongs_to_one_link_is_hidden_from_scripts_and_names_nobody(house: House) -> None:
    first, other = house.client.get(house.url()), house.client.get(house.url("link-mail"))
    cookie = cookie_of(first)
    assert cookie["path"] == house.url()
    assert (cookie["httponly"], cookie["secure"], cookie["samesite"]) == (True, True, "lax")
    assert cookie_of(other).value != cookie.value
    for secret in ("p1", "E1042", "link-sms", house.code(), "13800138000"):
        assert secret not in cookie.value
    assert "set-cookie" not in house.client.get(house.url()).headers
    assert (
        "set-cookie" not in TestClient(house.app, base_url="https://hr.example.cn").head(house.url()).headers
    )


def test_a_browser_that_comes_back_after_two_seconds_has_opened_the_link_once(house: House) -> None:
    house.client.get(house.url(), headers=PERSON)
    house.later(seconds=1.9)
    house.client.get(house.url(), headers=PERSON)
    assert delivery(house).opened_at is None
    house.later(seconds=0.1)
    for _ in range(3):
        house.client.get(house.url(), headers=PERSON)
    assert delivery(house).opened_at == NOW + timedelta(seconds=2)
    [body] = events(house, "link.opened")
    assert body["says"] == "opened in a browser"
    assert set(body["agent"]) == set(body["address"]) == {"sealed"}
    assert levels(house)[-1] == ("opened", "opened in a browser")
    assert delivery(house, "link-mail").opened_at is None


def test_an_answer_and_a_receipt_count_as_coming_back(house: House) -> None:
    for link, then in (("link-sms", "answer"), ("link-mail", "receipt")):
        filled = house.form(link, answer="returns_on", on="2026-03-02")
        if then == "receipt":
            place = house.post(filled, link).headers["location"]
        house.later(seconds=3)
        if then == "answer":
            house.post(filled, link, headers=PERSON)
        else:
            assert house.client.get(place, headers=PERSON).status_code == 200
        assert delivery(house, link).opened_at == house.now


@pytest.mark.parametrize("headers", SCANNERS, ids=lambda h: " ".join(h.values())[:40] or "none")
def test_a_named_machine_that_keeps_cookies_has_still_not_opened_anything(
    house: House, headers: dict[str, str]
) -> None:
    for _ in range(3):
        house.client.get(house.url(), headers=headers)
        house.later(minutes=1)
    assert delivery(house).opened_at is None


def test_head_never_counts_and_a_forged_or_foreign_cookie_neither(house: House) -> None:
    value = cookie_of(house.client.get(house.url("link-mail"), headers=PERSON)).value
    own = cookie_of(house.client.get(house.url(), headers=PERSON)).value
    bare = TestClient(house.app, base_url="https://hr.example.cn")
    house.later(minutes=1)
    random, at, mac = own.split(".")
    for forged in (value, f"{random}.0.{mac}", f"{random}.{at}.{'0' * 64}", "é", "..", "a.b.c", ""):
        sent = {**PERSON, "cookie": f"countersign-seen={forged}".encode("latin-1")}
        answer = bare.get(house.url(), headers=sent)
        assert answer.status_code == 200
        assert "set-cookie" in answer.headers
    assert delivery(house).opened_at is None
    house.client.head(house.url(), headers=PERSON)
    assert delivery(house).opened_at is None
    bare.cookies.clear()
    bare.get(house.url(), headers={**PERSON, "cookie": f"countersign-seen={own}"})
    assert delivery(house).opened_at == house.now


def test_a_cookie_outlives_the_change_of_the_key(house: House) -> None:
    old, both = LinkKeys({"1": b"k" * 32}), LinkKeys({"1": b"k" * 32, "2": b"n" * 32})
    assert both.digests("x")[1] == old.digests("x")[0]
    house.client.get(house.url(), headers=PERSON)
    object.__setattr__(house.services, "keys", both)
    house.later(minutes=1)
    assert "set-cookie" not in house.client.get(house.url(), headers=PERSON).headers
    assert delivery(house).opened_at == house.now


def test_another_spelling_of_the_code_leads_to_the_one_that_the_cookies_belong_to(house: House) -> None:
    typed = house.code().lower().replace("-", "")
    answer = house.client.get(f"/n/{typed}?lang=en")
    assert (answer.status_code, answer.headers["location"]) == (307, f"{house.url()}?lang=en")
    assert delivery(house).fetches == 0


# -- the whole way ----------------------------------------------------------------------------------------


def test_levels_stand_in_order_and_in_the_words_of_their_channel(house: House) -> None:
    house.change(Delivery, "link-sms", state="delivered", sent_at=NOW, settled_at=NOW)
    house.change(Delivery, "link-mail", sent_at=NOW)
    filled = house.form(answer="returns_on", on="2026-03-02")
    house.later(seconds=5)
    house.post(filled, headers=PERSON)
    assert levels(house) == [
        ("sent", "sent"),
        ("accepted", "accepted by the provider"),
        ("delivered", "delivered (says the carrier)"),
        ("link_fetched", "link fetched by a program"),
        ("opened", "opened in a browser"),
        ("acknowledged", "acknowledged by whoever held the link"),
    ]
    assert levels(house, "link-mail") == [("sent", "sent"), ("accepted", "accepted by the relay")]
    [act] = house.rows(ActRow)
    [body] = events(house, "answer.returns_on")
    assert (body["act"], body["says"]) == (act.id, "acknowledged by whoever held the link")


def test_a_message_that_was_refused_at_once_was_never_sent(house: House) -> None:
    house.change(Delivery, "link-sms", state="failed_permanent", settled_at=NOW, sending_at=NOW)
    house.change(Delivery, "link-mail", state="unknown", settled_at=NOW, sending_at=NOW)
    assert levels(house) == levels(house, "link-mail") == []


def test_the_page_loads_nothing_that_would_tell_of_its_being_read(house: House) -> None:
    page = house.client.get(house.url()).text
    for word in ("<img", "<script", "<link", "url(", "http-equiv", "ping="):
        assert word not in page
