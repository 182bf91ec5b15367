"""What the console calls the values of a case, and how sentences that the engine says in English are told.

Names stand in `chain_words`, where the account of a case has them too; here is only what no chain holds.
"""

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from countersign.domain.alarm_words import ALARM_NAMES, HELD_NAMES
from countersign.domain.chain_words import DOCUMENTS, ROLES, STAGES, Pair, pair_of, value_words
from countersign.domain.departure_words import (
    ACCESS_STATES,
    CONDITIONS,
    DEPARTURE_KINDS,
    DEPARTURE_STATES,
    DETAIL_NAMES,
    DUTIES,
    DUTY_STATES,
    EMPLOYMENT_STATES,
    GATE_REASONS,
    GROUNDS,
    HANDS,
    ITEM_STATES,
    MONEY_TASKS,
    SETTLEMENT_STATES,
    SIDES,
    TASK_STATES,
    TRACKS,
    VERDICTS,
    WAYS_OF_DEDUCTING,
)
from countersign.domain.ledger_words import AGES, ALL_ACCOUNTS, POSTINGS
from countersign.domain.levels import ZH
from countersign.domain.regions import known_regions
from countersign.domain.yaml_text import load_text

_CASE_STATES: Mapping[str, Pair] = {
    "starting": ("正在启动", "starting"),
    "running": ("进行中", "running"),
    "paused": ("已暂停", "paused"),
    "closed": ("已结案", "closed"),
}
_ACTS: Mapping[str, Pair] = {
    "returns_on": ("答复：返岗日期", "answered: returns on a day"),
    "extension_asked": ("答复：申请延期", "answered: asks for an extension"),
    "objected": ("答复：提出异议", "answered: objects"),
    "resigned": ("答复：辞职", "answered: resigns"),
    "not_me": ("答复：不是本人", "answered: not the addressee"),
    "acknowledged": ("确认收到", "Confirm receipt"),
    "back": ("登记已返岗", "Record the return"),
    "skip": ("跳过此步骤", "Skip this step"),
    "pause": ("暂停案件", "Pause the case"),
    "resume": ("恢复案件", "Resume the case"),
    "cancel": ("撤销案件", "Cancel the case"),
    "posted": ("登记已寄出", "Record the posting"),
    "visited": ("登记上门结果", "Record the visit"),
    "published": ("登记已公告", "Record the publication"),
    "grading_done": ("劳动能力鉴定已完成", "Assessment is done"),
    "extension_granted": ("同意延期", "Grant the extension"),
    "extension_refused": ("不同意延期", "Refuse the extension"),
    "objection_answered": ("答复异议", "Answer the objection"),
    "overdue_decided": ("决定已过期的步骤", "Decide the overdue steps"),
    "snooze": ("延后下一步", "Put the next step off"),
    "jump": ("直接进入某一步骤", "Go on to a later step"),
    "resend": ("重新发送", "Send again"),
    "replan": ("重新计划", "Plan again"),
    "handed_over": ("确认已移交", "Hand over"),
    "accepted": ("确认接收", "Accept"),
    "disputed": ("提出争议", "Dispute"),
    "dispute_settled": ("处理争议", "Settle the dispute"),
    "reassigned": ("改派接收人", "Reassign"),
    "not_applicable": ("标为不适用", "Mark as not applicable"),
    "delegated": ("委托他人确认", "Let somebody stand in"),
    "revoked": ("停用账号", "Revoke accounts"),
    "tasks_moved": ("转交待办", "Move open tasks"),
    "balances_confirmed": ("确认账目齐全", "Confirm the balances"),
    "repayment_agreed": ("登记还款协议", "Record the repayment plan"),
    "waived": ("放弃追偿", "Waive a debt"),
    "settled": ("确认结算单", "Confirm the settlement"),
    "last_day_moved": ("调整最后工作日", "Move the last day"),
    "withdrawn": ("撤回离职", "Withdraw the departure"),
    "served": ("登记当面送达", "Record delivery in person"),
    "duty_ordered": ("登记法定事项已发起", "Record a duty as ordered"),
    "duty_done": ("登记法定事项已完成", "Record a duty as done"),
    "duty_failed": ("登记法定事项未办成", "Record a duty as failed"),
}
_KINDS: Mapping[str, Pair] = {
    "leave_return": ("返岗通知", "Leave return"),
    "acknowledgement": ("告知确认", "Acknowledgement"),
    "offboarding": ("离职", "Departure"),
    "handover": ("工作接收", "Handover to a receiver"),
    "statutory": ("法定离职事项", "Statutory duties"),
}
_ROLE_NAMES: Mapping[str, Pair] = {
    **ROLES,
    **{
        role: (ROLES[role][0], english)
        for role, english in {
            "employee": "employee",
            "manager": "manager",
            "auditor": "auditor",
            "system_administrator": "system administrator",
            "integrator": "another program",
        }.items()
    },
}
"""Roles by themselves, as lists have them; in sentences of a chain they carry an article."""
_TASKS: Mapping[str, Pair] = {
    **STAGES,
    "grading": ("登记劳动能力鉴定", "assessment to record"),
    "posting": STAGES["posting_due"],
    "visit": STAGES["visit_due"],
    "publication": STAGES["publication_due"],
    **{f"duty_{duty}": pair for duty, pair in DUTIES.items()},
    **GATE_REASONS,
    **MONEY_TASKS,
    "receiver_silent": STAGES["silent"],
}
"""What somebody has to do is called like the stage that it holds up."""
_DUTY_WORDS: Mapping[str, Pair] = {
    "ordered": ("已发起，等待结果", "set in motion, waits for an answer"),
    "done": ("已办成", "done"),
    "failed": ("未办成", "failed"),
}
_TABLES: Mapping[str, Mapping[str, Pair]] = {
    "role_name": _ROLE_NAMES,
    "case_state": _CASE_STATES,
    "act": _ACTS,
    "task": _TASKS,
    "kind": _KINDS,
    "alarm": ALARM_NAMES,
    "held": HELD_NAMES,
    "document": DOCUMENTS,
    "departure": DEPARTURE_KINDS,
    "region": {one.name: (one.zh, one.en) for one in known_regions()},
    "ground": GROUNDS,
    "track": TRACKS,
    "item": ITEM_STATES,
    "condition": CONDITIONS,
    "detail": DETAIL_NAMES,
    "duty": DUTIES,
    "duty_state": DUTY_STATES,
    "duty_word": _DUTY_WORDS,
    "gate": GATE_REASONS,
    "hand": HANDS,
    "departure_state": DEPARTURE_STATES,
    "verdict": VERDICTS,
    "side": SIDES,
    "access": ACCESS_STATES,
    "passed_task": TASK_STATES,
    "account": ALL_ACCOUNTS,
    "posting": POSTINGS,
    "age": AGES,
    "employment": EMPLOYMENT_STATES,
    "settlement": SETTLEMENT_STATES,
    "from_wage": WAYS_OF_DEDUCTING,
}


