"""What the texts and their variables are called, and what each variable means."""

from collections.abc import Mapping

from api.language import Sentence, sentence
from countersign.domain.texts import Reader

NAMES: Mapping[str, Sentence] = {
    "before_end": sentence("Reminder before the leave ends"),
    "first_notice": sentence("First notice"),
    "second_reminder": sentence("Second reminder"),
    "emergency_contact": sentence("To the emergency contact"),
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
    Reader.COLLEAGUE: sentence("A colleague reads it: it tells nothing of the kind of leave."),
    Reader.EMERGENCY_CONTACT: sentence("The emergency contact reads it: it tells nothing of the leave."),
    Reader.PUBLIC: sentence("Everybody reads it: it tells nothing of the leave."),
    Reader.ANYBODY: sentence("It goes around every notice, whoever reads it: it tells nothing of the leave."),
    Reader.UNKNOWN: sentence("The product does not know who reads it: it tells nothing of the leave."),
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
