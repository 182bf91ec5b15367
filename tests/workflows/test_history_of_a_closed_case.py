"""The history of a closed case is kept in time, travels in the bundle, and ends as the chain says."""

import asyncio
from pathlib import Path

from sqlmodel import select

from countersign.adapters.database.scope import Scope
from countersign.adapters.database.tables import Case, CaseHistory
from countersign.adapters.verifying import Verdict, verify
from countersign.domain.bundle import read_container, write_container
from tests.domain.test_bundle import with_manifest
from tests.replay.histories import FOLDER
from tests.replay.stories import FRIDAY_IN_THE_FESTIVAL, answered_by_link
from tests.support.company import MARKED
from tests.support.story import HR, Story, at, story


def kept(s: Story) -> list[CaseHistory]:
    with s.parts.database.reading() as session:
        return list(session.exec(select(CaseHistory)))


async def checked(data: bytes) -> Verdict:
    return await asyncio.to_thread(lambda: verify(data, with_replay=True))


async def test_a_closed_case_keeps_its_history_and_the_replay_ends_as_its_chain_says(tmp_path: Path) -> None:
    async with story(tmp_path, at("02-09 08:00")) as s:
        await answered_by_link(s)
        assert await s.parts.histories.run() == 1
        assert await s.parts.histories.run() == 0
        (row,) = kept(s)
        for redact in (False, True):
            made = s.parts.exporter.export(Scope(), s.case_id, HR, redact=redact, language="zh-CN")
            assert made is not None
            name = f"history/{s.case_id}/{row.workflow_id}/{row.run_id}.json"
            content = read_container(made.data)[name]
            verdict = await checked(made.data)
            assert verdict.broken is None
            assert verdict.notes[-1].startswith(f"{name}: replayed with this release, it ends as event ")
            told = content.decode()
            assert not [mark for mark in MARKED if mark in told]
        (closed,) = s.events("case.closed")
        assert len(closed["body"]["outcome_sha256"]) == 64
        # The history of another case under this one's name: it replays well, and ends otherwise.
        strange = (FOLDER / "leave_return/extension_granted.json").read_bytes()
        entries = read_container(made.data) | {name: strange}
        del entries["manifest.sig"]
        swapped = with_manifest(write_container(entries))
        assert "is the history of another case" in str((await checked(swapped)).broken)


async def test_a_running_case_and_one_that_the_server_forgot_have_no_history(tmp_path: Path) -> None:
    async with story(tmp_path, at("02-24 08:00")) as s:
        await s.start(FRIDAY_IN_THE_FESTIVAL, overdue={"before_end": "skip"})
        assert await s.parts.histories.run() == 0
        assert kept(s) == []
        with s.parts.database.transaction() as session:
            session.get_one(Case, s.case_id).state = "closed"
        assert await s.parts.histories.run() == 0
        assert kept(s) == []  # the process still runs
        with s.parts.database.transaction() as session:
            session.get_one(Case, s.case_id).workflow_id = "leave-return/never"
        assert await s.parts.histories.run() == 0
        (row,) = kept(s)
        assert row.sha256 is None
        assert await s.parts.histories.run() == 0