def name_of(kind: str, value: str, language: str) -> str:
    """Return what a value is called in `zh-CN` or `en`; `kind` says of which kind it is.

    What is not known here is shown with blanks for its underscores, such as a step that a policy has named.
    """
    table = _TABLES.get(kind)
    pair = table.get(value) if table is not None else pair_of(kind, value)
    if pair is None:
        return value.replace("_", " ")
    return pair[0] if language == ZH else pair[1].replace("_", " ")


def told_in(language: str, english: str) -> str:
    """Return a sentence of the engine in the reader's language; one that is not known stays English.

    The engine says its sentences in English with values in them; the places of `engine_sentences.yaml`
    are found again, and what stood in them stands in the Chinese sentence too; what stood in a place called
    `told` is a saying of the engine itself and is told in Chinese as well.
    """
    if language != ZH:
        return english
    for pattern, chinese in _patterns():
        if found := pattern.fullmatch(english):
            values = found.groupdict()
            if "told" in values:
                values["told"] = _saying(language, values["told"])
            return chinese.format_map({place: _Place(value) for place, value in values.items()})
    return english


class _Place(str):
    """What stood in a place; `{way:channel}` tells it by the name that values of that kind have."""

    def __format__(self, kind: str) -> str:
        return name_of(kind, str(self), ZH) if kind else str(self)


def _saying(language: str, english: str) -> str:
    reported = value_words("says", english, language)
    if reported != english:
        return reported
    for between, joined in ((", ", "、"), (". ", "。")):
        parts = english.split(between)
        told = [told_in(language, part) for part in parts]
        if all(one != part for one, part in zip(told, parts, strict=True)):
            return joined.join(told)
    return told_in(language, english)


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    text = (files("countersign.domain") / "engine_sentences.yaml").read_text("utf-8")
    sentences: dict[str, str] = load_text(text, "engine_sentences.yaml") or {}
    # The most literal first: a sentence that is all places would swallow its neighbours.
    ordered = sorted(sentences.items(), key=lambda pair: -len(re.sub(r"\{\w+\}", "", pair[0])))
    return tuple((_pattern(english), chinese) for english, chinese in ordered)


def _pattern(english: str) -> re.Pattern[str]:
    pieces = re.split(r"\{(\w+)\}", english)
    return re.compile(
        "".join(re.escape(p) if i % 2 == 0 else f"(?P<{p}>.+?)" for i, p in enumerate(pieces)), re.DOTALL
    )
