"""The columns of a roster and the words that their cells may hold."""

from countersign.adapters.rendering import LANGUAGES
from countersign.contracts.leave_return import LeaveKind
from countersign.domain.certificate import ContractType
from countersign.domain.policy import Channel

COLUMNS = {
    "number": "工号",
    "name": "姓名",
    "id_number": "证件号码",
    "phone": "手机",
    "email": "邮箱",
    "preferred_channel": "首选渠道",
    "branch": "分支",
    "department": "部门",
    "post": "岗位",
    "manager_number": "直属上级工号",
    "hired_on": "入职日期",
    "left_on": "离职日期",
    "emergency_contact": "紧急联系人",
    "relation": "关系",
    "emergency_contact_phone": "紧急联系人手机",
    "service_address": "送达地址",
    "e_delivery_consent_on": "电子送达同意日期",
    "leave_kind": "假别",
    "leave_starts_on": "假期开始",
    "leave_ends_on": "假期结束",
    "emergency_contact_consent_on": "紧急联系人同意日期",
    "region": "地区",
    "language": "语言",
    "contract_type": "合同类型",
    "contract_starts_on": "合同起始日",
    "contract_ends_on": "合同终止日",
}
"""Each field, which is also its English header, and its Chinese header."""


REQUIRED = ("number", "name", "branch")
LEAVE_FIELDS = ("leave_kind", "leave_starts_on", "leave_ends_on")
CONTACT_FIELDS = ("emergency_contact", "relation", "emergency_contact_phone", "emergency_contact_consent_on")
CONTRACT_FIELDS = ("contract_type", "contract_starts_on", "contract_ends_on")
DATES = tuple(name for name in COLUMNS if name.endswith("_on"))


CHANNELS = {"短信": Channel.SMS, "邮件": Channel.EMAIL, "系统": Channel.IN_SYSTEM} | {
    channel.value: channel for channel in (Channel.SMS, Channel.EMAIL, Channel.IN_SYSTEM)
}
LEAVE_KINDS = {
    "病假": LeaveKind.SICK,
    "工伤": LeaveKind.INJURY,
    "工伤休养": LeaveKind.INJURY,
    "停工留薪": LeaveKind.INJURY,
    "产假": LeaveKind.MATERNITY,
    "年假": LeaveKind.ANNUAL,
    "事假": LeaveKind.PERSONAL,
    "其他": LeaveKind.OTHER,
} | {kind.value: kind for kind in LeaveKind}
CONTRACT_TYPES = {
    "固定期限": ContractType.FIXED,
    "无固定期限": ContractType.OPEN_ENDED,
    "以完成一定工作任务为期限": ContractType.TASK,
} | {kind.value: kind for kind in ContractType}
LANGUAGE_WORDS = {"中文": "zh-CN", "英文": "en"} | {language: language for language in LANGUAGES}
