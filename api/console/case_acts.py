"""What officers do on the page of a case: each act once, refused in words, told with names."""

from collections.abc import Mapping
from datetime import datetime

from fastapi import Response
from fastapi.concurrency import run_in_threadpool

from api.console.act_forms import LABELS, overdue_steps, typed_fields
from api.console.acting import (
    CannotAct,
    Wish,
    absent_holders,
    ask_for,
    carry_out,
    needs_second_person,
    read_wish,
)
from api.console.case_drawing import Form, back, case_of, in_words, number, whole, worded
from api.console.case_timeline import who
from api.console.drawing import moment, word
from api.console.pressed import STALE_FORM, has_nonce
from api.console.route import console_router
from api.console.visit import Post, StaffPost, Visit
from api.language import Sentence, sentence
from api.v1.models import StaffAct
from countersign.adapters.database.acts import ActView
from countersign.adapters.database.case_pages import CasePage
from countersign.domain.timeline import title

router = console_router()

_DONE = sentence("Done: %(act)s.")
_RECORDED = sentence("Recorded at %(at)s. It takes effect as soon as the process answers.")
_ASKED = sentence("Asked for: %(act)s. It happens once a second person agrees.")
_ALREADY = sentence("Already done by %(who)s at %(at)s: %(what)s. Nothing more was changed.")
_ALREADY_CLOSED = sentence("The case was already closed at %(at)s. Nothing more was changed.")
_NOT_NOW = sentence("The case does not allow this now: %(why)s")


@router.post("/cases/{case_id}/acts")
async def act(post: StaffPost, case_id: str) -> Response:
    """Do what an officer has decided, or ask a second person where the settings want one."""
    case = await run_in_threadpool(case_of, post, case_id)
    kind, key = post.text("act"), post.text("nonce")
    if kind not in set(StaffAct) or not has_nonce(post):
        return await run_in_threadpool(whole, post, case, Form(refused=post.words.say(STALE_FORM)))
    wanted = StaffAct(kind)
    request, faults = read_wish(wanted, typed_fields(wanted, post, case.zone, overdue_steps(case)))
    if request is None:
        return await run_in_threadpool(_refused_act, post, case, wanted, faults)
    wish = Wish(request, _stood_in_for(post, case))
    try:
        if needs_second_person(post.parts, wanted):
            await run_in_threadpool(ask_for, post.parts, post.officer, case.id, case.branch_id, wish)
            return back(post, case, Sentence(_ASKED.text, {"act": _act_words(post, kind)}))
        taken = await carry_out(post.parts, post.officer, case.id, wish, key)
    except CannotAct as refusal:
        _, _, why = str(refusal).partition(": ")
        return await run_in_threadpool(_refused_act, post, case, wanted, {refusal.field: why})
    return await run_in_threadpool(_answered, post, case, wanted, taken)


def _refused_act(post: Post, case: CasePage, wanted: StaffAct, faults: Mapping[str, str]) -> Response:
    told = worded(post, wanted.value, LABELS, faults)
    return whole(post, case, Form(wanted.value, post.typed, told))


def _answered(post: Post, case: CasePage, wanted: StaffAct, taken: ActView) -> Response:
    if taken.state in ("accepted", "settled"):
        return back(post, case, Sentence(_DONE.text, {"act": _act_words(post, wanted.value)}))
    if taken.state == "waiting":
        return back(post, case, Sentence(_RECORDED.text, {"at": moment(taken.recorded_at)}))
    fresh = case_of(post, case.id)
    return whole(post, fresh, Form(wanted.value, post.typed, refused=_why_not(post, fresh, taken)))


def _why_not(post: Post, case: CasePage, taken: ActView) -> str:
    """Return why an act was refused; where somebody was faster since the page was loaded, who and when."""
    seen = number(post.text("seen"))
    for event in reversed(case.row["timeline"]):
        if event["seq"] > seen and "act" in event["body"] and event["body"]["act"] != taken.id:
            at = moment(datetime.fromisoformat(event["at"]))
            what = title(event["kind"], post.language)
            values = {"who": who(event["actor"], post.language), "at": at, "what": what}
            return post.words.say(Sentence(_ALREADY.text, values))
    if taken.state == "late":
        return post.words.say(Sentence(_ALREADY_CLOSED.text, {"at": moment(case.row["closed_at"])}))
    _, _, why = (taken.sentence or "").partition(": ")
    return post.words.say(Sentence(_NOT_NOW.text, {"why": in_words(post, why or str(taken.sentence))}))


def _stood_in_for(post: Post, case: CasePage) -> str | None:
    """Return the account whose task it is: the one chosen in the form, if it is one of those away."""
    absent = absent_holders(post.parts, post.officer, case.row["holder"], case.manager_number)
    chosen = post.text("acting_for")
    return next((one.account_id for one in absent if one.account_id == chosen), None)


def _act_words(visit: Visit, kind: str) -> str:
    return word(visit.language, "act", kind)
