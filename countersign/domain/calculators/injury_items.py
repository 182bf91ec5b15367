"""The items of a work-injury claim, by name."""

from countersign.domain.calculators.explained import Item

OWN_WAGE = Item("own_wage", "本人工资", "Own wage")
DISABILITY_GRANT = Item("disability_grant", "一次性伤残补助金", "One-time disability grant")
MEDICAL_SUBSIDY = Item("medical_subsidy", "一次性工伤医疗补助金", "One-time medical subsidy")
EMPLOYMENT_SUBSIDY = Item("employment_subsidy", "一次性伤残就业补助金", "One-time employment subsidy")
SUSPENSION_WAGE = Item("suspension_wage", "停工留薪期工资", "Wage during the suspension period")
MEDICAL_NET = Item("medical_net", "医疗费", "Medical costs")
MONTHLY_ALLOWANCE = Item("monthly_allowance", "伤残津贴", "Monthly disability allowance")
MONTHLY_NURSING = Item("monthly_nursing", "生活护理费", "Monthly nursing allowance")
LUMP_SUM = Item("lump_sum", "一次性工亡补助金", "Lump sum for a death at work")
FUNERAL = Item("funeral", "丧葬补助金", "Funeral grant")
DEPENDANTS = Item("dependants", "供养亲属抚恤金", "Dependants' pension")
THIRD_PARTY_MEDICAL = Item("third_party_medical", "医疗费（民事）", "Medical costs (civil)")
THIRD_PARTY_WAGE = Item("third_party_wage", "误工费（民事）", "Lost wages (civil)")
