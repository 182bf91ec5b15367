"""Having a text confirmed: who gets it, what it would send, and who has confirmed since."""

import hashlib
from typing import Any

from fastapi import Response
from fastapi.responses import RedirectResponse

from api.console.drawing import page
from api.console.employee_numbers import typed_numbers
from api.console.route import console_router
from api.console.start_view import (
    BY_ITSELF,
    REFUSALS,
    ShownStep,
    fault_of,
    missing_of,
    same_again,
    shown_steps,
    told,
    unreachable,
)
from api.console.visit import Missing, Post, Reader, Staff, StaffPost, Visit
from api.language import Sentence, sentence
from countersign.adapters.database.circulars import CircularPreview, CircularWish
from countersign.contracts.cases import Process
from countersign.ids import new_id

router = console_router()

LONGEST_TITLE, LONGEST_TEXT = 100, 20_000
_CHANGED = sentence(
    "Something has changed since this was shown, such as the text or an addressee. "
    "Look at it again, then send."
)
_NO_TITLE = sentence("Title: write in a few words what the text is about.")
_LONG_TITLE = sentence("Title: may have at most %(most)s characters; shorten it.", most=LONGEST_TITLE)
_NO_TEXT = sentence("Text: write what is to be confirmed.")
_LONG_TEXT = sentence("Text: may have at most %(most)s characters; shorten it.", most=LONGEST_TEXT)
_NOBODY = sentence("Addressees: name at least one employee number, or attach a list.")


@router.get("/start/circular")
def write(visit: Staff) -> Response:
    """Show an empty form, or one with an addressee out of the address, and the newest circulars."""
    return _form(visit, {"addressees": visit.asked("addressees"), "key": new_id()})


@router.post("/start/circular")
def send(post: StaffPost) -> Response:
    """Show what a circular would do, or send what was shown."""
    typed, faults = dict(post.typed), _faults(post)
    try:
        numbers = typed_numbers(post, "addressees", "list")
    except REFUSALS as refusal:
        return _form(post, typed, faults | {"list": told(post, str(refusal))})
    typed["addressees"] = "\n".join(numbers)
    if not numbers:
        faults["addressees"] = post.words.say(_NOBODY)
    if faults:
        return _form(post, typed, faults)
    wish = CircularWish(post.text("title"), post.text("text"), tuple(numbers), post.text("policy") or None)
    try:
        return _sent(post, typed, wish)
    except REFUSALS as refusal:
        return _form(post, typed, fault_of(post, refusal))


@router.get("/start/circulars/{circular_id}")
def read(visit: Reader, circular_id: str) -> Response:
    """Show a circular and who has confirmed it."""
    found = visit.parts.circular_views.read(circular_id, visit.scope.branch_id)
    if found is None:
        raise Missing
    return page(visit, "console/start_circular_sent.html", circular=found)


def _sent(post: Post, typed: dict[str, str], wish: CircularWish) -> Response:
    branch, parts = post.scope.branch_id, post.parts
    shown = parts.circulars.preview(wish, branch)
    if post.text("do") != "start":
        return _form(post, typed, shown=shown, mark=_mark(wish, shown))
    if post.text("shown") != _mark(wish, shown):
        changed = {"start": post.words.say(_CHANGED)}
        return _form(post, typed, changed, shown, _mark(wish, shown))
    made = parts.circulars.create(wish, branch, post.officer.actor, _request_key(post, wish))
    post.tell(sentence("The text goes to %(n)s people.", n=made.addressees))
    return RedirectResponse(f"/console/start/circulars/{made.circular_id}", 303)


def _request_key(post: Post, wish: CircularWish) -> str:
    """Return what the same form with the same content has in common, so that two clicks send once."""
    said = repr((wish.title, wish.text, wish.addressees, wish.policy))
    content = hashlib.sha256(said.encode()).hexdigest()
    return f"{post.officer.actor_id}/{post.text('key')[:40]}/{content}"


def _faults(post: Post) -> dict[str, str]:
    title, text = post.text("title"), post.text("text")
    checks: tuple[tuple[str, bool, Sentence], ...] = (
        ("title", not title, _NO_TITLE),
        ("title", len(title) > LONGEST_TITLE, _LONG_TITLE),
        ("text", not text, _NO_TEXT),
        ("text", len(text) > LONGEST_TEXT, _LONG_TEXT),
    )
    return {name: post.words.say(words) for name, wrong, words in checks if wrong}


def _form(
    visit: Visit,
    typed: dict[str, str],
    faults: dict[str, str] | None = None,
    shown: CircularPreview | None = None,
    mark: str = "",
) -> Response:
    branch = visit.scope.branch_id
    chosen, policies = visit.parts.start_desk.policies(Process.ACKNOWLEDGEMENT, branch)
    more: dict[str, Any] = {} if shown is None else _details(visit, shown)
    return page(
        visit,
        "console/start_circular.html",
        422 if faults else 200,
        typed=typed,
        faults=faults or {},
        chosen=chosen,
        policies=policies,
        newest=[] if shown else visit.parts.circular_views.listing(branch, 10, None),
        shown=shown,
        mark=mark,
        longest=(LONGEST_TITLE, LONGEST_TEXT),
        **more,
    )


def _details(visit: Visit, shown: CircularPreview) -> dict[str, Any]:
    people = [
        (one, shown_steps(one.plan.steps, one.texts), missing_of(one.missing)) for one in shown.addressees
    ]
    doubts = [words for one in shown.addressees for words in unreachable(one.plan)]
    now = visit.parts.clock()
    return {
        "people": people,
        "example": people[0][1],
        "silent": [one for one, steps, _ in people if not _reached(steps)],
        "blocks": [told(visit, words) for _, words in shown.blocks],
        "doubts": [told(visit, words) for words in dict.fromkeys([*doubts, *shown.warnings])],
        "because": told(visit, shown.sms.because or ""),
        "leaving": sum(
            step.at.date() == now.astimezone(step.at.tzinfo).date() and text.channel in BY_ITSELF
            for _, steps, _ in people
            for step in steps
            for text in step.texts
        ),
    }


def _reached(steps: list[ShownStep]) -> bool:
    return any(step.texts for step in steps)


def _mark(wish: CircularWish, shown: CircularPreview) -> str:
    return same_again(
        shown.title,
        shown.text,
        shown.policy_version,
        wish.addressees,
        [
            (one.person_id, text.step, text.channel.value, text.address)
            for one in shown.addressees
            for text in one.texts
        ],
    )
