"""What couriers report, what people write down by hand, and what employees sign, over the API."""

import hashlib
import io
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from PIL import Image

from api.app import create_app
from countersign.adapters.database.consents import Consent, consent_hash
from countersign.adapters.database.public_notices import why_locked
from countersign.adapters.database.tables import Case, ConsentRecord, Delivery, Document, Person
from countersign.adapters.database.tokens import Tokens
from countersign.contracts.cases import (
    CaseState,
    EventDraft,
    Projection,
    RecordOrder,
    Role,
)
from countersign.domain.bundle import verify_bundle
from countersign.domain.evidence import EventKind
from countersign.domain.policy import Channel
from tests.support.company import EMAIL, NUMBER
from tests.support.outgoing import NOW, SHANGHAI_BRANCH, Outgoing, outgoing

TRACKED = "EA123456789CN"


def picture(colour: str = "white") -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (40, 30), colour).save(content, "PNG")
    return content.getvalue()


PAPER = {"file": ("paper.png", picture(), "image/png")}


class Desk:
    """HR at work: JSON and forms, with tokens by role and branch."""

    def __init__(self, out: Outgoing, client: httpx2.AsyncClient) -> None:
        self.out, self.client = out, client
        self.tokens = Tokens(out.parts.database, out.parts.clock)

    def headers(self, key: str, role: Role, branch: str | None) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens.create(role, branch)}", "Idempotency-Key": key}

    async def get(self, path: str, branch: str | None = None) -> httpx2.Response:
        return await self.client.get(path, headers=self.headers("k", Role.HR, branch))

    async def json(self, path: str, body: Any, role: Role = Role.HR, branch: str | None = None) -> Any:
        return await self.client.post(path, json=body, headers=self.headers("k", role, branch))

    async def form(
        self,
        path: str,
        fields: dict[str, str],
        files: Any = None,
        headers: dict[str, str] | None = None,
        branch: str | None = None,
    ) -> httpx2.Response:
        headers = headers or self.headers("k", Role.HR, branch)
        parts = {name: (None, value) for name, value in fields.items()} | (files or {})
        return await self.client.post(path, files=parts, headers=headers)

    def post_letter(self, case_id: str = "", number: str | None = TRACKED) -> str:
        """Let HR's posting of a letter stand in the books; return its delivery."""
        delivery = self.out.lay_out(case_id, Channel.COURIER, template="paper_notice")
        with self.out.parts.database.transaction() as session:
            row = session.get_one(Delivery, delivery)
            row.state, row.sent_at, row.by_hand_at = "sent", NOW, NOW
            row.courier, row.tracking_number = "EMS", number
        return delivery

    def close(self, case_id: str) -> None:
        shown = Projection(CaseState.CLOSED, "closed", None, None, "back")
        closed = EventDraft(EventKind.CASE_CLOSED, {"outcome": "back"})
        self.out.parts.cases.record(RecordOrder(case_id, "closed", NOW, shown, events=(closed,)))

    async def timeline(self, case_id: str, kind: str) -> list[dict[str, Any]]:
        found = (await self.get(f"/cases/{case_id}")).json()["timeline"]
        return [event for event in found if event["kind"] == kind]


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    with outgoing(tmp_path) as out:
        transport = httpx2.ASGITransport(app=create_app(out.parts, dispatch=False))
        async with httpx2.AsyncClient(transport=transport, base_url="http://test/api/v1") as client:
            yield Desk(out, client)


def event(state: str, **more: Any) -> dict[str, Any]:
    return {"tracking_number": TRACKED, "state": state, "at": (NOW + timedelta(minutes=1)).isoformat()} | more


# -- couriers ------------------------------------------------------------------------------------------------


