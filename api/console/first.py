"""The first screen: what waits, for whom, since when."""

from fastapi import Response

from api.console.drawing import page
from api.console.route import console_router
from api.console.visit import Holder

router = console_router()


@router.get("")
def first(visit: Holder) -> Response:
    """Show what waits."""
    tasks = visit.parts.views.tasks(visit.scope, None, 50)
    return page(visit, "console/first.html", tasks=tasks)
