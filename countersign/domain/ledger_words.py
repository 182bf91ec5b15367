"""What the accounts and postings of the sub-ledger are called in Chinese and English."""

from collections.abc import Mapping

from countersign.domain.departure_words import ACCOUNTS, Pair

ALL_ACCOUNTS: Mapping[str, Pair] = {
    **ACCOUNTS,
    "bank": ("银行存款", "bank"),
    "payroll": ("工资发放", "payroll"),
    "insurance_paid": ("社保缴费", "social insurance paid"),
    "write_off": ("核销", "written off"),
    "expense": ("人工成本", "staff costs"),
    "recovery_income": ("赔偿收入", "compensation income"),
}
POSTINGS: Mapping[str, Pair] = {
    "advance": ("垫付社保个人部分", "insurance share advanced"),
    "loan": ("借款", "loan paid out"),
    "equipment": ("设备赔偿", "equipment to be paid for"),
    "overpaid_wage": ("多发工资", "wage overpaid"),
    "wage_due": ("应发工资", "wage due"),
    "leave_due": ("应发未休年假工资", "unused leave due"),
    "severance_due": ("应发经济补偿", "severance due"),
    "withholding": ("代扣代缴", "withheld and passed on"),
    "deduction": ("从工资扣回", "deducted from wages"),
    "payment": ("发放给员工", "paid to the employee"),
    "repayment": ("员工还款", "repaid by the employee"),
    "write_off": ("放弃追偿", "debt given up"),
    "reversal": ("冲销", "reversal"),
}
AGES: Mapping[str, Pair] = {
    "0-30": ("30 天以内", "up to 30 days"),
    "31-60": ("31–60 天", "31–60 days"),
    "61-90": ("61–90 天", "61–90 days"),
    "over-90": ("90 天以上", "over 90 days"),
}