async def test_a_report_stands_on_the_chain_once_and_moves_the_delivery(desk: Desk) -> None:
    out = desk.out
    delivery = desk.post_letter()
    out.later(hours=1)
    said = event("signed_by_other", words="门卫代收")
    first = await desk.json("/courier-events", said, Role.INTEGRATOR)
    again = await desk.json("/courier-events", said | {"tracking_number": "ea 123456789 cn"})
    assert (first.status_code, first.json()["new"], again.json()["new"]) == (202, True, False)
    assert first.json()["cases"] == [out.case_id]
    (kept,) = await desk.timeline(out.case_id, "paper.signed_by_other")
    assert kept["actor"]["role"] == "integrator"
    assert kept["body"]["says"] == "signed for by somebody else (weak)"
    assert (kept["body"]["words"], kept["body"]["tracking_number"]) == ("门卫代收", TRACKED)
    row = out.row(Delivery, delivery)
    assert (row.state, row.courier_result, row.error_code) == (
        "failed_permanent",
        "signed_by_other",
        "courier_signed_by_other",
    )
    bundle = (await desk.get(f"/cases/{out.case_id}/evidence?redact=true")).content
    assert verify_bundle(bundle).ok
    assert TRACKED.encode() not in bundle
    assert "门卫".encode() not in bundle


async def test_a_signature_corrects_an_earlier_weak_result_and_nothing_takes_it_back(desk: Desk) -> None:
    delivery = desk.post_letter()
    desk.out.later(hours=1)
    for state in ("refused", "signed", "returned", "in_transit"):
        assert (await desk.json("/courier-events", event(state))).status_code == 202
    row = desk.out.row(Delivery, delivery)
    assert (row.state, row.courier_result, row.error_code) == ("delivered", "signed", None)
    kinds = [e["kind"] for e in (await desk.get(f"/cases/{desk.out.case_id}")).json()["timeline"]]
    assert kinds[-4:] == ["paper.refused", "paper.signed", "paper.returned", "paper.tracked"]


async def test_letters_of_two_cases_in_one_envelope_are_both_told(desk: Desk) -> None:
    second = desk.out.second_case()
    desk.post_letter()
    desk.post_letter(second)
    desk.out.later(hours=1)
    told = await desk.json("/courier-events", event("returned"))
    assert set(told.json()["cases"]) == {desk.out.case_id, second}


@pytest.mark.parametrize(
    ("wrong", "status", "field", "said"),
    [
        ({"tracking_number": "EA999999999CN"}, 404, "tracking_number", "no posted letter bears this number"),
        ({"tracking_number": "12-34"}, 422, "tracking_number", "8 to 30 letters and digits"),
        ({"state": "lost"}, 422, "state", "must be in_transit, signed"),
        ({"at": "2026-02-24T12:00:00"}, 422, "at", "must be a date and time with offset"),
        ({"at": (NOW + timedelta(hours=2)).isoformat()}, 422, "at", "lies in the future"),
        ({"at": (NOW - timedelta(days=2)).isoformat()}, 422, "at", "before the letter was posted"),
        ({"words": "x" * 2001}, 422, "words", "at most 2000"),
        ({"place": "Beijing"}, 422, "place", "is not known here"),
    ],
)
async def test_a_report_that_cannot_be_taken_is_refused_in_words(
    desk: Desk, wrong: dict[str, str], status: int, field: str, said: str
) -> None:
    desk.post_letter()
    desk.out.later(hours=1)
    answer = await desk.json("/courier-events", event("refused") | wrong)
    assert (answer.status_code, answer.json()["field"]) == (status, field)
    assert said in answer.json()["detail"]


async def test_another_branch_knows_no_number_of_ours(desk: Desk) -> None:
    desk.out.other_branch()
    desk.post_letter()
    desk.out.later(hours=1)
    answer = await desk.json("/courier-events", event("refused"), branch=SHANGHAI_BRANCH)
    assert answer.status_code == 404


