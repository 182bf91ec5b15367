"""The codes of Alibaba Cloud SMS (阿里云短信, Dysmsapi 2017-05-25), and what each asks of us.

Codes of two kinds: of an answer to a call ("API错误码" of the provider's help, and the gateway's own codes),
and of a delivery report ("回执错误码", with the carriers' CMPP words that are passed on as they come).
"""

from collections.abc import Mapping

from countersign.domain.code_meaning import CodeClass, CodeMeaning, code_table

_T, _P, _O = CodeClass.TEMPORARY, CodeClass.PERMANENT, CodeClass.OPTED_OUT
_S, _C, _A = CodeClass.CONFIGURATION, CodeClass.CONTENT, CodeClass.AMBIGUOUS

_ANSWERS = code_table(
    (
        "isv.BUSINESS_LIMIT_CONTROL",
        _T,
        "发给该号码的短信过于频繁，系统稍后自动重试。",
        "Too many messages went to this number; the message is tried again later.",
    ),
    (
        "isv.DAY_LIMIT_CONTROL",
        _S,
        "已达账号设定的每日发送上限，请管理员在服务商控制台调整。",
        "The daily limit set for our account is reached; an administrator must raise it with the provider.",
    ),
    (
        "isv.MONTH_LIMIT_CONTROL",
        _S,
        "已达账号设定的每月发送上限，请管理员在服务商控制台调整。",
        "The monthly limit set for our account is reached; an administrator must raise it with the provider.",
    ),
    (
        "isv.MOBILE_NUMBER_ILLEGAL",
        _P,
        "手机号码格式不对，请核对员工档案。",
        "The phone number is not valid; please check the person's record.",
    ),
    (
        "isv.OUT_OF_SERVICE",
        _S,
        "短信账号欠费停机，请管理员充值。",
        "Our SMS account is out of service for lack of funds; an administrator must top it up.",
    ),
    (
        "isv.AMOUNT_NOT_ENOUGH",
        _S,
        "短信账号余额不足，请管理员充值。",
        "The balance of our SMS account is too low; an administrator must top it up.",
    ),
    (
        "isv.PRODUCT_UN_SUBSCRIPT",
        _S,
        "账号尚未开通短信服务，请管理员开通。",
        "Our account has not subscribed to SMS; an administrator must subscribe.",
    ),
    (
        "isv.PRODUCT_UNSUBSCRIBE",
        _S,
        "账号尚未开通该产品，请管理员开通。",
        "Our account has not subscribed to this product; an administrator must subscribe.",
    ),
    (
        "isv.ACCOUNT_NOT_EXISTS",
        _S,
        "短信服务商找不到我方账号，请管理员检查短信设置。",
        "The SMS provider does not know our account; an administrator must check the SMS settings.",
    ),
    (
        "isv.ACCOUNT_ABNORMAL",
        _S,
        "短信账号状态异常，请管理员联系服务商。",
        "Our SMS account is in an abnormal state; an administrator must contact the provider.",
    ),
    (
        "isv.SECURITY_FROZEN_ACCOUNT",
        _S,
        "短信账号因长期未用被冻结，请管理员联系服务商。",
        "Our SMS account was frozen after long disuse; an administrator must contact the provider.",
    ),
    (
        "isv.SMS_SIGNATURE_ILLEGAL",
        _S,
        "短信签名不存在或未通过审核，请管理员检查短信设置。",
        "The SMS signature does not exist or is not approved; an administrator must check it.",
    ),
    (
        "isv.SMS_SIGN_ILLEGAL",
        _S,
        "短信签名已被禁用，请管理员重新申请签名。",
        "The SMS signature is forbidden; an administrator must apply for another.",
    ),
    (
        "isv.SIGN_NAME_ILLEGAL",
        _S,
        "短信签名不合规范，请管理员重新申请签名。",
        "The SMS signature breaks the provider's rules; an administrator must apply for another.",
    ),
    (
        "isv.SIGN_STATE_ILLEGAL",
        _S,
        "短信签名处于不可用状态，请管理员在服务商控制台查看。",
        "The SMS signature is not usable at present; an administrator must look at it with the provider.",
    ),
    (
        "isv.SMS_SIGNATURE_SCENE_ILLEGAL",
        _S,
        "短信签名与模板类型不符，请管理员更换签名或模板。",
        "Signature and template are of different kinds; an administrator must change one of them.",
    ),
    (
        "isv.SMS_TEMPLATE_ILLEGAL",
        _S,
        "短信模板不存在或未通过审核，请管理员检查模板登记。",
        "The registered template does not exist or is not approved; an administrator must check it.",
    ),
    (
        "isv.TEMPLATE_MISSING_PARAMETERS",
        _C,
        "模板变量缺少取值，请检查模板登记。",
        "A variable of the registered template has no value; its declaration must be checked.",
    ),
    (
        "isv.TEMPLATE_PARAMS_ILLEGAL",
        _C,
        "变量取值与模板登记的变量类型不符，请检查模板。",
        "A value does not fit the kind of variable in the registered template; the template must be checked.",
    ),
    (
        "isv.INVALID_JSON_PARAM",
        _C,
        "模板变量的格式不对，请检查模板登记。",
        "The values for the template were not accepted; the declaration of the template must be checked.",
    ),
    (
        "isv.PARAM_LENGTH_LIMIT",
        _C,
        "模板变量的取值过长，请缩短。",
        "A value for the template is too long; it must be shortened.",
    ),
    (
        "isv.PARAM_NOT_SUPPORT_URL",
        _C,
        "模板变量中不能有链接，请检查模板。",
        "A value for the template holds a link, which is not allowed; the template must be checked.",
    ),
    (
        "isv.SMS_CONTENT_ILLEGAL",
        _C,
        "短信内容含有禁止发送的内容，请检查模板。",
        "The text holds forbidden content; the template must be checked.",
    ),
    (
        "isv.UNSUPPORTED_CONTENT",
        _C,
        "短信内容含有不支持的字符（繁体字、表情符号等），请检查模板。",
        "The text holds characters that are not supported (traditional script, emoji); it must be checked.",
    ),
    (
        "isv.SMS_CONTENT_MISMATCH_TEMPLATE_TYPE",
        _C,
        "短信内容与模板类型不符，请检查模板。",
        "The text does not fit the kind of template; the template must be checked.",
    ),
    # Once a word in a variable, today mostly the number: the stricter reading, which stops the channel.
    (
        "isv.BLACK_KEY_CONTROL_LIMIT",
        _O,
        "号码或内容在服务商的管控名单中，请改用其他渠道。",
        "The number or the text is on the provider's block list; another channel must be used.",
    ),
    (
        "isv.CUSTOMER_REFUSED",
        _O,
        "对方已退订短信，请改用其他渠道。",
        "The person has opted out of our SMS; another channel must be used.",
    ),
    (
        "isv.INVALID_PARAMETERS",
        _S,
        "短信接口的参数不对，请管理员检查短信设置。",
        "The provider did not accept the parameters; an administrator must check the SMS settings.",
    ),
    (
        "isv.EXTEND_CODE_ERROR",
        _S,
        "短信扩展码用于了多个签名，请管理员检查短信设置。",
        "One extension code serves several signatures; an administrator must check the SMS settings.",
    ),
    (
        "isv.ONE_CODE_MULTIPLE_SIGN",
        _S,
        "短信扩展码用于了多个签名，请管理员检查短信设置。",
        "One extension code serves several signatures; an administrator must check the SMS settings.",
    ),
    (
        "isv.DOMESTIC_NUMBER_NOT_SUPPORTED",
        _S,
        "所用模板只能发往境外，请管理员更换为国内模板。",
        "The template is for numbers abroad; an administrator must register a domestic one.",
    ),
    (
        "isv.DENY_IP_RANGE",
        _S,
        "服务商不接受我方服务器所在地区的请求，请管理员检查网络。",
        "The provider takes no requests from our server's region; an administrator must check the network.",
    ),
    (
        "isv.SMS_TEST_NUMBER_LIMIT",
        _S,
        "测试签名只能发给已绑定的测试号码，请管理员使用正式签名。",
        "The test signature only reaches test numbers; an administrator must use the real one.",
    ),
    (
        "isv.SMS_TEST_SIGN_TEMPLATE_LIMIT",
        _S,
        "测试签名和测试模板必须一起使用，请管理员使用正式签名和模板。",
        "Test signature and test template go together only; an administrator must use the real ones.",
    ),
    (
        "isp.RAM_PERMISSION_DENY",
        _S,
        "密钥没有发短信的权限，请管理员在服务商处授权。",
        "Our access key may not send SMS; an administrator must grant it the right.",
    ),
    # The call has no idempotence: after an error inside the provider nobody knows what was passed on.
    (
        "isp.SYSTEM_ERROR",
        _A,
        "短信服务商内部出错，短信可能已发出，系统正在核实。",
        "The SMS provider had an internal error; the message may have left and is being looked for.",
    ),
    (
        "isp.GATEWAY_ERROR",
        _A,
        "短信服务商网关出错，短信可能已发出，系统正在核实。",
        "The SMS provider's gateway failed; the message may have left and is being looked for.",
    ),
    (
        "SignatureDoesNotMatch",
        _S,
        "短信服务商不认可请求签名，请管理员检查密钥。",
        "The SMS provider did not accept how the request was signed; an administrator must check the key.",
    ),
    (
        "IncompleteSignature",
        _S,
        "短信服务商不认可请求签名，请管理员检查密钥。",
        "The SMS provider did not accept how the request was signed; an administrator must check the key.",
    ),
    (
        "InvalidAccessKeyId.NotFound",
        _S,
        "短信服务商找不到我方密钥，请管理员检查短信设置。",
        "The SMS provider does not know our access key; an administrator must check the SMS settings.",
    ),
    (
        "InvalidAccessKeyId.Inactive",
        _S,
        "我方密钥已被停用，请管理员检查短信设置。",
        "Our access key is disabled; an administrator must check the SMS settings.",
    ),
    (
        "InvalidTimeStamp.Expired",
        _S,
        "服务器时钟与短信服务商相差过大，请管理员校准时间。",
        "The clock of our server is too far from the provider's; an administrator must set it right.",
    ),
    # Each call draws its own nonce, so a used one means that the request was carried twice on its way.
    (
        "SignatureNonceUsed",
        _A,
        "同一请求已到过短信服务商，短信可能已发出，系统正在核实。",
        "The provider has seen this request before; the message may have left and is being looked for.",
    ),
    (
        "Throttling",
        _T,
        "短信服务商提示发送过快，系统稍后自动重试。",
        "The SMS provider asked us to slow down; the message is tried again later.",
    ),
    (
        "Throttling.User",
        _T,
        "短信服务商提示发送过快，系统稍后自动重试。",
        "The SMS provider asked us to slow down; the message is tried again later.",
    ),
    (
        "InvalidAction.NotFound",
        _S,
        "短信服务商的接口地址不对，请管理员检查短信设置。",
        "The address of the SMS provider is wrong; an administrator must check the SMS settings.",
    ),
)

