"""One case: what has happened, what comes next, its files and its evidence."""

from typing import Any

from fastapi import Response
from fastapi.responses import HTMLResponse

from api.console.case_drawing import Form, case_of, in_words, moving, number, whole
from api.console.downloads import download
from api.console.drawing import draw, page
from api.console.route import console_router
from api.console.visit import Missing, Reader, ReaderPost, Seer
from countersign.adapters.paper import Unprintable
from countersign.adapters.verifying import verify
from countersign.domain.bundle import TIMESTAMP, read_container

router = console_router()


@router.get("/cases/{case_id}")
def case_page(visit: Seer, case_id: str) -> Response:
    """Show a case."""
    return whole(visit, case_of(visit, case_id), Form())


@router.get("/cases/{case_id}/live")
def live(visit: Seer, case_id: str) -> Response:
    """Return the head of the page as it is now, and the timeline where something new stands in it."""
    case = case_of(visit, case_id)
    seen, loaded = number(visit.asked("seen")), number(visit.asked("loaded"))
    values = moving(visit, case) | {"loaded": loaded, "with_timeline": seen != len(case.events)}
    return HTMLResponse(draw(visit, "console/case_live.html", **values))


@router.get("/cases/{case_id}/documents/{document_id}")
def document(visit: Reader, case_id: str, document_id: str) -> Response:
    """Hand out a file of the case; that somebody has seen what was handed in stands in the evidence."""
    if not visit.parts.views.exists(visit.scope, case_id):
        raise Missing
    found = visit.parts.case_documents.open(case_id, document_id, visit.officer.actor)
    if found is None:
        raise Missing
    file, data = found
    return download(data, file.file_name, file.media_type)


@router.get("/cases/{case_id}/notices/{notice_id}/paper")
def paper(visit: Reader, case_id: str, notice_id: str) -> Response:
    """Hand out a notice as PDF to print."""
    try:
        pdf = visit.parts.papers.pdf(visit.scope, case_id, notice_id)
    except Unprintable as fault:
        case = case_of(visit, case_id)
        return whole(visit, case, Form(refused=in_words(visit, f"paper: {fault}")))
    if pdf is None:
        raise Missing
    return download(pdf, f"notice-{notice_id}.pdf", "application/pdf")


@router.post("/cases/{case_id}/evidence")
def export(post: ReaderPost, case_id: str) -> Response:
    """Hand out the evidence bundle; who has taken it stands in the chain."""
    redact = post.text("redact") == "yes"
    made = post.parts.exporter.export(
        post.scope, case_id, post.officer.actor, redact=redact, language=post.language
    )
    if made is None:
        raise Missing
    name = f"evidence-{case_id}{'-redacted' if redact else ''}.zip"
    return download(made.data, name, "application/zip")


@router.post("/cases/{case_id}/verification")
def check(post: ReaderPost, case_id: str) -> Response:
    """Make the bundle anew, check it as the command line does, and tell what was found."""
    case = case_of(post, case_id)
    made = post.parts.exporter.unrecorded(post.scope, case_id, language=post.language)
    if made is None:
        raise Missing
    verdict = verify(made.data)
    stamped = verdict.broken is None and TIMESTAMP in read_container(made.data)
    values: dict[str, Any] = {"case": case, "verdict": verdict, "made": made, "stamped": stamped}
    return page(post, "console/case_verified.html", **values)
