"""The second factor of confidential notices: nothing before it, a lock after five, every word alike."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from countersign.adapters.database.identity import Method, well_formed
from countersign.adapters.database.tables import (
    ActRow,
    Alarm,
    Delivery,
    EmergencyContact,
    EventRow,
    IdentityCheck,
    Notice,
    OptOut,
    Person,
    SendingStop,
    Suppression,
)
from countersign.adapters.rendering import Renderer
from countersign.domain.sms_text import segments
from tests.support.house import NAME, NOW, TEXT, House, open_house

ID, PHONE = "11010119900307451X", "+8613800138000"
ANDROID = (
    "Mozilla/5.0 (Linux; Android 14; V2309A) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/131.0.0.0 Mobile Safari/537.36"
)
SECRETS = ("病假", "张", "E1042", "返岗通知书", PHONE, PHONE[3:], "451X", ID)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(tmp_path) as made:
        made.change(Notice, "notice-first_notice", sensitive=True)
        made.change(Person, "p1", id_number=ID, phone=PHONE)
        yield made


def try_id(house: House, text: str, link: str = "link-sms", client: TestClient | None = None) -> Any:
    data = {"method": "id_last4", "text": text}
    return (client or house.client).post(f"{house.url(link)}/identity", data=data)


def try_code(house: House, text: str) -> Any:
    return house.client.post(f"{house.url()}/identity", data={"method": "sms_code", "text": text})


def send_code(house: House) -> Any:
    return house.client.post(f"{house.url()}/identity/code")


def last_code(house: House) -> str:
    return house.texts[-1][1].split()[-1]


def check_of(house: House) -> IdentityCheck:
    [row] = [one for one in house.rows(IdentityCheck) if one.link_id == "link-sms"]
    return row


def add(house: House, *rows: Any) -> None:
    house.database.write(lambda session: session.add_all(rows))


# -- before -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["zh-CN", "en"])
def test_before_the_factor_the_page_tells_who_asks_and_nothing_of_the_matter(house: House, lang: str) -> None:
    answer = house.client.get(f"{house.url()}?lang={lang}")
    assert answer.status_code == 200
    for told in ("远山科技", "00", {"zh-CN": "保密通知", "en": "confidential notice"}[lang]):
        assert told in answer.text
    for secret in (*SECRETS, NAME, TEXT, "fingerprint", "指纹"):
        assert secret not in answer.text
    assert len(answer.content) < 30 * 1024
    labels = set(re.findall(r'<label[^>]*for="([^"]+)"', answer.text))
    assert labels == {"last4"}
    assert 'id="send-code"' in answer.text
    assert "<script" not in answer.text


def test_no_receipt_and_no_answer_passes_before_the_factor(house: House) -> None:
    act = "0" * 40
    for path in (f"/receipt/{act}", f"/receipt/{act}.txt"):
        answer = house.client.get(house.url() + path)
        assert (answer.status_code, answer.headers["location"]) == (303, house.url())
    shown = house.rows(Notice)[0].fingerprint
    forged = {"answer": "returns_on", "on": "2026-03-02", "nonce": "0" * 32, "shown": shown}
    refused = house.post(forged)
    assert refused.status_code == 403
    assert "尚未提交" in refused.text
    assert not any(secret in refused.text for secret in SECRETS)
    assert (house.rows(ActRow), house.carried) == ([], [])


def test_a_notice_that_is_not_confidential_asks_for_nothing(house: House) -> None:
    assert "请转告" in house.client.get(house.url("link-contact")).text
    assert try_id(house, "451X", "link-contact").status_code == 404
    assert house.rows(IdentityCheck) == []


def test_the_address_of_a_form_leads_back_to_its_page(house: House) -> None:
    for path in ("/identity", "/identity/code"):
        answer = house.client.get(house.url() + path)
        assert (answer.status_code, answer.headers["location"]) == (307, house.url())


@pytest.mark.parametrize(
    ("id_number", "phone", "shown"),
    [
        (None, PHONE, {"send-code"}),
        (ID, None, {"last4"}),
        ("passport ABCD", PHONE, {"send-code"}),
        (ID, PHONE, {"last4", "send-code"}),
        (None, None, set()),
    ],
)
def test_only_what_is_on_file_is_asked_for_and_with_nothing_the_page_says_to_call(
    house: House, id_number: str | None, phone: str | None, shown: set[str]
) -> None:
    house.change(Person, "p1", id_number=id_number, phone=phone)
    page = house.client.get(house.url()).text
    assert set(re.findall(r'id="(last4|sms-code|send-code)"', page)) == shown
    assert ("无法在此核实身份" in page) == (not shown)
    assert "010-5555 0100" in page


def test_a_contact_has_a_phone_on_file_too(house: House) -> None:
    house.change(Notice, "notice-emergency_contact", sensitive=True)
    assert "无法在此核实身份" in house.client.get(house.url("link-contact")).text
    add(house, EmergencyContact(person_id="p1", name="李娜", phone="+8613900139077"))
    page = house.client.get(house.url("link-contact")).text
    assert "尾号 77" in page
    assert "李娜" in page  # the company's contact in the foot
    assert "13900139077" not in page


# -- the ID number ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("typed", ["451X", "451x", " 4 5 1 x ", "４５１ｘ"])
def test_the_right_characters_open_the_notice_in_this_browser_for_half_an_hour(
    house: House, typed: str
) -> None:
    answer = try_id(house, typed)
    assert (answer.status_code, answer.headers["location"]) == (303, house.url())
    cookie = answer.headers["set-cookie"]
    for mark in ("HttpOnly", "Secure", "SameSite=strict", "Max-Age=1800", f"Path={house.url()}"):
        assert mark in cookie
    assert not any(secret in cookie for secret in ("p1", "451X", "link-sms"))
    house.later(minutes=29, seconds=59)
    assert "您的病假已结束" in house.client.get(house.url()).text
    assert (
        "您的病假已结束" not in TestClient(house.app, base_url="https://hr.example.cn").get(house.url()).text
    )
    house.later(seconds=1)
    assert "您的病假已结束" not in house.client.get(house.url()).text


def test_a_confirmation_is_a_fact_with_its_method_and_the_answer_bears_it(house: House) -> None:
    house.later(seconds=7)
    try_id(house, "451X")
    [row] = [one for one in house.rows(Delivery) if one.id == "link-sms"]
    assert row.identity_confirmed_at == check_of(house).confirmed_at == NOW + timedelta(seconds=7)
    [event] = [one for one in house.rows(EventRow) if one.kind == "answer.identity_confirmed"]
    told = json.loads(event.line)
    assert (told["body"]["method"], told["body"]["says"]) == ("id_last4", "identity confirmed")
    assert set(told["body"]["agent"]) == set(told["body"]["address"]) == {"sealed"}
    assert told["actor"] == {"role": "employee", "id": "p1"}
    answer = house.post(house.form(answer="returns_on", on="2026-03-02"))
    assert answer.status_code == 303
    [act] = house.rows(ActRow)
    assert act.body == {"on": "2026-03-02", "identity": "id_last4"}
    [given] = [json.loads(one.line) for one in house.rows(EventRow) if one.kind == "answer.returns_on"]
    assert given["body"]["identity"] == "id_last4"
    for rest in ("", ".txt"):
        assert act.fingerprint in house.client.get(answer.headers["location"] + rest).text


def test_another_links_confirmation_opens_nothing(house: House) -> None:
    value = try_id(house, "451X").headers["set-cookie"].split(";")[0].partition("=")[2]
    bare = TestClient(house.app, base_url="https://hr.example.cn")
    method, random, at, mac = value.split(".")
    later = str(int(at) + 1)
    forged = [
        f"sms_code.{random}.{at}.{mac}",
        f"{method}.{random}.{later}.{mac}",
        f"{random}.{at}.{mac}",
        "x",
    ]
    for link, values in (("link-mail", [value]), ("link-sms", forged)):
        for one in values:
            page = bare.get(house.url(link), headers={"cookie": f"countersign-confirmed={one}"}).text
            assert "您的病假已结束" not in page
    shown = bare.get(house.url(), headers={"cookie": f"countersign-confirmed={value}"}).text
    assert "您的病假已结束" in shown


@pytest.mark.parametrize("typed", ["", "451", "45111", "X451", "abcd", "4 5 1 X 2"])
def test_what_cannot_be_meant_so_is_no_wrong_try(house: House, typed: str) -> None:
    for _ in range(6):
        answer = try_id(house, typed)
        assert answer.status_code == 422
        assert 'href="#last4"' in answer.text
    assert house.rows(IdentityCheck) == []
    assert try_id(house, "451X").status_code == 303


def test_five_wrong_tries_lock_the_link_with_one_alarm_and_the_same_words_throughout(house: House) -> None:
    wrong = [try_id(house, f"000{n}") for n in range(4)]
    assert (check_of(house).tries, check_of(house).locked_at, house.rows(Alarm)) == (4, None, [])
    wrong += [try_id(house, "0004"), try_id(house, "451X"), try_id(house, "0005")]
    assert {one.status_code for one in wrong} == {422}
    assert len({one.text for one in wrong}) == 1
    assert check_of(house).locked_at == NOW
    [alarm] = house.rows(Alarm)
    assert (alarm.kind, alarm.case_id) == ("identity_locked", "case-1")
    assert not any(one.kind == "answer.identity_confirmed" for one in house.rows(EventRow))
    assert send_code(house).status_code == 422
    assert house.texts == []
    assert "您的病假已结束" not in house.client.get(house.url()).text
    assert try_id(house, "451X", "link-mail").status_code == 303


def test_a_lock_closes_what_was_opened_before_and_a_right_try_forgives_the_wrong_ones(house: House) -> None:
    for n in range(4):
        try_id(house, f"000{n}")
    assert try_id(house, "451X").status_code == 303
    assert check_of(house).tries == 0
    assert "您的病假已结束" in house.client.get(house.url()).text
    for n in range(5):
        try_id(house, f"000{n}")
    assert "您的病假已结束" not in house.client.get(house.url()).text


def test_tries_count_against_the_links_limit_and_must_come_from_our_own_page(house: House) -> None:
    for path in ("/identity", "/identity/code"):
        refused = house.client.post(house.url() + path, headers={"sec-fetch-site": "cross-site"})
        assert refused.status_code == 403
    assert {try_id(house, "0").status_code for _ in range(20)} == {422}
    assert try_id(house, "451X").status_code == 429


# -- the code by text message -----------------------------------------------------------------------------


def test_a_code_goes_to_the_phone_on_file_and_opens_the_notice_once(house: House) -> None:
    sent = send_code(house)
    assert sent.status_code == 200
    assert "验证码已发出" in sent.text
    [(to, text)] = house.texts
    assert to == PHONE
    assert re.fullmatch(r"zh-CN \d{6}", text)
    code = last_code(house)
    assert code not in sent.text
    assert 'autocomplete="one-time-code"' in house.client.get(house.url()).text
    assert code not in str(house.dump())
    wrong = f"{(int(code) + 1) % 10**6:06}"
    assert try_code(house, wrong).status_code == 422
    assert check_of(house).tries == 1
    house.later(minutes=9, seconds=59)
    assert try_code(house, code).status_code == 303
    assert "您的病假已结束" in house.client.get(house.url()).text
    assert house.post(house.form(answer="returns_on", on="2026-03-02")).status_code == 303
    assert house.rows(ActRow)[0].body["identity"] == "sms_code"
    assert try_code(house, code).status_code == 422


def test_a_code_dies_after_ten_minutes_and_when_the_next_one_is_sent(house: House) -> None:
    send_code(house)
    first = last_code(house)
    house.later(minutes=10)
    assert 'id="sms-code"' not in house.client.get(house.url()).text
    assert try_code(house, first).status_code == 422
    send_code(house)
    second = last_code(house)
    send_code(house)
    if second != last_code(house):
        assert try_code(house, second).status_code == 422
    assert try_code(house, last_code(house)).status_code == 303


def test_at_most_three_codes_go_out_on_one_day_of_the_branch(house: House) -> None:
    assert [send_code(house).status_code for _ in range(4)] == [200, 200, 200, 422]
    assert "今天不能再发送验证码" in send_code(house).text
    assert len(house.texts) == 3
    house.later(hours=13, minutes=59)  # 23:59 in Beijing
    assert send_code(house).status_code == 422
    house.later(minutes=1)
    assert send_code(house).status_code == 200


def test_a_code_that_the_provider_refuses_is_told_so_and_not_counted(house: House) -> None:
    house.provider_takes = False
    for _ in range(4):
        answer = send_code(house)
        assert answer.status_code == 503
        assert "暂时无法发送" in answer.text
    assert try_code(house, last_code(house)).status_code == 422
    house.provider_takes = True
    assert [send_code(house).status_code for _ in range(4)] == [200, 200, 200, 422]


def test_no_code_goes_where_nothing_may_be_sent(house: House) -> None:
    stop = SendingStop(id="s1", scope="company", reason="x", set_by="x", set_at=NOW)
    add(house, stop)
    assert send_code(house).status_code == 422
    house.change(SendingStop, "s1", released_at=NOW)
    add(house, SendingStop(id="s2", scope="branch", subject="b1", reason="x", set_by="x", set_at=NOW))
    assert send_code(house).status_code == 422
    house.change(SendingStop, "s2", subject="another")
    assert send_code(house).status_code == 200
    add(house, OptOut(address=PHONE, channel="sms", reason="stop", created_at=NOW))
    assert send_code(house).status_code == 422
    assert 'id="send-code"' not in house.client.get(house.url()).text
    house.database.write(lambda s: s.delete(s.get_one(OptOut, (PHONE, "sms"))))
    add(house, Suppression(case_id="case-1", address=PHONE, reason="not_me", created_at=NOW))
    assert 'id="send-code"' not in house.client.get(house.url()).text
    assert len(house.texts) == 1


@pytest.mark.parametrize(
    ("method", "typed", "compared"),
    [
        (Method.ID_LAST4, "12x4", None),
        (Method.ID_LAST4, "123x", "123X"),
        (Method.ID_LAST4, "١٢٣٤", None),
        (Method.SMS_CODE, "123 456", "123456"),
        (Method.SMS_CODE, "１２３４５６", "123456"),
        (Method.SMS_CODE, "12345X", None),
    ],
)
def test_what_was_typed_is_mended_or_refused(method: Method, typed: str, compared: str | None) -> None:
    assert well_formed(method, typed) == compared


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_the_text_message_fits_one_segment_and_names_neither_person_nor_matter(language: str) -> None:
    told = {"company": "远山科技", "code": "123456", "minutes": 10}
    text = Renderer("leave_return").sms("second_factor", "employee", language, told)
    assert segments(text) == 1
    for needed in ("远山科技", "123456", "10"):
        assert needed in text


def test_a_person_who_goes_from_the_factor_to_the_notice_has_opened_the_link_in_a_browser(
    house: House,
) -> None:
    browser = {"user-agent": ANDROID}
    house.client.get(house.url(), headers=browser)
    house.later(seconds=4)
    data = {"method": "id_last4", "text": "451X"}
    assert house.client.post(f"{house.url()}/identity", data=data, headers=browser).status_code == 303
    [row] = [one for one in house.rows(Delivery) if one.id == "link-sms"]
    assert row.opened_at == house.now
