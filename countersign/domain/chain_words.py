"""What the values on a chain are called in Chinese and English: roles, stages, states, reasons, outcomes.

One table for everything that tells a case to readers. Only open values are translated; what a person wrote
stands as it was written, and a name that a policy gives to a step of its own stands as it is.
"""

import re
from collections.abc import Mapping

from countersign.domain.courier import CourierState, courier_words
from countersign.domain.departure_words import (
    ACCESS_STATES,
    ACCOUNTS,
    CONDITIONS,
    DEPARTURE_KINDS,
    DUTIES,
    EMPLOYMENT_STATES,
    GATE_REASONS,
    GROUNDS,
    ITEM_STATES,
    TRACKS,
)
from countersign.domain.fetches import FetchKind
from countersign.domain.ledger_words import ALL_ACCOUNTS, POSTINGS
from countersign.domain.levels import ZH, Level, level_words
from countersign.domain.policy import Channel
from countersign.domain.receipts import CODES, meaning_of

Pair = tuple[str, str]
"""Chinese and English."""

ROLES: Mapping[str, Pair] = {
    "hr": ("人事", "HR"),
    "employee": ("员工", "the employee"),
    "emergency_contact": ("紧急联系人", "the emergency contact"),
    "manager": ("直属上级", "the manager"),
    "legal": ("法务", "legal"),
    "finance": ("财务", "finance"),
    "administration": ("行政", "administration"),
    "auditor": ("审计", "the auditor"),
    "system_administrator": ("系统管理员", "the system administrator"),
    "integrator": ("对接系统", "an integrated system"),
    "machine": ("系统", "the system"),
}

STAGES: Mapping[str, Pair] = {
    "starting": ("启动", "starting"),
    "not_recorded": ("旧版本未记录责任人", "not recorded by the version of that time"),
    "overdue_review": ("决定已过期的步骤", "overdue steps to decide"),
    "grading_pending": ("等待劳动能力鉴定", "assessment pending"),
    "before_end": ("假期结束前", "before the leave ends"),
    "return_day": ("返岗日", "day of return"),
    "ladder": ("升级阶梯", "ladder"),
    "posting_due": ("待寄出书面通知", "letter to post"),
    "visit_due": ("待上门核实", "visit to make"),
    "publication_due": ("待公告", "notice to publish"),
    "extension_review": ("审核延期申请", "extension to review"),
    "objection_review": ("处理异议", "objection to answer"),
    # of a departure: the leaver's case, the receivers' and the statutory one
    "before_last_day": ("最后工作日前", "before the last day"),
    "handover": ("等待交接", "handover asked for"),
    "gate": ("等待关口放行", "waiting at the gate"),
    "announced": ("已告知接收人", "receiver told"),
    "waiting": ("等待移交", "waiting for the leaver"),
    "confirming": ("等待接收确认", "waiting for the receiver"),
    "silent": ("接收人未答复", "receiver does not answer"),
    "notice": ("送达解除通知", "notice to deliver"),
    "not_served": ("解除通知未送达", "notice not delivered"),
    "duties": ("办理法定事项", "statutory duties"),
    "closed": ("已结案", "closed"),
}

OUTCOMES: Mapping[str, Pair] = {
    "back": ("已返岗", "back"),
    "returns_on": ("已约定返岗日期", "returns on a date"),
    "resigned": ("已辞职", "resigned"),
    "acknowledged": ("已知悉", "acknowledged"),
    "exhausted": ("全部步骤已走完，未获答复", "all steps done without an answer"),
    "cancelled": ("人事撤销", "cancelled"),
    "ended_outside": ("在系统外终止", "ended outside"),
    "completed": ("离职手续已办结", "completed"),
    "withdrawn": ("离职已撤回", "withdrawn"),
    "confirmed": ("已全部接收", "all taken over"),
    "released": ("无需再接收", "nothing left to take over"),
    "fulfilled": ("法定事项已全部办结", "all duties done"),
}

