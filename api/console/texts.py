"""The texts that leave the house, and who may change them."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import Response
from fastapi.responses import HTMLResponse, RedirectResponse

from api.console.downloads import download
from api.console.drawing import draw, moment, page
from api.console.route import console_router
from api.console.text_words import DATES, MEANINGS, NAMES, READERS
from api.console.visit import HOME, Missing, NotAllowed, Post, Reader, StaffPost, Visit
from api.language import Sentence, sentence
from countersign.adapters.database.officers import STAFF
from countersign.adapters.database.template_book import SavedMeanwhile, TextLocked, TextVersion
from countersign.adapters.database.text_previews import NoPreview, Sample
from countersign.adapters.paper import Unprintable
from countersign.adapters.rendering import LANGUAGES, Renderer
from countersign.adapters.text_checks import Checked, Frame, check, example
from countersign.contracts.cases import Process, Role
from countersign.domain.console_words import told_in
from countersign.domain.policy import Channel
from countersign.domain.sms_cost import PlannedSms, estimate
from countersign.domain.sms_text import measure
from countersign.domain.texts import Form, TextKey, allowed_in, may_be_empty, reader_of

router = console_router()

SHIPPED = "shipped"
_AT_HOME = "+86"
_NO_RIGHT = sentence("Changing texts is a right of its own. Ask your system administrator for it.")
_WHOLE_COMPANY = sentence(
    "Texts hold for the whole company: only somebody who works for all branches may change them."
)
_SAVED = sentence("Version %(version)s is saved. Notices written from now on use it.")
_BACK = sentence("The shipped text is in use again, as version %(version)s.")
_LOCKED = sentence("The text is locked. Nobody changes it until it is unlocked.")
_UNLOCKED = sentence("The text is unlocked.")
_SAME = sentence("Nothing was changed: the text is the one in use.")
_IS_LOCKED = sentence("%(by)s locked this text at %(at)s. Have it unlocked before you change it.")
_MEANWHILE = sentence(
    "%(by)s saved version %(version)s at %(at)s. Yours is kept below; compare the two and save again."
)
_LOCK_MEANWHILE = sentence("%(by)s changed this text at %(at)s. Look at it again before you lock it.")
_NOBODY = sentence("No employee of yours has this number. Check it under Employees.")
_NO_PAGE = sentence("This text has no page of its own, so nothing can be printed.")


@dataclass(frozen=True)
class Opened:
    """One text as its page shows it. `draft` is what was typed, None while nothing was."""

    key: TextKey
    shipped: str
    versions: tuple[TextVersion, ...]
    draft: str | None = None
    based_on: int | None = None

    @property
    def newest(self) -> TextVersion | None:
        """The version that counts; None while the text was never touched."""
        return self.versions[0] if self.versions else None

    @property
    def version(self) -> int:
        """The version that a change builds on."""
        newest = self.newest.version if self.newest else 0
        return newest if self.based_on is None else self.based_on

    @property
    def in_use(self) -> str:
        """What notices are written with today."""
        return (self.newest.body if self.newest else "") or self.shipped

    @property
    def locked(self) -> bool:
        """Whether nobody may change it."""
        return self.newest is not None and self.newest.locked

    @property
    def body(self) -> str:
        """What stands in the editor."""
        return self.in_use if self.draft is None else self.draft

    def of_version(self, number: str) -> str | None:
        """Return the text of a version, or the shipped one; None for one that is not there."""
        if number == SHIPPED:
            return self.shipped
        found = next((one for one in self.versions if str(one.version) == number), None)
        return None if found is None else found.body or self.shipped


# -- pages ------------------------------------------------------------------------------------------------


@router.get("/texts")
def texts(visit: Reader) -> Response:
    """List every text by process, name, language and form."""
    newest = visit.parts.template_book.newest()
    keys = [key for renderer in visit.parts.renderers.values() for key in renderer.keys()]
    rows: dict[str, dict[str, dict[tuple[str, str], TextKey]]] = {}
    for key in sorted(keys, key=_order):
        rows.setdefault(key.process, {}).setdefault(key.name, {})[key.language, key.form.value] = key
    changed = sum(1 for key in keys if key in newest and newest[key].body)
    locked = sum(1 for key in keys if key in newest and newest[key].locked)
    counts = {"count": len(keys), "changed": changed, "locked": locked}
    return page(visit, "console/texts.html", rows=rows, newest=newest, names=NAMES, forms=_forms(), **counts)


@router.get("/texts/{process}/{name}/{language}/{form}")
def text(visit: Reader, process: str, name: str, language: str, form: str) -> Response:
    """Show one text: its words, its variables, its versions, and what it becomes for somebody."""
    return _page(visit, _opened(visit, process, name, language, form), person=visit.asked("person"))


@router.post("/texts/{process}/{name}/{language}/{form}/check")
def try_text(post: StaffPost, process: str, name: str, language: str, form: str) -> Response:
    """Check a draft and show what it becomes; nothing is written."""
    opened = _opened(post, process, name, language, form, draft=_body(post), based_on=_based_on(post))
    person = post.text("person")
    if post.request.headers.get("hx-request"):
        return HTMLResponse(draw(post, "console/text_checks.html", **_checks(post, opened, person)))
    return _page(post, opened, person=person)


@router.post("/texts/{process}/{name}/{language}/{form}/save")
def save(post: StaffPost, process: str, name: str, language: str, form: str) -> Response:
    """Keep what was typed as a new version, when nothing is wrong with it."""
    opened = _opened(post, process, name, language, form, draft=_body(post), based_on=_based_on(post))
    _may_edit(post)
    if opened.body == opened.in_use:
        return _page(post, opened, faults={"body": post.words.say(_SAME)}, status=422)
    if _checked(post, opened.key, opened.body).faults:
        return _page(post, opened, person=post.text("person"), status=422)
    body = "" if opened.body == opened.shipped else opened.body
    return _kept(post, opened, body, _SAVED)


@router.post("/texts/{process}/{name}/{language}/{form}/shipped")
def back_to_shipped(post: StaffPost, process: str, name: str, language: str, form: str) -> Response:
    """Bring the shipped text back, as a version of its own."""
    opened = _opened(post, process, name, language, form, based_on=_based_on(post))
    _may_edit(post)
    if opened.in_use == opened.shipped:
        return _page(post, opened, faults={"body": post.words.say(_SAME)}, status=422)
    return _kept(post, opened, "", _BACK)


@router.post("/texts/{process}/{name}/{language}/{form}/lock")
def lock(post: StaffPost, process: str, name: str, language: str, form: str) -> Response:
    """Lock a text against changes, or unlock it."""
    opened = _opened(post, process, name, language, form, based_on=_based_on(post))
    if not _locks(post):
        _may_edit(post)
    locked = post.text("locked") == "yes"
    if locked == opened.locked:
        return RedirectResponse(_path(opened.key), 303)
    try:
        post.parts.template_book.lock(opened.key, opened.version, post.officer, locked=locked)
    except SavedMeanwhile as fault:
        told = _said(_LOCK_MEANWHILE, fault.newest)
        now = _opened(post, process, name, language, form)
        return _page(post, now, faults={"body": post.words.say(told)}, status=422)
    post.tell(_LOCKED if locked else _UNLOCKED)
    return RedirectResponse(_path(opened.key), 303)


@router.post("/texts/{process}/{name}/{language}/{form}/paper")
def paper(post: StaffPost, process: str, name: str, language: str, form: str) -> Response:
    """Print a draft for one person, to look at."""
    opened = _opened(post, process, name, language, form, draft=_body(post), based_on=_based_on(post))
    person = post.text("person")
    if _checked(post, opened.key, opened.body).faults:
        return _page(post, opened, person=person, status=422)
    sample, problem = _sample(post, opened, person)
    try:
        pdf = None if sample is None else post.parts.text_previews.pdf(sample)
    except Unprintable as fault:
        pdf, problem = None, str(fault)
    if pdf is None:
        faults = {"person": problem or post.words.say(_NO_PAGE)}
        return _page(post, opened, person=person, faults=faults, status=422)
    return download(pdf, f"{opened.key.name}-{opened.key.language}-preview.pdf", "application/pdf")


# -- what the pages show ----------------------------------------------------------------------------------


def _page(
    visit: Visit,
    opened: Opened,
    *,
    person: str = "",
    faults: Mapping[str, str] | None = None,
    status: int = 200,
) -> Response:
    compared = visit.asked("compare") or SHIPPED
    other = opened.of_version(compared)
    values = {
        "opened": opened,
        "faults": {name: told_in(visit.language, told) for name, told in (faults or {}).items()},
        "may_edit": _edits(visit),
        "may_lock": _locks(visit),
        "compared": compared if other is not None else SHIPPED,
        "differences": differences(opened.shipped if other is None else other, opened.body),
        "variables": _variables(visit, opened.key),
        "dates": DATES,
        "reader": READERS[reader_of(opened.key.name)],
        "languages_of_texts": LANGUAGES,
    }
    return page(visit, "console/text.html", status, **values, **_checks(visit, opened, person))


def _checks(visit: Visit, opened: Opened, person: str) -> dict[str, Any]:
    """Return what is wrong with the text in the editor and what it becomes for a person."""
    checked = _checked(visit, opened.key, opened.body)
    sample, problem = (None, None) if checked.faults else _sample(visit, opened, person)
    return {
        "checked": checked,
        "person": person,
        "sample": sample,
        "problem": problem,
        "costs": _costs(visit, sample),
        "registered": opened.key.form is Form.SMS
        and visit.parts.sms.capabilities(_AT_HOME).template_required,
        "names": NAMES,
        "key": opened.key,
        "where": _path(opened.key),
    }


def _checked(visit: Visit, key: TextKey, body: str) -> Checked:
    links_pass = visit.parts.sms.capabilities(_AT_HOME).link_ok
    return check(key, body, _frame(visit), visit.parts.press, links_pass=links_pass)


def _sample(visit: Visit, opened: Opened, person: str) -> tuple[Sample | None, str | None]:
    """Return the draft written for an employee, or why it cannot be; neither when nobody was chosen."""
    if not person:
        return None, None
    parts, key = visit.parts, opened.key

    def stored(asked: TextKey) -> str | None:
        return opened.body if asked == key else parts.template_book.body(asked)

    try:
        found = parts.text_previews.sample(key, parts.renderers_over(stored), visit.scope, person)
    except NoPreview as fault:
        return None, str(fault)
    return found, None if found is not None else visit.words.say(_NOBODY)


def _costs(visit: Visit, sample: Sample | None) -> dict[str, Any]:
    """Return segments and cost of the text message of a sample."""
    found = (
        next((one.text for one in sample.shown if one.channel is Channel.SMS and one.text), None)
        if sample
        else None
    )
    if found is None:
        return {}
    planned = [PlannedSms(found.step, found.address, found.text)] if found.address else []
    return {"size": measure(found.text), "estimate": estimate(planned, visit.parts.sms_prices)}


def _variables(visit: Visit, key: TextKey) -> list[tuple[str, Sentence, str, bool]]:
    """Return name, meaning, example and whether it can be empty, of every variable of a text."""
    values, empty = example(key, _frame(visit)), may_be_empty(key)
    return [
        (name, MEANINGS[name], _shown(values[name]), name in empty)
        for name in MEANINGS
        if name in allowed_in(key)
    ]


def _shown(value: Any) -> str:
    return " · ".join(value.values()) if isinstance(value, dict) else str(value)


def _frame(visit: Visit) -> Frame:
    s = visit.parts.settings
    contact = {"name": s.contact_name, "phone": s.contact_phone, "email": s.contact_email}
    return Frame(s.company_name, contact, s.portal_name, s.public_base_url)


def differences(before: str, after: str) -> list[tuple[str, str]]:
    """Return the lines that differ with two around them: a sign out of `-+ …` and the line."""
    found: list[tuple[str, str]] = []
    for line in difflib.unified_diff(before.splitlines(), after.splitlines(), n=2, lineterm=""):
        if line.startswith(("---", "+++")) and not found:
            continue
        found.append(("…", "") if line.startswith("@@") else (line[0], line[1:]))
    return found[1:]


# -- what was asked for -----------------------------------------------------------------------------------


def _opened(
    visit: Visit,
    process: str,
    name: str,
    language: str,
    form: str,
    *,
    draft: str | None = None,
    based_on: int | None = None,
) -> Opened:
    renderer = _renderers(visit).get(process)
    if renderer is None or form not in set(Form):
        raise Missing
    key = TextKey(process, name, language, Form(form))
    if key not in renderer.keys():
        raise Missing
    shipped = (renderer.without_stored(key) or "").rstrip()
    versions = tuple(visit.parts.template_book.versions(key))
    return Opened(key, shipped, versions, draft, based_on)


def _renderers(visit: Visit) -> Mapping[str, Renderer]:
    return {process.value: renderer for process, renderer in visit.parts.renderers.items()}


def _body(post: Post) -> str:
    value = post.form.get("body")
    text = value if isinstance(value, str) else ""
    return text.replace("\r\n", "\n").replace("\r", "\n").rstrip()


def _based_on(post: Post) -> int:
    typed = post.text("based_on")
    return int(typed) if typed.isascii() and typed.isdecimal() and len(typed) < 9 else 0


def _edits(visit: Visit) -> bool:
    officer = visit.officer
    return officer.edits_templates and officer.role in STAFF and officer.branch_id is None


def _locks(visit: Visit) -> bool:
    officer = visit.officer
    return _edits(visit) or (officer.role is Role.SYSTEM_ADMINISTRATOR and officer.branch_id is None)


def _may_edit(post: Post) -> None:
    if post.officer.branch_id is not None:
        raise NotAllowed(_WHOLE_COMPANY)
    if not _edits(post):
        raise NotAllowed(_NO_RIGHT)


def _kept(post: Post, opened: Opened, body: str, told: Sentence) -> Response:
    """Keep a body as a new version; what stands in the way is said, and what was typed stays."""
    key = opened.key
    try:
        version = post.parts.template_book.save(key, body, opened.version, post.officer)
    except (SavedMeanwhile, TextLocked) as fault:
        why = _MEANWHILE if isinstance(fault, SavedMeanwhile) else _IS_LOCKED
        now = _opened(post, key.process, key.name, key.language, key.form.value, draft=opened.draft)
        return _page(post, now, faults={"body": post.words.say(_said(why, fault.newest))}, status=422)
    post.tell(Sentence(told.text, {"version": version}))
    return RedirectResponse(_path(key), 303)


def _said(told: Sentence, newest: TextVersion) -> Sentence:
    return Sentence(told.text, {"by": newest.by, "at": moment(newest.at), "version": newest.version})


def _path(key: TextKey) -> str:
    return f"{HOME}/texts/{key.process}/{key.name}/{key.language}/{key.form.value}"


def _forms() -> list[tuple[str, str]]:
    return [(language, form.value) for language in LANGUAGES for form in Form]


def _order(key: TextKey) -> tuple[int, int, str]:
    known = list(NAMES)
    place = known.index(key.name) if key.name in known else len(known)
    return (list(Process).index(Process(key.process)), place, key.name)
