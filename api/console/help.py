"""Help: a page per role, the glossary, and a tour of the demo company."""

from typing import Any

from fastapi import Response
from markupsafe import Markup, escape

from api.console.downloads import XLSX, download
from api.console.drawing import page
from api.console.glossary import matching
from api.console.route import console_router
from api.console.visit import HOLDERS, HOME, Everybody, Holder, Missing, Visit
from api.language import sentence
from api.me.drawing import services_of
from countersign.adapters.database.officers import READERS, SEERS, STAFF
from countersign.contracts.cases import Role
from countersign.demo import DEMO_ACCOUNTS, DEMO_PASSWORD, is_demo, practice_roster
from countersign.domain.levels import Level, level_words
from countersign.domain.local_time import day_of

router = console_router()

ROLES = (
    Role.HR,
    Role.FINANCE,
    Role.ADMINISTRATION,
    Role.MANAGER,
    Role.EMPLOYEE,
    Role.AUDITOR,
    Role.LEGAL,
    Role.SYSTEM_ADMINISTRATOR,
)
"""Those that have a page of their own here."""

WAYS: dict[str, tuple[Role, ...]] = {
    HOME: HOLDERS,
    f"{HOME}/cases": SEERS,
    f"{HOME}/people": SEERS,
    f"{HOME}/start": STAFF,
    f"{HOME}/start/bulk": STAFF,
    f"{HOME}/start/circular": STAFF,
    f"{HOME}/imports": STAFF,
    f"{HOME}/delegates": STAFF,
    f"{HOME}/policies": READERS,
    f"{HOME}/policies/branches": READERS,
    f"{HOME}/texts": READERS,
    f"{HOME}/calendar": READERS,
    f"{HOME}/sending": READERS,
    f"{HOME}/alarms": READERS,
    f"{HOME}/approvals": READERS,
    f"{HOME}/reports": READERS,
    f"{HOME}/reports/exits": READERS,
    f"{HOME}/start/departure": STAFF,
    f"{HOME}/departures": (*SEERS, Role.FINANCE, Role.ADMINISTRATION),
    f"{HOME}/duties": (*READERS, Role.FINANCE),
    f"{HOME}/ledger": (*READERS, Role.FINANCE),
    f"{HOME}/settings": READERS,
    f"{HOME}/accounts": (Role.SYSTEM_ADMINISTRATOR,),
    f"{HOME}/tokens": (Role.SYSTEM_ADMINISTRATOR,),
    f"{HOME}/me": tuple(Role),
    "/me": tuple(Role),
    "/me/notices": tuple(Role),
    "/me/receipts": tuple(Role),
}
"""The pages that the help speaks of, and who can open them; for all others they are words without a link."""

_LEVELS = {
    Level.SENT: sentence("It left; nobody has reported on it yet."),
    Level.ACCEPTED: sentence("Taken over for sending on; says nothing of the recipient."),
    Level.DELIVERED: sentence("Arrived by somebody's report, who is named; not that it was read."),
    Level.LINK_FETCHED: sentence("A mail scanner or a chat's preview does that too; no answer."),
    Level.OPENED: sentence("Looks like a person; still no answer."),
    Level.ACKNOWLEDGED: sentence("The button was pressed: it was received, not agreed to."),
    Level.IDENTITY_CONFIRMED: sentence("With a second proof of who it was, such as a code by SMS."),
}
_RULES = (
    (sentence("target"), sentence("A time the company set itself; missing it has no effect in law.")),
    (
        sentence("statutory"),
        sentence("A term of the law, such as the duties at the end of an employment; it cannot be put off."),
    ),
    (sentence("agreed"), sentence("The end of a leave as granted, or the day of return that was announced.")),
    (sentence("Overdue"), sentence("The deadline has passed, and whoever it waits for has not acted.")),
    (
        sentence("provisional"),
        sentence("In a year whose holidays are not published; planned again then."),
    ),
    (sentence("Second person"), sentence("One asks, another agrees; only then it happens.")),
    (sentence("Stop sending"), sentence("Holds all messages at once. Nothing is lost; deadlines go on.")),
)
_NEVER = (
    sentence("A text message never shows “read”: no carrier reports that."),
    sentence("Opening a page or a link never counts as an answer; only pressing the button does."),
    sentence("Nobody who has answered is chased on; only HR's reply can begin a new round."),
    sentence("The emergency contact is never told about the leave or its reason."),
    sentence("An event in the evidence is never changed or removed; corrections are new events."),
    sentence("Nobody alone does what needs a second person, not even a system administrator."),
)


@router.get("/help")
def own(visit: Everybody) -> Response:
    """Show the help of the reader's own role."""
    return _guide(visit, visit.officer.role)


@router.get("/help/for/{role}")
def of_role(visit: Everybody, role: str) -> Response:
    """Show the help of a role; employees have their own alone."""
    if role not in _offered(visit):
        raise Missing
    return _guide(visit, Role(role))


@router.get("/help/glossary")
def glossary(visit: Everybody) -> Response:
    """Show the words of the product, or those that hold what was typed."""
    part = visit.asked("q")
    return _page(visit, "glossary.html", part=part, found=matching(part))


@router.get("/help/demo")
def tour(visit: Holder) -> Response:
    """Lead through the demo company; there is no such page elsewhere."""
    if not is_demo(visit.parts):
        raise Missing
    accounts = [(login, name, role, more.get("branch")) for login, name, role, more in DEMO_ACCOUNTS]
    stand_in = visit.parts.settings.twilio_base_url
    return _page(visit, "demo.html", accounts=accounts, password=DEMO_PASSWORD, outbox=f"{stand_in}/outbox")


@router.get("/help/demo/roster.xlsx")
def practice_file(visit: Holder) -> Response:
    """Hand out a roster of two rows, one of them faulty, to try an import with."""
    if not is_demo(visit.parts):
        raise Missing
    return download(practice_roster(day_of(visit.parts.clock())), "practice-roster.xlsx", XLSX)


def _guide(visit: Visit, role: Role) -> Response:
    levels = [(level_words(level, language=visit.language), told) for level, told in _LEVELS.items()]
    return _page(visit, "page.html", role=role, levels=levels, rules=_RULES, never=_NEVER)


def _page(visit: Visit, template: str, **values: Any) -> Response:
    employee = visit.officer.role is Role.EMPLOYEE
    return page(
        visit,
        f"help/{template}",
        frame="me/base.html" if employee else "console/base.html",
        contact=services_of(visit.request).contact,
        roles=_offered(visit),
        demo=not employee and is_demo(visit.parts),
        to=lambda path, words: _way(visit, path, words),
        **values,
    )


def _offered(visit: Visit) -> tuple[Role, ...]:
    """Return the roles whose help can be chosen, the reader's own first."""
    own_role = visit.officer.role
    if own_role is Role.EMPLOYEE:
        return (own_role,)
    return (own_role, *(one for one in ROLES if one is not own_role))


def _way(visit: Visit, path: str, words: str) -> Markup:
    """Return a link to a page, or its name alone where the reader cannot open it."""
    place = path.partition("?")[0]
    roles = WAYS.get(place) or WAYS[place.rpartition("/")[0]]
    if visit.officer.role not in roles:
        return Markup("<b>{}</b>").format(words)
    return Markup('<a href="{}">{}</a>').format(escape(path), words)
