"""The loss file: what is open is claimed once, told truthfully, and nobody else's data goes in."""

import io
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from sqlmodel import Session, select

from countersign.adapters.database.loss_files import LossView
from countersign.adapters.database.papers import PDF
from countersign.adapters.database.scope import Scope
from countersign.adapters.database.tables import (
    Case,
    Delivery,
    Departure,
    Document,
    EventRow,
    ExitOverride,
    HandoverItem,
    Notice,
    Person,
)
from countersign.adapters.verifying import verify
from countersign.bootstrap import Parts
from countersign.domain.evidence import EventKind, Sealed
from countersign.domain.ledger import AccountKind, Voucher, equipment_charge, loan, repayment
from countersign.ids import new_id
from tests.support.company import BEIJING, NAME, SHANGHAI, add_colleague, company
from tests.support.leaving import employment_id, leaving

NOW = datetime(2026, 3, 10, 2, tzinfo=UTC)
TODAY = date(2026, 3, 10)
RECEIVER = "王标记收"
ACTOR = {"role": "hr", "id": "account:x"}


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    return company(tmp_path, lambda: NOW)


@pytest.fixture
def case_id(parts: Parts) -> str:
    """Return a departure with open items, a debt, and a receiver with a case of their own."""
    case = leaving(parts, TODAY, ended_on=TODAY)
    receiver = add_colleague(parts, "E2000", name=RECEIVER)

    def more(session: Session) -> None:
        for kind in ("offboarding", "statutory"):
            one = session.exec(select(Case).where(Case.kind == kind)).one()
            begin(parts, session, one, NAME)
        share = Case(
            id=new_id(),
            kind="handover",
            workflow_id="ladder/x",
            person_id=receiver,
            branch_id=BEIJING,
            departure_id=case,
            policy_version="handover_standard@1",
            state="running",
            stage="waiting",
            created_at=NOW,
        )
        session.add(share)
        session.flush()
        begin(parts, session, share, RECEIVER)

    parts.database.write(more)
    return case


def begin(parts: Parts, session: Session, case: Case, name: str) -> None:
    body = {"case": case.id, "name": Sealed(name)}
    actor = {"role": "machine", "id": case.kind}
    parts.evidence.append(session, case, "started", NOW, EventKind.CASE_STARTED, actor, body)


def change(parts: Parts, work: Callable[[Session], Any]) -> Any:
    return parts.database.write(work)


def item(parts: Parts, case_id: str, track: str, state: str, value: int | None, **more: Any) -> str:
    row = HandoverItem(
        id=new_id(),
        departure_id=case_id,
        track=track,
        reference=new_id(),
        title=f"物品 {track}",
        due_on=TODAY,
        state=state,
        value_fen=value,
        listed_at=NOW,
        **more,
    )
    row_id = row.id
    change(parts, lambda session: session.add(row))
    return row_id


def view(parts: Parts, case_id: str) -> LossView:
    found = parts.loss_files.view(Scope(), case_id)
    assert found is not None
    return found


def made(parts: Parts, case_id: str) -> zipfile.ZipFile:
    found = parts.loss_files.make(Scope(), case_id, ACTOR, "zh-CN")
    assert found is not None
    return zipfile.ZipFile(io.BytesIO(found.data))


def words(pdf: bytes) -> str:
    document = pypdfium2.PdfDocument(pdf)
    return "".join(page.get_textpage().get_text_bounded() for page in document)


def voucher(parts: Parts, key: str) -> Voucher:
    return Voucher(key, employment_id(parts), TODAY, "account:none")


def charge(parts: Parts, case_id: str, why: str, item_id: str, fen: int) -> str:
    """Charge an item under the key that acts and the freeze book it with; return the posting."""

    def work(session: Session) -> str:
        departure = session.get_one(Departure, case_id)
        case = departure.statutory_case_id if why == "freeze" else case_id
        key = f"{session.get_one(Case, case).workflow_id}/{why}/{item_id}"
        return parts.ledger.book(session, equipment_charge(voucher(parts, key), fen))

    posting: str = change(parts, work)
    return posting