_PROCESSES: Mapping[str, Pair] = {
    "leave_return": ("返岗流程", "leave return"),
    "acknowledgement": ("告知确认流程", "acknowledgement"),
    "offboarding": ("离职流程", "offboarding"),
    "handover": ("交接流程", "handover"),
    "statutory": ("法定离职事项流程", "statutory duties"),
}
_POLICIES: Mapping[str, Pair] = {
    "leave_return_standard": ("标准返岗策略", "leave_return_standard"),
    "acknowledgement_standard": ("标准告知确认策略", "acknowledgement_standard"),
    "offboarding_standard": ("标准离职策略", "offboarding_standard"),
    "handover_standard": ("标准交接策略", "handover_standard"),
    "statutory_standard": ("标准法定事项策略", "statutory_standard"),
    "demo_at_any_hour": ("演示策略（不限时段）", "demo_at_any_hour"),
    "demo_offboarding": ("离职演示策略（不限时段）", "demo_offboarding"),
    "demo_handover": ("工作接收演示策略（不限时段）", "demo_handover"),
    "demo_statutory": ("法定离职事项演示策略（不限时段）", "demo_statutory"),
    "inline": ("随案提交", "inline"),
}
_ACTORS: Mapping[str, Pair] = {
    **_PROCESSES,
    "sender": ("发送程序", "sender"),
    "press": ("打印程序", "press"),
    "link": ("链接页面", "link"),
    "links": ("链接页面", "links"),
    "watch": ("巡检程序", "watch"),
    "calendar": ("日历程序", "calendar"),
    "demo": ("演示程序", "demo"),
    "import": ("导入", "import"),
    "command line": ("命令行", "command line"),
    "holder of the number": ("持有该号码者", "holder of the number"),
    "holder of the mailbox": ("持有该邮箱者", "holder of the mailbox"),
    "answering machine": ("自动回复程序", "answering machine"),
}
_STEPS: Mapping[str, Pair] = {
    "before_end": ("假期结束前提醒", "reminder before the end"),
    "before_last_day": ("最后工作日前提醒", "reminder before the last day"),
    "termination_notice": ("送达解除通知", "termination_notice"),
    "visit": ("上门送达", "visit"),
    "first_notice": ("首次通知", "first_notice"),
    "second_reminder": ("再次催告", "second_reminder"),
    "emergency_contact": ("联系紧急联系人", "emergency_contact"),
    "manager": ("通知直属上级", "manager"),
    "paper_notice": ("书面通知", "paper_notice"),
    "on_site_check": ("上门核实", "on_site_check"),
    "public_notice": ("公告送达", "public_notice"),
    "extension_granted": ("同意延期", "extension_granted"),
    "extension_refused": ("不同意延期", "extension_refused"),
    "objection_answered": ("答复异议", "objection_answered"),
    "announcement": ("告知接收人", "announcement"),
    "departure_withdrawn": ("告知离职已撤回", "told of the withdrawal"),
    "certificate": ("离职证明", "certificate"),
    "demand": ("催告函", "demand"),
}
_CHANNELS: Mapping[str, Pair] = {
    "preferred": ("首选渠道", "preferred"),
    "sms": ("短信", "SMS"),
    "email": ("电子邮件", "e-mail"),
    "in_system": ("站内信", "inbox"),
    "courier": ("快递", "courier"),
    "visit": ("上门", "visit"),
    "public_notice": ("公告", "public_notice"),
}
_HOW_SERVED: Mapping[str, Pair] = {
    "handed_over": ("当面送达", "handed over in person"),
    "acknowledged": ("本人确认收到", "acknowledged by the person"),
    "objected": ("本人提出异议", "objected to by the person"),
    "letter_signed": ("本人签收快递", "letter signed for"),
    "agreed_address": ("送达约定的电子地址", "reached the agreed address"),
    "published": ("公告期满", "public notice, thirty days over"),
}
_STRENGTHS: Mapping[str, Pair] = {
    "own": ("本人行为", "the person's own doing"),
    "agreed": ("依据本人书面约定", "as the person has agreed"),
    "deemed": ("依规定视为送达", "by the rule alone"),
}
_SIDES: Mapping[str, Pair] = {
    "leaver": ("离职人员", "leaver"),
    "receiver": ("接收人", "receiver"),
    "company": ("公司", "company"),
}
_PROPOSED_BY: Mapping[str, Pair] = {
    "employee": ("员工提出", "the employee"),
    "employer": ("公司提出", "the company"),
}
DOCUMENTS: Mapping[str, Pair] = {
    "unemployment_list": ("失业人员名单", "list for unemployment benefits"),
    "paper": ("打印件", "printed letter"),
    "answer": ("答复所附", "handed in with an answer"),
    "manual": ("人工录入", "entered by hand"),
    "mail": ("收到的邮件", "mail received"),
    "voucher": ("凭证", "voucher"),
    "consent": ("送达同意书", "consent to service"),
    "certificate": ("离职证明", "certificate"),
    "demand": ("催告函", "demand letter"),
    "agreement": ("还款协议草案", "draft of a repayment agreement"),
    "settlement": ("结算单", "settlement sheet"),
    "deduction_consent": ("扣款同意书", "consent to deductions"),
}
_RULINGS: Mapping[str, Pair] = {
    one: (zh, one)
    for one, zh in {
        "the law ties the duties of the end to its day, whatever is open": (
            "法定事项依法在劳动关系结束时办理，不以未办结事项为前提"
        ),
    }.items()
}
_ITEM_VERDICTS: Mapping[str, Pair] = {
    "open": ("退回离职人员移交", "back to the leaver"),
    "handed_over": ("由接收人确认", "for the receiver to confirm"),
    "not_applicable": ("不再需要", "not needed any more"),
}
_LEAVES: Mapping[str, Pair] = {
    "sick": ("病假", "sick"),
    "injury": ("工伤停工留薪", "injury"),
    "maternity": ("产假", "maternity"),
    "annual": ("年休假", "annual"),
    "personal": ("事假", "personal"),
    "other": ("其他", "other"),
}
_STATES: Mapping[str, Pair] = {
    # of a delivery
    "pending": ("待发送", "pending"),
    "sending": ("发送中", "sending"),
    "unknown": ("结果不明", "unknown"),
    "sent": ("已发出", "sent"),
    "accepted": ("服务商已接收", "accepted"),
    "held": ("暂缓发送", "held"),
    "failed_temporary": ("暂时失败", "failed_temporary"),
    "failed_permanent": ("最终失败", "failed_permanent"),
    "suppressed": ("停止发送", "suppressed"),
    "delivered": ("已送达", "delivered"),
    # of a step
    "planned": ("已计划", "planned"),
    "reached": ("已进入", "reached"),
    "skipped": ("已跳过", "skipped"),
    "nothing_sent": ("未发出任何内容", "nothing_sent"),
    "done": ("已完成", "done"),
    # of a letter
    "in_transit": ("运输途中", "in_transit"),
    "signed": ("已签收", "signed"),
    "signed_by_other": ("他人代收", "signed_by_other"),
    "refused": ("拒收", "refused"),
    "address_wrong": ("地址有误", "address_wrong"),
    "returned": ("退回", "returned"),
    # of an employment
    **{name: EMPLOYMENT_STATES[name] for name in ("active", "suspended", "ended")},
}
_RESULTS: Mapping[str, Pair] = {
    "reached": ("联系到本人", "reached"),
    "not_reached": ("未联系到", "not_reached"),
    "refused": ("拒绝", "refused"),
    "other": ("其他", "other"),
}
_ANSWERS: Mapping[str, Pair] = {
    "returns_on": ("返岗日期", "returns_on"),
    "extension_asked": ("申请延期", "extension_asked"),
    "objected": ("提出异议", "objected"),
    "resigned": ("辞职", "resigned"),
    "not_me": ("不是本人", "not_me"),
    "acknowledged": ("已知悉", "acknowledged"),
}
_CHOICES: Mapping[str, Pair] = {"run_now": ("现在执行", "run_now"), "skip": ("跳过", "skip")}
_FETCHERS: Mapping[str, Pair] = {
    "scanner": ("邮件安全扫描程序", "scanner"),
    "messenger_preview": ("聊天软件预览程序", "messenger_preview"),
    "prefetch": ("浏览器预加载", "prefetch"),
    "instant": ("发出后立即访问", "instant"),
    "tool": ("程序", "tool"),
    "browser": ("浏览器", "browser"),
    "none": ("未表明身份", "none"),
}
_METHODS: Mapping[str, Pair] = {
    "sms_code": ("短信验证码", "sms_code"),
    "id_last4": ("证件号码后四位", "id_last4"),
    "account_session": ("账号登录", "account_session"),
    "code": ("回执码", "code"),
    "number": ("号码", "number"),
}
_KEYWORDS: Mapping[str, Pair] = {"stop": ("退订", "stop"), "start": ("重新订阅", "start")}
_LANGUAGE_NAMES: Mapping[str, Pair] = {"zh-CN": ("中文", "zh-CN"), "en": ("英文", "en")}
_SMTP: Mapping[str, Pair] = {"smtp": ("邮件服务器", "smtp")}

