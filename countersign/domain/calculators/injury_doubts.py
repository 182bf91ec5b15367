"""What the calculator `injury` has to say beside its figures."""

from countersign.domain.calculators.explained import Saying

OWN_WAGE_CLAMPED = Saying(
    "own_wage_clamped",
    "the wage of {wage} lies outside 60 % to 300 % of the local average {local_avg}; own wage is {own_wage}",
    "工资 {wage} 元不在当地平均工资 {local_avg} 元的 60% 至 300% 之间，本人工资按 {own_wage} 元计算",
)
UNDERPAID_BASE = Saying(
    "underpaid_base",
    "contributions were paid on {declared}, below the actual wage of {actual}; what the fund "
    "pays less for that reason falls on the employer and is not in these lines",
    "缴费工资 {declared} 元低于实际工资 {actual} 元，因此少领的待遇由用人单位补足，未计入以上各项",
)
KEPT_BY_LAW = Saying(
    "relation_kept",
    "a worker of grade {grade} keeps the employment relation; no subsidies are due (regulation art. 35)",
    "{grade} 级伤残保留劳动关系，不支付一次性医疗、就业补助金（条例第35条）",
)
ENDS_AT_REQUEST_ONLY = Saying(
    "ends_at_request_only",
    "the employment of a worker of grade {grade} ends only at the worker's own request (art. "
    "36(2)); have the expiry checked",
    "{grade} 级伤残只有经职工本人提出方可解除或终止劳动关系（第36条第2款），合同到期终止须审查",
)
SECOND_WINDOW_MISSING = Saying(
    "pre_termination_wage_missing",
    "this region takes the higher of own wage before the injury and before the end; "
    "pre_termination_wage is not given, so the former alone was used",
    "本地区按受伤前与解除前本人工资较高者计算；未提供 pre_termination_wage，仅按受伤前计算",
)
NONE_AT_RETIREMENT = Saying(
    "none_at_retirement",
    "the subsidies are computed as not due at retirement, which the national text does not name as an end",
    "退休不属于条例列明的解除、终止情形，按不支付一次性补助金计算",
)
YEARS_NOT_GIVEN = Saying(
    "years_to_retirement_not_given",
    "this region reduces subsidies, or may reduce them, within five years of retirement; "
    "years_to_retirement is not given, so nothing was taken off",
    "本地区对距法定退休年龄不足五年者递减或可能递减补助金；未提供 years_to_retirement，未作扣减",
)
TAPER_UNKNOWN = Saying(
    "taper_unknown",
    "whether {region_en} reduces the subsidies within five years of retirement is not "
    "confirmed; nothing was taken off: ask the local authority",
    "{region_zh}是否对距退休不足五年者递减补助金尚未证实，未作扣减，请向当地经办机构确认",
    stamps=True,
)
EXTENSION_NEEDED = Saying(
    "extension_needed",
    "{months} months of suspension are more than 12; they need the appraisal committee's confirmation",
    "停工留薪期 {months} 个月超过 12 个月，须经劳动能力鉴定委员会确认延长",
)
SUITABLE_WORK_UNKNOWN = Saying(
    "suitable_work_unknown",
    "the monthly allowance of grades 5 and 6 is due only while no suitable work can be "
    "arranged; give suitable_work: true or false",
    "5、6 级伤残津贴仅在难以安排适当工作时支付，请填写 suitable_work",
)
MINIMUM_NOT_GIVEN = Saying(
    "min_wage_not_given",
    "the monthly allowance may not lie below the local minimum wage; min_wage is not given",
    "伤残津贴不得低于当地最低工资标准；未提供 min_wage",
)
RECOGNITION_OPEN = Saying(
    "recognition_open",
    "there is no finding of the police to decide by; these figures hold if the accident is recognised",
    "没有可依据的交通事故责任认定；以上金额以认定工伤为前提",
)
NOT_RECOGNISED = Saying(
    "not_recognised",
    "with {responsibility} an accident on the way is no work injury (art. 14(6)); these "
    "figures hold only if it is recognised on another ground",
    "本人{responsibility}的上下班途中事故不认定为工伤（第14条第6项）；以上金额仅在依其他情形认定工伤时适用",
)
NOT_APPRAISED = Saying(
    "not_appraised",
    "the grade is pending: this is a table by grade, and no single figure may be taken from it",
    "尚未作出劳动能力鉴定：仅列出各级金额，不得作为确定金额使用",
)
BELOW_FLOOR = Saying(
    "below_statutory_floor",
    "the offer of {offer} lies below the statutory floor of {floor}; courts top up such "
    "agreements (Civil Code art. 151): it needs a recorded approval by name",
    "拟议金额 {offer} 元低于法定底线 {floor} 元，可能因显失公平被撤销（民法典第151条），须由"
    "指定审批人书面批准",
)
UNINSURED = Saying(
    "uninsured",
    "without insurance the employer pays every item of the fund at the statutory standard (art. 62(2)); "
    "after back-payment the fund takes over new costs only",
    "未参保期间由用人单位按法定项目和标准支付全部待遇（第62条第2款）；补缴后基金只支付新发生的费用",
)
MONTHLY_BESIDE = Saying(
    "monthly_beside_the_range",
    "monthly items of the employer go on beside the range and are not in it",
    "由用人单位按月支付的项目另行持续支付，未计入协商区间",
)