async def test_a_number_of_somebody_else_s_letter_is_refused_at_the_posting(desk: Desk) -> None:
    other = desk.out.other_person()
    desk.post_letter(other)
    posting = {"act": "posted", "happened_at": NOW.isoformat(), "courier": "EMS", "tracking_number": TRACKED}
    clash = await desk.json(f"/cases/{desk.out.case_id}/acts", posting)
    assert (clash.status_code, clash.json()["field"]) == (409, "tracking_number")
    assert "compare it with the waybill" in clash.json()["detail"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"act": "posted"}, "posted needs the field tracking_number"),
        ({"act": "posted", "tracking_number": "1"}, "8 to 30 letters and digits"),
        ({"act": "published"}, "published needs the field where"),
        ({"act": "published", "where": "报", "document": "0" * 26}, "the case has no such document"),
    ],
)
async def test_a_posting_or_publication_that_lacks_something_is_refused_in_words(
    desk: Desk, wrong: dict[str, str], said: str
) -> None:
    answer = await desk.json(f"/cases/{desk.out.case_id}/acts", {"happened_at": NOW.isoformat()} | wrong)
    assert answer.status_code == 422
    assert said in answer.json()["detail"]


async def test_a_body_that_is_no_json_is_refused_in_words(desk: Desk) -> None:
    headers = desk.headers("k", Role.HR, None) | {"Content-Type": "application/json"}
    answer = await desk.client.post("/courier-events", content=b"{oops", headers=headers)
    assert (answer.status_code, answer.json()["field"]) == (422, "body")
    assert answer.json()["detail"] == "body: is no JSON; send a JSON object."


# -- by hand -------------------------------------------------------------------------------------------------


def call(**more: str) -> dict[str, str]:
    told = {"kind": "call", "happened_at": NOW.isoformat(), "words": "妻子接听", "result": "not_reached"}
    return told | more


async def test_what_was_entered_by_hand_stands_on_the_chain_of_open_and_closed_cases(desk: Desk) -> None:
    out, path = desk.out, f"/cases/{desk.out.case_id}/manual-evidence"
    stage = (await desk.get(f"/cases/{out.case_id}")).json()["stage"]
    assert (await desk.form(path, call(witness="李证人"))).status_code == 201
    desk.close(out.case_id)
    shot = await desk.form(path, call(kind="screenshot", result="refused"), PAPER)
    assert shot.status_code == 201
    found = (await desk.get(f"/cases/{out.case_id}")).json()
    one, two = found["manual_evidence"]
    assert (one["kind"], one["words"], one["witness"], one["says"]) == (
        "call",
        "妻子接听",
        "李证人",
        "entered by hand",
    )
    assert (one["document"], two["sha256"]) == (None, shot.json()["sha256"])
    assert stage != "closed"
    assert (found["state"], found["outcome"]) == ("closed", "back")
    (document,) = out.rows(Document)
    assert (document.kind, document.sha256) == ("manual", two["sha256"])
    bundle = (await desk.get(f"/cases/{out.case_id}/evidence")).content
    assert verify_bundle(bundle).ok
    redacted = (await desk.get(f"/cases/{out.case_id}/evidence?redact=true")).content
    assert two["sha256"].encode() in redacted
    for words in ("妻子接听", "李证人"):
        assert words.encode() in bundle
        assert words.encode() not in redacted


async def test_the_same_key_enters_once(desk: Desk) -> None:
    path, same = f"/cases/{desk.out.case_id}/manual-evidence", desk.headers("once", Role.HR, None)
    first = await desk.form(path, call(), PAPER, same)
    again = await desk.form(path, call(), PAPER, same)
    other = await desk.form(path, call(words="anders"), PAPER, same)
    assert (first.status_code, again.json()) == (201, first.json())
    assert (other.status_code, other.json()["field"]) == (409, "Idempotency-Key")
    assert len(await desk.timeline(desk.out.case_id, "manual.call")) == 1


