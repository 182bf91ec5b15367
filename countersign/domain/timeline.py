"""The account of a case for readers: every event of its chain in words, with what the copy discloses.

Nothing is left out: what failed, what may have left, what was never sent and what came too late stand in
their places. What is sealed and not disclosed is said to be so.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from countersign.domain.chain_words import value_words
from countersign.domain.evidence import Disclosure, Event, EventKind, sealed_values
from countersign.domain.ledger import yuan
from countersign.domain.levels import EN, ZH

LANGUAGES = (ZH, EN)

K = EventKind
TITLES: Mapping[EventKind, tuple[str, str]] = {
    K.CASE_STARTED: ("案件开始", "Case started"),
    K.CASE_PAUSED: ("案件暂停", "Case paused"),
    K.CASE_RESUMED: ("案件恢复", "Case resumed"),
    K.CASE_CLOSED: ("案件结案", "Case closed"),
    K.CASE_LINKED: ("关联案件的证据", "Evidence of another case linked"),
    K.BALL_PASSED: ("待办移交", "Ball passed"),
    K.PLAN_MADE: ("制定计划", "Plan made"),
    K.PLAN_CHANGED: ("计划变更", "Plan changed"),
    K.RUNG_REACHED: ("进入催办步骤", "Step reached"),
    K.RUNG_SKIPPED: ("步骤跳过", "Step skipped"),
    K.RUNG_JUMPED: ("直接进入步骤", "Jumped to a step"),
    K.RUNG_SNOOZED: ("步骤延后", "Step put off"),
    K.RUNG_RESENT: ("重新发送", "Sent again by hand"),
    K.RUNG_HELD: ("步骤搁置", "Step held"),
    K.NOTICE_RENDERED: ("生成通知", "Notice written"),
    K.NOTICE_NOTHING_SENT: ("未发出任何内容", "Nothing was sent"),
    K.DELIVERY_SENDING: ("开始发送", "Handed over for sending"),
    K.DELIVERY_SENT: ("服务商已接收", "Accepted for delivery"),
    K.DELIVERY_DELIVERED: ("已送达（对方系统报告）", "Delivered, as reported"),
    K.DELIVERY_FAILED: ("发送失败", "Sending failed"),
    K.DELIVERY_UNKNOWN: ("结果不明，可能已发出", "Outcome unknown, may have left"),
    K.DELIVERY_SETTLED: ("结果已核实", "Unknown outcome settled"),
    K.DELIVERY_SUPPRESSED: ("停止发送", "Not sent: suppressed"),
    K.LINK_ISSUED: ("生成链接", "Link issued"),
    K.LINK_FETCHED: ("链接被访问", "Link fetched"),
    K.LINK_OPENED: ("通知在浏览器中打开", "Notice opened in a browser"),
    K.LINK_EXPIRED: ("链接过期", "Link expired"),
    K.LINK_REVOKED: ("链接撤销", "Link revoked"),
    K.ANSWER_ACKNOWLEDGED: ("答复：已知悉", "Answer: acknowledged"),
    K.ANSWER_RETURNS_ON: ("答复：返岗日期", "Answer: date of return"),
    K.ANSWER_EXTENSION_ASKED: ("答复：申请延期", "Answer: asks for an extension"),
    K.ANSWER_OBJECTED: ("答复：提出异议", "Answer: objects"),
    K.ANSWER_RESIGNED: ("答复：辞职", "Answer: resigns"),
    K.ANSWER_NOT_ME: ("答复：不是本人", "Answer: not the addressee"),
    K.ANSWER_REPLIED: ("文字回复", "Answer in words"),
    K.ANSWER_IDENTITY_CONFIRMED: ("身份已核实", "Identity confirmed"),
    K.ANSWER_LATE: ("迟到的答复（已结案）", "Late answer, after the close"),
    K.PAPER_POSTED: ("纸质通知寄出", "Letter posted"),
    K.PAPER_PUBLISHED: ("公告发布", "Public notice published"),
    K.PAPER_TRACKED: ("快递动态", "Courier report"),
    K.PAPER_SIGNED: ("快递签收", "Letter signed for"),
    K.PAPER_SIGNED_BY_OTHER: ("他人签收", "Letter signed for by somebody else"),
    K.PAPER_REFUSED: ("拒收", "Letter refused"),
    K.PAPER_RETURNED: ("退回", "Letter returned"),
    K.MANUAL_CALL: ("电话（人工录入）", "Phone call, entered by hand"),
    K.MANUAL_VISIT: ("上门（人工录入）", "Visit, entered by hand"),
    K.MANUAL_SCREENSHOT: ("截图（人工录入）", "Screenshot, entered by hand"),
    K.ITEM_LISTED: ("列入交接项", "Handover item listed"),
    K.ITEM_HANDED_OVER: ("已移交", "Handed over"),
    K.ITEM_ACCEPTED: ("已接收", "Accepted"),
    K.ITEM_DISPUTED: ("交接争议", "Handover disputed"),
    K.ITEM_REASSIGNED: ("交接项改派", "Handover item reassigned"),
    K.ITEM_SETTLED: ("交接争议已处理", "Handover dispute settled"),
    K.ITEM_NOT_APPLICABLE: ("交接项不适用", "Handover item does not apply"),
    K.ITEM_DELEGATED: ("已委托他人代接收", "Delegate appointed for a receiver"),
    K.ACCESS_REVOKED: ("账号停用登记", "Account to shut, recorded"),
    K.ACCESS_RESTORED: ("账号恢复登记", "Account to give back, recorded"),
    K.TASK_LISTED: ("列入待转交事项", "Open task listed"),
    K.TASK_MOVED: ("待办事项转交", "Open task passed on"),
    K.TEAM_MOVED: ("下属改派上级", "Reports passed on"),
    K.GATE_BLOCKED: ("关口未放行", "Gate blocked"),
    K.GATE_OPENED: ("关口放行", "Gate opened"),
    K.NOTICE_HANDED_OVER: ("通知当面送达（人工录入）", "Notice handed over in person, entered by hand"),
    K.NOTICE_SERVED: ("通知视为已送达", "The notice counts as delivered"),
    K.EMPLOYMENT_ENDED: ("劳动关系结束", "The employment has ended"),
    K.EMPLOYMENT_CALLED: ("系统中的用工状态", "What a system called the employment"),
    K.DUTY_DUE: ("法定事项到期", "Statutory duty due"),
    K.DUTY_ORDERED: ("法定事项已发起", "Statutory duty ordered"),
    K.DUTY_DONE: ("法定事项已办", "Statutory duty done"),
    K.DUTY_FAILED: ("法定事项未办成", "Statutory duty failed"),
    K.OVERRIDE_RECORDED: ("特殊处理已记录", "Override recorded"),
    K.QUESTIONNAIRE_ANSWERED: ("离职问卷已回复", "The questionnaire was answered or declined"),
    K.DOCUMENT_ADDED: ("收存文件", "Document kept"),
    K.DOCUMENT_VIEWED: ("查看文件", "Document viewed"),
    K.CALCULATION_RUN: ("计算", "Calculation run"),
    K.OFFER_MADE: ("提出方案", "Offer made"),
    K.OFFER_COUNTERED: ("反提方案", "Offer countered"),
    K.OFFER_REFUSED: ("拒绝方案", "Offer refused"),
    K.OFFER_ACCEPTED: ("接受方案", "Offer accepted"),
    K.LEDGER_POSTED: ("入账", "Posted to the ledger"),
    K.LEDGER_REVERSED: ("冲销", "Posting reversed"),
    K.LEDGER_CONFIRMED: ("财务确认账目齐全", "Finance confirmed the balances"),
    K.LEDGER_PLANNED: ("登记还款协议", "Repayment plan recorded"),
    K.POLICY_FROZEN: ("策略冻结", "Policy frozen"),
    K.POLICY_MIGRATED: ("策略更新", "Policy migrated"),
    K.DIFFERENCE_FOUND: ("发现差异", "Difference found"),
    K.DIFFERENCE_EXPLAINED: ("说明差异", "Difference explained"),
    K.DIFFERENCE_FIXED: ("差异已改正", "Difference fixed"),
    K.COMMENT_ADDED: ("备注", "Comment"),
    K.HOLD_PLACED: ("证据保全", "Legal hold placed"),
    K.HOLD_RELEASED: ("解除证据保全", "Legal hold released"),
    K.EVIDENCE_EXPORTED: ("导出证据", "Evidence exported"),
    K.DISCLOSURE_ERASED: ("删除个人信息", "Personal values erased"),
}
"""What a reader is told of each kind of event, in Chinese and in English."""

FAILURES = (
    K.DELIVERY_FAILED,
    K.DELIVERY_UNKNOWN,
    K.DELIVERY_SUPPRESSED,
    K.NOTICE_NOTHING_SENT,
    K.ANSWER_LATE,
    K.ANSWER_NOT_ME,
    K.LINK_EXPIRED,
    K.PAPER_SIGNED_BY_OTHER,
    K.PAPER_REFUSED,
    K.PAPER_RETURNED,
    K.DUTY_FAILED,
)
"""What did not go as it should: marked on the page and counted at its head."""

_LABELS: Mapping[str, tuple[str, str]] = {
    "access": ("账号状态", "state of the account"),
    "account": ("科目", "account"),
    "act": ("操作编号", "act"),
    "acting_for": ("代谁办理", "acting for"),
    "actor": ("操作人", "by"),
    "acts": ("操作", "acts"),
    "address": ("地址", "address"),
    "addresses": ("地址", "addresses"),
    "after": ("之后", "after"),
    "agent": ("浏览器标识", "agent"),
    "already": ("此前已办", "said before"),
    "amount_fen": ("金额", "amount"),
    "answer": ("答复", "answer"),
    "answer_by": ("答复期限", "answer by"),
    "approval": ("审批编号", "approval"),
    "approved_by": ("同意人编号", "approved by"),
    "approved_by_name": ("同意人", "approved by (name)"),
    "article": ("法律依据", "article"),
    "asked_at": ("申请时间", "asked at"),
    "asked_by": ("申请人编号", "asked by"),
    "asked_by_name": ("申请人", "asked by (name)"),
    "at": ("时间", "at"),
    "attachments": ("附件", "attachments"),
    "attempt": ("第几次", "attempt"),
    "audience": ("对象", "audience"),
    "automatic": ("自动回复", "automatic"),
    "balances": ("余额", "balances"),
    "basis": ("依据", "basis"),
    "because": ("原因", "because"),
    "before": ("之前", "before"),
    "booked_on": ("记账日期", "booked on"),
    "branch": ("分支编号", "branch"),
    "by": ("由谁", "by"),
    "by_hand_at": ("人工办理时间", "by hand at"),
    "calculation": ("计算项目", "calculation"),
    "case": ("案件", "case"),
    "changes": ("变更", "changes"),
    "channel": ("渠道", "channel"),
    "channels": ("渠道", "channels"),
    "choices": ("选择", "choices"),
    "circular": ("告知事项", "circular"),
    "code": ("代码", "code"),
    "company": ("公司", "company"),
    "condition": ("物品状况", "condition"),
    "consent": ("同意书", "consent"),
    "consent_sha256": ("同意书哈希", "hash of the consent"),
    "contact_consent_on": ("联系人同意日期", "contact's consent on"),
    "courier": ("快递公司", "courier"),
    "courier_number": ("运单号", "courier number"),
    "deadline": ("截止时间", "deadline"),
    "decided_by": ("决定者", "decided by"),
    "delegate": ("代理人", "delegate"),
    "delivery": ("发送编号", "delivery"),
    "departure": ("离职案件编号", "departure"),
    "departure_kind": ("离职类型", "kind of departure"),
    "disclosures": ("披露值", "disclosures"),
    "document": ("文件编号", "document"),
    "documents": ("文件", "documents"),
    "due_at": ("到期", "due"),
    "due_on": ("到期日", "due on"),
    "duty": ("法定事项", "duty"),
    "e_delivery": ("同意电子送达", "e-delivery"),
    "e_delivery_consent_on": ("电子送达同意日期", "e-delivery consent on"),
    "email": ("电子邮箱", "e-mail"),
    "employment": ("劳动关系编号", "employment"),
    "ends_on": ("假期最后一天", "last day of leave"),
    "error_code": ("错误代码", "error code"),
    "events": ("事件数", "events"),
    "expires_at": ("失效时间", "expires"),
    "file": ("文件", "file"),
    "files": ("文件", "files"),
    "fingerprint": ("内容指纹", "fingerprint"),
    "from": ("自", "from"),
    "grading_pending": ("等待鉴定", "grading pending"),
    "ground": ("解除依据类别", "ground"),
    "happened_at": ("发生时间", "happened"),
    "head": ("链首哈希", "head"),
    "hold": ("保全编号", "hold"),
    "holder": ("责任人", "holder"),
    "holds_code": ("含回执码", "holds the code"),
    "how": ("送达方式", "how"),
    "id": ("编号", "id"),
    "identity": ("身份核实方式", "identity"),
    "inputs": ("填写内容", "inputs"),
    "instalments": ("分期", "instalments"),
    "item": ("交接项编号", "item"),
    "items": ("交接项", "items"),
    "keyword": ("关键词", "keyword"),
    "kind": ("类别", "kind"),
    "language": ("语言", "language"),
    "last_day": ("最后工作日", "last day"),
    "leave": ("假期编号", "leave"),
    "leave_kind": ("假期类别", "kind of leave"),
    "length": ("事件数", "events"),
    "lines": ("分录", "lines"),
    "link": ("链接编号", "link"),
    "mail_sha256": ("邮件哈希", "hash of the mail"),
    "manifest_sha256": ("清单哈希", "hash of the manifest"),
    "manual": ("录入编号", "manual"),
    "matched_by": ("对应依据", "matched by"),
    "media_type": ("文件类型", "media type"),
    "met": ("已满足", "met"),
    "method": ("方式", "method"),
    "mobile": ("手机", "mobile"),
    "name": ("姓名", "name"),
    "needs_notice": ("需送达通知", "needs a notice"),
    "new_at": ("新的时间", "new time"),
    "new_waits_until": ("新的等待截止", "new wait until"),
    "not_before": ("不早于", "not before"),
    "notes": ("说明", "notes"),
    "notice": ("通知编号", "notice"),
    "notice_at": ("通知时间", "notice at"),
    "notice_by": ("最迟通知时间", "notice by"),
    "noticed_on": ("提出或通知日期", "notice given on"),
    "notices": ("通知", "notices"),
    "number": ("工号", "number"),
    "off": ("休息日", "off"),
    "old_at": ("原定时间", "old time"),
    "old_waits_until": ("原等待截止", "old wait until"),
    "on": ("日期", "on"),
    "other_cases_of_this_number": ("该号码的其他案件数", "other cases of this number"),
    "outcome": ("结果", "outcome"),
    "outcome_sha256": ("结果哈希", "hash of the outcome"),
    "overdue": ("已过期步骤", "overdue"),
    "paper": ("文号", "paper"),
    "parameters": ("参数", "parameters"),
    "person": ("员工", "person"),
    "phone": ("电话", "phone"),
    "plan": ("还款协议编号", "plan"),
    "planned_at": ("计划时间", "planned at"),
    "policy": ("策略", "policy"),
    "possible_duplicate": ("可能重复", "possible duplicate"),
    "posting": ("账目编号", "posting"),
    "posting_kind": ("账目类别", "kind of posting"),
    "process": ("流程", "process"),
    "proposed_by": ("由谁提出", "proposed by"),
    "provider": ("服务商", "provider"),
    "provider_id": ("服务商编号", "provider's id"),
    "provisional": ("暂定", "provisional"),
    "reason": ("理由", "reason"),
    "reasons": ("未满足的条件", "reasons"),
    "receiver": ("接收人", "receiver"),
    "receivers": ("接收人", "receivers"),
    "recorded_at": ("记录时间", "recorded"),
    "redacted": ("已遮盖", "redacted"),
    "reference": ("编号", "reference"),
    "relation": ("与员工的关系", "relation"),
    "remind_at": ("提醒时间", "remind at"),
    "reminders": ("提醒时间", "reminders"),
    "replaces": ("取代", "replaces"),
    "reports": ("收到的报告", "reports"),
    "resent": ("再次发送", "resent"),
    "result": ("结果", "result"),
    "return_day": ("返岗日", "day of return"),
    "reverses": ("冲销的账目", "reverses"),
    "role": ("角色", "role"),
    "round": ("轮次", "round"),
    "rule": ("依据条款", "rule"),
    "rung": ("阶梯步骤", "rung"),
    "says": ("系统说明", "says"),
    "service_address": ("送达地址", "service address"),
    "settlement": ("结算单编号", "settlement"),
    "sha256": ("文件哈希", "SHA-256"),
    "share": ("接收案件编号", "share"),
    "shown_sha256": ("所见内容哈希", "hash of what was shown"),
    "side": ("哪一方", "side"),
    "signed_on": ("签署日期", "signed on"),
    "since": ("自何日起", "since"),
    "size": ("大小（字节）", "size in bytes"),
    "skipped": ("跳过的步骤", "skipped"),
    "stage": ("阶段", "stage"),
    "stamped": ("已加时间戳", "stamped"),
    "starts_on": ("假期第一天", "first day of leave"),
    "state": ("状态", "state"),
    "step": ("步骤", "step"),
    "steps": ("步骤", "steps"),
    "strength": ("送达效力", "strength"),
    "subject": ("主题", "subject"),
    "successor": ("接替人", "successor"),
    "system": ("系统", "system"),
    "tables": ("所用数据表", "tables"),
    "target": ("目标", "target"),
    "task": ("待办编号", "task"),
    "tasks": ("待办事项", "tasks"),
    "team": ("下属", "team"),
    "template": ("模板", "template"),
    "template_version": ("模板版本", "template version"),
    "text": ("正文", "text"),
    "texts": ("文本", "texts"),
    "time_lapse": ("加速演示", "time-lapse"),
    "title": ("标题", "title"),
    "to": ("收件地址", "to"),
    "total_fen": ("总额", "total"),
    "track": ("类别", "track"),
    "tracking_number": ("运单号", "tracking number"),
    "until": ("直到", "until"),
    "values": ("值", "values"),
    "verdict": ("处理结果", "verdict"),
    "version": ("版本", "version"),
    "waits_until": ("等待截止", "waits until"),
    "what": ("事项", "what"),
    "where": ("公告媒体", "where"),
    "why": ("为何", "why"),
    "witness": ("见证人", "witness"),
    "words": ("原文", "words"),
    "work": ("调休上班日", "make-up days"),
    "year": ("年度", "year"),
    "zone": ("时区", "zone"),
}

_PEOPLE = frozenset({"person", "by", "for", "successor", "receiver", "delegate", "approved_by", "acting_for"})
"""Where a name is that of a person; elsewhere it is that of a file."""

_WORDS: Mapping[str, tuple[str, str]] = {
    "heading": ("案件经过", "Account of the case"),
    "linked": ("关联案件", "Linked case"),
    "case": ("案件编号", "Case"),
    "events": ("事件数", "Events"),
    "head": ("最后一个事件的哈希", "Hash of the last event"),
    "period": ("起止", "From – to"),
    "sealed": ("未披露的个人信息", "Sealed values not disclosed"),
    "trouble": ("未如愿的事项", "What did not go as it should"),
    "none": ("无", "none"),
    "hidden": ("〔未披露〕", "[not disclosed]"),
    "yes": ("是", "yes"),
    "no": ("否", "no"),
    "file_name": ("文件名", "name of the file"),
    "unknown": ("其他事件", "Another event"),
    "page": ("第 {} 页，共 {} 页", "Page {} of {}"),
    "note": (
        "本页由证据包中的事件和其中披露的内容生成，不遗漏任何事件；以 events.jsonl 为准。",
        "Made from the events of the bundle and what it discloses, none left out; events.jsonl prevails.",
    ),
}


@dataclass(frozen=True)
class Entry:
    """One event in words. `facts` are labels and values; `trouble` marks what did not go as it should."""

    seq: int
    at: str
    title: str
    kind: str
    by: str
    trouble: bool
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Account:
    """The account of one chain: what stands at its head, and its events."""

    heading: str
    summary: tuple[tuple[str, str], ...]
    entries: tuple[Entry, ...]


def words(name: str, language: str) -> str:
    """Return a word of the page in `zh-CN` or `en`."""
    return _WORDS[name][_column(language)]


def account(
    case: str,
    events: Sequence[Event],
    disclosures: Sequence[Disclosure],
    language: str,
    *,
    linked: bool = False,
) -> Account:
    """Return the account of a chain in `zh-CN` or `en`, from what is disclosed; every event is in it."""
    sealed = sum(len(sealed_values(event)) for event in events) - len(disclosures)
    counted = Counter(event.kind for event in events)
    trouble = [f"{title(kind, language)} {counted[kind]}" for kind in FAILURES if counted[kind]]
    summary = (
        (words("case", language), case),
        (words("period", language), f"{_time(events[0].at)} – {_time(events[-1].at)}"),
        (words("events", language), str(len(events))),
        (words("head", language), events[-1].hash),
        (words("trouble", language), " · ".join(trouble) or words("none", language)),
        (words("sealed", language), str(sealed)),
    )
    return Account(
        heading=words("linked" if linked else "heading", language),
        summary=summary,
        entries=entries(events, disclosures, language),
    )


def entries(events: Sequence[Event], disclosures: Sequence[Disclosure], language: str) -> tuple[Entry, ...]:
    """Return some events of a chain in words, in `zh-CN` or `en`, with what is disclosed of them."""
    opened = _by_event(disclosures)
    return tuple(_entry(event, opened.get(event.seq, {}), language) for event in events)


def _by_event(disclosures: Sequence[Disclosure]) -> dict[int, dict[str, str]]:
    opened: dict[int, dict[str, str]] = {}
    for one in disclosures:
        opened.setdefault(one.seq, {})[one.path] = one.value
    return opened


def _entry(event: Event, opened: Mapping[str, str], language: str) -> Entry:
    by = "，" if language == ZH else ", "
    return Entry(
        seq=event.seq,
        at=_time(event.at),
        title=title(event.kind, language),
        kind=event.kind,
        by=by.join(text for _, text in _facts(event.actor, "/actor", opened, language)),
        trouble=event.kind in FAILURES,
        facts=tuple(
            (label, text)
            for label, text in _facts(event.body, "/body", opened, language)
            # In real time the moment of writing is the event's own; said where it is another.
            if label != _label("recorded_at", "", language) or text != _time(event.at)
        ),
    )


def _facts(
    value: Any, path: str, opened: Mapping[str, str], language: str, label: str = "", key: str = ""
) -> Iterator[tuple[str, str]]:
    """Yield every leaf of a body with its label; empty ones say nothing and are passed over.

    `key` is the last name on the way to the value. What a disclosure opens stands as it was written.
    """
    if path in opened:
        # The one reason that the product itself seals is told in the reader's language.
        own = key == "reason" and opened[path].startswith("the statutory duties")
        yield label, _text(opened[path], "because", language) if own else _money(opened[path], key)
    elif isinstance(value, dict) and "sealed" in value:
        yield label, words("hidden", language)
    elif isinstance(value, dict):
        for name, item in value.items():
            below = f"{path}/{name.replace('~', '~0').replace('/', '~1')}"
            named = _label(name, below, language)
            told = f"{label} · {named}" if label else named
            yield from _facts(item, below, opened, language, told, _kind_of_value(name, path))
    elif isinstance(value, list) and all(isinstance(item, str | int) for item in value):
        if value:
            yield label, ("、" if language == ZH else ", ").join(_text(item, key, language) for item in value)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _facts(item, f"{path}/{index}", opened, language, f"{label} {index + 1}", key)
    elif value is not None:
        yield label, _text(value, key, language)


def _kind_of_value(name: str, path: str) -> str:
    """Return the name by which a value is known: the state of an item is none of a delivery."""
    return "item_state" if name == "state" and path.startswith("/body/items/") else name


def _text(value: object, key: str, language: str) -> str:
    if isinstance(value, bool):
        return words("yes" if value else "no", language)
    return value_words(key, value, language) if isinstance(value, str) else _money(str(value), key)


def _money(text: str, key: str) -> str:
    """Return a sum of fen as money, anything else as it stands."""
    if not key.endswith("_fen") or not text.removeprefix("-").isdecimal():
        return text
    return ("-" if text.startswith("-") else "") + yuan(abs(int(text)))


def title(kind: str, language: str) -> str:
    """Return what a reader of `zh-CN` or `en` is told of a kind of event; of one of a later version too."""
    try:
        return TITLES[EventKind(kind)][_column(language)]
    except ValueError:
        return f"{words('unknown', language)} {kind}"


def _label(key: str, path: str, language: str) -> str:
    if key == "name" and path.rsplit("/", 2)[1] not in _PEOPLE:
        return words("file_name", language)
    known = _LABELS.get(key)
    if known is None:
        # A table by steps, such as what HR decided of each.
        return value_words("step", key, language).replace("_", " ")
    return known[_column(language)]


def _column(language: str) -> int:
    return 0 if language == ZH else 1


def _time(at: str) -> str:
    """Return an instant as it is read: to the second, with its offset."""
    return f"{at[:10]} {at[11:19]} {at[-6:]}"
