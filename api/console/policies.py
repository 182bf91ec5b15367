"""Policies: the ladders of the company, their versions and their editor, and what each branch uses."""

import re
from collections.abc import Mapping
from typing import Any

from fastapi import Response
from fastapi.responses import RedirectResponse

from api.console.drawing import moment, page
from api.console.policy_editing import (
    Draft,
    PersonPreview,
    day_asked,
    opened,
    preview_with,
    rehearsal_of,
    turned,
    typed,
)
from api.console.policy_form import REMINDING
from api.console.policy_words import PolicyWords
from api.console.route import console_router
from api.console.start_view import missing_of
from api.console.visit import HOME, Missing, NotAllowed, Post, Reader, Staff, StaffPost, Visit
from api.language import Sentence, sentence
from countersign.adapters.database.officers import STAFF
from countersign.adapters.database.policy_book import COMPANY, ChangedMeanwhile, Place, UnknownPolicy
from countersign.adapters.database.stored_policies import NameTaken, PolicyVersion, SavedMeanwhile
from countersign.contracts.cases import Process
from countersign.domain.policies import written_out
from countersign.domain.policy import DONE_BY_HAND, Audience, Channel
from countersign.domain.policy_changes import Change, changes

router = console_router()
POLICIES = f"{HOME}/policies"

_NAME = re.compile(r"[a-z][a-z0-9_]{2,59}")
_RESERVED = frozenset({"new", "branches", "inline"})
_WHOLE_COMPANY = sentence(
    "Policies hold for the whole company: only somebody who works for all branches may change them."
)
_BAD_NAME = sentence(
    "Policy name: use 3 to 60 small letters, digits and _, beginning with a letter; "
    "new, branches and inline are taken."
)
_TAKEN = sentence("Policy name: there is a policy of this name already; choose another.")
_SAME = sentence("Nothing differs from version %(n)s, so no version was made.")
_SAVED = sentence(
    "Saved as version %(n)s. Cases started from now on use it; running cases keep their own copy."
)
_COPIED = sentence("Saved under the new name %(name)s. No branch uses it yet; choose it under Branches.")
_MEANWHILE = sentence(
    "%(who)s saved version %(n)s at %(at)s, while you were editing. Nothing of yours is lost: compare below, "
    "and save again to make your version the next one."
)
_CHANGED = sentence(
    "Changed meanwhile by %(who)s at %(at)s. Nothing was changed; look again and decide anew."
)
_CLEARED = sentence(
    "Somebody else has changed this meanwhile. Nothing was changed; look again and decide anew."
)
_UNKNOWN = sentence("There is no such policy for this process; choose one from the list.")
_SET = sentence("Saved. It holds for cases started from now on.")
_SHIPPED = sentence("the product")


# -- reading ----------------------------------------------------------------------------------------------


@router.get("/policies")
def policies(visit: Reader) -> Response:
    """List the stored policies."""
    listed = visit.parts.stored_policies.listed(visit.scope)
    return page(visit, "console/policies.html", listed=listed, **_frame(visit))


@router.get("/policies/branches")
def branches(visit: Reader) -> Response:
    """Show what each branch starts with, and where a process is switched off."""
    return _branches(visit)


@router.get("/policies/new")
def new(visit: Staff) -> Response:
    """Open the editor with a copy of a policy."""
    read = _newest(visit, visit.asked("from"))
    _company_only(visit)
    return _editor(visit, opened(read, name=""), read)


@router.post("/policies/new")
def create(post: StaffPost) -> Response:
    """Change, check, preview or store a copy under a new name."""
    read = _newest(post, post.text("from"))
    _company_only(post)
    return _worked_on(post, typed(post, read, copy=True), read)


@router.get("/policies/{name}")
def policy(visit: Reader, name: str) -> Response:
    """Show one policy: its ladder, its settings, its versions and what it will do."""
    versions = _versions(visit, name)
    shown = _version(versions, visit.asked("version")) or versions[0]
    body = written_out(shown.process.value, shown.body)
    day, faults = day_asked(visit, visit.asked("day"))
    older = _version(versions, visit.asked("from")) or versions[min(1, len(versions) - 1)]
    newer = _version(versions, visit.asked("to")) or versions[0]
    return page(
        visit,
        "console/policy.html",
        versions=versions,
        shown=shown,
        body=body,
        day=day,
        faults=faults,
        rehearsal=rehearsal_of(visit, shown.process, body, day),
        older=older,
        newer=newer,
        differences=_differences(older, newer),
        running=visit.parts.stored_policies.on_older_versions(name, versions[0].version, visit.scope),
        by_hand={channel.value for channel in DONE_BY_HAND},
        **_frame(visit),
    )


