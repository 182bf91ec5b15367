"""The words for what stands on a chain: everything that the product writes has Chinese words."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory

import countersign
from countersign.adapters.database.identity import Method
from countersign.adapters.database.manual_evidence import ManualResult
from countersign.adapters.database.send_gate import CAP_OF_COMPANY, CAP_OF_PERSON, NEVER
from countersign.contracts.acknowledgement import AcknowledgementOutcome, AcknowledgementStage
from countersign.contracts.cases import Process, Role
from countersign.contracts.leave_return import LeaveKind, Outcome, Stage
from countersign.contracts.notices import STOPPED
from countersign.domain import public_notice
from countersign.domain.chain_words import value_words
from countersign.domain.courier import CourierState, courier_words
from countersign.domain.fetches import FetchKind
from countersign.domain.levels import EN, ZH, Level, level_words
from countersign.domain.policy import Audience, Channel
from countersign.domain.public_notice import DIRECT, DirectWay
from countersign.domain.receipts import CODES, DeliveryState
from countersign.domain.sms_reply import Keyword
from countersign.domain.timeline import account
from tests.support.replayed import replayed_chain
from workflows.steps import StepState

PRODUCT = Path(countersign.__file__).parents[1]
HISTORIES = sorted((PRODUCT / "tests/replay/histories").glob("leave_return/*.json"))

CLOSED_SETS = {
    "role": Role,
    "audience": Audience,
    "stage": {*Stage, *AcknowledgementStage},
    "outcome": {*Outcome, *AcknowledgementOutcome},
    "process": Process,
    "channel": Channel,
    "leave_kind": LeaveKind,
    "state": {*DeliveryState, *StepState, *CourierState},
    "result": ManualResult,
    "method": Method,
    "keyword": Keyword,
    "by": FetchKind,
}


@pytest.mark.parametrize("key", CLOSED_SETS)
def test_every_member_of_a_closed_set_has_chinese_words(key: str) -> None:
    assert [one for one in CLOSED_SETS[key] if value_words(key, one.value, ZH).isascii()] == []


def test_english_readers_see_the_values_as_they_stand_and_instants_without_a_letter() -> None:
    assert value_words("role", "hr", EN) == "hr"
    assert value_words("at", "2026-02-13T15:00:00.007+08:00", EN) == "2026-02-13 15:00:00 +08:00"


def test_a_step_of_the_policys_own_keeps_its_name_and_a_round_is_told() -> None:
    assert value_words("step", "our_own_step", ZH) == "our_own_step"
    assert value_words("step", "2.first_notice", ZH) == "第 2 轮 首次通知"


def test_every_sentence_that_the_chain_says_has_chinese_words() -> None:
    said = [courier_words(state) for state in CourierState]
    said += [level_words(level, channel) for level in Level for channel in (None, *Channel)]
    said += [level_words(Level.LINK_FETCHED, by=kind) for kind in FetchKind]
    said += [meaning.en for meaning in CODES.values()]
    said += [text for text in _constants("countersign/adapters", "activities") if _SAYS.match(text)]
    assert [one for one in said if value_words("says", one, ZH).isascii()] == []


_SAYS = re.compile(r"(The (mail server|SMS provider) (accepted|says|passed)|Found in the provider)")


def _constants(*folders: str) -> Iterator[str]:
    for folder in folders:
        for path in (PRODUCT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield node.value


def test_every_reason_that_a_process_gives_has_chinese_words() -> None:
    reasons = {*NEVER.values(), STOPPED, CAP_OF_PERSON, CAP_OF_COMPANY, "paused"}
    for path in (PRODUCT / "workflows").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Dict():
                    named = zip(node.keys, node.values, strict=True)
                    given = [v for k, v in named if isinstance(k, ast.Constant) and k.value == "because"]
                case ast.Call(func=ast.Attribute(attr="move_end" | "replan")):
                    given = node.args
                case ast.Call(func=ast.Name(id="_nothing_sent" | "_skipped")):
                    given = node.args
                case _:
                    continue
            reasons |= {one.value for one in given if isinstance(one, ast.Constant)}
    assert len(reasons) > 15
    assert [one for one in reasons if value_words("because", one, ZH).isascii()] == []


def test_why_a_public_notice_is_locked_is_told_in_chinese_part_by_part() -> None:
    letters: list[CourierState | None] = [CourierState.REFUSED, CourierState.SIGNED]
    for state, posted in ((DeliveryState.SENT, []), (None, letters)):
        because = public_notice.why_locked(dict.fromkeys(DIRECT, DirectWay(True, state)), posted)
        assert because is not None
        told = value_words("because", because, ZH)
        assert told.startswith("公告尚不允许：")
        assert not re.search("[A-Za-z]", told)


_IDENTIFIERS = re.compile(
    # ids and hashes, file types, versions of policies
    r"\b(?:[0-9A-Z]{26}|[0-9a-f]{12,64}|[a-z]+/[a-z.+-]+|leave_return_standard@\d+)\b"
)
_OF_THE_STORIES = {"an", "invented", "paper", "sms_connect_failed", "timeout"}
"""A calendar's paper and codes of messages, as the recorded stories name them."""


def _told(path: Path) -> WorkflowHistory:
    return WorkflowHistory.from_json("story", path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.stem)
async def test_a_chinese_account_of_a_shipped_story_holds_no_english_word(path: Path, tmp_path: Path) -> None:
    events = await replayed_chain(_told(path), tmp_path)
    assert len(events) > 5
    told = account("CASE", events, (), ZH)
    found = {
        word
        for entry in told.entries
        for text in (entry.title, entry.by, *(part for fact in entry.facts for part in fact))
        for word in re.findall(r"[A-Za-z][A-Za-z_]+", _IDENTIFIERS.sub("", text))
    }
    assert found <= _OF_THE_STORIES
