"""Reasons in mail reports: the status codes of RFC 3463 and its registry as codes of our receipt table."""

import re
from collections.abc import Mapping

from countersign.domain.code_meaning import CodeClass, CodeMeaning, code_table

_T, _P = CodeClass.TEMPORARY, CodeClass.PERMANENT
_S, _C = CodeClass.CONFIGURATION, CodeClass.CONTENT
_STATUS = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})")

NO_REASON = "mail_returned"
"""The code of a mail that came back without a reason that a machine can read."""

MAIL_CODES: Mapping[str, CodeMeaning] = code_table(
    (
        NO_REASON,
        _P,
        "邮件被退回，退信没有说明原因，请核对员工档案中的邮箱。",
        "The mail came back without a stated reason; please check the e-mail address in the person's record.",
    ),
    (
        "mail_5.1.1",
        _P,
        "邮箱不存在，请核对员工档案。",
        "The mailbox does not exist; please check the person's record.",
    ),
    (
        "mail_5.1.2",
        _P,
        "邮箱的域名不存在或不收邮件，请核对员工档案。",
        "The domain of the e-mail address does not exist or takes no mail; please check the person's record.",
    ),
    (
        "mail_5.1.3",
        _P,
        "邮箱地址的写法无效，请核对员工档案。",
        "The e-mail address is not written correctly; please check the person's record.",
    ),
    (
        "mail_5.1.6",
        _P,
        "邮箱已迁走，没有新地址，请核对员工档案。",
        "The mailbox has moved and left no new address; please check the person's record.",
    ),
    (
        "mail_5.1.10",
        _P,
        "邮箱的域名声明不收邮件，请核对员工档案。",
        "The domain of the e-mail address says that it takes no mail; please check the person's record.",
    ),
    (
        "mail_5.1.x",
        _P,
        "邮箱地址有误，请核对员工档案。",
        "The e-mail address is not right; please check the person's record.",
    ),
    (
        "mail_5.2.1",
        _P,
        "邮箱已停用，请改用其他渠道并核对员工档案。",
        "The mailbox is disabled; use another channel and check the person's record.",
    ),
    (
        "mail_5.2.2",
        _T,
        "对方邮箱已满，系统稍后自动重试。",
        "The mailbox is full; the mail is tried again later.",
    ),
    (
        "mail_5.2.3",
        _C,
        "邮件超过对方邮箱允许的大小，请缩短模板。",
        "The mail is larger than the mailbox allows; the template must be shortened.",
    ),
    (
        "mail_5.2.x",
        _P,
        "对方邮箱不接收邮件，请改用其他渠道。",
        "The mailbox takes no mail; another channel must be used.",
    ),
    (
        "mail_5.3.4",
        _C,
        "邮件超过对方邮件系统允许的大小，请缩短模板。",
        "The mail is larger than the other mail system allows; the template must be shortened.",
    ),
    (
        "mail_5.6.x",
        _C,
        "对方邮件系统无法处理邮件的内容格式，请检查模板。",
        "The other mail system cannot handle the form of the mail; the template must be checked.",
    ),
    *(
        (
            f"mail_5.7.{detail}",
            _S,
            "对方邮件系统未通过对我方发件域名的验证（SPF、DKIM、DMARC 或反向解析），请管理员检查域名设置。",
            "The other mail system could not verify our sending domain (SPF, DKIM, DMARC or reverse DNS); "
            "an administrator must check the domain's settings.",
        )
        for detail in range(20, 28)
    ),
    (
        "mail_5.7.x",
        _C,
        "对方邮件系统因内容或安全规则拒收，请检查模板（例如链接）和发件域名。",
        "The other mail system refused the mail by its rules on content or security; "
        "the template must be checked, links first, and so must the sending domain.",
    ),
    (
        "mail_5.x",
        _P,
        "邮件无法送达，请改用其他渠道并核对员工档案。",
        "The mail could not be delivered; use another channel and check the person's record.",
    ),
    (
        "mail_4.2.2",
        _T,
        "对方邮箱已满，系统稍后自动重试。",
        "The mailbox is full; the mail is tried again later.",
    ),
    (
        "mail_4.4.7",
        _T,
        "邮件服务器多次尝试仍未送达并已放弃，系统稍后自动重试。",
        "The mail server tried for its whole time and gave up; the mail is tried again later.",
    ),
    (
        "mail_4.x",
        _T,
        "邮件暂时无法送达，系统稍后自动重试。",
        "The mail could not be delivered for the moment; it is tried again later.",
    ),
)
"""Every reason of a bounce, from the exact code to its class; `x` stands for any number."""


def mail_code(status: str | None) -> str:
    """Return the code of the table for an enhanced status code such as `5.1.1`; the nearest one there is.

    A status of success or none at all, in a report of a failure, is no reason: `NO_REASON`.
    """
    found = _STATUS.fullmatch(status or "")
    if found is None or found[1] == "2":
        return NO_REASON
    level, subject, detail = (int(part) for part in found.groups())
    for code in (f"mail_{level}.{subject}.{detail}", f"mail_{level}.{subject}.x"):
        if code in MAIL_CODES:
            return code
    return f"mail_{level}.x"
