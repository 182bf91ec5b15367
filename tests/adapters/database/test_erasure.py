"""What an erasure takes and what it leaves: reports, mails, letters and files of this case and of others."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from countersign.adapters.database.letters import CourierReport
from countersign.adapters.database.tables import Case, Delivery, Document, EventRow, Inbox
from countersign.adapters.documents import Documents
from countersign.domain.courier import CourierState
from countersign.domain.policy import Channel
from countersign.ids import new_id
from tests.adapters.test_evidence_handed_out import keep_file, settle
from tests.support.company import MARKED
from tests.support.outgoing import HR, Outgoing, outgoing

PHONE = MARKED[2]


@pytest.fixture
def out(tmp_path: Path) -> Iterator[Outgoing]:
    with outgoing(tmp_path) as made:
        yield made


def close(out: Outgoing) -> None:
    out.change(Case, out.case_id, state="closed", closed_at=out.now)


def report(out: Outgoing, source: str, result: str | None, **raw: str) -> str:
    """Put a report into the inbox; one without a result still waits."""
    row = Inbox(
        id=new_id(),
        source=source,
        dedup=new_id(),
        raw=raw,
        received_at=out.now,
        done_at=out.now if result else None,
        result=result,
    )
    with out.parts.database.transaction() as session:
        session.add(row)
        return row.id


def path_of(out: Outgoing, sha256: str) -> Path:
    return out.parts.documents.path(sha256)


def erase(out: Outgoing) -> Any:
    return out.parts.eraser.erase(out.case_id, HR, "asked for")


def raw(out: Outgoing, row_id: str) -> dict[str, Any]:
    found: dict[str, Any] = out.row(Inbox, row_id).raw
    return found


def test_reports_of_another_case_from_the_same_number_stay(out: Outgoing) -> None:
    other = out.second_case()
    own = out.send(provider_id="SM1")
    theirs = out.send(out.lay_out(case_id=other), provider_id="SM2")
    ours = [
        report(out, "twilio.inbound", f"case {out.case_id}, acknowledged", From=PHONE, Body="mine"),
        report(out, "twilio.status", "a status that says nothing new", MessageSid="SM1", To=PHONE),
        report(out, "aliyun.report", None, out_id=own, phone_number=PHONE),
    ]
    kept = [
        report(out, "twilio.inbound", f"case {other}", From=PHONE, MessageSid="SM1", Body="theirs"),
        report(out, "twilio.status", None, delivery=theirs, To=PHONE),
        report(out, "twilio.inbound", None, From=PHONE, Body="whose may it be"),
    ]
    close(out)
    assert erase(out).reports == len(ours)
    assert [raw(out, one) for one in ours] == [{}, {}, {}]
    assert all(raw(out, one) for one in kept)


def test_an_answer_that_waits_goes_when_no_other_case_has_written_to_its_number(out: Outgoing) -> None:
    out.send()
    waits = [
        report(out, "twilio.inbound", None, From=PHONE, Body="mine"),
        report(out, "aliyun.reply", None, phone_number=PHONE.removeprefix("+86"), content="mine too"),
    ]
    close(out)
    erase(out)
    assert [(raw(out, one), out.row(Inbox, one).result) for one in waits] == [({}, "erased")] * 2


def test_a_letter_keeps_neither_its_number_nor_its_courier_nor_words(out: Outgoing) -> None:
    letter = out.lay_out(channel=Channel.COURIER)
    out.change(Delivery, letter, tracking_number="SF777", courier="顺丰 标记", by_hand_at=out.now)
    out.change(Delivery, letter, sentence="550 unknown user")
    close(out)
    erase(out)
    row = out.row(Delivery, letter)
    assert (row.tracking_number, row.courier, row.sentence) == (None, None, None)


def test_the_key_of_a_courier_event_tells_nothing_of_its_words(out: Outgoing) -> None:
    keys = []
    for number, words in (("SF1", "门卫代收"), ("SF2", "本人签收")):
        letter = out.lay_out(channel=Channel.COURIER)
        out.change(Delivery, letter, tracking_number=number, by_hand_at=out.now)
        out.parts.letters.take(CourierReport(number, CourierState.IN_TRANSIT, out.now, words), None, HR)
        (key,) = [row.key for row in out.rows(EventRow) if row.key.startswith(f"courier/{letter}/")]
        keys.append(key.rpartition("/")[2])
    assert keys[0] == keys[1]


def test_the_raw_mail_of_a_bounce_goes_unless_another_case_has_it_too(out: Outgoing) -> None:
    other = out.second_case()
    own, theirs = out.lay_out(), out.lay_out(case_id=other)
    shas = []
    for content in (b"only ours", b"of both"):
        shas.append(out.parts.documents.keep(content))
        report(out, "mail", f"delivery {own}: failed", delivery=own, sha256=shas[-1])
    report(out, "mail", f"delivery {theirs}: failed", delivery=theirs, sha256=shas[1])
    settle(out)
    close(out)
    erase(out)
    assert [path_of(out, sha).exists() for sha in shas] == [False, True]


@pytest.mark.parametrize("by", ["erasing again", "erasing what is due"])
def test_files_that_a_crash_left_behind_go_the_next_time(
    out: Outgoing, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    sha = keep_file(out, b"a scan", out.case_id)
    close(out)

    def crashes(documents: Documents, sha256: str) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(Documents, "drop", crashes)
        with pytest.raises(KeyboardInterrupt):
            erase(out)
    assert path_of(out, sha).exists()
    if by == "erasing again":
        erase(out)
    else:
        out.parts.retention.erase_due(HR)
    assert not path_of(out, sha).exists()


def test_a_file_that_another_case_keeps_meanwhile_stays_until_it_is_clear_that_nobody_names_it(
    out: Outgoing,
) -> None:
    other = out.second_case()
    named, unnamed = (keep_file(out, content, out.case_id) for content in (b"the same scan", b"given up"))
    close(out)
    for content in (b"the same scan", b"given up"):
        out.parts.documents.keep(content)  # what an upload does before its row is there
    erase(out)
    assert path_of(out, named).exists()
    keep_file(out, b"the same scan", other)
    settle(out)
    assert out.parts.eraser.remove_files() == 1
    assert (path_of(out, named).exists(), path_of(out, unnamed).exists()) == (True, False)
    assert [row.case_id for row in out.rows(Document)] == [other]
