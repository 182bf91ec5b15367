"""One's own account: password, browsers, language."""

from fastapi import Response

from api.console.drawing import page
from api.console.route import console_router
from api.console.visit import Everybody

router = console_router()


@router.get("/me")
def own(visit: Everybody) -> Response:
    """Show one's own account."""
    return page(visit, "console/own.html")