@router.get("/policies/{name}/edit")
def edit(visit: Staff, name: str) -> Response:
    """Open the editor, as a form or as YAML."""
    read = _newest(visit, name)
    _company_only(visit)
    return _editor(visit, opened(read, as_yaml=visit.asked("as") == "yaml"), read)


@router.post("/policies/{name}/edit")
def save(post: StaffPost, name: str) -> Response:
    """Change, check, preview or store a policy."""
    read = _newest(post, name)
    _company_only(post)
    return _worked_on(post, typed(post, read), read)


# -- the editor -------------------------------------------------------------------------------------------


def _worked_on(post: Post, draft: Draft, read: PolicyVersion) -> Response:
    """Do what the pressed button says; what was typed is always kept."""
    do = post.text("do") or "check"
    if do == "yaml" and draft.form is not None:
        return _editor(post, turned(draft, to_yaml=True), read)
    if do not in ("form", "check", "preview", "save") and draft.form is not None:
        form = draft.form.changed(do)
        return _editor(post, Draft(draft.name, draft.process, draft.version, {}, form), read)
    if draft.faults:
        return _editor(post, draft, read, status=422)
    if do == "form":
        return _editor(post, turned(draft, to_yaml=False), read)
    if do == "save":
        return _stored(post, draft, read)
    day, faults = day_asked(post, post.text("day"))
    person = preview_with(post, draft) if do == "preview" else None
    wrong = {**faults, **(person.faults if person else {})}
    return _editor(post, draft, read, status=422 if wrong else 200, wrong=wrong, day=day, person=person)


def _stored(post: Post, draft: Draft, read: PolicyVersion) -> Response:
    """Store a draft without faults as the next version, or a copy as the first."""
    if _is_copy(post):
        return _stored_copy(post, draft, read)
    if draft.version == read.version and not changes(written_out(read.process.value, read.body), draft.body):
        wrong = {"policy": _say(post, _SAME, n=read.version)}
        return _editor(post, draft, read, status=422, wrong=wrong)
    try:
        version = post.parts.stored_policies.save(
            read.name, draft.body, draft.version, post.officer.account_id
        )
    except SavedMeanwhile as other:
        return _saved_meanwhile(post, draft, other)
    post.tell(Sentence(_SAVED.text, {"n": version}))
    return RedirectResponse(f"{POLICIES}/{read.name}", 303)


def _stored_copy(post: Post, draft: Draft, read: PolicyVersion) -> Response:
    place = "yaml" if draft.form is None else "name"
    if not _NAME.fullmatch(draft.name) or draft.name in _RESERVED:
        return _editor(post, draft, read, status=422, wrong={place: _say(post, _BAD_NAME)})
    try:
        post.parts.stored_policies.create(draft.name, read.process, draft.body, post.officer.account_id)
    except NameTaken:
        return _editor(post, draft, read, status=422, wrong={place: _say(post, _TAKEN)})
    post.tell(Sentence(_COPIED.text, {"name": draft.name}))
    return RedirectResponse(f"{POLICIES}/{draft.name}", 303)


def _saved_meanwhile(post: Post, draft: Draft, other: SavedMeanwhile) -> Response:
    """Show the draft again, what the other has changed, and let the next saving go on top of it."""
    versions = _versions(post, draft.name)
    told = _say(post, _MEANWHILE, who=other.by or _say(post, _SHIPPED), n=other.version, at=moment(other.at))
    theirs = _differences(_version(versions, str(draft.version)) or versions[-1], versions[0])
    again = Draft(draft.name, draft.process, other.version, draft.mapping, draft.form, draft.text)
    return _editor(post, again, versions[0], status=422, wrong={"policy": told}, theirs=theirs)


