"""The second factor's forms: what was typed, and what came of it."""

from dataclasses import dataclass

from fastapi import Request

from api.language import sentence
from api.people.forms import FieldError
from api.people.services import PeopleServices
from countersign.adapters.database.identity import FreshCode, Method, NoCode, well_formed
from countersign.adapters.database.links import LinkView, Visitor

FORM_LIMIT = 4096

_FIELDS = {Method.ID_LAST4: "last4", Method.SMS_CODE: "sms-code"}
_MALFORMED = {
    Method.ID_LAST4: sentence("Type the last four characters of your ID number: digits, or X at the end."),
    Method.SMS_CODE: sentence("Type the six digits of the code."),
}
_WRONG = sentence(
    "This does not match, or the link is locked. It locks after several wrong tries; "
    "then call the contact below."
)
_NO_CODE = {
    NoCode.ENOUGH_TODAY: sentence(
        "No more codes can be sent today. Use the last one, or call the contact below."
    ),
    NoCode.NOT_NOW: sentence("The code could not be sent now. Try again later, or call the contact below."),
}


@dataclass(frozen=True)
class Given:
    """A try at the second factor, in the form in which it is compared."""

    method: Method
    text: str


async def read_try(request: Request) -> Given | FieldError:
    """Return the try that a form makes, or what is wrong with its form."""
    form = await request.form(max_files=0, max_fields=10)
    method = Method.SMS_CODE if form.get("method") == Method.SMS_CODE.value else Method.ID_LAST4
    typed = form.get("text")
    text = well_formed(method, typed if isinstance(typed, str) else "")
    return FieldError(_FIELDS[method], _MALFORMED[method]) if text is None else Given(method, text)


def confirm(services: PeopleServices, link: LinkView, given: Given, visitor: Visitor) -> FieldError | None:
    """Check a try; None when it is right. Wrong and locked get the same words."""
    if services.identity.confirm(link, given.method, given.text, visitor):
        return None
    return FieldError(_FIELDS[given.method], _WRONG)


def make_code(services: PeopleServices, link: LinkView) -> FreshCode | FieldError:
    """Return the code to be sent, or why there is none."""
    made = services.identity.new_code(link)
    return FieldError("send-code", _NO_CODE[made]) if isinstance(made, NoCode) else made


def not_sent() -> FieldError:
    """Return what to tell when the provider does not take the code."""
    return FieldError("send-code", _NO_CODE[NoCode.NOT_NOW])
