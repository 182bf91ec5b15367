"""What providers report, in our words: delivery states, their ranks, and the meaning of every code."""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple


class DeliveryState(StrEnum):
    """The states of one delivery attempt."""

    PENDING = "pending"
    SENDING = "sending"
    UNKNOWN = "unknown"
    SENT = "sent"
    FAILED_TEMPORARY = "failed_temporary"
    FAILED_PERMANENT = "failed_permanent"
    SUPPRESSED = "suppressed"
    DELIVERED = "delivered"


RANK: Mapping[DeliveryState, int] = {
    DeliveryState.PENDING: 0,
    DeliveryState.SENDING: 1,
    DeliveryState.UNKNOWN: 2,
    DeliveryState.SENT: 3,
    DeliveryState.FAILED_TEMPORARY: 4,
    DeliveryState.FAILED_PERMANENT: 4,
    DeliveryState.SUPPRESSED: 4,
    DeliveryState.DELIVERED: 5,
}
"""How much a state says; reports arrive in any order and the rank of a delivery never falls."""

_ORDER = tuple(DeliveryState)


def advance(current: DeliveryState, reported: DeliveryState) -> DeliveryState:
    """Return the state after a report; the result is the same in whatever order reports arrive.

    Among states of one rank the more final one stays: a permanent failure is not softened by a
    temporary one.
    """
    return max(current, reported, key=lambda state: (RANK[state], _ORDER.index(state)))


class CodeClass(StrEnum):
    """What a code asks of us."""

    TEMPORARY = "temporary"  # try again later
    PERMANENT = "permanent"  # this address will not work: another channel, a task for HR
    OPTED_OUT = "opted_out"  # stop the channel, never try another sender
    CONFIGURATION = "configuration"  # our account or settings: alarm for the operator
    CONTENT = "content"  # the text was refused: alarm for the author of the template
    AMBIGUOUS = "ambiguous"  # the message may have left: look for it before trying again


class CodeMeaning(NamedTuple):
    """The class of a code and the sentence that HR reads, in both languages."""

    kind: CodeClass
    zh: str
    en: str


_T, _P, _O = CodeClass.TEMPORARY, CodeClass.PERMANENT, CodeClass.OPTED_OUT
_S, _C, _A = CodeClass.CONFIGURATION, CodeClass.CONTENT, CodeClass.AMBIGUOUS


def _rows(*rows: tuple[str, CodeClass, str, str]) -> dict[str, CodeMeaning]:
    return {code: CodeMeaning(kind, zh, en) for code, kind, zh, en in rows}