def _editor(
    visit: Visit,
    draft: Draft,
    read: PolicyVersion,
    *,
    status: int = 200,
    wrong: Mapping[str, str] | None = None,
    person: PersonPreview | None = None,
    **more: Any,
) -> Response:
    day, _ = day_asked(visit, "")
    day = more.pop("day", day)
    sound = draft.sound
    return page(
        visit,
        "console/policy_edit.html",
        status,
        draft=draft,
        form=draft.form,
        read=read,
        copy=_is_copy(visit),
        faults={**draft.faults, **(wrong or {})},
        rehearsal=rehearsal_of(visit, draft.process, draft.body, day) if sound else None,
        own=changes(written_out(read.process.value, read.body), draft.body) if sound else (),
        audiences=tuple(Audience),
        all_channels=tuple(Channel),
        reminding=REMINDING,
        day=day,
        missing=[] if person is None else missing_of(person.missing),
        person=person,
        **{"theirs": (), "typed": visit.typed if isinstance(visit, Post) else {}, **more},
        **_frame(visit),
    )


# -- branches ---------------------------------------------------------------------------------------------


@router.post("/policies/branches")
def choose(post: StaffPost) -> Response:
    """Settle what one branch, or the company, starts one process with, and whether it may."""
    place = _place(post)
    wanted, switch = post.text("policy"), post.text("switch")
    try:
        post.parts.policy_book.choose(
            place,
            post.text("seal"),
            wanted or None,
            {"on": True, "off": False}.get(switch),
            post.officer.account_id,
        )
    except UnknownPolicy:
        return _branches(post, place, _say(post, _UNKNOWN))
    except ChangedMeanwhile as other:
        told = _say(post, _CHANGED, who=other.by, at=moment(other.at)) if other.by else _say(post, _CLEARED)
        return _branches(post, place, told)
    post.tell(_SET)
    return RedirectResponse(f"{POLICIES}/branches", 303)


def _place(post: Post) -> Place:
    branch, process = post.text("branch").replace("\0", ""), post.text("process")
    if process not in set(Process) or post.scope.branch_id not in (None, branch):
        raise Missing
    found = post.parts.policy_book.place(branch, Process(process))
    if found is None:
        raise Missing
    return found


def _branches(visit: Visit, wrong: Place | None = None, told: str = "") -> Response:
    names: dict[str, list[str]] = {process.value: [] for process in Process}
    for one in visit.parts.stored_policies.listed(visit.scope):
        names[one.newest.process.value].append(one.newest.name)
    faults = {} if wrong is None else {f"{wrong.branch_id}-{wrong.process.value}": told}
    return page(
        visit,
        "console/policy_branches.html",
        422 if faults else 200,
        places=visit.parts.policy_book.places(visit.scope),
        names=names,
        processes=tuple(Process),
        company_row=COMPANY,
        faults=faults,
        **_frame(visit),
    )


# -- common -----------------------------------------------------------------------------------------------


def _frame(visit: Visit) -> dict[str, Any]:
    """Return what every page of policies has: its words, and what this officer may change."""
    staff = visit.officer.role in STAFF
    return {
        "pw": PolicyWords(visit.language),
        "may_edit": staff and visit.officer.branch_id is None,
        "may_choose": staff,
        "shipped": _say(visit, _SHIPPED),
    }


def _say(visit: Visit, one: Sentence, **values: object) -> str:
    return visit.words.say(Sentence(one.text, values))


def _is_copy(visit: Visit) -> bool:
    return visit.request.url.path == f"{POLICIES}/new"


def _company_only(visit: Visit) -> None:
    if visit.officer.branch_id is not None:
        raise NotAllowed(_WHOLE_COMPANY)


def _versions(visit: Visit, name: str) -> tuple[PolicyVersion, ...]:
    versions = visit.parts.stored_policies.versions(name.replace("\0", ""), visit.scope)
    if not versions:
        raise Missing
    return versions


def _newest(visit: Visit, name: str) -> PolicyVersion:
    return _versions(visit, name)[0]


def _version(versions: tuple[PolicyVersion, ...], number: str) -> PolicyVersion | None:
    return next((one for one in versions if str(one.version) == number), None)


def _differences(older: PolicyVersion, newer: PolicyVersion) -> tuple[Change, ...]:
    return changes(written_out(older.process.value, older.body), written_out(newer.process.value, newer.body))
