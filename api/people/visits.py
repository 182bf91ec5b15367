"""What a request for a link's page tells of the asker, and keeping that as facts. It never moves a case."""

from fastapi import Request, Response

from api.people.cookies import CONFIRMED, SEEN, came_back, confirmed_by, is_seen, new_seen, set_cookie
from api.people.security import client_address
from api.people.services import PeopleServices
from countersign.adapters.database.identity import Method
from countersign.adapters.database.links import LinkView, Visitor
from countersign.domain.fetches import FetchKind, kind_of_fetch


def visitor_of(request: Request, services: PeopleServices, link: LinkView) -> Visitor:
    """Return who asks, as far as it can be told."""
    agent = request.headers.get("user-agent", "")
    since = services.clock() - link.handed_over_at if link.handed_over_at else None
    kind = kind_of_fetch(agent, request.headers, since)
    return Visitor(kind, agent, client_address(request, services.trusted_proxies))


def note_return(request: Request, services: PeopleServices, link: LinkView, visitor: Visitor) -> None:
    """Keep that a browser has come back with the cookie it was given; no program that names itself counts."""
    value = request.cookies.get(SEEN, "")
    if request.method == "HEAD" or visitor.kind is not FetchKind.BROWSER:
        return
    if came_back(services.keys, link.link_id, value, services.clock()):
        services.links.opened(link.link_id, visitor)


def mark_browser(
    request: Request, response: Response, services: PeopleServices, link: LinkView, path: str
) -> None:
    """Give a browser that has none yet the cookie by which it is known again."""
    if not is_seen(services.keys, link.link_id, request.cookies.get(SEEN, "")):
        value = new_seen(services.keys, link.link_id, services.clock())
        set_cookie(response, SEEN, value, path, services.public_base_url)


def identity_of(request: Request, services: PeopleServices, link: LinkView) -> Method | None:
    """Return how the holder of this browser has confirmed who they are, None when they have not."""
    value = request.cookies.get(CONFIRMED, "")
    method = confirmed_by(services.keys, link.link_id, value, services.clock())
    return method if method is not None and services.identity.still_holds(link.link_id) else None
