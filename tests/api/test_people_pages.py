"""The pages behind a link, through ASGI, over a real database."""

import base64
import hashlib
import io
import re
import zlib
from collections.abc import Iterator
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from typing import Any

import pikepdf
import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from PIL import Image
from starlette.testclient import TestClient

from api.people.limits import LinkLimits, TooManyTries
from countersign.adapters.database.tables import (
    ActRow,
    Case,
    Delivery,
    Document,
    EventRow,
    Link,
    Notice,
    Suppression,
)
from tests.support.house import LIMIT, NAME, NOW, House, notice, open_house


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with open_house(tmp_path) as made:
        yield made


# -- showing ----------------------------------------------------------------------------------------------


def test_opening_a_link_changes_nothing_but_the_count_of_fetches_and_one_event(house: House) -> None:
    before = house.dump()
    assert house.client.head(house.url()).status_code == 200
    assert house.dump() == before
    for _ in range(3):
        assert house.client.get(house.url(), headers={"user-agent": "scanner"}).status_code == 200
    after = house.dump()
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"delivery", "event", "disclosure"}
    (event,) = house.rows(EventRow)
    assert event.kind == "link.fetched"
    fetched = next(d for d in house.rows(Delivery) if d.id == "link-sms")
    assert (fetched.fetches, fetched.fetched_at, fetched.acknowledged_at) == (3, NOW, None)
    house.change(Delivery, "link-sms", fetches=0, fetched_at=None)
    assert house.dump()["delivery"] == before["delivery"]


def test_the_page_shows_text_choices_deadline_contact_and_fingerprint(house: House) -> None:
    page = house.client.get(house.url()).text
    for shown in ("返岗通知书", "您的病假已结束", "2026-02-25 10:00", "李娜", "010-5555 0100", "远山科技"):
        assert shown in page
    for kind in ("returns_on", "extension_asked", "objected", "resigned", "not_me"):
        assert f'value="{kind}"' in page
    assert "acknowledged" not in page
    fingerprint = notice("first_notice", "employee", "p1").fingerprint
    assert fingerprint in page
    assert f"{fingerprint[:8]}…{fingerprint[-4:]}" in page


def test_an_emergency_contact_can_only_acknowledge_or_decline(house: House) -> None:
    page = house.client.get(house.url("link-contact")).text
    assert set(re.findall(r'name="answer" id="[^"]*" value="(\w+)"', page)) == {"acknowledged", "not_me"}
    assert "病假" not in page
    refused = house.post(house.form("link-contact", answer="returns_on", on="2026-03-02"), "link-contact")
    assert refused.status_code == 422
    assert house.post(house.form("link-contact", answer="acknowledged"), "link-contact").status_code == 303
    (act,) = house.rows(ActRow)
    assert (act.kind, act.role, act.actor) == ("acknowledged", "emergency_contact", "p1.contact")


def test_the_in_system_list_shows_titles_dates_and_fingerprints(house: House) -> None:
    page = house.client.get(house.url()).text
    assert "本事项的站内通知" in page
    assert "2026-02-24 10:00 · 指纹" in page
    assert "本事项的站内通知" not in house.client.get(house.url("link-contact")).text


def test_a_time_lapse_case_bears_a_visible_mark(house: House) -> None:
    assert "演示时间" not in house.client.get(house.url()).text
    house.change(Case, "case-1", clock_factor=86400)
    assert "演示时间" in house.client.get(house.url()).text
    assert "Time-lapse" in house.client.get(house.url() + "?lang=en").text


def test_a_page_speaks_the_language_of_its_notice_and_the_one_asked_for(house: House) -> None:
    assert '<html lang="zh-CN">' in house.client.get(house.url(), headers={"accept-language": "en"}).text
    english = house.client.get(house.url() + "?lang=en").text
    assert '<html lang="en">' in english
    assert "Send the answer" in english
    assert '<article class="card" id="notice" lang="zh-CN">' in english
    assert '<html lang="zh-CN">' in house.client.get(house.url() + "?lang=xx").text
    assert '<html lang="en">' in house.client.get("/n", headers={"accept-language": "en-GB,zh;q=0.5"}).text


