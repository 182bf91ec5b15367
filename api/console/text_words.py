"""What the texts and their variables are called, and what each variable means."""

from collections.abc import Mapping

from api.language import Sentence, sentence
from countersign.domain.texts import Reader

NAMES: Mapping[str, Sentence] = {
    "before_end": sentence("Reminder before the leave ends"),
    "first_notice": sentence("First notice"),
    "second_reminder": sentence("Second reminder"),
    "emergency_contact": sentence("To the emergency contact"),
    "before_last_day": sentence("Reminder before the last day"),
    "announcement": sentence("First word to a receiver"),
    "departure_withdrawn": sentence("The departure is off"),
    "termination_notice": sentence("The employer's notice"),
    "certificate": sentence("The certificate is issued"),
    "demand": sentence("Demand for what is open"),
    "colleague_notice": sentence("To a colleague"),
    "paper_notice": sentence("Notice on paper"),
    "on_site_check": sentence("Visit on site"),
    "public_notice": sentence("Public notice"),
    "extension_granted": sentence("Extension granted"),
    "extension_refused": sentence("Extension refused"),
    "objection_answered": sentence("Objection answered"),
    "mail": sentence("Mail around every notice"),
    "mail_confidential": sentence("Mail for a confidential notice"),
    "confidential": sentence("SMS for a confidential notice"),
    "second_factor": sentence("SMS with the code of the identity check"),
}

READERS: Mapping[Reader, Sentence] = {
    Reader.EMPLOYEE: sentence("The employee reads it."),
    Reader.COLLEAGUE: sentence("A colleague reads it: it says nothing of a leave, a ground or a debt."),
    Reader.EMERGENCY_CONTACT: sentence("The emergency contact reads it: it says nothing of the matter."),
    Reader.PUBLIC: sentence("Everybody reads it: it says nothing of the matter."),
    Reader.ANYBODY: sentence("It goes around every notice, whoever reads it: it says nothing of the matter."),
    Reader.UNKNOWN: sentence("The product does not know who reads it: it says nothing of the matter."),
}

MEANINGS: Mapping[str, Sentence] = {
    "company": sentence("the company's name"),
    "branch": sentence("the employee's branch"),
    "employee": sentence("the employee's name"),
    "number": sentence("the employee number"),
    "recipient": sentence("the name of whoever receives it"),
    "answer_by": sentence("the instant until which an answer is asked for"),
    "contact": sentence("whom to ask: contact.name, contact.phone, contact.email"),
    "service_address": sentence("the employee's address for service"),
    "e_delivery_consent_on": sentence("the day of the consent to electronic delivery"),
    "consent_signed_on": sentence("the day on which the address confirmation was signed"),
    "leave_kind": sentence("the kind of leave, as a code: sick, injury, maternity, annual, personal, other"),
    "starts_on": sentence("the first day of the leave"),
    "ends_on": sentence("the last day of the leave"),
    "return_day": sentence("the first working day after the leave"),
    "leaver": sentence("the name of whoever leaves"),
    "departure_kind": sentence(
        "how the employment ends, as a code: resignation, dismissal, contract_end, mutual, absence"
    ),
    "ground": sentence(
        "the legal ground, as a code: agreement, resignation, employer_fault, worker_fault, no_fault, "
        "layoff, expiry"
    ),
    "facts": sentence("what the employer's notice rests on, as HR wrote it at the start"),
    "last_day": sentence("the agreed or planned last day"),
    "noticed_on": sentence("the day on which notice was given"),
    "ended_on": sentence("the day on which the employment ended; empty before"),
    "transfer_by": sentence("the last day for the transfer of the file and of social insurance"),
    "successor": sentence("the name of whoever takes over the work"),
    "questionnaire": sentence("whether the leaver is asked a questionnaire; for a condition"),
    "items_open": sentence("how many things are not handed over and confirmed yet"),
    "items_to_hand_over": sentence("how many things the leaver has still to hand over"),
    "items_to_accept": sentence("how many things wait for the receiver's confirmation"),
    "stands_in_for": sentence("the name of the receiver who is away and for whom the reader confirms"),
    "documents_open": sentence("how many of them are work documents"),
    "customers_open": sentence("how many of them are customers"),
    "equipment_open": sentence("how many of them are equipment"),
    "owed": sentence("everything that is owed, in yuan, such as 3,960.50"),
    "owed_insurance": sentence("advanced social insurance that is owed, in yuan"),
    "owed_loan": sentence("the loan that is owed, in yuan"),
    "owed_overpaid": sentence("pay that was paid too much, in yuan"),
    "owed_equipment": sentence("the value of equipment that is owed, in yuan"),
    "about": sentence("the title of the text to be confirmed"),
    "title": sentence("the first line of the notice"),
    "text": sentence("the notice itself, without its first line"),
    "fingerprint": sentence("the SHA-256 of the notice"),
    "code": sentence("the receipt code, with which the notice is opened without a link"),
    "portal": sentence("where the receipt code is typed in"),
    "link": sentence("the link to the notice; text messages to +86 have none"),
    "template": sentence("the name of the text that is sent, such as first_notice"),
    "minutes": sentence("how long the code is valid"),
}

DATES: Mapping[str, str] = {
    "{{ ends_on|zh_day }}": "2026年2月13日（星期五）",
    "{{ ends_on|zh_short }}": "2月13日",
    "{{ answer_by|zh_moment }}": "2026年2月25日（星期三）10:00",
    "{{ ends_on|en_day }}": "Friday, 13 February 2026",
    "{{ answer_by|en_moment }}": "10:00 (UTC+08:00) on Wednesday, 25 February 2026",
}
"""How dates can be written, each with what it becomes."""