@pytest.mark.parametrize(
    ("wrong", "files", "field", "said"),
    [
        ({"kind": "screenshot"}, None, "file", "a screenshot needs its picture"),
        ({"kind": "visit"}, None, "witness", "a visit needs a witness"),
        ({"kind": "fax"}, None, "kind", "kind: must be call, visit or screenshot."),
        ({"result": "maybe"}, None, "result", "result: must be reached, not_reached, refused or other."),
        ({"words": "  "}, None, "words", "words: is missing; give it."),
        (
            {"happened_at": "yesterday"},
            None,
            "happened_at",
            "happened_at: must be a date and time with offset, such as 2026-03-02T15:04:00+08:00.",
        ),
        (
            {"happened_at": "2026-03-02T10:00:00"},
            None,
            "happened_at",
            "with offset, such as 2026-03-02T15:04",
        ),
        ({"happened_at": "2026-03-24T10:00:00+08:00"}, None, "happened_at", "lies in the future"),
        ({"colour": "red"}, None, "colour", "colour: is not known here; leave it out."),
        ({}, {"file": ("a.txt", b"hello", "text/plain")}, "file", "no JPEG, PNG or PDF"),
        ({}, {"other": ("a.png", picture(), "image/png")}, "file", "in the field file"),
    ],
)
async def test_what_cannot_be_entered_is_refused_in_words(
    desk: Desk, wrong: dict[str, str], files: Any, field: str, said: str
) -> None:
    answer = await desk.form(f"/cases/{desk.out.case_id}/manual-evidence", call(**wrong), files)
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert said in answer.json()["detail"]
    assert desk.out.rows(Document) == []


async def test_nothing_is_entered_into_an_erased_case(desk: Desk) -> None:
    desk.close(desk.out.case_id)
    desk.out.parts.eraser.erase(desk.out.case_id, {"role": "hr", "id": "x"}, "asked for")
    refused = await desk.form(f"/cases/{desk.out.case_id}/manual-evidence", call(), PAPER)
    assert (refused.status_code, refused.json()["field"]) == (409, "case")
    assert "erased" in refused.json()["detail"]
    assert desk.out.rows(Document) == []


async def test_no_form_and_too_large_a_form_are_refused_in_words(desk: Desk) -> None:
    path = f"/cases/{desk.out.case_id}/manual-evidence"
    assert (await desk.json(path, call())).status_code == 415
    limit = desk.out.parts.settings.upload_limit_bytes
    large = {"file": ("a.png", picture() + b"\0" * (limit + 100_000), "image/png")}
    assert (await desk.form(path, call(), large)).status_code == 413


# -- what was signed -----------------------------------------------------------------------------------------


def signed(**more: str) -> dict[str, str]:
    told = {"service_address": "上海市新签路 9 号", "mobile": "138 0013 8001", "email": "new@example.com"}
    return told | {"e_delivery": "true", "signed_on": "2026-02-20"} | more


async def test_an_address_that_a_newer_consent_names_keeps_the_public_notice_locked_until_it_was_tried(
    desk: Desk,
) -> None:
    out = desk.out
    phone, mail, letter = (
        out.lay_out(),
        out.lay_out(channel=Channel.EMAIL),
        out.lay_out(channel=Channel.COURIER),
    )
    for one in (phone, mail, letter):
        out.change(Delivery, one, state="failed_permanent")
    out.change(Delivery, letter, courier_result="refused")

    def locked() -> str | None:
        with out.parts.database.reading() as session:
            case = session.get_one(Case, out.case_id)
            return why_locked(session, case, session.get_one(Person, case.person_id))

    assert locked() is None
    assert (await desk.form(f"/people/{NUMBER}/consents", signed(), PAPER)).status_code == 201
    assert locked() == (
        "public notice is locked: the text message has not been tried, the e-mail has not been tried"
    )
    for channel in (Channel.SMS, Channel.EMAIL):
        out.change(Delivery, out.lay_out(channel=channel), state="failed_permanent")
    assert locked() is None


