"""What people add to a case without moving it: comments, evidence by hand, other chains, legal holds."""

from fastapi import Response
from fastapi.concurrency import run_in_threadpool
from pydantic import ValidationError

from api.console.act_forms import local_moment
from api.console.case_drawing import Form, HoldPost, back, case_of, in_words, own_id, whole, worded
from api.console.route import console_router
from api.console.visit import Missing, Post, SeerPost, StaffPost
from api.errors import Refused, field_faults
from api.language import sentence
from api.v1.forms import SentFile, keep
from api.v1.manual_evidence import lacking
from api.v1.models import ManualEvidenceForm
from countersign.adapters.database.case_links import CannotLink
from countersign.adapters.database.case_pages import CasePage
from countersign.adapters.database.manual_evidence import CaseErased, ManualRefused, NewManual
from countersign.adapters.database.retention import CannotHold

router = console_router()

_LONGEST_COMMENT = 2000
_MANUAL_LABELS = {
    "kind": sentence("What it was"),
    "result": sentence("What came of it"),
    "happened_at": sentence("When"),
    "words": sentence("What was said or seen"),
    "witness": sentence("Witness"),
    "file": sentence("File"),
}
_NO_TEXT = sentence("Write something first.")
_TOO_LONG = sentence("At most 2,000 characters; shorten it.")
_NO_REASON = sentence("Give a reason; it stands in the evidence.")
_NO_CASE_CHOSEN = sentence("Choose a case of the same person.")
_NOTED = sentence("Your comment stands in the case.")
_KEPT = sentence("Kept as evidence, marked as entered by hand.")
_HELD = sentence("The legal hold is in force.")
_RELEASED = sentence("The legal hold is released.")
_LINKED = sentence("This case now carries the evidence of the other one.")


@router.post("/cases/{case_id}/comments")
def comment(post: SeerPost, case_id: str) -> Response:
    """Note something on a case, open or closed."""
    case = case_of(post, case_id)
    text = post.text("comment")
    if not text or len(text) > _LONGEST_COMMENT:
        told = post.words.say(_TOO_LONG if text else _NO_TEXT)
        return whole(post, case, Form("comment", post.typed, {"comment": told}))
    try:
        post.parts.comments.add(own_id(post, case.id), case.id, text, post.officer.actor)
    except CaseErased as refusal:
        return whole(post, case, Form("comment", post.typed, {"comment": in_words(post, str(refusal))}))
    return back(post, case, _NOTED)


@router.post("/cases/{case_id}/manual-evidence")
async def manual_evidence(post: StaffPost, case_id: str) -> Response:
    """Put a call, a visit or a screenshot on the chain."""
    case = await run_in_threadpool(case_of, post, case_id)
    upload = post.file("manual-file")
    sent = None
    if upload is not None:
        data = await upload.read(post.parts.settings.upload_limit_bytes + 1)
        sent = SentFile(upload.filename or "", data)
    faults = await run_in_threadpool(_keep_manual, post, case, sent)
    if faults:
        told = worded(post, "manual", _MANUAL_LABELS, faults)
        return await run_in_threadpool(whole, post, case, Form("manual", post.typed, told))
    return back(post, case, _KEPT)


@router.post("/cases/{case_id}/linked-cases")
def link(post: StaffPost, case_id: str) -> Response:
    """Let this case carry the evidence of another one of the same person."""
    case, other, reason = case_of(post, case_id), post.text("link-case"), post.text("link-reason")
    faults = {}
    if other not in {one.id for one in case.others}:
        faults["link-case"] = post.words.say(_NO_CASE_CHOSEN)
    if not reason:
        faults["link-reason"] = post.words.say(_NO_REASON)
    if not faults:
        try:
            post.parts.case_links.link(case.id, other, reason, post.officer.actor)
        except CannotLink as refusal:
            faults["link-case"] = in_words(post, str(refusal).removeprefix("case: "))
    return whole(post, case, Form("link", post.typed, faults)) if faults else back(post, case, _LINKED)


@router.post("/cases/{case_id}/holds")
def place_hold(post: HoldPost, case_id: str) -> Response:
    """Keep a case from being erased."""
    case, reason = case_of(post, case_id), post.text("hold-reason")
    if not reason:
        faults = {"hold-reason": post.words.say(_NO_REASON)}
        return whole(post, case, Form("hold", post.typed, faults))
    try:
        post.parts.holds.place(case.id, reason, post.officer.actor)
    except CannotHold as refusal:
        told = in_words(post, str(refusal).removeprefix("case: "))
        return whole(post, case, Form("hold", post.typed, {"hold-reason": told}))
    return back(post, case, _HELD)


@router.post("/cases/{case_id}/holds/{hold_id}/release")
def release_hold(post: HoldPost, case_id: str, hold_id: str) -> Response:
    """End a legal hold; one that is released already stays so."""
    case, reason, name = case_of(post, case_id), post.text("release-reason"), f"release-{hold_id}"
    if not reason:
        faults = {"release-reason": post.words.say(_NO_REASON)}
        return whole(post, case, Form(name, post.typed, faults))
    if post.parts.holds.release(case.id, hold_id, reason, post.officer.actor) is None:
        raise Missing
    return back(post, case, _RELEASED)


def _keep_manual(post: Post, case: CasePage, sent: SentFile | None) -> dict[str, str]:
    """Keep evidence entered by hand; return what is wrong with it, by field."""
    typed = {name: post.text(f"manual-{name}") for name in _MANUAL_LABELS if name != "file"}
    typed["happened_at"] = local_moment(typed["happened_at"], case.zone)
    try:
        form = ManualEvidenceForm.model_validate({name: text for name, text in typed.items() if text})
    except ValidationError as error:
        return field_faults(error)
    if (lack := lacking(form, with_file=sent is not None)) is not None:
        return dict([lack])
    try:
        file = None if sent is None else keep(post.parts, sent)
        told = own_id(post, case.id)
        new = NewManual(
            told, case.id, form.kind, form.result, form.happened_at, form.words, form.witness, file
        )
        post.parts.manual_evidence.add(new, post.officer.actor)
    except Refused as refusal:
        return {"file": refusal.detail.partition(": ")[2] or refusal.detail}
    except ManualRefused as refusal:
        return {refusal.field: str(refusal).partition(": ")[2]}
    except CaseErased as refusal:
        return {"words": str(refusal).partition(": ")[2]}
    return {}
