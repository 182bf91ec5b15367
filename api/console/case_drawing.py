"""The page of a case as a whole: what stands on it for whom, and forms that come back with their faults."""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Depends, Response
from fastapi.responses import RedirectResponse

from api.console.act_forms import LABELS, offers
from api.console.acting import absent_holders, needs_second_person
from api.console.case_clock import clock
from api.console.case_messages import messages
from api.console.case_timeline import Show, timeline, who
from api.console.drawing import page, word
from api.console.paging import page_asked
from api.console.visit import HOME, Missing, Post, Visit, posting
from api.language import Sentence, sentence
from countersign.adapters.database.case_pages import CasePage
from countersign.adapters.database.manual_evidence import ManualKind, ManualResult
from countersign.adapters.database.officers import READERS, STAFF
from countersign.adapters.database.overrides import ACT
from countersign.contracts.cases import Role
from countersign.domain.console_words import told_in
from countersign.domain.evidence import EventKind
from countersign.domain.timeline import title

HOLDS = (*STAFF, Role.LEGAL)
HoldPost = Annotated[Post, Depends(posting(*HOLDS))]

_FAULT = sentence("%(field)s: %(what)s")


@dataclass
class Form:
    """What stands in the forms of the page: typed before, and what was wrong with it.

    `opened` names the form to show open; `refused` is said above everything.
    """

    opened: str = ""
    typed: Mapping[str, str] = field(default_factory=dict, repr=False)
    faults: dict[str, str] = field(default_factory=dict)
    refused: str | None = None


# -- looking ----------------------------------------------------------------------------------------------


def case_of(visit: Visit, case_id: str) -> CasePage:
    """Return a case that the visitor may see; raises `Missing` for any other."""
    found = visit.parts.case_pages.read(visit.scope, case_id)
    if found is None:
        raise Missing
    return found


def whole(visit: Visit, case: CasePage, form: Form) -> Response:
    """Return the whole page; with faults or a refusal it is no success."""
    parts, officer = visit.parts, visit.officer
    wrong = bool(form.faults or form.refused)
    return page(
        visit,
        "console/case.html",
        HTTPStatus.UNPROCESSABLE_ENTITY if wrong else HTTPStatus.OK,
        **moving(visit, case),
        loaded=len(case.events),
        form=form,
        nonce=secrets.token_hex(16),
        offers=offers(case) if officer.role in STAFF else [],
        second_person=lambda one: needs_second_person(parts, one),
        asked=[one for one in parts.approvals.of(case.id) if one.kind == ACT and one.decided_at is None],
        absent=absent_holders(parts, officer, case.row["holder"], case.manager_number),
        labels=LABELS,
        manual_kinds=[(one.value, title(f"manual.{one.value}", visit.language)) for one in ManualKind],
        manual_results=[(one.value, word(visit.language, "result", one.value)) for one in ManualResult],
        clock=clock(case, parts.calendar(), visit.language),
        dates=_dates(case),
        documents=parts.case_documents.of_case(case.id),
        document_names=_document_names(case),
        holds=parts.holds.of_case(case.id),
        hold_names=_hold_names(case, visit.language),
        acts=officer.role in STAFF,
        may_hold=officer.role in HOLDS,
        run_url=_run_url(visit, case),
        departure_id=parts.departure_lists.of_case(case.id) if officer.role in READERS else None,
    )


def moving(visit: Visit, case: CasePage) -> dict[str, Any]:
    """Return what the live part shows as well: the head of the page and the timeline."""
    veiled = visit.officer.role is Role.MANAGER
    steps = case.row["steps"]
    begun = [number for number, step in enumerate(steps, 1) if step["state"] != "planned"]
    asked = visit.asked("show", Show.ALL.value)
    show = Show(asked) if asked in set(Show) else Show.ALL
    return {
        "case": case,
        "row": case.row,
        "now": case.now,
        "veiled": veiled,
        "step_number": begun[-1] if begun else 0,
        "messages": messages(case.row["notices"], visit.language, veiled=veiled),
        "line": timeline(
            case,
            visit.language,
            show=show,
            newest_first=visit.asked("order") != "old",
            page=page_asked(visit),
            veiled=veiled,
        ),
    }


def number(text: str) -> int:
    """Return a number out of an address or a form; 0 for what is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0


def back(post: Post, case: CasePage, told: Sentence) -> Response:
    """Lead back to the page of the case, which tells what was done."""
    post.tell(told)
    return RedirectResponse(f"{HOME}/cases/{case.id}", 303)


def own_id(post: Post, case_id: str) -> str:
    """Return an id that is the same for the same form of the same officer, so that twice is once."""
    told = "\n".join((post.officer.account_id, case_id, post.text("nonce") or secrets.token_hex(16)))
    return hashlib.sha256(told.encode()).hexdigest()[:26]


def in_words(visit: Visit, text: str) -> str:
    """Return a sentence of the engine in the reader's language."""
    return told_in(visit.language, text)


def worded(
    visit: Visit, form: str, labels: Mapping[str, Sentence], faults: Mapping[str, str]
) -> dict[str, str]:
    """Return faults by the ids of their fields, each sentence with its field's label in front."""
    told = {}
    for name, what in faults.items():
        base = name.partition(".")[0]
        label = visit.words.say(labels.get(base, LABELS["act"]))
        told[f"{form}-{base}"] = visit.words.say(
            Sentence(_FAULT.text, {"field": label, "what": in_words(visit, what)})
        )
    return told


def _dates(case: CasePage) -> dict[str, Any]:
    """Return the dates around the end of the leave, as the newest plan on the chain says."""
    for event in reversed(case.events):
        if event.kind == EventKind.PLAN_MADE and "notice_at" in event.body:
            return dict(event.body)
    return {}


def _document_names(case: CasePage) -> dict[str, str]:
    """Return what a file is called: a printed letter by its title, the others as they were handed in."""
    titles = {notice["id"]: notice["title"] for notice in case.row["notices"]}
    letters = {
        event["body"]["document"]: titles[event["body"]["notice"]]
        for event in case.row["timeline"]
        if event["kind"] == EventKind.DOCUMENT_ADDED and event["body"].get("notice") in titles
    }
    return letters | {
        event["body"]["document"]: event["body"]["name"]
        for event in case.row["timeline"]
        if event["kind"] == EventKind.DOCUMENT_ADDED and isinstance(event["body"].get("name"), str)
    }


def _hold_names(case: CasePage, language: str) -> dict[str, str]:
    return {
        event["body"]["hold"]: who(event["actor"], language)
        for event in case.row["timeline"]
        if event["kind"] == EventKind.HOLD_PLACED
    }


def _run_url(visit: Visit, case: CasePage) -> str | None:
    settings = visit.parts.settings
    if settings.ui_base_url is None or visit.officer.role is not Role.SYSTEM_ADMINISTRATOR:
        return None
    namespace, run = quote(settings.temporal_namespace, safe=""), quote(case.row["workflow_id"], safe="")
    return f"{settings.ui_base_url.rstrip('/')}/namespaces/{namespace}/workflows/{run}"
