"""What providers report, in our words: delivery states, their ranks, and the meaning of every code."""

from collections.abc import Mapping
from enum import StrEnum

from countersign.domain.aliyun_codes import ALIYUN_CODES
from countersign.domain.code_meaning import CodeClass as CodeClass
from countersign.domain.code_meaning import CodeMeaning as CodeMeaning
from countersign.domain.code_meaning import code_table
from countersign.domain.mail_codes import MAIL_CODES
from countersign.domain.twilio_codes import TWILIO_CODES


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


_T, _P, _S, _C, _A = (
    CodeClass.TEMPORARY,
    CodeClass.PERMANENT,
    CodeClass.CONFIGURATION,
    CodeClass.CONTENT,
    CodeClass.AMBIGUOUS,
)

CALL_CODES: Mapping[str, CodeMeaning] = code_table(
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
        "worker_lost",
        _A,
        "发送进程在发送途中中断，消息可能已发出，系统正在核实。",
        "The sending process stopped while the message was on its way; it is being looked for.",
    ),
    (
        "sms_wrong_address",
        _S,
        "短信服务商的接口地址不对，请管理员检查短信设置。",
        "The address of the SMS provider is wrong; an administrator must check the SMS settings.",
    ),
    (
        "sms_not_prepared",
        _S,
        "该短信没有登记的模板或投递编号，未发送，请管理员检查短信模板登记。",
        "The message has no registered template or no delivery number and was not sent; "
        "an administrator must check the SMS templates.",
    ),
    (
        "sms_wrong_destination",
        _S,
        "该短信服务商不向此国家或地区发送，请管理员检查短信线路设置。",
        "This SMS provider does not send to that country; an administrator must check the SMS routes.",
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

SMTP_CODES: Mapping[str, CodeMeaning] = code_table(
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

CODES: Mapping[str, CodeMeaning] = {
    **TWILIO_CODES,
    **ALIYUN_CODES,
    **CALL_CODES,
    **SMTP_CODES,
    **MAIL_CODES,
}

RETRY_LIMIT: Mapping[str, int] = {
    "30003": 3,
    "30008": 1,
    "MOBILE_NOT_ON_SERVICE": 3,
    "EXPIRED": 3,
    "MOBLLE_TERMINAL_ERROR": 1,
    "SP_UNKNOWN_ERROR": 1,
}
"""How often a message that failed with this code may be tried again."""

_RETRY_LIMIT_OTHERWISE = 3


def may_retry(code: str | None, failures: int) -> bool:
    """Say whether a message that a carrier could not deliver may be tried again after `failures` failures."""
    return failures <= RETRY_LIMIT.get(code or "", _RETRY_LIMIT_OTHERWISE)


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