_REASONS: Mapping[str, Pair] = {
    one: (zh, one)
    for one, zh in {
        "overdue at the start": "启动时已过期",
        "a later reminder says the same": "较晚的一次提醒内容相同，不再重复发送",
        "grading is pending": "等待劳动能力鉴定",
        "grading is done": "劳动能力鉴定已完成",
        "the leave is already over": "假期已经结束",
        "extension_granted": "同意延期",
        "extension_refused": "不同意延期",
        "objection_answered": "已答复异议",
        "nothing is left to hand over or to pay": "已没有待移交或待结清的事项",
        "withdrawn": "离职已撤回",
        "last_day_moved": "最后工作日已调整",
        "the statutory duties of this departure": "本次离职的法定事项",
        "a calendar year was published": "公布了新的年度放假安排",
        "HR planned again": "人事重新计划",
        "HR put the next step off": "人事延后了下一步",
        "HR went on to a later step": "人事直接进入后面的步骤",
        "a step was skipped": "有步骤被跳过",
        "the case was paused": "案件曾暂停",
        "came back outside the sending window": "恢复时已不在可发送时段",
        "the wait began later than planned": "等待期比计划晚开始",
        "nothing could be sent": "未能发出任何内容",
        "no channel reaches the audience": "没有可以联系到对象的渠道",
        "no channel accepted the message": "没有渠道接收该消息",
        "no channel could deliver the message": "没有渠道能送达该消息",
        "a channel failed for good": "有渠道最终失败",
        "another channel had to be used": "改用了其他渠道",
        "the letter was signed for by somebody else": "信件由他人代收",
        "the letter was refused": "信件被拒收",
        "the address of the letter is wrong": "信件地址有误",
        "the letter came back": "信件被退回",
        "the case is closed": "案件已结案",
        "the person has answered": "本人已答复",
        "somebody said that this address is not the person's": "有人说明该地址不是本人的",
        "the person has opted out of this channel": "本人已退订该渠道",
        "not_me": "不是本人",
        "hr": "人事决定",
        "paused": "案件暂停",
        "sending_stopped": "发送被停止",
        "cap_of_person": "当日对该人的消息已达上限",
        "cap_of_company": "当日公司消息已达上限",
        "provider_down": "服务商不可用",
        # why a public notice stays locked, part by part
        "public notice is locked": "公告尚不允许",
        "the text message has not been tried": "短信尚未试过",
        "the e-mail has not been tried": "电子邮件尚未试过",
        "the text message has not failed": "短信并未失败",
        "the e-mail has not failed": "电子邮件并未失败",
        "no letter was refused, returned or signed for by somebody else": "没有信件被拒收、退回或由他人代收",
        "a letter was signed for": "有信件已签收",
    }.items()
}
_REPORTED: Mapping[str, Pair] = {
    one: (zh, one)
    for one, zh in {
        "The mail server accepted the mail.": "邮件服务器已接收邮件。",
        "The SMS provider accepted the message.": "短信服务商已接收短信。",
        "Found in the provider's list of messages.": "在服务商的发送记录中查到。",
        "The mail server says that it put the mail into the mailbox.": "邮件服务器报告：邮件已放入邮箱。",
        "The mail server says that the mail arrived and was passed on to several mailboxes.": (
            "邮件服务器报告：邮件已到达，并转给多个邮箱。"
        ),
        "The mail server passed the mail on to a server that makes no reports.": (
            "邮件服务器已将邮件转给不作报告的服务器。"
        ),
    }.items()
}
_MISSED_TARGETS: Mapping[str, Pair] = {"holiday": ("节假日", "holiday"), "weekend": ("周末", "weekend")}
_BY_HAND: Mapping[str, Pair] = {
    "entered by hand": ("人工录入", "entered by hand"),
    "handed to the courier": ("已交快递", "handed to the courier"),
    "published (says HR)": ("已公告（人事登记）", "published (says HR)"),
}


