"""What the figures of a result are called, for people who read an explanation."""

from collections.abc import Mapping

FIGURES: Mapping[str, tuple[str, str]] = {
    "own_wage": ("本人工资", "own wage"),
    "disability_grant": ("一次性伤残补助金", "disability grant"),
    "medical_subsidy": ("一次性工伤医疗补助金", "medical subsidy"),
    "employment_subsidy": ("一次性伤残就业补助金", "employment subsidy"),
    "suspension_wage": ("停工留薪期工资", "wage during the suspension"),
    "medical_net": ("医疗费（扣除第三人已付）", "medical costs, without what a third party paid"),
    "monthly_allowance": ("伤残津贴（月）", "monthly allowance"),
    "monthly_nursing": ("生活护理费（月）", "monthly nursing allowance"),
    "statutory_total": ("法定一次性待遇合计", "statutory total, one-off"),
    "fund": ("其中基金支付", "of it the fund"),
    "employer": ("其中用人单位支付", "of it the employer"),
    "recognised": ("可以认定工伤", "can be recognised"),
    "base_shortfall": ("缴费基数不足的差额", "shortfall from a low base"),
    "grade": ("伤残等级", "grade"),
    "lump_sum": ("一次性工亡补助金", "lump sum"),
    "funeral": ("丧葬补助金", "funeral grant"),
    "dependants_uncapped": ("供养亲属抚恤金（封顶前，月）", "pensions before the cap, a month"),
    "dependants_capped_total": ("供养亲属抚恤金合计（月）", "pensions together, a month"),
    "employer_last_day": ("用人单位申请最后一日", "the employer's last day"),
    "rolled_last_day": ("顺延后的最后一日", "last day, moved to a working day"),
    "alert_by": ("最迟提醒日", "alert by"),
    "employee_last_day": ("职工方申请最后一日", "the worker's last day"),
    "last_day": ("最后一日", "last day"),
    "days": ("天数", "days"),
    "late": ("逾期", "late"),
    "employer_bears": ("用人单位负担", "the employer bears"),
    "payable_after_tort": ("扣除侵权赔偿后应付", "payable after the tort award"),
    "result": ("结论", "result"),
    "status": ("依据状态", "status"),
    "base": ("缴费基数", "base"),
    "personal_total": ("个人合计", "worker in all"),
    "employer_total": ("单位合计", "employer in all"),
    "late_fee": ("滞纳金", "late fee"),
    "advanced_total": ("垫付合计", "advanced in all"),
    "deduct": ("本次扣回", "deducted now"),
    "balance": ("未扣回余额", "balance"),
    "certificate_blocked": ("扣留离职证明", "certificate held back"),
    "months": ("月数", "months"),
    "amount": ("金额", "amount"),
    "average": ("月平均工资", "average wage"),
    "capped_wage": ("封顶月工资", "capped wage"),
    "prorated": ("折算应休天数", "days in proportion"),
    "payable_days": ("应付天数", "days to be paid"),
    "extra_pay_200": ("另付部分", "extra pay"),
    "total_300": ("含正常工资合计", "with the wage"),
    "window_months": ("计算周期（月）", "window in months"),
    "delay_months": ("延迟月数", "months of delay"),
    "retires": ("退休年月", "month of retirement"),
    "deadline": ("截止日", "deadline"),
    "offset": ("扣除规则", "rule of the offset"),
}
"""Chinese and English name by key; a figure that is not here is called by its key."""
_YES = {True: ("是", "yes"), False: ("否", "no")}


def in_words(name: str, value: object, chinese: bool) -> str:
    """Say one figure: `最后一日：2026-02-07`, `last day: 2026-02-07`."""
    shown = FIGURES.get(name, (name, name))[0 if chinese else 1]
    if isinstance(value, bool):
        value = _YES[value][0 if chinese else 1]
    elif value is None:
        value = "无法确定" if chinese else "not certain"
    return f"{shown}{'：' if chinese else ': '}{value}"
