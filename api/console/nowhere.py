"""Addresses below the console that no page has: a page that says so."""

from fastapi import Response

from api.console.route import console_router
from api.console.visit import Everybody, Missing

router = console_router()


@router.get("/{rest:path}")
def nowhere(visit: Everybody, rest: str) -> Response:
    """Say that there is nothing here."""
    raise Missing