def _sayings() -> dict[str, Pair]:
    """Return everything that a chain says in its own words, by its English sentence."""
    said = {meaning.en: (meaning.zh, meaning.en) for meaning in CODES.values()}
    other = (meaning_of(code) for code in ("smtp_4", "smtp_", ""))
    said |= {meaning.en: (meaning.zh, meaning.en) for meaning in other}
    for state in CourierState:
        said[courier_words(state)] = (courier_words(state, ZH), courier_words(state))
    for level in Level:
        for channel in (None, *Channel):
            english = level_words(level, channel)
            said[english] = (level_words(level, channel, language=ZH), english)
    for by in FetchKind:
        english = level_words(Level.LINK_FETCHED, by=by)
        said[english] = (level_words(Level.LINK_FETCHED, by=by, language=ZH), english)
    return said | {**_REPORTED, **_BY_HAND}


_SAYINGS = _sayings()

_OF_KEY: Mapping[str, Mapping[str, Pair]] = {
    "role": ROLES,
    "account": ALL_ACCOUNTS,
    "posting_kind": POSTINGS,
    "item_state": ITEM_STATES,
    "kind": DOCUMENTS,
    "decided_by": _ACTORS,
    "reason": _RULINGS,
    "holder": ROLES,
    "audience": ROLES,
    "id": _ACTORS,
    "stage": STAGES,
    "outcome": OUTCOMES,
    "process": _PROCESSES,
    "policy": _POLICIES,
    "version": _POLICIES,
    "step": _STEPS,
    "rung": _STEPS,
    "skipped": _STEPS,
    "channel": _CHANNELS,
    "channels": _CHANNELS,
    "leave_kind": _LEAVES,
    "state": _STATES,
    "access": ACCESS_STATES,
    "before": ACCESS_STATES,
    "calculation": {"settlement": ("离职结算", "settlement")},
    "result": _RESULTS,
    "answer": _ANSWERS,
    "by": _FETCHERS,
    "method": _METHODS,
    "matched_by": _METHODS,
    "identity": _METHODS,
    "keyword": _KEYWORDS,
    "language": _LANGUAGE_NAMES,
    "provider": _SMTP,
    "because": _REASONS,
    "why": _MISSED_TARGETS,
    "departure_kind": DEPARTURE_KINDS,
    "ground": GROUNDS,
    "proposed_by": _PROPOSED_BY,
    "track": TRACKS,
    "side": _SIDES,
    "condition": CONDITIONS,
    "verdict": _ITEM_VERDICTS,
    "duty": DUTIES,
    "how": _HOW_SERVED,
    "strength": _STRENGTHS,
    "reasons": GATE_REASONS,
    "what": {**TRACKS, **ACCOUNTS},
    "says": _SAYINGS,
}
_NAMES_OF_STEPS = frozenset(name for name, table in _OF_KEY.items() if table is _STEPS)
_STEP_KEYS = frozenset({"step", "rung", "skipped"})
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?[+-]\d\d:\d\d")
_VERSION = re.compile(r"([a-z0-9_]+)@(\d+)")
_REMINDER = re.compile(r"reminder_(\d+)")
_OF_BOOKS = ("account", "posting_kind")
"""What the books call by a code that is no word in English either."""
_STEP_OF_ROUND = re.compile(r"(\d+)\.([a-z0-9_]+)")


