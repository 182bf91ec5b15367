"""The loss file of a departure: what it would hold, and the file itself."""

from fastapi import Response

from api.console.downloads import download
from api.console.drawing import page
from api.console.route import console_router
from api.console.visit import Missing, Reader, ReaderPost, Visit
from countersign.adapters.database.loss_files import LossView
from countersign.adapters.paper import Unprintable
from countersign.domain.console_words import told_in

router = console_router()


@router.get("/departures/{case_id}/loss")
def loss(visit: Reader, case_id: str) -> Response:
    """Show what a claim would rest on."""
    return _page(visit, case_id)


@router.post("/departures/{case_id}/loss")
def take(post: ReaderPost, case_id: str) -> Response:
    """Hand the file out; who has taken its bundles stands in their chains."""
    try:
        made = post.parts.loss_files.make(post.scope, case_id, post.officer.actor, post.language)
    except Unprintable as fault:
        return _page(post, case_id, told_in(post.language, str(fault)))
    if made is None:
        raise Missing
    return download(made.data, f"loss-file-{case_id}.zip", "application/zip")


def _page(visit: Visit, case_id: str, refused: str | None = None) -> Response:
    view: LossView | None = visit.parts.loss_files.view(visit.scope, case_id)
    if view is None:
        raise Missing
    faults = {} if refused is None else {"file": refused}
    return page(visit, "console/departure_loss.html", 422 if faults else 200, view=view, faults=faults)