def test_what_is_open_is_claimed_once(parts: Parts, case_id: str) -> None:
    laptop = item(parts, case_id, "equipment", "open", 8_000_00)
    item(parts, case_id, "equipment", "accepted", 500_00)
    item(parts, case_id, "customers", "disputed", None)
    change(parts, lambda s: parts.ledger.book(s, loan(voucher(parts, "l"), 100_00)))
    assert [one.state for one in view(parts, case_id).items] == ["disputed", "open"]
    assert view(parts, case_id).claim_fen == 100_00 + 8_000_00

    charge(parts, case_id, "freeze", laptop, 8_000_00)
    override = ExitOverride(
        id=new_id(),
        departure_id=case_id,
        subject=laptop,
        what="equipment",
        item_id=laptop,
        amount_fen=8_000_00,
        rule="劳动合同法50",
        decided_by="machine",
        reason="x",
        evidence_hash="0" * 64,
        at=NOW,
    )
    change(parts, lambda s: s.add(override))
    assert view(parts, case_id).claim_fen == 100_00 + 8_000_00

    change(
        parts,
        lambda s: parts.ledger.book(s, repayment(voucher(parts, "paid"), 3_000_00, AccountKind.EQUIPMENT)),
    )
    assert view(parts, case_id).claim_fen == 100_00 + 5_000_00
    assert view(parts, case_id).items[1].left_fen == 5_000_00


def test_what_was_missing_and_paid_is_not_claimed_again(parts: Parts, case_id: str) -> None:
    phone = item(parts, case_id, "equipment", "accepted", 900_00, condition="missing", accepted_at=NOW)
    charge(parts, case_id, "missing", phone, 900_00)
    assert view(parts, case_id).claim_fen == 900_00
    change(
        parts,
        lambda s: parts.ledger.book(s, repayment(voucher(parts, "p"), 900_00, AccountKind.EQUIPMENT)),
    )
    assert view(parts, case_id).claim_fen == 0


def test_damage_is_claimed_for_what_finance_charges_and_not_for_the_whole_value(
    parts: Parts, case_id: str
) -> None:
    laptop = item(parts, case_id, "equipment", "accepted", 8_000_00, condition="damaged", accepted_at=NOW)
    (before,) = view(parts, case_id).items
    assert before.not_assessed
    assert view(parts, case_id).claim_fen == 0
    charge(parts, case_id, "damaged", laptop, 1_200_00)
    assert view(parts, case_id).claim_fen == 1_200_00


def test_equipment_that_the_leaver_says_is_back_is_not_claimed(parts: Parts, case_id: str) -> None:
    item(parts, case_id, "equipment", "handed_over", 8_000_00, handed_over_at=NOW)
    assert view(parts, case_id).claim_fen == 0


def test_a_claim_that_finance_has_reversed_is_not_made_again(parts: Parts, case_id: str) -> None:
    phone = item(parts, case_id, "equipment", "accepted", 900_00, condition="missing", accepted_at=NOW)
    posting = charge(parts, case_id, "missing", phone, 900_00)
    change(parts, lambda s: parts.ledger.reverse(s, posting, "r", "account:none", "found", TODAY))
    assert view(parts, case_id).claim_fen == 0


def test_equipment_that_was_charged_by_hand_is_not_claimed_twice(parts: Parts, case_id: str) -> None:
    item(parts, case_id, "equipment", "open", 8_000_00)
    change(parts, lambda s: parts.ledger.book(s, equipment_charge(voucher(parts, "e"), 5_000_00)))
    assert view(parts, case_id).claim_fen == 8_000_00