TWILIO_CODES: Mapping[str, CodeMeaning] = _rows(
    (
        "20003",
        _S,
        "短信服务商不认可我方的账号或密钥，请管理员检查短信设置。",
        "The SMS provider did not accept our account or token; an administrator must check the SMS settings.",
    ),
    (
        "20404",
        _S,
        "短信服务商找不到我方账号，请管理员检查短信设置。",
        "The SMS provider does not know our account; an administrator must check the SMS settings.",
    ),
    (
        "20429",
        _T,
        "短信服务商提示发送过快，系统稍后自动重试。",
        "The SMS provider asked us to slow down; the message is tried again later.",
    ),
    (
        "21211",
        _P,
        "手机号码无效，请核对员工档案。",
        "The phone number is not valid; please check the person's record.",
    ),
    (
        "21212",
        _S,
        "发送号码无效，请管理员检查短信设置。",
        "The sender number is not valid; an administrator must check the SMS settings.",
    ),
    (
        "21408",
        _S,
        "短信账号未开通该国家或地区，请管理员在服务商处开通。",
        "Our SMS account may not send to this country; an administrator must enable it with the provider.",
    ),
    ("21602", _C, "短信内容为空，未发送。", "The message was empty and was not sent."),
    (
        "21603",
        _S,
        "没有设置发送号码，请管理员检查短信设置。",
        "No sender number is set; an administrator must check the SMS settings.",
    ),
    (
        "21604",
        _P,
        "没有收件手机号码，请核对员工档案。",
        "There is no phone number to send to; please check the person's record.",
    ),
    (
        "21606",
        _S,
        "发送号码不能发短信，请管理员检查短信设置。",
        "The sender number cannot send SMS; an administrator must check the SMS settings.",
    ),
    (
        "21608",
        _S,
        "试用账号只能发给已验证的号码，请管理员升级短信账号。",
        "The trial account only reaches verified numbers; an administrator must upgrade the SMS account.",
    ),
    (
        "21610",
        _O,
        "对方已退订本号码的短信，请改用其他渠道。",
        "The person has opted out of our SMS; another channel must be used.",
    ),
    (
        "21611",
        _T,
        "短信服务商的队列已满，系统稍后自动重试。",
        "The SMS provider's queue is full; the message is tried again later.",
    ),
    (
        "21612",
        _S,
        "该发送号码无法送达对方所在网络，请管理员检查短信设置。",
        "Our sender number cannot reach this network; an administrator must check the SMS settings.",
    ),
    (
        "21614",
        _P,
        "该号码不是手机号码，请核对员工档案。",
        "The number is not a mobile number; please check the person's record.",
    ),
    (
        "21617",
        _C,
        "短信内容过长，未发送，请缩短模板。",
        "The text is too long for SMS and was not sent; the template must be shortened.",
    ),
    (
        "21635",
        _P,
        "该号码是固定电话，收不到短信，请核对员工档案。",
        "The number is a landline and cannot receive SMS; please check the person's record.",
    ),
    (
        "30001",
        _T,
        "短信队列已满，系统稍后自动重试。",
        "The SMS queue overflowed; the message is tried again later.",
    ),
    (
        "30002",
        _S,
        "短信账号已被停用，请管理员联系服务商。",
        "Our SMS account is suspended; an administrator must contact the provider.",
    ),
    (
        "30003",
        _T,
        "手机暂时无法接通（关机或无信号），系统稍后自动重试。",
        "The phone cannot be reached at present (switched off or without signal); it is tried again later.",
    ),
    (
        "30004",
        _P,
        "运营商或手机拦截了短信，请改用其他渠道。",
        "The carrier or the phone blocked the message; another channel must be used.",
    ),
    (
        "30005",
        _P,
        "号码不存在或已停机，请核对员工档案。",
        "The number is unknown or no longer in service; please check the person's record.",
    ),
    (
        "30006",
        _P,
        "该号码是固定电话或其运营商不可达，请改用其他渠道。",
        "The number is a landline or its carrier cannot be reached; another channel must be used.",
    ),
    (
        "30007",
        _C,
        "短信内容被过滤，请检查模板（例如链接）。",
        "The message was filtered because of its content; the template must be checked, links first.",
    ),
    (
        "30008",
        _T,
        "运营商没有说明未送达的原因，系统再试一次。",
        "The carrier gave no reason for the failure; the message is tried once more.",
    ),
    (
        "30010",
        _S,
        "短信价格超过上限，请管理员检查短信设置。",
        "The message costs more than the set limit; an administrator must check the SMS settings.",
    ),
    (
        "30022",
        _T,
        "运营商提示发送过快，系统稍后自动重试。",
        "The carrier asked us to slow down; the message is tried again later.",
    ),
    (
        "30410",
        _T,
        "运营商超时，系统稍后自动重试。",
        "The carrier did not answer in time; the message is tried again later.",
    ),
)
"""Codes of Twilio's error dictionary that can end one of our messages."""

CALL_CODES: Mapping[str, CodeMeaning] = _rows(
    (
        "sms_not_connected",
        _T,
        "连不上短信服务商，短信未发出，系统稍后自动重试。",
        "The SMS provider could not be reached; nothing was sent and it is tried again later.",
    ),
    (
        "sms_no_reply",
        _A,
        "短信服务商没有回应，短信可能已发出，系统正在核实。",
        "The SMS provider did not answer; the message may have left and is being looked for.",
    ),
    (
        "sms_server_error",
        _A,
        "短信服务商内部出错，短信可能已发出，系统正在核实。",
        "The SMS provider had an internal error; the message may have left and is being looked for.",
    ),
    (
        "sms_bad_answer",
        _A,
        "短信服务商的回应无法识别，短信可能已发出，系统正在核实。",
        "The SMS provider's answer could not be read; the message may have left and is being looked for.",
    ),
    (
        "sms_wrong_address",
        _S,
        "短信服务商的接口地址不对，请管理员检查短信设置。",
        "The address of the SMS provider is wrong; an administrator must check the SMS settings.",
    ),
    (
        "smtp_not_connected",
        _T,
        "连不上邮件服务器，邮件未发出，系统稍后自动重试。",
        "The mail server could not be reached; nothing was sent and it is tried again later.",
    ),
    (
        "smtp_interrupted",
        _T,
        "与邮件服务器的连接中断，邮件未发出，系统稍后自动重试。",
        "The connection to the mail server broke before the mail was sent; it is tried again later.",
    ),
    (
        "smtp_no_reply",
        _A,
        "邮件服务器收到邮件后没有确认，邮件可能已发出。",
        "The mail server did not confirm the mail; it may have left.",
    ),
    (
        "smtp_login_refused",
        _S,
        "邮件服务器不认可我方的用户名或密码，请管理员检查邮件设置。",
        "The mail server did not accept our user name or password; an administrator must check the settings.",
    ),
    (
        "smtp_no_encryption",
        _S,
        "邮件服务器无法建立加密连接，邮件未发出，请管理员检查邮件设置。",
        "No encrypted connection to the mail server was possible, so nothing was sent; "
        "an administrator must check the settings.",
    ),
    (
        "mail_bad_address",
        _P,
        "邮箱地址无效，请核对员工档案。",
        "The e-mail address is not valid; please check the person's record.",
    ),
    (
        "mail_bad_content",
        _C,
        "邮件的主题或编号含有不允许的字符，未发送。",
        "The subject or an identifier of the mail holds a forbidden character; it was not sent.",
    ),
)
"""Our own codes for calls that had no proper answer."""

