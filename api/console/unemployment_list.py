"""The list of ended employments for the bureau: HR takes it, and that stands in the evidence."""

from typing import Annotated

from fastapi import Depends, Response
from fastapi.responses import RedirectResponse

from api.console.downloads import list_file
from api.console.drawing import word
from api.console.route import console_router
from api.console.visit import HOME, Missing, Post, posting
from api.language import sentence
from api.people.forms import typed_day
from countersign.adapters.database.reports import Span
from countersign.adapters.database.unemployment_lists import Unemployed
from countersign.adapters.list_files import Value
from countersign.contracts.cases import Role

router = console_router()
HrPost = Annotated[Post, Depends(posting(Role.HR))]

_HEADS = (
    sentence("Number"),
    sentence("Name"),
    sentence("ID number"),
    sentence("Employment ended on"),
    sentence("Legal ground"),
    sentence("Article"),
    sentence("Phone"),
    sentence("E-mail"),
    sentence("Address"),
    sentence("Branch"),
    sentence("State"),
    sentence("Due"),
)
_NO_DAYS = sentence("Days of the list: give two days that exist, such as 2026-03-01 and 2026-03-31.")


@router.post("/duties/unemployment-list.{form}")
def take_list(post: HrPost, form: str) -> Response:
    """Hand out the list for a span of days; who has taken it stands in the chain of each of them."""
    if form not in ("xlsx", "csv"):
        raise Missing
    first, last = typed_day(post.text("from")), typed_day(post.text("until"))
    if first is None or last is None:
        post.tell(_NO_DAYS, good=False)
        return RedirectResponse(f"{HOME}/duties", 303)
    scope = post.scope.narrowed(post.text("branch")[:26])
    span, only_open = Span(min(first, last), max(first, last)), post.text("state") != "all"
    found = post.parts.unemployment_lists.take(scope, span, post.officer.actor, only_open=only_open)
    headers = [post.words.say(head) for head in _HEADS]
    return list_file(form, "unemployment-list", headers, [_row(post, one) for one in found], "unemployment")


def _row(post: Post, one: Unemployed) -> list[Value]:
    return [
        one.number,
        one.name,
        one.id_number,
        one.ended_on,
        word(post.language, "ground", one.ground),
        one.article,
        one.phone,
        one.email,
        one.address,
        one.branch,
        word(post.language, "duty_state", one.state),
        one.due_on,
    ]
