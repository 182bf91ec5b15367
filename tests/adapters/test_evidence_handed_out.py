"""Evidence as an installation hands it out: signed, stamped, anchored, redacted, and erased."""

import dataclasses
import hashlib
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from sqlmodel import col, select

from countersign.adapters.database.erasure import CannotErase
from countersign.adapters.database.scope import Scope
from countersign.adapters.database.tables import (
    ActRow,
    Anchor,
    Case,
    ConsentRecord,
    Delivery,
    DisclosureRow,
    Document,
    EventRow,
    Inbox,
    Link,
    Notice,
)
from countersign.adapters.exporting import Exported
from countersign.adapters.signing import check_signature, read_certificates
from countersign.adapters.verifying import verify
from countersign.contracts.cases import ActKind
from countersign.contracts.sending import OutcomeState
from countersign.domain.anchors import read_anchor_file
from countersign.domain.bundle import read_container, verify_bundle
from countersign.domain.policy import Channel
from countersign.domain.retention import Keeps
from countersign.ids import new_id
from tests.support.authority import authority
from tests.support.bundles import bare_bundle
from tests.support.company import MARKED
from tests.support.outgoing import HR, Outgoing, outgoing

AUDITOR = {"role": "auditor", "id": "token:a"}


@pytest.fixture
def out(tmp_path: Path) -> Iterator[Outgoing]:
    with outgoing(tmp_path / "data") as made:
        yield made


def export(
    out: Outgoing, *, redact: bool = False, language: str = "en", actor: dict[str, str] = HR, case: str = ""
) -> Exported:
    made = out.parts.exporter.export(Scope(), case or out.case_id, actor, redact=redact, language=language)
    assert made is not None
    return made


def text_of(pdf: bytes) -> str:
    document = pypdfium2.PdfDocument(io.BytesIO(pdf))
    pages = [page.get_textpage() for page in document]
    return "\n".join(page.get_text_range() for page in pages)


def anchors_in(out: Outgoing) -> list[Any]:
    return read_anchor_file(out.parts.settings.anchors.read_bytes())


# -- export --------------------------------------------------------------------------------------------------


def test_a_bundle_is_signed_and_its_account_tells_failures_too(out: Outgoing) -> None:
    out.send()
    out.fail(out.lay_out(), OutcomeState.FAILED_PERMANENT, "30005")
    made = export(out)
    entries = read_container(made.data)
    assert check_signature(entries["manifest.sig"], entries["manifest.json"]).self_issued
    assert "manifest.tst" not in entries
    assert made.notes == ()
    told = text_of(entries["timeline.pdf"])
    assert "Accepted for delivery" in told
    assert "Sending failed 1" in told
    assert MARKED[2] in told
    assert "案件经过" in text_of(read_container(export(out, language="zh-CN").data)["timeline.pdf"])


def test_a_redacted_copy_holds_nothing_personal_anywhere(out: Outgoing) -> None:
    out.send()
    out.act(ActKind.CANCEL, words={"reason": "标记理由"})
    data = export(out, redact=True).data
    entries = read_container(data)
    told = text_of(entries["timeline.pdf"])
    for mark in (*MARKED, "标记"):
        assert mark.encode() not in data
        assert mark not in told
    assert "[not disclosed]" in told
    assert not [name for name in entries if name.startswith("files/")]
    assert verify(data).broken is None


def test_each_reader_who_takes_evidence_is_named_once_for_the_same_state(out: Outgoing) -> None:
    first = export(out)
    again = export(out)
    export(out, actor=AUDITOR)
    export(out, redact=True)
    told = out.events("evidence.exported")
    assert [(one["redacted"], one["stamped"]) for one in told] == [(False, None), (False, None), (True, None)]
    assert told[0]["length"] == verify_bundle(first.data).length
    assert told[0]["head"] == verify_bundle(first.data).head
    assert verify_bundle(again.data).length == told[0]["length"] + 1
    of_first = hashlib.sha256(read_container(first.data)["manifest.json"]).hexdigest()
    of_second = hashlib.sha256(read_container(again.data)["manifest.json"]).hexdigest()
    assert told[0]["manifest_sha256"] == of_first != of_second
    assert told[0]["covers"] == "the first bundle of this state that this reader took"
    out.send()
    export(out)
    assert len(out.events("evidence.exported")) == 4