_REPORTS = code_table(
    (
        "IS_CLOSE",
        _T,
        "短信通道被关停，系统稍后自动重试。",
        "The carrier's route was closed; the message is tried again later.",
    ),
    (
        "PARAMS_ILLEGAL",
        _S,
        "签名、内容或号码的参数不对，请管理员检查短信设置。",
        "Signature, text or number was not accepted; an administrator must check the SMS settings.",
    ),
    # One code for an empty number and for a phone that is off: tried again, but not for ever.
    (
        "MOBILE_NOT_ON_SERVICE",
        _T,
        "手机停机、关机或不在服务区，系统稍后自动重试。",
        "The phone is out of service, switched off or out of reach; the message is tried again later.",
    ),
    (
        "MOBILE_SEND_LIMIT",
        _T,
        "该号码已达接收上限，系统稍后自动重试。",
        "The number has reached its limit of messages; the message is tried again later.",
    ),
    (
        "MOBILE_ACCOUNT_ABNORMAL",
        _P,
        "对方号码欠费、携号转网或状态异常，请改用其他渠道。",
        "The number is in arrears, ported or in an abnormal state; another channel must be used.",
    ),
    (
        "MOBILE_IN_BLACK",
        _O,
        "号码在黑名单中（通常是已退订），请改用其他渠道。",
        "The number is on a block list, mostly after an opt-out; another channel must be used.",
    ),
    # Spelt like this by the provider.
    (
        "MOBLLE_TERMINAL_ERROR",
        _T,
        "对方手机异常（如存储已满），系统再试一次。",
        "The phone itself failed, for example full; the message is tried once more.",
    ),
    (
        "CONTENT_KEYWORD",
        _C,
        "短信内容被运营商按关键字拦截，请检查模板。",
        "The carrier blocked a word in the text; the template must be checked.",
    ),
    (
        "CONTENT_ERROR",
        _C,
        "短信内容缺少退订说明，请检查模板类型。",
        "The text lacks the opt-out notice of its kind of template; the template must be checked.",
    ),
    (
        "INVALID_NUMBER",
        _P,
        "号码无效、空号或停机，请核对员工档案。",
        "The number is not valid or not in service; please check the person's record.",
    ),
    (
        "REQUEST_SUCCESS",
        _A,
        "服务商已提交，运营商没有回执，短信可能已送达。",
        "The provider handed the message over and the carrier sent no receipt; it may have arrived.",
    ),
    (
        "SP_NOT_BY_INTER_SMS",
        _P,
        "对方号码未开通该类短信，请改用其他渠道。",
        "The number does not take this kind of SMS; another channel must be used.",
    ),
    (
        "SP_UNKNOWN_ERROR",
        _T,
        "运营商没有说明未送达的原因，系统再试一次。",
        "The carrier gave no reason for the failure; the message is tried once more.",
    ),
    (
        "USER_REJECT",
        _O,
        "对方已退订短信，请改用其他渠道。",
        "The person has opted out of our SMS; another channel must be used.",
    ),
    (
        "NO_ROUTE",
        _S,
        "服务商没有可用的短信通道，请管理员联系服务商。",
        "The provider has no route for this message; an administrator must contact the provider.",
    ),
    (
        "PORT_NOT_REGISTERED",
        _S,
        "签名尚未完成运营商实名报备，请管理员在服务商处办理。",
        "The signature is not yet registered with the carriers; an administrator must see to it.",
    ),
    (
        "UNDELIV",
        _P,
        "对方号码停机或挂起，短信未送达，请改用其他渠道。",
        "The number is suspended and the message did not arrive; another channel must be used.",
    ),
    (
        "EXPIRED",
        _T,
        "对方长时间关机或不在服务区，系统稍后自动重试。",
        "The phone was switched off or out of reach too long; the message is tried again later.",
    ),
    (
        "REJECTD",
        _P,
        "运营商拒收了短信，请改用其他渠道。",
        "The carrier rejected the message; another channel must be used.",
    ),
)

ALIYUN_CODES: Mapping[str, CodeMeaning] = {**_ANSWERS, **_REPORTS}
"""Both kinds in one table; no code is of both."""
