"""The codes of Twilio's error dictionary that can end one of our messages, and what each asks of us.

Left out on purpose: codes of incoming messages (30009, 30038, 30039), of pictures (30011, 21620 to 21623), of
calls (21219), and warnings that end nothing (30025, 30026).
"""

from collections.abc import Mapping

from countersign.domain.code_meaning import CodeClass, CodeMeaning, code_table

_T, _P, _O = CodeClass.TEMPORARY, CodeClass.PERMANENT, CodeClass.OPTED_OUT
_S, _C = CodeClass.CONFIGURATION, CodeClass.CONTENT

TWILIO_CODES: Mapping[str, CodeMeaning] = code_table(
    (
        "14107",
        _T,
        "短时间内发给同一号码的短信过多，系统稍后自动重试。",
        "Too many messages went to this number in a short time; the message is tried again later.",
    ),
    (
        "20003",
        _S,
        "短信服务商不认可我方的账号或密钥，请管理员检查短信设置。",
        "The SMS provider did not accept our account or token; an administrator must check the SMS settings.",
    ),
    (
        "20005",
        _S,
        "短信账号未启用，请管理员联系服务商。",
        "Our SMS account is not active; an administrator must contact the provider.",
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
        "21266",
        _P,
        "收件号码就是我方的发送号码，请核对员工档案。",
        "The number is our own sender number; please check the person's record.",
    ),
    (
        "21408",
        _S,
        "短信账号未开通该国家或地区，请管理员在服务商处开通。",
        "Our SMS account may not send to this country; an administrator must enable it with the provider.",
    ),
    (
        "21601",
        _S,
        "发送号码不属于我方账号，请管理员检查短信设置。",
        "The sender number does not belong to our account; an administrator must check the SMS settings.",
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
        "21607",
        _S,
        "试用账号不能使用这个发送号码，请管理员升级短信账号。",
        "The trial account may not use this sender number; an administrator must upgrade the SMS account.",
    ),
    (
        "21608",
        _S,
        "试用账号只能发给已验证的号码，请管理员升级短信账号。",
        "The trial account only reaches verified numbers; an administrator must upgrade the SMS account.",
    ),
    (
        "21609",
        _S,
        "短信回执的回调地址无效，请管理员检查短信设置。",
        "The address for delivery reports is not valid; an administrator must check the public address.",
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
        "21616",
        _S,
        "发送号码在账号中不唯一，请管理员检查短信设置。",
        "The sender number matches several numbers of our account; an "
        "administrator must check the SMS settings.",
    ),
    (
        "21617",
        _C,
        "短信内容过长，未发送，请缩短模板。",
        "The text is too long for SMS and was not sent; the template must be shortened.",
    ),
    (
        "21618",
        _C,
        "短信内容无法发送，请检查模板。",
        "The text cannot be sent as it stands; the template must be checked.",
    ),
    (
        "21635",
        _P,
        "该号码是固定电话，收不到短信，请核对员工档案。",
        "The number is a landline and cannot receive SMS; please check the person's record.",
    ),
    (
        "21655",
        _S,
        "服务商不认识所用的内容模板，请管理员检查短信设置。",
        "The provider does not know the content template; an administrator must check the SMS settings.",
    ),
    (
        "21656",
        _C,
        "内容模板的变量无效，未发送，请检查模板。",
        "The variables of the content template are not valid; the template must be checked.",
    ),
    (
        "21659",
        _S,
        "发送号码不是服务商的号码，或短号与目的地国家不符，请管理员检查短信设置。",
        "The sender is not a number of the provider, or a short code of "
        "another country; an administrator must check the SMS settings.",
    ),
    (
        "21660",
        _S,
        "发送号码与账号不符，请管理员检查短信设置。",
        "The sender number and the account do not belong together; an "
        "administrator must check the SMS settings.",
    ),
    (
        "21701",
        _S,
        "短信服务组不存在，请管理员检查短信设置。",
        "The messaging service does not exist; an administrator must check the SMS settings.",
    ),
    (
        "21703",
        _S,
        "短信服务组中没有可用于该目的地的号码，请管理员检查短信设置。",
        "The messaging service has no sender for this destination; an "
        "administrator must check the SMS settings.",
    ),
    (
        "21704",
        _S,
        "短信服务组中没有任何号码，请管理员检查短信设置。",
        "The messaging service has no sender at all; an administrator must check the SMS settings.",
    ),
    (
        "21705",
        _S,
        "短信服务组无效，请管理员检查短信设置。",
        "The messaging service is not valid; an administrator must check the SMS settings.",
    ),
    (
        "21910",
        _S,
        "发送方与接收方不属于同一渠道，请管理员检查短信设置。",
        "Sender and recipient are not of the same channel; an administrator must check the SMS settings.",
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
        "30017",
        _T,
        "运营商网络拥塞，系统稍后自动重试。",
        "The carrier's network is congested; the message is tried again later.",
    ),
    (
        "30018",
        _S,
        "目的地运营商要求先登记发送名称，请管理员在服务商处登记。",
        "The carrier wants the sender name registered first; an administrator "
        "must register it with the provider.",
    ),
    (
        "30019",
        _C,
        "短信内容超过运营商的长度限制，请缩短模板。",
        "The text is longer than the carrier takes; the template must be shortened.",
    ),
    (
        "30021",
        _T,
        "服务商内部处理失败，短信未发出，系统稍后自动重试。",
        "The provider failed inside its messaging service; the message is tried again later.",
    ),
    (
        "30022",
        _T,
        "运营商提示发送过快，系统稍后自动重试。",
        "The carrier asked us to slow down; the message is tried again later.",
    ),
    (
        "30023",
        _T,
        "已达运营商的每日上限，系统稍后自动重试。",
        "The carrier's daily limit is reached; the message is tried again later.",
    ),
    (
        "30024",
        _S,
        "发送号码尚未在运营商处开通，请管理员联系服务商。",
        "The sender number is not provisioned with the carrier; an administrator must contact the provider.",
    ),
    (
        "30027",
        _T,
        "已达运营商的每日上限，系统稍后自动重试。",
        "The carrier's daily limit is reached; the message is tried again later.",
    ),
    (
        "30032",
        _S,
        "免费电话号码未通过验证，请管理员在服务商处办理。",
        "The toll-free sender is not verified; an administrator must have it verified with the provider.",
    ),
    (
        "30033",
        _S,
        "短信活动登记已被暂停，请管理员联系服务商。",
        "The registered campaign is suspended; an administrator must contact the provider.",
    ),
    (
        "30034",
        _S,
        "发送号码没有登记到获批的短信活动，请管理员在服务商处登记。",
        "The sender number is not registered to an approved campaign; an administrator must register it.",
    ),
    (
        "30035",
        _S,
        "发送号码仍在登记中，请管理员在服务商处查看。",
        "The sender number is still being registered; an administrator must look at it with the provider.",
    ),
    (
        "30044",
        _S,
        "试用账号不能发这么长的短信，请管理员升级短信账号。",
        "The trial account may not send so long a text; an administrator must upgrade the SMS account.",
    ),
    (
        "30410",
        _T,
        "运营商超时，系统稍后自动重试。",
        "The carrier did not answer in time; the message is tried again later.",
    ),
    (
        "30450",
        _T,
        "服务商的防欺诈检查暂时拦截了该号码，系统稍后自动重试。",
        "The provider's fraud check has blocked this number for a while; the message is tried again later.",
    ),
    (
        "30453",
        _T,
        "服务商的防欺诈检查暂时拦截了该目的地，系统稍后自动重试。",
        "The provider's fraud check has blocked this destination for a while; "
        "the message is tried again later.",
    ),
    (
        "30454",
        _S,
        "试用账号的短信数量已用完，请管理员升级短信账号。",
        "The trial account has used up its messages; an administrator must upgrade the SMS account.",
    ),
    (
        "63038",
        _T,
        "账号已达每日短信上限，系统稍后自动重试。",
        "Our account has reached its daily limit of messages; the message is tried again later.",
    ),
    (
        "572005",
        _S,
        "试用账号只能发给已验证的号码，请管理员升级短信账号。",
        "The trial account only reaches verified numbers; an administrator must upgrade the SMS account.",
    ),
)
"""Twilio, Error and Warning Dictionary."""
