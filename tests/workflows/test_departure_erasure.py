"""A whole departure is erased: nothing of the person stays, the books do, and the chains verify."""

import importlib.util
import os
import re
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from sqlmodel import SQLModel, select

from countersign.adapters.database.acts import StoredFile
from countersign.adapters.database.balances import By
from countersign.adapters.database.handover_acts import HandoverAct
from countersign.adapters.database.scope import Scope
from countersign.adapters.database.tables import (
    Document,
    ExitOverride,
    Holding,
    Person,
    Posting,
    RepaymentPlan,
    Settlement,
)
from countersign.bootstrap import Parts
from countersign.contracts.cases import Role
from countersign.domain.bundle import read_container, verify_bundle
from countersign.domain.handover import Side, Speaker, Verdict
from countersign.domain.ledger import AccountKind, loan, repayment
from countersign.domain.repayment import Instalment
from countersign.ids import new_id
from tests.support.bundles import bare_bundle
from tests.support.company import add_colleague
from tests.support.departing import Leaving, add_holdings
from tests.support.story import HR, Story, at, story

SUCCESSOR = "E2001"
VERIFIER = Path(__file__).parents[2] / "docs" / "verify_bundle.py"
HELD = (
    ("documents", "DOC-1", "标记底稿", None),
    ("customers", "C-1", "标记客户", None),
    ("equipment", "IT-1", "标记电脑", 8_000_00),
)
WORDS = ("标记", "与清单不符", "张伟", "13800138000", "zhang", "7612.34", "7,612.34", "761234", "543210")
STAYS = {
    "person",
    "emergencycontact",
    "employment",
    "holding",
    "posting",
    "entry",
    "ledger_account",
    "account",
    "branch",
}
"""Tables of the roster, of what people hold, and the books of account, which another law keeps."""


def stand_alone() -> Callable[[bytes], Any]:
    """Return the verifier that knows nothing of the product."""
    spec = importlib.util.spec_from_file_location("verify_bundle", VERIFIER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.verify  # type: ignore[no-any-return]


def everything(parts: Parts) -> dict[str, str]:
    """Return every table as text."""
    with parts.database.reading() as session:
        return {
            table.name: "\n".join(repr(tuple(row)) for row in session.execute(table.select()))
            for table in SQLModel.metadata.sorted_tables
        }


def files(parts: Parts) -> dict[str, bytes]:
    folder = parts.settings.data_dir / "documents"
    return {path.name: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


async def leaves(s: Story) -> tuple[Leaving, str]:
    """Let somebody leave with a dispute, a debt, a plan, a settlement and papers, to the end."""
    add_colleague(s.parts, SUCCESSOR, name="李标记收")
    with s.parts.database.transaction() as session:
        person = session.exec(select(Person).where(Person.number == "E1042")).one()
        person.name = "张伟"
    add_holdings(s.parts, held=HELD)
    leaving = Leaving(s)
    await leaving.books(loan, "5432.10")
    await s.depart("resignation", date(2026, 4, 10), noticed_on=date(2026, 3, 9), successor=SUCCESSOR)
    share = s.share_of(SUCCESSOR)
    assert await leaving.hands_over() == "settled"
    assert await leaving.disputes(SUCCESSOR, "DOC-1") == "settled"
    assert await leaving.takes_over(SUCCESSOR, "C-1") == "settled"
    await s.until(at("04-10 10:00"))
    by = By(new_id(), s.departure_id, Role.FINANCE, "token:finance")
    paper = StoredFile(s.parts.documents.keep("标记协议".encode()), "application/pdf", 12, "协议.pdf")
    plan = [Instalment(date(2026, 4, 30), 5_432_10)]
    agreed = date(2026, 4, 10)
    assert (
        await leaving.do(lambda: s.parts.balances.agree_plan(by, 5_432_10, plan, agreed, paper)) == "settled"
    )
    assert await leaving.settles(final_wage="7612.34") == "settled"
    assert s.parts.settlements.pdf(s.departure_id, 1)
    lost = s.parts.loss_files.make(Scope(), s.departure_id, HR, "zh-CN")
    assert lost is not None
    act = HandoverAct(
        new_id(),
        s.departure_id,
        Speaker.COMPANY,
        Side.COMPANY,
        Role.HR,
        "token:hr",
        items=leaving.ids("DOC-1"),
        words="标记理由",
    )
    settle = partial(s.parts.handover_book.settle_dispute, act, Verdict.HANDED_OVER)
    assert await leaving.do(settle) == "settled"
    assert await leaving.takes_over(SUCCESSOR) == "settled"
    assert await leaving.takes_back("IT-1") == "settled"
    await leaving.books(repayment, "5432.10", AccountKind.LOAN)
    assert await leaving.finance_confirms() == "settled"
    await leaving.all_duties()
    assert leaving.why() == []
    for case, outcome in ((s.departure_id, "completed"), (s.statutory_id, "fulfilled"), (share, "confirmed")):
        assert leaving.outcome(case) == outcome
    return leaving, share


async def test_an_erased_departure_leaves_nothing_personal_and_chains_that_verify(tmp_path: Path) -> None:
    verify_alone = stand_alone()
    async with story(tmp_path, at("03-09 10:00")) as s:
        _, share = await leaves(s)
        cases = (s.statutory_id, share, s.departure_id)
        before = everything(s.parts)
        assert {"notice", "delivery", "act", "handover_item", "disclosure"} <= {
            name for name, text in before.items() if "标记" in text
        }
        whole = {case: bare_bundle(s.parts, case) for case in cases}
        lengths = {case: verify_bundle(data).length for case, data in whole.items() if data}
        kept = set(files(s.parts))
        with s.parts.database.reading() as session:
            papers = {one.sha256 for one in session.exec(select(Document))}
            postings = session.exec(select(Posting)).all()
        assert papers <= kept
        for sha256 in kept:
            # What was stored a moment ago could be about to be named by another case.
            os.utime(s.parts.documents.path(sha256), (0, 0))
        for case in cases:
            s.parts.eraser.erase(case, HR, "期满")
        after = everything(s.parts)
        left = {
            name: word for name, text in after.items() for word in WORDS if name not in STAYS and word in text
        }
        assert left == {}
        # The books of account stand as they were, and name nobody.
        with s.parts.database.reading() as session:
            assert session.exec(select(Posting)).all() == postings
            assert session.exec(select(Document)).all() == []
            assert [(one.lines, one.net_fen) for one in session.exec(select(Settlement))] == [([], 0)]
            assert [(one.total_fen, one.instalments) for one in session.exec(select(RepaymentPlan))] == [
                (0, [])
            ]
            assert {one.amount_fen for one in session.exec(select(ExitOverride))} == {0}
            assert len(session.exec(select(Holding)).all()) == 3
        assert not re.search("标记|张伟", after["posting"] + after["entry"] + after["ledger_account"])
        assert not papers & set(files(s.parts))
        assert not any("标记".encode() in data for data in files(s.parts).values())
        for case in cases:
            made = s.parts.exporter.unrecorded(Scope(), case, language="zh-CN")
            assert made is not None
            report = verify_bundle(made.data)
            assert report.ok, report.first_broken
            assert report.length == lengths[case] + 1
            verify_alone(made.data)
            entries = read_container(made.data)
            assert not [
                (name, word) for name, data in entries.items() for word in WORDS if word.encode() in data
            ]