def test_an_authority_stamps_and_one_that_is_away_never_keeps_evidence_back(tmp_path: Path) -> None:
    with authority(tmp_path / "tsa") as stamps:
        with outgoing(tmp_path / "data", tsa_url=stamps.url, tsa_ca_file=stamps.ca) as out:
            made = export(out)
            assert verify(made.data, read_certificates(stamps.ca)).outside
            stamps.mood = "ill"
            out.send()
            without = export(out)
            assert "manifest.tst" not in read_container(without.data)
            assert without.notes[0].startswith(
                "manifest.tst is missing: the timestamp authority did not answer"
            )
            said = out.events("evidence.exported")
            assert [one["stamped"] for one in said] == [True, False]
            assert said[1]["notes"] == list(without.notes)


# -- anchors -------------------------------------------------------------------------------------------------


def test_what_has_grown_is_anchored_in_a_file_and_proved_in_the_bundle(out: Outgoing) -> None:
    other = out.other_person()
    assert out.parts.anchoring.run()
    assert not out.parts.anchoring.run()
    out.send()
    assert out.parts.anchoring.run()
    first, second = anchors_in(out)
    assert {head.case for head in first.heads} == {out.case_id, other}
    assert [head.case for head in second.heads] == [out.case_id]
    data = export(out).data
    report = verify_bundle(data)
    assert [one.seq for one in report.anchors] == [1, 2]
    assert other.encode() not in data
    verdict = verify(data, None, [first, second])
    assert verdict.outside
    assert f"the newest is event {second.heads[0].length}" in verdict.witnesses[-1]


def test_a_chain_that_was_cut_after_its_anchor_no_longer_verifies(out: Outgoing) -> None:
    out.send()
    out.parts.anchoring.run()
    kept = anchors_in(out)
    with out.parts.database.transaction() as session:
        own = select(EventRow).where(EventRow.case_id == out.case_id).order_by(col(EventRow.seq))
        last = session.exec(own).all()[-1]
        for one in session.exec(
            select(DisclosureRow).where(DisclosureRow.case_id == out.case_id, DisclosureRow.seq == last.seq)
        ):
            session.delete(one)
        session.delete(last)
    data = bare_bundle(out.parts, out.case_id)
    assert data is not None
    assert "events were left off" in str(verify(data).broken)
    entries = read_container(data)
    assert kept[0].heads[0].length == last.seq
    assert "history/anchors.json" in entries


def test_a_file_that_lacks_anchors_gets_them_and_one_that_differs_raises_an_alarm(out: Outgoing) -> None:
    out.parts.anchoring.run()
    file = out.parts.settings.anchors
    written = file.read_bytes()
    file.unlink()
    out.send()
    out.parts.anchoring.run()
    assert file.read_bytes().startswith(written)
    assert len(anchors_in(out)) == 2
    whole = file.read_bytes()
    out.send(provider_id="SM2")
    elsewhere = dataclasses.replace(anchors_in(out)[0], at="2025-01-01T00:00:00.000+00:00").line + b"\n"
    for damaged in (written.replace(b'"seq":1', b'"seq":7'), whole[:-9], elsewhere):
        file.write_bytes(damaged)
        out.parts.anchoring.run()
        assert file.read_bytes() == damaged
    assert out.alarms().count("anchors_differ") == 1
    file.write_bytes(whole)
    out.parts.anchoring.run()
    assert len(anchors_in(out)) == 3 == len(out.rows(Anchor))


