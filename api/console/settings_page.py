"""The way to everything that is set up: each role sees what it may open."""

from dataclasses import dataclass

from fastapi import Response

from api.console.drawing import page
from api.console.route import console_router
from api.console.visit import HOME, Reader
from api.language import Sentence, sentence
from countersign.adapters.database.officers import READERS, STAFF
from countersign.contracts.cases import Role

router = console_router()

_ADMINISTRATOR = (Role.SYSTEM_ADMINISTRATOR,)


@dataclass(frozen=True)
class Place:
    """A page of the settings, and what is settled there."""

    path: str
    name: Sentence
    about: Sentence
    roles: tuple[Role, ...]


PLACES: tuple[tuple[Sentence, tuple[Place, ...]], ...] = (
    (
        sentence("People and rights"),
        (
            Place(
                f"{HOME}/accounts",
                sentence("Accounts"),
                sentence("Who signs in, with which role and for which branch; every change is kept."),
                _ADMINISTRATOR,
            ),
            Place(
                f"{HOME}/delegates",
                sentence("Delegates"),
                sentence("Who stands in for whom on which days."),
                STAFF,
            ),
            Place(
                f"{HOME}/approvals",
                sentence("Second person"),
                sentence("What waits until somebody else agrees to it."),
                READERS,
            ),
            Place(
                f"{HOME}/tokens",
                sentence("API tokens"),
                sentence("What other programs sign in with."),
                _ADMINISTRATOR,
            ),
        ),
    ),
    (
        sentence("What leaves the house"),
        (
            Place(
                f"{HOME}/sending",
                sentence("Sending"),
                sentence("Channels, limits, and the switch that stops all sending."),
                READERS,
            ),
            Place(
                f"{HOME}/texts",
                sentence("Texts"),
                sentence("The wording of every message, by channel and language."),
                READERS,
            ),
            Place(
                f"{HOME}/calendar",
                sentence("Calendar"),
                sentence("Working days and public holidays by year."),
                READERS,
            ),
            Place(
                f"{HOME}/policies/branches",
                sentence("Switches"),
                sentence("Which process runs in which branch, and by which policy."),
                READERS,
            ),
        ),
    ),
)


@router.get("/settings")
def settings(visit: Reader) -> Response:
    """Show the ways to what this role may open."""
    role = visit.officer.role
    groups = [(name, [place for place in places if role in place.roles]) for name, places in PLACES]
    return page(
        visit,
        "console/settings.html",
        groups=[(name, places) for name, places in groups if places],
        waiting=visit.parts.approvals.undecided(visit.scope),
        approvals=f"{HOME}/approvals",
    )