def value_words(key: str, value: str, language: str) -> str:
    """Return an open value of a chain as readers of `zh-CN` or `en` (any other) read it; `key` names it.

    Instants are told to the second with their offset. A value that is not known here stays as it is.
    """
    if _INSTANT.fullmatch(value):
        return f"{value[:10]} {value[11:19]} {value[-6:]}"
    if language != ZH:
        return _OF_KEY[key][value][1] if key in _OF_BOOKS and value in _OF_KEY[key] else value
    known = _OF_KEY.get(key, _CHOICES)
    if value in known:
        return known[value][0]
    if key in _STEP_KEYS and (days := _REMINDER.fullmatch(value)):
        return f"最后工作日前 {days[1]} 天提醒"
    if key == "step" and (round_ := _STEP_OF_ROUND.fullmatch(value)):
        return f"第 {round_[1]} 轮 {value_words('step', round_[2], language)}"
    if key == "because":
        return _parts(value)
    if reminder := _reminder(key, value):
        return reminder[0]
    if key in ("policy", "version") and (version := _VERSION.fullmatch(value)):
        return f"{value_words('policy', version[1], language)}（版本 {version[2]}）"
    return value


def pair_of(key: str, value: str) -> Pair | None:
    """Return a value's names in Chinese and English; None for one that is not known under this key."""
    known = _OF_KEY.get(key, _CHOICES)
    if value in known:
        return known[value]
    if key in _STEP_KEYS and (days := _REMINDER.fullmatch(value)):
        return f"最后工作日前 {days[1]} 天提醒", f"reminder {days[1]} days before the last day"
    if key == "step" and (round_ := _STEP_OF_ROUND.fullmatch(value)):
        inner = pair_of("step", round_[2]) or (round_[2], round_[2])
        return f"第 {round_[1]} 轮 {inner[0]}", f"round {round_[1]}: {inner[1]}"
    return _reminder(key, value)


def _reminder(key: str, value: str) -> Pair | None:
    """Return what a reminder before a last day is called, such as `reminder_14`."""
    found = _REMINDER.fullmatch(value) if key in _NAMES_OF_STEPS else None
    return found and (f"最后工作日前 {found[1]} 天提醒", f"reminder {found[1]} days before")


def _parts(because: str) -> str:
    """Return a reason that is made of several, such as why a public notice is locked, in Chinese."""
    head, colon, rest = because.partition(": ")
    if not colon or head not in _REASONS:
        return because
    # The longest first: a part can hold a comma of its own.
    for part in sorted(_REASONS, key=len, reverse=True):
        if " " in part:
            rest = rest.replace(part, _REASONS[part][0])
    return f"{_REASONS[head][0]}：{rest.replace(', ', '，')}"


def told(table: Mapping[str, Pair], name: str, language: str) -> str:
    """Return a name out of a table in `zh-CN` or `en`; one that it lacks with blanks for underscores."""
    return table[name][0 if language == ZH else 1] if name in table else name.replace("_", " ")
