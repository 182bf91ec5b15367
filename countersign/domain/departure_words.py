"""What the values of a departure are called in Chinese and English: kinds, items, duties, the gate, money."""

from collections.abc import Mapping

Pair = tuple[str, str]
"""Chinese and English."""

DEPARTURE_KINDS: Mapping[str, Pair] = {
    "resignation": ("辞职", "resignation"),
    "dismissal": ("解除劳动合同", "dismissal"),
    "contract_end": ("合同期满终止", "end of contract"),
    "mutual": ("协商解除", "mutual agreement"),
    "absence": ("长期旷工解除", "absence without leave"),
}
GROUNDS: Mapping[str, Pair] = {
    "agreement": ("协商一致", "agreement"),
    "resignation": ("劳动者提出辞职", "notice by the employee"),
    "employer_fault": ("用人单位过错", "fault of the employer"),
    "worker_fault": ("劳动者过错", "fault of the employee"),
    "no_fault": ("非过失性解除", "no fault"),
    "layoff": ("经济性裁员", "layoff"),
    "expiry": ("合同期满", "end of the term"),
}
TRACKS: Mapping[str, Pair] = {
    "documents": ("工作文件", "work documents"),
    "customers": ("客户", "customers"),
    "equipment": ("设备物品", "equipment"),
}
ITEM_STATES: Mapping[str, Pair] = {
    "open": ("未移交", "not handed over"),
    "handed_over": ("已移交，待接收", "handed over"),
    "accepted": ("已接收", "accepted"),
    "disputed": ("有争议", "disputed"),
    "not_applicable": ("不适用", "not applicable"),
}
CONDITIONS: Mapping[str, Pair] = {
    "undamaged": ("完好", "undamaged"),
    "worn": ("正常磨损", "worn"),
    "damaged": ("损坏", "damaged"),
    "missing": ("缺失", "missing"),
}
DUTIES: Mapping[str, Pair] = {
    "certificate": ("出具离职证明", "certificate of the end"),
    "wages": ("结清工资", "wages paid"),
    "social_insurance": ("社保停缴", "social insurance drop"),
    "file_transfer": ("档案转移", "transfer of the personal file"),
    "unemployment_list": ("失业人员名单备案", "list for unemployment benefits"),
}
DUTY_STATES: Mapping[str, Pair] = {
    "due": ("待办", "due"),
    "done": ("已办", "done"),
    "failed": ("未办成", "failed"),
}
GATE_REASONS: Mapping[str, Pair] = {
    "still_employed": ("劳动关系尚未结束", "the employment has not ended"),
    "documents": ("工作文件未交接完", "work documents are not fully handed over"),
    "customers": ("客户未交接完", "customers are not fully handed over"),
    "equipment": ("设备物品未交接完", "equipment is not fully handed over"),
    "disputed": ("交接争议未处理", "disputes are not settled"),
    "insurance_advance": ("社保垫付款未还", "advanced insurance share is owed"),
    "wage": ("多发工资未还", "overpaid wage is owed"),
    "loan": ("借款未还", "a loan is owed"),
    "equipment_owed": ("设备赔偿未付", "equipment is to be paid for"),
    "plan_unsigned": ("还款协议缺少签字件", "the repayment plan waits for its signed paper"),
    "finance_not_confirmed": ("财务未确认账目", "finance has not confirmed the balances"),
    "social_insurance": ("社保停缴未确认", "social insurance drop is not confirmed"),
    "settlement": ("结算单未完成", "the settlement is not done"),
    "other_case": ("另有案件未结", "another case is open"),
    # What is said to those who see no money, of any of the sums and of the settlement.
    "money": ("款项尚未结清", "money is still open"),
}
ACCESS_STATES: Mapping[str, Pair] = {
    "open": ("待停用", "to be shut"),
    "done": ("已停用", "shut"),
    "failed": ("停用失败", "could not be shut"),
    "manual": ("人工处理中", "being done by hand"),
    "dropped": ("不再需要", "no longer needed"),
    "to_give_back": ("待恢复", "to be given back"),
    "given_back": ("已恢复", "given back"),
}
TASK_STATES: Mapping[str, Pair] = {
    "open": ("待转交", "with the leaver"),
    "moved": ("已转交", "passed on"),
    "moved_back": ("已退回本人", "given back"),
}
HANDS: Mapping[str, Pair] = {
    "leaver": ("离职人员", "the leaver"),
    "receiver": ("接收人", "whoever takes over"),
    "administration": ("行政", "administration"),
    "finance": ("财务", "finance"),
    "hr": ("人事", "HR"),
    "calendar": ("到期自动", "the calendar"),
}
DEPARTURE_STATES: Mapping[str, Pair] = {
    "leaving": ("尚未离职", "still employed"),
    "ended": ("劳动关系已结束", "employment has ended"),
    "closed": ("已办结", "closed"),
    "withdrawn": ("已撤回", "withdrawn"),
}
VERDICTS: Mapping[str, Pair] = {
    "open": ("由离职人员重新移交", "the leaver hands it over again"),
    "handed_over": ("视为已移交，由接收人确认", "it counts as handed over; the receiver confirms"),
    "not_applicable": ("不适用，不再要求", "it does not apply"),
}
SIDES: Mapping[str, Pair] = {
    "leaver": ("离职人员", "the leaver"),
    "receiver": ("接收人", "the receiver"),
}
ACCOUNTS: Mapping[str, Pair] = {
    "insurance_advance": ("社保垫付款", "advanced insurance share"),
    "wage_overpaid": ("多发的工资", "overpaid wage"),
    "loan": ("借款", "loan"),
    "equipment": ("设备赔偿", "equipment to be paid for"),
    "wage_payable": ("应付工资", "wage"),
    "leave_payable": ("未休年假工资", "pay for unused leave"),
    "severance_payable": ("经济补偿", "severance pay"),
}
EMPLOYMENT_STATES: Mapping[str, Pair] = {
    "active": ("在职", "active"),
    "on_leave": ("休假中", "on leave"),
    "awaiting_return": ("待返岗", "awaiting return"),
    "absent": ("旷工", "absent"),
    "suspended": ("“中止”（法律上仍在职）", "suspended (still employed by law)"),
    "ended": ("已离职", "ended"),
}
SETTLEMENT_STATES: Mapping[str, Pair] = {
    "drafted": ("草稿", "draft"),
    "confirmed": ("已确认，待入账", "confirmed, being booked"),
    "booked": ("已入账", "booked"),
    "undone": ("已冲销", "reversed"),
}
WAYS_OF_DEDUCTING: Mapping[str, Pair] = {
    "nothing": ("不从工资扣回", "deduct nothing"),
    "consent": ("经书面同意，扣至最低工资", "by consent, down to the minimum wage"),
    "capped_20pct": ("经书面同意，至多扣工资的 20%", "by consent, at most a fifth of the wage"),
}
MONEY_TASKS: Mapping[str, Pair] = {
    "finance_balances": ("确认账目", "balances to confirm"),
    "gate_settlement": ("办理结算单", "settlement to do"),
    "plan_paper": ("补交还款协议签字件", "signed paper of a repayment plan to add"),
    "disputes": ("处理交接争议", "disputes to settle"),
    "revocations": ("停用账号", "accounts to shut"),
    "passed_tasks": ("转交待办", "open tasks to pass on"),
    "give_back": ("恢复账号", "accounts to give back"),
}

DETAIL_NAMES: Mapping[str, Pair] = {
    "location": ("存放位置", "place"),
    "kind": ("类别", "kind"),
    "contact_name": ("联系人", "contact person"),
    "contact_way": ("联系方式", "contact"),
    "follow_up": ("跟进状态", "follow-up"),
    "model": ("型号", "model"),
    "serial_number": ("序列号", "serial number"),
    "condition": ("领用时状况", "condition when given out"),
}
"""What is told of an item beyond its number and name."""
