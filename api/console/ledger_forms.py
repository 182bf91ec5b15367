"""Money and days as they are typed into forms about the ledger."""

import re

from api.console.drawing import word
from api.console.visit import Visit
from api.language import Sentence, sentence
from countersign.domain.console_words import told_in
from countersign.domain.refusal import Refusal

_NAMED = sentence("%(field)s: %(what)s")
_LABELS = {
    "amount_fen": sentence("Amount"),
    "booked_on": sentence("Day"),
    "account": sentence("Account"),
    "source": sentence("Account"),
    "kind": sentence("What it is"),
    "item": sentence("The item"),
    "reason": sentence("Reason"),
    "file": sentence("File"),
    "document": sentence("Document"),
    "key": sentence("Form"),
    "posting": sentence("Posting"),
    "total_fen": sentence("Total"),
    "instalments": sentence("Instalments"),
    "agreed_on": sentence("Agreed on"),
    "case": sentence("Departure"),
    "advances": sentence("Insurance advances"),
    "consent": sentence("Written consent, or the clause of the contract"),
    "consent_file": sentence("Written consent, or the clause of the contract"),
    "deduct_advance": sentence("Deduct less than that"),
    "deduct_overpaid": sentence("Deduction for overpaid wage"),
    "deduct_equipment": sentence("Deduction for equipment"),
    "deduct_loan": sentence("Deduction for the loan"),
    "final_wage": sentence("Gross wage of the last month, from payroll"),
    "monthly_wage": sentence("Monthly wage"),
    "paid_days": sentence("Paid days of the month"),
    "personal_insurance": sentence("Personal insurance of this month"),
    "tax": sentence("Income tax"),
    "leave_entitlement": sentence("Days of leave a year"),
    "leave_elapsed_days": sentence("Days of the year until the end"),
    "leave_used": sentence("Days taken"),
    "leave_average_wage": sentence("Average monthly wage without overtime"),
    "severance_wage": sentence("Average monthly wage of the last twelve months"),
    "severance_bonus": sentence("Bonuses of these twelve months"),
    "severance_months": sentence("Months of service that count"),
    "local_avg": sentence("Local average monthly wage"),
    "notice_wage": sentence("Wage of last month, paid instead of notice"),
    "city": sentence("City"),
    "min_wage": sentence("Minimum wage a month"),
    "version": sentence("Settlement"),
}
"""What the fields of a refusal are called; all others are accounts."""

_YUAN = re.compile(r"(\d{1,9})(?:\.(\d{1,2}))?")


def typed_fen(text: str) -> int | None:
    """Return yuan as typed, such as `1,234.5` or `¥80`, in fen; None for what is no such amount."""
    found = _YUAN.fullmatch(text.strip().removeprefix("¥").replace(",", "").replace("，", "").strip())
    return None if found is None else int(found[1]) * 100 + int((found[2] or "").ljust(2, "0"))


def in_words(visit: Visit, refusal: Refusal) -> str:
    """Return why something is refused in the reader's language, with the field's name in front."""
    sentence = str(refusal)
    what = told_in(visit.language, sentence)
    if what == sentence:
        what = sentence.removeprefix(f"{refusal.field}: ")
    if refusal.field in _LABELS:
        name = visit.words.say(_LABELS[refusal.field])
    else:
        name = word(visit.language, "account", refusal.field)
    return visit.words.say(Sentence(_NAMED.text, {"field": name[:1].upper() + name[1:], "what": what}))


def choices(visit: Visit, kind: str, values: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return the options of a list: every value with its name."""
    return [(value, word(visit.language, kind, value)) for value in values]