SMTP_CODES: Mapping[str, CodeMeaning] = _rows(
    (
        "smtp_421",
        _T,
        "邮件服务器暂停服务，系统稍后自动重试。",
        "The mail server is closing for the moment; the mail is tried again later.",
    ),
    (
        "smtp_450",
        _T,
        "对方邮箱暂时不可用，系统稍后自动重试。",
        "The mailbox is not available at present; the mail is tried again later.",
    ),
    (
        "smtp_451",
        _T,
        "邮件服务器暂时出错，系统稍后自动重试。",
        "The mail server had a passing error; the mail is tried again later.",
    ),
    (
        "smtp_452",
        _T,
        "邮件服务器空间不足，系统稍后自动重试。",
        "The mail server is short of space; the mail is tried again later.",
    ),
    (
        "smtp_550",
        _P,
        "对方邮箱不存在或拒收，请核对员工档案。",
        "The mailbox does not exist or refuses our mail; please check the person's record.",
    ),
    (
        "smtp_551",
        _P,
        "收件人不在该邮件服务器上，请核对员工档案。",
        "The mailbox is not on that server; please check the person's record.",
    ),
    ("smtp_552", _P, "对方邮箱已满或邮件过大。", "The mailbox is full or the mail is too large."),
    (
        "smtp_553",
        _P,
        "邮箱地址不被接受，请核对员工档案。",
        "The e-mail address was not accepted; please check the person's record.",
    ),
    (
        "smtp_554",
        _P,
        "邮件服务器拒绝了这封邮件。",
        "The mail server refused the mail.",
    ),
)
"""Replies of a mail server after which we know what to say; RFC 5321 section 4.2.3."""

CODES: Mapping[str, CodeMeaning] = {**TWILIO_CODES, **CALL_CODES, **SMTP_CODES}

RETRY_LIMIT: Mapping[str, int] = {"30003": 3, "30008": 1}
"""How often a message that failed with this code may be tried again; others by the sender's policy."""

_NO_REASON_GIVEN = "30008"


def meaning_of(code: str) -> CodeMeaning:
    """Return class and sentences of `code`; a code that the table lacks counts as permanent.

    A reply of a mail server that is not in the table is judged by its first digit.
    """
    known = CODES.get(code)
    if known is not None:
        return known
    if code.startswith("smtp_4"):
        return CodeMeaning(
            _T,
            "邮件服务器暂时拒绝，系统稍后自动重试。",
            "The mail server refused for the moment; the mail is tried again later.",
        )
    if code.startswith("smtp_"):
        return CodeMeaning(_P, "邮件服务器拒绝了这封邮件。", "The mail server refused the mail.")
    return CodeMeaning(
        _P,
        "短信服务商拒绝了这条短信，原因代码不在我方对照表中。",
        "The SMS provider refused the message for a reason that is not in our table.",
    )


_ON_ITS_WAY = frozenset({"accepted", "scheduled", "queued", "sending", "sent", "partially_delivered"})
_ARRIVED = frozenset({"delivered", "read"})
_ENDED = frozenset({"undelivered", "failed"})


def delivery_state_for(status: str, code: str | None = None) -> DeliveryState | None:
    """Translate a provider's message status, with its error code if any, into our delivery state.

    `read` counts as delivered and no more: a reader is only claimed where a person pressed a button.
    None stands for a status that says nothing about a message of ours, such as one for incoming texts.
    """
    if status in _ON_ITS_WAY:
        return DeliveryState.SENT
    if status in _ARRIVED:
        return DeliveryState.DELIVERED
    if status == "canceled":
        return DeliveryState.FAILED_PERMANENT
    if status not in _ENDED:
        return None
    again = {CodeClass.TEMPORARY, CodeClass.CONFIGURATION, CodeClass.AMBIGUOUS}
    if meaning_of(code or _NO_REASON_GIVEN).kind in again:
        return DeliveryState.FAILED_TEMPORARY
    return DeliveryState.FAILED_PERMANENT