async def test_a_signed_consent_is_cited_by_every_notice_and_lies_in_the_bundle(desk: Desk) -> None:
    out, path = desk.out, f"/people/{NUMBER}/consents"
    out.lay_out()
    made = (await desk.form(path, signed(), PAPER)).json()
    (record,) = out.rows(ConsentRecord)
    told = Consent(True, record.signed_on, "上海市新签路 9 号", "+8613800138001", "new@example.com")
    assert made["sha256"] == record.sha256 == consent_hash(NUMBER, told, record.file_sha256)
    out.lay_out()
    out.lay_out(channel=Channel.COURIER, template="paper_notice")
    before, *cited = await desk.timeline(out.case_id, "notice.rendered")
    assert before["body"]["consent"] is None
    citation = {"id": made["id"], "sha256": made["sha256"], "signed_on": "2026-02-20"}
    assert [event["body"]["consent"] for event in cited] == [citation, citation]
    assert "2026年2月20日（星期五）签署书面确认" in cited[0]["body"]["text"]
    assert "2026年2月20日（星期五）签署确认的送达地址：上海市新签路 9 号" in cited[1]["body"]["text"]
    (document,) = [one for one in out.rows(Document) if one.kind == "consent"]
    (added,) = [
        event for event in await desk.timeline(out.case_id, "document.added") if "consent" in event["body"]
    ]
    assert added["body"]["sha256"] == document.sha256 == made["file"]["sha256"]
    bundle = (await desk.get(f"/cases/{out.case_id}/evidence")).content
    assert verify_bundle(bundle).ok
    stored = out.parts.documents.path(document.sha256)
    assert hashlib.sha256(stored.read_bytes()).hexdigest() == document.sha256
    assert stored.read_bytes() in bundle


async def test_the_consent_signed_last_counts_in_whatever_order_they_come(desk: Desk) -> None:
    path = f"/people/{NUMBER}/consents"
    await desk.form(path, signed(), PAPER)
    older = await desk.form(path, signed(signed_on="2025-06-01", service_address="旧地址"), PAPER)
    assert older.json()["counts"] is False
    (person,) = desk.out.rows(Person)
    assert (person.service_address, str(person.e_delivery_consent_on)) == ("上海市新签路 9 号", "2026-02-20")
    assert (person.phone, person.email) == ("+8613800138001", "new@example.com")
    await desk.form(path, {"e_delivery": "false", "signed_on": "2026-02-21", "email": EMAIL}, PAPER)
    listed = (await desk.get(path)).json()["consents"]
    assert [(one["signed_on"], one["counts"]) for one in listed] == [
        ("2026-02-21", True),
        ("2026-02-20", False),
        ("2025-06-01", False),
    ]
    (person,) = desk.out.rows(Person)
    assert (person.service_address, person.e_delivery_consent_on) == ("上海市新签路 9 号", None)


@pytest.mark.parametrize(
    ("wrong", "files", "field", "said"),
    [
        ({}, None, "file", "add the signed paper"),
        ({"mobile": "010-62345678"}, PAPER, "mobile", "landline"),
        ({"email": "nobody"}, PAPER, "email", "no e-mail address"),
        ({"signed_on": "2026-02-30"}, PAPER, "signed_on", "must be a day that exists"),
        ({"signed_on": "2026-03-30"}, PAPER, "signed_on", "lies in the future"),
        ({"e_delivery": "perhaps"}, PAPER, "e_delivery", "e_delivery: must be true or false."),
        ({"mobile": "", "email": ""}, PAPER, "body", "names a mobile or an email"),
        (
            {"mobile": "", "email": "", "service_address": "", "e_delivery": "false"},
            PAPER,
            "body",
            "at least one",
        ),
        ({}, {"file": ("a.pdf", b"%PDF-broken", "application/pdf")}, "file", "The PDF cannot be read"),
    ],
)
async def test_a_consent_that_cannot_be_kept_is_refused_in_words(
    desk: Desk, wrong: dict[str, str], files: Any, field: str, said: str
) -> None:
    answer = await desk.form(f"/people/{NUMBER}/consents", signed(**wrong), files)
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert said in answer.json()["detail"]
    assert desk.out.rows(ConsentRecord) == []


async def test_a_person_of_another_branch_does_not_exist(desk: Desk) -> None:
    desk.out.other_branch()
    path = f"/people/{NUMBER}/consents"
    assert (await desk.get(path, SHANGHAI_BRANCH)).status_code == 404
    assert (await desk.form(path, signed(), PAPER, branch=SHANGHAI_BRANCH)).status_code == 404
    assert (await desk.get("/people/E9999/consents")).status_code == 404
