"""Draws the pages of people who are signed in as themselves; each names whom to call."""

from typing import Any

from fastapi import Request, Response

from api.console.drawing import outside_page, page
from api.console.visit import Visit
from api.people.services import PeopleServices


def own_page(visit: Visit, template: str, status: int = 200, **values: Any) -> Response:
    """Return a page for somebody who is signed in."""
    return page(visit, f"me/{template}", status, contact=services_of(visit.request).contact, **values)


def way_in(request: Request, template: str, status: int = 200, **values: Any) -> Response:
    """Return a page for somebody who is about to sign in."""
    contact = services_of(request).contact
    return outside_page(request, f"me/{template}", status, contact=contact, **values)


def services_of(request: Request) -> PeopleServices:
    """Return what these pages share with those behind a link."""
    services: PeopleServices = request.app.state.people
    return services