def test_every_notice_is_told_with_what_is_truly_known(parts: Parts, case_id: str) -> None:
    def notify(session: Session) -> None:
        notice = Notice(
            id=new_id(),
            case_id=case_id,
            step="1.reminder_14",
            audience="employee",
            person_id=session.get_one(Departure, case_id).person_id,
            template="reminder",
            title="x",
            text="x",
            language="zh-CN",
            fingerprint="0" * 64,
            created_at=NOW,
        )
        session.add(notice)
        session.flush()
        session.add(
            Delivery(
                id=new_id(),
                notice_id=notice.id,
                case_id=case_id,
                channel="sms",
                attempt=1,
                state="sent",
                address="+8613800138000",
                text="x",
                created_at=NOW,
                sent_at=NOW,
            )
        )

    change(parts, notify)
    (told,) = view(parts, case_id).told
    assert (told.case_kind, told.step, told.channel) == ("offboarding", "reminder_14", "sms")
    assert "read" not in told.says
    assert view(parts, case_id).sms.messages == 1


def test_the_file_holds_cover_tables_and_bundles(parts: Parts, case_id: str) -> None:
    item(parts, case_id, "equipment", "open", 8_000_00)
    archive = made(parts, case_id)
    names = archive.namelist()
    assert {"loss-file.pdf", "items.csv", "notices.csv", "balances.csv", "override-record.csv"} <= set(names)
    cover = words(archive.read("loss-file.pdf"))
    assert "8,000.00" in cover
    assert "items.csv" in cover
    bundles = [name for name in names if name.startswith("evidence/")]
    assert [name.split("/")[1].split("-")[0] for name in bundles] == ["handover", "offboarding", "statutory"]
    for name in bundles:
        assert verify(archive.read(name)).broken is None


def test_the_receiver_is_not_in_it(parts: Parts, case_id: str) -> None:
    item(parts, case_id, "documents", "handed_over", None)
    archive = made(parts, case_id)
    for name in archive.namelist():
        content = archive.read(name)
        inside = [content]
        if name.endswith(".zip"):
            bundle = zipfile.ZipFile(io.BytesIO(content))
            inside = [bundle.read(one) for one in bundle.namelist()]
        assert all(RECEIVER.encode() not in one for one in inside), name
    assert any(NAME.encode() in _unpacked(archive, name) for name in archive.namelist())


def test_vouchers_and_letters_of_consent_go_in_as_pictures_too(parts: Parts, case_id: str) -> None:
    for kind, media_type in (("voucher", "image/jpeg"), ("deduction_consent", "image/png"), ("paper", PDF)):
        content = f"{kind} as a file".encode()
        document = Document(
            id=new_id(),
            case_id=case_id,
            sha256=parts.documents.keep(content),
            media_type=media_type,
            size=len(content),
            kind=kind,
            created_at=NOW,
        )
        change(parts, lambda session, row=document: session.add(row))
    archive = made(parts, case_id)
    inside = {
        name.removeprefix("documents/").partition("-")[0]: (archive.read(name), name.rpartition(".")[2])
        for name in archive.namelist()
        if name.startswith("documents/")
    }
    assert inside == {
        "voucher": (b"voucher as a file", "jpg"),
        "deduction_consent": (b"deduction_consent as a file", "png"),
    }


def _unpacked(archive: zipfile.ZipFile, name: str) -> bytes:
    content = archive.read(name)
    if not name.endswith(".zip"):
        return content
    bundle = zipfile.ZipFile(io.BytesIO(content))
    return b"".join(bundle.read(one) for one in bundle.namelist())


def test_taking_it_stands_in_every_chain(parts: Parts, case_id: str) -> None:
    made(parts, case_id)
    with parts.database.reading() as session:
        taken = session.exec(select(EventRow.case_id).where(EventRow.kind == "evidence.exported")).all()
    assert len(set(taken)) == 3


def test_a_departure_without_loss_says_so_and_another_branch_sees_nothing(parts: Parts, case_id: str) -> None:
    assert view(parts, case_id).empty
    assert parts.loss_files.view(Scope(SHANGHAI), case_id) is None
    assert parts.loss_files.make(Scope(SHANGHAI), case_id, ACTOR, "en") is None
    with parts.database.reading() as session:
        assert session.exec(select(Departure)).one().case_id == case_id
        assert session.exec(select(Person).where(Person.name == RECEIVER)).one()