HEADERS = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-robots-tag": "noindex",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


def test_every_page_has_the_headers_and_no_script(house: House) -> None:
    act = house.post(house.form(answer="returns_on", on="2026-03-02")).headers["location"]
    answers = [
        house.client.get("/n"),
        house.client.post("/n", data={"code": ""}),
        house.client.post("/n", data={"code": house.code()}),
        house.client.get(house.url()),
        house.client.get("/n/0000-0000-0000"),
        house.client.get(act),
        house.client.get(act + ".txt"),
        house.post(house.form(answer="")),
        house.post({}, headers={"sec-fetch-site": "cross-site"}),
    ]
    for answer in answers:
        assert HEADERS.items() <= dict(answer.headers).items(), answer.url
        policy = answer.headers["content-security-policy"]
        for rule in (
            "default-src 'none'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
            "img-src 'self' data:",
        ):
            assert rule in policy
        assert "<script" not in answer.text
        assert not re.search(r"\son\w+=", answer.text)
        assert len(answer.content) < 30 * 1024


def test_the_policy_allows_exactly_the_one_stylesheet(house: House) -> None:
    answer = house.client.get(house.url())
    (style,) = re.findall(r"<style>(.*?)</style>", answer.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in answer.headers["content-security-policy"]
    assert " style=" not in answer.text


class Fields(HTMLParser):
    """Collects ids, labels and inputs of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.labelled: set[str] = set()
        self.inputs: list[dict[str, str | None]] = []
        self.anchors: list[str] = []
        self.described: list[str] = []
        self.tags: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags.append(tag)
        if values.get("id"):
            self.ids.append(values["id"] or "")
        if tag == "label":
            self.labelled.add(values["for"] or "")
        if tag in {"input", "textarea"} and values.get("type") != "hidden":
            self.inputs.append(values)
        if tag == "a" and (values["href"] or "").startswith("#"):
            self.anchors.append((values["href"] or "")[1:])
        self.described.extend((values.get("aria-describedby") or "").split())


@pytest.mark.parametrize("lang", ["zh-CN", "en"])
def test_every_field_has_a_label_and_every_error_leads_to_its_field(house: House, lang: str) -> None:
    filled = house.form(answer="extension_asked", until="soon", words="x" * 2001)
    answer = house.client.post(f"{house.url()}?lang={lang}", data=filled)
    assert answer.status_code == 422
    fields = Fields(answer.text)
    assert len(fields.ids) == len(set(fields.ids))
    assert {one["id"] for one in fields.inputs} <= fields.labelled
    assert set(fields.anchors) == {"until", "file", "words"}
    assert set(fields.anchors) | set(fields.described) <= set(fields.ids)
    assert {one["id"] for one in fields.inputs if one.get("aria-invalid")} == {"until", "file", "words"}
    assert {"fieldset", "legend", "title", "main", "h1"} <= set(fields.tags)
    assert 'name="viewport"' in answer.text


def test_missing_choice_leads_to_the_first_answer(house: House) -> None:
    answer = house.post(house.form(words="等等"))
    assert answer.status_code == 422
    assert Fields(answer.text).anchors == ["answer-returns_on"]
    assert "请选择一项答复" in answer.text
    assert ">\n等等</textarea>" in answer.text


# -- the typed code ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("style", ["{}", " {} ", "lower", "bare", "spaced"])
def test_a_typed_code_is_forgiven_its_form(house: House, style: str) -> None:
    code = house.code()
    typed = {
        "lower": code.lower(),
        "bare": code.replace("-", ""),
        "spaced": code.replace("-", " ").lower(),
    }.get(style) or style.format(code)
    answer = house.client.post("/n", data={"code": typed})
    assert (answer.status_code, answer.headers["location"]) == (303, house.url())


def test_a_wrong_typed_code_gets_the_gone_page_and_an_empty_one_a_hint(house: House) -> None:
    wrong = house.client.post("/n", data={"code": "0000-0000-0000"})
    assert wrong.status_code == 404
    assert wrong.content == house.client.get("/n/0000-0000-0001").content
    assert house.client.post("/n", data={"code": "no"}).content == wrong.content
    empty = house.client.post("/n", data={})
    assert empty.status_code == 422
    assert Fields(empty.text).anchors == ["code"]


def test_unknown_expired_and_revoked_codes_get_the_same_bytes(house: House) -> None:
    house.change(Link, "link-mail", revoked_at=NOW, revoked_why="not_me")
    house.change(Link, "link-contact", expires_at=NOW)
    answers = [
        house.client.get("/n/0000-0000-0000"),
        house.client.get("/n/nonsense"),
        house.client.get(house.url("link-mail")),
        house.client.get(house.url("link-contact")),
        house.client.get(house.url("link-mail") + "/receipt/x"),
        house.client.get(house.url() + "/receipt/unknown"),
        house.client.post(house.url("link-contact"), data={"answer": "not_me"}),
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1
    assert len({tuple(sorted(answer.headers.items())) for answer in answers}) == 1
    assert house.rows(ActRow) == []


# -- answering --------------------------------------------------------------------------------------------


def test_an_answer_is_committed_carried_and_receipted(house: House) -> None:
    filled = house.form(answer="returns_on", on="2026-03-02", words="谢谢\r\n再见")
    answer = house.post(filled)
    (act,) = house.rows(ActRow)
    assert (act.kind, act.role, act.actor, act.link_id) == ("returns_on", "employee", "p1", "link-sms")
    assert (act.body, act.words) == ({"on": "2026-03-02"}, {"words": "谢谢\n再见"})
    assert act.shown_sha256 == filled["shown"]
    assert house.carried == [act.id]
    assert (answer.status_code, answer.headers["location"]) == (303, f"{house.url()}/receipt/{act.id}")
    receipt = house.client.get(answer.headers["location"]).text
    for shown in ("我将于某日返岗", "2026-03-02", "2026-02-24 10:00:00", act.fingerprint, filled["shown"]):
        assert shown in receipt
    assert "正在处理" in receipt
    house.change(ActRow, act.id, state="accepted")
    assert "已记录并已生效" in house.client.get(answer.headers["location"]).text
    assert "Recorded and in effect" in house.client.get(answer.headers["location"] + "?lang=en").text


def test_a_double_click_is_one_act_and_another_answer_is_a_new_one(house: House) -> None:
    filled = house.form(answer="returns_on", on="2026-03-02")
    first, second = house.post(filled), house.post(filled)
    assert first.headers["location"] == second.headers["location"]
    assert len(house.rows(ActRow)) == 1
    other = house.post({**filled, "answer": "objected", "words": "日期不对"})
    corrected = house.post({**filled, "on": "2026-03-03"})
    assert len({first.headers["location"], other.headers["location"], corrected.headers["location"]}) == 3
    assert sorted(act.kind for act in house.rows(ActRow)) == ["objected", "returns_on", "returns_on"]


def test_an_answered_notice_shows_its_receipt_and_whether_another_answer_is_possible(house: House) -> None:
    house.post(house.form(answer="returns_on", on="2026-03-02"))
    page = house.client.get(house.url()).text
    assert page.index("您已答复") < page.index("您的病假已结束") < page.index("另作答复</summary>")
    house.change(Case, "case-1", state="closed", closed_at=NOW)
    closed = house.client.get(house.url()).text
    assert "不能在此另作答复" in closed
    assert "<form" not in closed


def test_an_answer_to_a_closed_case_is_kept_and_told_who_decided_when(house: House) -> None:
    filled = house.form(answer="returns_on", on="2026-03-02")
    house.change(Case, "case-1", state="closed", closed_at=NOW)
    receipt = house.client.get(house.post(filled).headers["location"])
    assert "已由系统于 2026-02-24 10:00 办结" in receipt.text
    (act,) = house.rows(ActRow)
    assert act.state == "late"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"answer": "returns_on"}, "on"),
        ({"answer": "returns_on", "on": "2026-02-30"}, "on"),
        ({"answer": "returns_on", "on": "2062-03-02"}, "on"),
        ({"answer": "extension_asked", "until": "2026-04-01"}, "file"),
        ({"answer": "objected", "words": "  "}, "words"),
        ({"answer": "objected", "words": "长" * 2001}, "words"),
        ({"answer": "back"}, "answer-returns_on"),
        ({"answer": "acknowledged"}, "answer-returns_on"),
    ],
)
def test_an_incomplete_answer_is_asked_again_and_commits_nothing(
    house: House, values: dict[str, str], field: str
) -> None:
    filled = house.form(**values)
    answer = house.post(filled)
    assert answer.status_code == 422
    assert Fields(answer.text).anchors == [field]
    assert (house.rows(ActRow), house.carried) == ([], [])


@pytest.mark.parametrize("typed", ["2026/3/2", "2026.3.2", "2026年3月2日", "2026-03-02"])
def test_a_date_typed_by_hand_is_understood(house: House, typed: str) -> None:
    assert house.post(house.form(answer="returns_on", on=typed)).status_code == 303
    assert house.rows(ActRow)[0].body == {"on": "2026-03-02"}


@pytest.mark.parametrize("nonce", ["", "short", "g" * 32, "A" * 32, "0" * 33])
def test_a_forged_nonce_is_refused(house: House, nonce: str) -> None:
    answer = house.post({**house.form(answer="resigned"), "nonce": nonce})
    assert answer.status_code == 422
    assert "表单已失效" in answer.text
    assert house.rows(ActRow) == []


def test_an_answer_to_a_text_that_is_not_the_present_one_is_asked_again(house: House) -> None:
    answer = house.post({**house.form(answer="resigned"), "shown": "0" * 64})
    assert answer.status_code == 409
    assert "请重新阅读" in answer.text
    assert f'value="{notice("first_notice", "employee", "p1").fingerprint}"' in answer.text
    assert 'value="resigned" checked' in answer.text
    assert house.rows(ActRow) == []


def test_not_me_closes_the_address_and_reveals_nothing_further(house: House) -> None:
    answer = house.post(house.form(answer="not_me"))
    assert answer.status_code == 200
    for secret in ("病假", "张", "E1042", "返岗通知书", house.code()):
        assert secret not in answer.text
    (act,) = house.rows(ActRow)
    assert act.fingerprint in answer.text
    assert act.actor == "link/link-sms"
    assert [row.address for row in house.rows(Suppression)] == ["+8613800138000"]
    assert house.client.get(house.url()).status_code == 404
    assert house.client.get(f"{house.url()}/receipt/{act.id}").status_code == 404
    assert house.client.get(house.url("link-mail")).status_code == 200
    assert house.carried == [act.id]


def test_a_receipt_opens_only_through_its_own_link(house: House) -> None:
    house.post(house.form(answer="returns_on", on="2026-03-02"))
    (act,) = house.rows(ActRow)
    assert house.client.get(f"{house.url('link-mail')}/receipt/{act.id}").status_code == 404
    assert house.client.get(f"{house.url('link-mail')}/receipt/{act.id}.txt").status_code == 404


def test_a_receipt_can_be_saved_with_the_same_facts(house: House) -> None:
    house.post(house.form(answer="objected", words="我在医院"))
    (act,) = house.rows(ActRow)
    saved = house.client.get(f"{house.url()}/receipt/{act.id}.txt")
    assert saved.headers["content-disposition"].startswith("attachment;")
    assert saved.headers["content-type"] == "text/plain; charset=utf-8"
    for fact in ("我有异议", "我在医院", "2026-02-24 10:00:00", act.fingerprint, act.shown_sha256, "李娜"):
        assert fact in saved.text


def test_words_and_names_cannot_bring_markup_into_a_page(house: House) -> None:
    evil = '</textarea><script>alert(1)</script><img src=x onerror="x">'
    house.change(Notice, "notice-first_notice", text=f"{NAME} 您好 {evil}")
    again = house.post(house.form(answer="returns_on", on='"><b>', words=evil))
    house.post(house.form(answer="objected", words=evil))
    (act,) = house.rows(ActRow)
    for page in (again, house.client.get(house.url()), house.client.get(f"{house.url()}/receipt/{act.id}")):
        assert "<script" not in page.text
        assert "<img" not in page.text
        assert "<b>伟" not in page.text
        assert 'value=""><b>' not in page.text
    assert "&lt;script&gt;" in house.client.get(f"{house.url()}/receipt/{act.id}").text


# -- papers -----------------------------------------------------------------------------------------------


def _picture(form: str = "JPEG", **more: Any) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (40, 20), "white").save(out, form, **more)
    return out.getvalue()


def _gps_jpeg() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "SecretPhone"
    exif.get_ifd(0x8825)[2] = (39.0, 54.0, 0.0)
    return _picture(exif=exif, comment=b"SecretPlace")


def _pdf(**more: Any) -> bytes:
    with pikepdf.new() as pdf:
        page = pdf.add_blank_page()
        script = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS=pikepdf.String("app.alert('bad')"))
        pdf.Root.OpenAction = pdf.make_indirect(script)
        pdf.Root.Names = pikepdf.Dictionary(
            JavaScript=pikepdf.Dictionary(Names=[pikepdf.String("x"), script])
        )
        page.obj.AA = pikepdf.Dictionary(O=script)
        link = pikepdf.Dictionary(
            Type=pikepdf.Name.Annot, Subtype=pikepdf.Name.Link, Rect=[0, 0, 9, 9], A=script
        )
        page.obj.Annots = [pdf.make_indirect(link)]
        pdf.attachments["evil.exe"] = b"MZ-attached"
        pdf.docinfo["/Author"] = "SecretAuthor"
        with pdf.open_metadata() as meta:
            meta["dc:title"] = "SecretTitle"
        out = io.BytesIO()
        pdf.save(out, object_stream_mode=pikepdf.ObjectStreamMode.disable, **more)
        return out.getvalue()


def _attach(house: House, data: bytes, name: str = "证明.jpg") -> Any:
    filled = house.form(answer="extension_asked", until="2026-04-01")
    return house.post(filled, files={"file": (name, data, "image/jpeg")})


def _kept(house: House) -> bytes:
    (document,) = house.rows(Document)
    path = house.services.documents.path(document.sha256)
    data = path.read_bytes()
    assert hashlib.sha256(data).hexdigest() == document.sha256
    assert [p.name for p in path.parent.iterdir()] == [document.sha256]
    return data


def test_a_photo_is_kept_upright_and_without_place_or_device(house: House) -> None:
    assert b"SecretPhone" in _gps_jpeg()
    assert _attach(house, _gps_jpeg()).status_code == 303
    data = _kept(house)
    assert b"Secret" not in data
    assert b"Exif" not in data
    with Image.open(io.BytesIO(data)) as image:
        assert (image.size, dict(image.getexif())) == ((20, 40), {})


def test_a_pdf_is_kept_without_scripts_attachments_and_metadata(house: House) -> None:
    assert b"JavaScript" in _pdf()
    assert _attach(house, _pdf(), "证明.pdf").status_code == 303
    with pikepdf.open(io.BytesIO(_kept(house))) as pdf:
        plain = io.BytesIO()
        pdf.save(
            plain,
            object_stream_mode=pikepdf.ObjectStreamMode.disable,
            stream_decode_level=pikepdf.StreamDecodeLevel.all,
            compress_streams=False,
        )
        assert len(pdf.pages) == 1
        assert "/Info" not in pdf.trailer
    for word in (b"JavaScript", b"app.alert", b"MZ-attached", b"Secret", b"/OpenAction", b"/AA", b"xmpmeta"):
        assert word not in plain.getvalue(), word


def test_a_paper_shows_in_the_receipt_by_kind_size_and_hash(house: House) -> None:
    page = house.client.get(_attach(house, _picture("PNG"), "../../x.png").headers["location"]).text
    (document,) = house.rows(Document)
    assert document.sha256 in page
    assert "PNG" in page
    assert house.rows(ActRow)[0].body == {"on": "2026-04-01"}


def _bomb() -> bytes:
    small = bytearray(_picture("PNG"))
    small[16:24] = (8_000).to_bytes(4, "big") * 2
    small[29:33] = zlib.crc32(bytes(small[12:29])).to_bytes(4, "big")
    return bytes(small)


HEIC = b"\x00\x00\x00\x18ftypheic" + b"\x00" * 40


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"MZ\x90\x00 This program cannot be run", "不支持这种文件"),
        (b"<svg onload=alert(1)>", "不支持这种文件"),
        (_picture("WEBP"), "截屏或另存为 JPEG"),
        (HEIC, "截屏或另存为 JPEG"),
        (_picture()[:150], "图片无法读取"),
        (_bomb(), "像素过大"),
        (b"%PDF-1.7\nnothing", "PDF 无法读取"),
        (_pdf(encryption=pikepdf.Encryption(owner="o", user="u")), "设有密码"),
        (_pdf(encryption=pikepdf.Encryption(owner="o", user="")), "设有密码"),
        (b"\xff\xd8\xff" + b"0" * LIMIT, "文件超过"),
        (b"", "文件是空的"),
    ],
    ids=["exe", "svg", "webp", "heic", "cut", "bomb", "no-pdf", "locked", "half-locked", "large", "empty"],
)
def test_a_file_that_is_not_taken_is_refused_in_words_and_nothing_is_kept(
    house: House, data: bytes, says: str
) -> None:
    answer = _attach(house, data)
    assert answer.status_code == 422
    assert says in answer.text
    assert Fields(answer.text).anchors == ["file"]
    assert 'value="2026-04-01"' in answer.text
    assert house.rows(ActRow) == []
    assert not house.services.documents.folder.exists()


def test_a_body_beyond_every_limit_is_not_even_read(house: House) -> None:
    answer = _attach(house, b"\xff\xd8\xff" + b"0" * (5 * LIMIT))
    assert answer.status_code == 413
    assert "提交的内容过大" in answer.text

    def endless() -> Iterator[bytes]:
        for _ in range(400):
            yield b"0" * 10_000

    headers = {"content-type": "multipart/form-data; boundary=x", "content-length": "10"}
    assert house.client.post(house.url(), content=endless(), headers=headers).status_code == 413


def test_a_form_that_cannot_be_read_gets_a_page(house: House) -> None:
    headers = {"content-type": "multipart/form-data"}
    answer = house.client.post(house.url(), content=b"x", headers=headers)
    assert answer.status_code == 400
    assert "无法识别" in answer.text


# -- who may ask, how often -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"sec-fetch-site": "cross-site", "origin": "null"}, 403),
        ({"sec-fetch-site": "same-origin", "origin": "null"}, 303),
        ({"sec-fetch-site": "same-origin", "origin": "https://hr.example.cn"}, 303),
        ({"origin": "http://hr.example.cn"}, 303),
        ({}, 303),
    ],
)
def test_a_form_from_another_site_is_refused(house: House, headers: dict[str, str], status: int) -> None:
    filled = house.form(answer="returns_on", on="2026-03-02")
    assert house.post(filled, headers=headers).status_code == status
    assert len(house.rows(ActRow)) == (1 if status == 303 else 0)
    typed = house.client.post("/n", data={"code": house.code()}, headers=headers)
    assert typed.status_code == status


def _ask_from(house: House, peer: str) -> TestClient:
    return TestClient(
        house.app, base_url="https://hr.example.cn", client=(peer, 50_000), follow_redirects=False
    )


def test_too_many_wrong_codes_from_one_address_must_wait(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    guesser, other = _ask_from(house, "198.51.100.7"), _ask_from(house, "198.51.100.8")
    for number in range(30):
        assert guesser.get(f"/n/0000-0000-{number:04}").status_code == 404
    refused = guesser.get("/n/0000-0000-9999")
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= 900
    assert "15 分钟后再试" in refused.text
    assert guesser.get(house.url()).status_code == 429
    assert other.get(house.url()).status_code == 200
    assert "too many tries by one client" in caplog.text
    for secret in ("9999", "198.51", house.code()):
        assert secret not in caplog.text


def test_everybody_together_can_only_miss_so_often_but_right_codes_stay_open(house: House) -> None:
    for number in range(300):
        house.services.limits.missed(f"192.0.2.{number % 250}")
    stranger = _ask_from(house, "198.51.100.9")
    assert stranger.get("/n/0000-0000-0000").status_code == 429
    assert stranger.get(house.url()).status_code == 200


def test_one_link_takes_twenty_answers_in_a_quarter_of_an_hour_and_mistakes_count_for_nothing(
    house: House,
) -> None:
    wrong, right = house.form(answer=""), house.form(answer="returns_on", on="2026-03-02")
    assert {house.post(wrong).status_code for _ in range(25)} == {422}
    assert {house.post(right).status_code for _ in range(20)} == {303}
    assert house.post(right).status_code == 429
    assert house.post(house.form("link-mail", answer="resigned"), "link-mail").status_code == 303


def test_one_link_has_sixty_files_looked_at_in_a_quarter_of_an_hour(house: House) -> None:
    filled = house.form(answer="extension_asked")
    files = {"file": ("x.jpg", b"no picture", "image/jpeg")}
    assert {house.post(filled, files=files).status_code for _ in range(60)} == {422}
    assert house.post(filled, files=files).status_code == 429


def test_an_ipv6_customer_is_counted_by_network() -> None:
    limits = LinkLimits()
    for number in range(30):
        limits.missed(f"2001:db8::{number:x}")
    with pytest.raises(TooManyTries):
        limits.before_look_up("2001:db8::ffff")
    limits.before_look_up("2001:db8:0:1::1")


@pytest.mark.parametrize(
    ("peer", "forwarded", "seen"),
    [
        ("198.51.100.7", "203.0.113.5", "198.51.100.7"),
        ("10.0.0.1", "203.0.113.5", "203.0.113.5"),
        ("10.0.0.1", "1.1.1.1, 203.0.113.5, 10.0.0.2", "203.0.113.5"),
        ("10.0.0.1", "nonsense", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
    ],
)
def test_a_forwarded_address_is_believed_only_from_a_trusted_proxy(
    house: House, peer: str, forwarded: str, seen: str
) -> None:
    _ask_from(house, peer).get(house.url(), headers={"x-forwarded-for": forwarded})
    told = {d[4] for d in house.dump()["disclosure"] if d[2] == "/body/address"}
    assert told == {seen}


# -- languages --------------------------------------------------------------------------------------------


def _marked() -> set[str]:
    root = Path(str(files("templates"))).parent
    pages = extract_from_dir(
        str(root / "templates" / "people"), method_map=[("**.html", "jinja2.ext:babel_extract")]
    )
    code = extract_from_dir(
        str(root / "api" / "people"), method_map=[("**.py", "python")], keywords={"sentence": None}
    )
    return {str(message) for _, _, message, _, _ in (*pages, *code)}


@pytest.mark.parametrize("language", ["zh_CN", "en"])
def test_every_sentence_of_the_pages_is_translated(language: str) -> None:
    folder = files("templates") / "locales" / language / "LC_MESSAGES"
    entries = {}
    for name in ("messages.po", "people_handover.po", "people_questionnaire.po"):
        with (folder / name).open("rb") as source:
            entries |= {str(m.id): m for m in read_po(source, locale=language) if m.id}
    marked = _marked()
    assert len(marked) > 50
    assert marked - set(entries) == set()
    assert set(entries) - marked == set()
    for text, entry in entries.items():
        assert entry.string, text
        assert not entry.fuzzy, text
        places = re.compile(r"%\(\w+\)s")
        assert sorted(places.findall(text)) == sorted(places.findall(str(entry.string)))
        if language == "zh_CN":
            assert re.search(r"[\u4e00-\u9fff]", str(entry.string)), text