def test_a_file_that_cannot_be_written_is_an_alarm_and_no_anchor_is_lost(tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where the folder should be")
    with outgoing(tmp_path / "data", anchor_file=blocked / "anchors.jsonl") as out:
        assert out.parts.anchoring.run()
        assert out.alarms() == ["anchors_unwritten"]
        blocked.unlink()
        assert not out.parts.anchoring.run()
        assert len(anchors_in(out)) == 1


def test_an_anchor_is_stamped_and_kept_without_a_stamp_while_the_authority_is_away(tmp_path: Path) -> None:
    with authority(tmp_path / "tsa") as stamps:
        with outgoing(tmp_path / "data", tsa_url=stamps.url) as out:
            out.parts.anchoring.run()
            stamps.mood = "ill"
            out.send()
            assert out.parts.anchoring.run()
            first, second = anchors_in(out)
            assert first.token is not None
            assert second.token is None
            stamps.mood = "well"
            verdict = verify(export(out).data, read_certificates(stamps.ca))
            assert any(f"up to event {first.heads[0].length} existed" in said for said in verdict.witnesses)


# -- erasure -------------------------------------------------------------------------------------------------


def settle(out: Outgoing) -> None:
    """Let all files be old enough that nobody is about to name them."""
    for file in (out.parts.settings.data_dir / "documents").glob("*/*"):
        os.utime(file, (0, 0))


def keep_file(out: Outgoing, content: bytes, case: str, *, settled: bool = True) -> str:
    sha256 = out.parts.documents.keep(content)
    if settled:
        settle(out)
    with out.parts.database.transaction() as session:
        row = Document(
            id=new_id(),
            case_id=case,
            sha256=sha256,
            media_type="image/png",
            size=len(content),
            kind="answer",
            created_at=out.now,
        )
        session.add(row)
    return sha256


def closed_with_traces(out: Outgoing) -> None:
    """A closed case with texts, addresses, words, a report and files of a person."""
    out.send()
    out.send(out.lay_out(channel=Channel.EMAIL), provider_id="SM9")
    out.act(ActKind.CANCEL, words={"reason": "标记理由"})
    with out.parts.database.transaction() as session:
        raw = {"MessageSid": "SM1", "To": MARKED[2], "Body": "标记回复"}
        session.add(
            Inbox(
                id=new_id(), source="twilio.inbound", dedup="x", raw=raw, received_at=out.now, done_at=out.now
            )
        )
    out.change(Case, out.case_id, state="closed")


def test_erasure_leaves_no_personal_value_and_a_chain_that_verifies(out: Outgoing) -> None:
    closed_with_traces(out)
    other = out.second_case()
    own, shared = keep_file(out, b"own scan", out.case_id), keep_file(out, b"shared scan", out.case_id)
    keep_file(out, b"shared scan", other)
    paper = keep_file(out, b"signed consent", out.case_id)
    with out.parts.database.transaction() as session:
        session.add(
            ConsentRecord(
                id=new_id(),
                person_id=session.get_one(Case, out.case_id).person_id,
                e_delivery=True,
                signed_on=out.now.date(),
                file_sha256=paper,
                media_type="image/png",
                size=14,
                sha256="0" * 64,
                recorded_by="hr",
                recorded_at=out.now,
            )
        )
    before = verify_bundle(export(out).data)
    erased = out.parts.eraser.erase(out.case_id, HR, "asked by the person")
    assert (erased.notices, erased.deliveries, erased.acts, erased.documents) == (2, 2, 1, 3)
    assert (erased.reports, erased.disclosures > 5) == (1, True)
    data = export(out).data
    report = verify_bundle(data)
    assert report.ok, report.first_broken
    assert report.hashes[out.case_id][: before.length] == before.hashes[out.case_id]
    assert report.disclosed_count == 1
    for mark in (*MARKED, "标记"):
        assert mark.encode() not in data
        assert mark not in text_of(read_container(data)["timeline.pdf"])
    for kind in (Notice, Delivery, ActRow, Inbox, DisclosureRow):
        told = json.dumps([one.model_dump(mode="json") for one in out.rows(kind)], ensure_ascii=False)
        kept = [row for row in json.loads(told) if row.get("case_id") == out.case_id or kind is Inbox]
        assert not [mark for mark in (*MARKED, "标记") if mark in json.dumps(kept, ensure_ascii=False)]
    assert all(link.revoked_at for link in out.rows(Link) if link.case_id == out.case_id)
    documents = out.parts.settings.data_dir / "documents"
    assert not (documents / own[:2] / own).exists()
    assert (documents / shared[:2] / shared).exists()
    assert (documents / paper[:2] / paper).exists()
    notice = out.rows(Notice)[0]
    assert out.parts.papers.pdf(Scope(), out.case_id, notice.id) is None


def test_erasure_says_what_it_did_and_why_in_the_chain_and_can_come_again(out: Outgoing) -> None:
    closed_with_traces(out)
    first = out.parts.eraser.erase(out.case_id, HR, "asked")
    again = out.parts.eraser.erase(out.case_id, HR, "asked again")
    said = out.events("disclosure.erased")
    assert [one["disclosures"] for one in said] == [first.disclosures, 1]
    assert set(said[0]["reason"]) == {"sealed"}
    assert again.documents == 0


def test_a_running_case_and_one_under_hold_keep_their_values(out: Outgoing) -> None:
    out.send()
    with pytest.raises(CannotErase, match="is not closed"):
        out.parts.eraser.erase(out.case_id, HR, "x")
    out.change(Case, out.case_id, state="closed")
    out.parts.eraser._kept = lambda session, case_id: Keeps.HOLD if case_id == out.case_id else None
    with pytest.raises(CannotErase, match="legal hold"):
        out.parts.eraser.erase(out.case_id, HR, "x")
    with pytest.raises(LookupError):
        out.parts.eraser.erase("0" * 26, HR, "x")
    assert out.events("disclosure.erased") == []
    assert out.rows(DisclosureRow)


def test_a_bundle_whose_values_are_erased_while_it_is_made_is_made_again(out: Outgoing) -> None:
    closed_with_traces(out)
    signer, erased = out.parts.exporter._signer, []

    def erases_then_signs() -> Any:
        if not erased:
            erased.append(out.parts.eraser.erase(out.case_id, HR, "asked"))
        return signer()

    out.parts.exporter._signer = erases_then_signs
    report = verify_bundle(export(out).data)
    assert (report.ok, report.disclosed_count) == (True, 1)
    assert len(out.events("evidence.exported")) == 1


def test_an_erasure_between_rows_and_files_lets_the_bundle_be_read_again(
    out: Outgoing, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_file(out, b"a scan", out.case_id)
    closed_with_traces(out)
    read, erased = out.parts.documents.read, []

    def erases_then_reads(sha256: str) -> bytes:
        if not erased:
            erased.append(out.parts.eraser.erase(out.case_id, HR, "asked"))
        return read(sha256)

    monkeypatch.setattr(out.parts.documents, "read", erases_then_reads)
    entries = read_container(export(out).data)
    assert not [name for name in entries if name.startswith("files/")]


def test_a_page_printed_while_its_notice_is_erased_is_neither_kept_nor_handed_out(
    out: Outgoing, monkeypatch: pytest.MonkeyPatch
) -> None:
    notice_id = out.row(Delivery, out.lay_out(channel=Channel.COURIER)).notice_id
    with out.parts.database.transaction() as session:
        for paper in session.exec(select(Document)):
            session.delete(paper)
    closed_with_traces(out)
    printed = out.parts.papers._press.print

    def prints_then_erases(paper: Any) -> bytes:
        pdf = printed(paper)
        out.parts.eraser.erase(out.case_id, HR, "asked")
        return pdf

    monkeypatch.setattr(out.parts.papers._press, "print", prints_then_erases)
    assert out.parts.papers.pdf(Scope(), out.case_id, notice_id) is None
    assert out.rows(Document) == []
