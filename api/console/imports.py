"""Files that are handed in: preview, apply, undo."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import Depends, Response
from fastapi.responses import RedirectResponse
from starlette.background import BackgroundTask

from api.console.downloads import download
from api.console.drawing import moment, page
from api.console.import_words import BARS, KINDS, SIGNS, STATES, change_line
from api.console.paging import page_asked, pager_of
from api.console.route import console_router
from api.console.visit import HOME, Missing, Post, Staff, Visit, posting
from api.language import Sentence, sentence
from countersign.adapters.database.import_runs import Run, RunState
from countersign.adapters.database.officers import STAFF
from countersign.adapters.error_workbook import Words, bare
from countersign.adapters.roster.undoing import NotWhole
from countersign.adapters.sheets import InputFault
from countersign.domain.console_words import told_in
from countersign.domain.paging import pager
from countersign.imports import IMPORTS
from countersign.imports.handed_in import (
    Bar,
    KnownFile,
    bar,
    carry_out,
    choose_good_rows,
    claim,
    faults_of,
    hand_in,
    mending_workbook,
    preview,
    shown_changes,
    undo,
    undo_preview,
)

router = console_router()
FilePost = Annotated[Post, Depends(posting(*STAFF, papers=True))]
LISTED, FAULTS_SHOWN, STAYS_SHOWN, ROWS_A_PAGE = 30, 200, 200, 50
STUCK_AFTER = timedelta(minutes=3)
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

_NO_FILE = sentence("Choose a file.")
_NO_KIND = sentence("Choose what the file holds.")
_WHOLE_COMPANY = sentence("A calendar holds for the whole company. Ask head office to hand it in.")
_WAITS_ALREADY = sentence("This file was handed in already and waits here.")
_APPLIED_ALREADY = sentence("This file was applied already on %(at)s by %(name)s. Nothing was changed.")
_MOVED_ON = sentence("Somebody was faster. Nothing was changed by you; this is where the file stands now.")
_LOOK_AGAIN = sentence("The preview is another one since this page was opened. Look at it below, then apply.")
_WITHDRAWN = sentence("The file was withdrawn. Nothing was changed.")
_GOOD_ROWS = sentence("Only the rows without faults will be applied.")
_UNDONE = sentence("The import was undone.")
_UNDONE_IN_PART = sentence("What could be undone was undone; %(n)s entries stay as they are.")
_TICK_PART = sentence(
    "Not everything can be undone. Tick that the rest is to be undone, or leave it as it is."
)


@router.get("/imports")
def imports(visit: Staff) -> Response:
    """Show the form to hand a file in, and what became of earlier ones."""
    return _overview(visit)


@router.post("/imports")
def take_in(post: FilePost) -> Response:
    """Take a file in and go on to its preview, which is made while the page is looked at."""
    kind, file = post.text("kind"), post.file("file")
    limit = post.parts.settings.upload_limit_bytes
    data = b"" if file is None else file.file.read(limit + 1)
    faults = _form_faults(post, kind, data, limit)
    if faults or file is None:
        return _overview(post, faults)
    try:
        run_id = hand_in(post.parts, post.officer, kind, file.filename or "", data)
    except InputFault as fault:
        return _overview(post, {"file": told_in(post.language, str(fault))})
    except KnownFile as known:
        return _known(post, known.run)
    return _to(run_id, BackgroundTask(preview, post.parts, run_id))


def _form_faults(post: Post, kind: str, data: bytes, limit: int) -> dict[str, str]:
    faults = {}
    if kind not in IMPORTS:
        faults["kind"] = post.words.say(_NO_KIND)
    elif IMPORTS[kind].whole_company and post.officer.branch_id is not None:
        faults["kind"] = post.words.say(_WHOLE_COMPANY)
    if not data and post.file("file") is None:
        faults["file"] = post.words.say(_NO_FILE)
    elif len(data) > limit:
        much = sentence(
            "The file is larger than %(mb)s MB. Split it into several files.", mb=limit // 1024 // 1024
        )
        faults["file"] = post.words.say(much)
    return faults


def _known(post: Post, run: Run) -> Response:
    """Lead to the run of the same bytes, and say what became of them."""
    if run.applied_at is None:
        post.tell(_WAITS_ALREADY)
    else:
        told = {"at": moment(run.applied_at), "name": run.applied_by or ""}
        post.tell(sentence(_APPLIED_ALREADY.text, **told), good=False)
    return _to(run.id)


@router.get("/imports/template/{kind}")
def template(visit: Staff, kind: str) -> Response:
    """Hand out an empty file with the headers."""
    if kind not in IMPORTS:
        raise Missing
    return download(IMPORTS[kind].template(), f"{kind}.xlsx", _XLSX)


@router.get("/imports/{run_id}")
def run_page(visit: Staff, run_id: str) -> Response:
    """Show what a file would change, or what became of it."""
    return _run_page(visit, _run(visit, run_id))


@router.get("/imports/{run_id}/file")
def handed_in_file(visit: Staff, run_id: str) -> Response:
    """Hand out the file as it was handed in."""
    run = _run(visit, run_id)
    ending = run.file_name.rpartition(".")[2].lower()
    ending = ending if ending.isascii() and ending.isalnum() else "bin"
    content = visit.parts.documents.read(run.sha256)
    return download(content, f"import-{run.sha256[:8]}.{ending}", "application/octet-stream")


@router.get("/imports/{run_id}/faults.xlsx")
def mend(visit: Staff, run_id: str) -> Response:
    """Hand out the rows with every fault in its cell."""
    run = _run(visit, run_id)
    if not run.result.get("faults"):
        raise Missing
    say = visit.words.gettext
    words = Words(say("Rows"), say("Faults"), (say("Row"), say("Column"), say("Code"), say("What to do")))
    return download(
        mending_workbook(visit.parts, run, words, visit.language), f"faults-{run.sha256[:8]}.xlsx", _XLSX
    )


@router.post("/imports/{run_id}/good-rows")
def good_rows(post: FilePost, run_id: str) -> Response:
    """Choose to go on with the rows without faults alone."""
    run = _run(post, run_id)
    if bar(post.parts, run, post.officer) is Bar.FAULTS and choose_good_rows(post.parts, run):
        post.tell(_GOOD_ROWS)
    else:
        post.tell(_MOVED_ON, good=False)
    return _to(run_id)


@router.post("/imports/{run_id}/apply")
def apply(post: FilePost, run_id: str) -> Response:
    """Apply a file, after another look at the present data."""
    run = _run(post, run_id)
    if run.state is RunState.PREVIEWED:
        hindrance = bar(post.parts, run, post.officer)
        if hindrance is not None:
            return _run_page(post, run, refused=BARS[hindrance])
        if post.text("shown") != run.result["fingerprint"]:
            return _run_page(post, run, refused=_LOOK_AGAIN)
        if claim(post.parts, run, post.officer):
            return _to(run_id, BackgroundTask(carry_out, post.parts, run_id))
    post.tell(_stands(_run(post, run_id)), good=False)
    return _to(run_id)


def _stands(run: Run) -> Sentence:
    if run.applied_at is None:
        return _MOVED_ON
    at = moment(run.applied_at)
    return sentence("Already applied by %(name)s at %(at)s.", name=run.applied_by or "", at=at)


@router.post("/imports/{run_id}/again")
def again(post: FilePost, run_id: str) -> Response:
    """Go on with a file whose check or writing was interrupted."""
    run = _run(post, run_id)
    work = {RunState.READING: preview, RunState.APPLYING: carry_out}.get(run.state)
    if work is None or not _is_stuck(post, run):
        return _to(run_id)
    return _to(run_id, BackgroundTask(work, post.parts, run_id))


@router.post("/imports/{run_id}/withdraw")
def withdraw(post: FilePost, run_id: str) -> Response:
    """Put a file away without applying it."""
    run = _run(post, run_id)
    moved = post.parts.import_runs.keep_result(
        run_id, RunState.PREVIEWED, RunState.WITHDRAWN, {"counts": run.counts}
    )
    post.tell(_WITHDRAWN if moved else _MOVED_ON, good=moved)
    return _to(run_id)


@router.get("/imports/{run_id}/undo")
def undo_page(visit: Staff, run_id: str) -> Response:
    """Show what can be undone and what cannot."""
    return _undo_page(visit, _undoable(visit, run_id))


@router.post("/imports/{run_id}/undo")
def take_back(post: FilePost, run_id: str) -> Response:
    """Undo an applied file, whole or as far as was agreed to."""
    run = _run(post, run_id)
    if not _is_undoable(run):
        post.tell(_MOVED_ON, good=False)
        return _to(run_id)
    try:
        undoing = undo(post.parts, run_id, post.officer, part=post.text("part") == "yes")
    except NotWhole:
        return _undo_page(post, run, {"part": post.words.say(_TICK_PART)})
    stays = len(undoing.stays)
    post.tell(sentence(_UNDONE_IN_PART.text, n=stays) if stays else _UNDONE)
    return _to(run_id)


# -- pages ------------------------------------------------------------------------------------------------


def _run(visit: Visit, run_id: str) -> Run:
    run = visit.parts.import_runs.find(run_id, visit.officer.branch_id)
    if run is None:
        raise Missing
    return run


def _is_undoable(run: Run) -> bool:
    return IMPORTS[run.kind].undo is not None and run.state in (RunState.APPLIED, RunState.UNDONE_IN_PART)


def _undoable(visit: Visit, run_id: str) -> Run:
    run = _run(visit, run_id)
    if not _is_undoable(run):
        raise Missing
    return run


def _is_stuck(visit: Visit, run: Run) -> bool:
    """Say whether what works on a file must have ended without a word, such as by a restart."""
    since = run.applied_at or run.handed_in_at
    busy = run.state in (RunState.READING, RunState.APPLYING)
    return busy and visit.parts.clock() - since > STUCK_AFTER


def _to(run_id: str, work: BackgroundTask | None = None) -> Response:
    return RedirectResponse(f"{HOME}/imports/{run_id}", 303, background=work)


def _overview(visit: Visit, faults: dict[str, str] | None = None) -> Response:
    number = page_asked(visit)
    runs, total = visit.parts.import_runs.page(visit.officer.branch_id, (number - 1) * LISTED, LISTED)
    return page(
        visit,
        "console/imports.html",
        422 if faults else 200,
        faults=faults or {},
        typed=visit.typed if isinstance(visit, Post) else {},
        kinds=KINDS,
        whole_company={kind for kind, one in IMPORTS.items() if one.whole_company},
        states=STATES,
        signs=SIGNS,
        runs=runs,
        total=total,
        pager=pager(number, total, LISTED),
        limit_mb=visit.parts.settings.upload_limit_bytes // 1024 // 1024,
        four_eyes=visit.parts.settings.four_eyes_imports,
    )


def _run_page(visit: Visit, run: Run, refused: Sentence | None = None) -> Response:
    waits = run.state is RunState.PREVIEWED
    hindrance = bar(visit.parts, run, visit.officer) if waits else None
    return page(
        visit,
        "console/import.html",
        409 if refused else 200,
        run=run,
        refused=refused,
        kinds=KINDS,
        states=STATES,
        signs=SIGNS,
        bar=None if hindrance is None else hindrance.value,
        bar_told=None if hindrance is None else BARS[hindrance],
        second=visit.parts.import_runs.second_people(run) if hindrance is Bar.SECOND_PERSON else [],
        stuck=_is_stuck(visit, run),
        undoable=_is_undoable(run),
        **_details(visit, run),
    )


def _details(visit: Visit, run: Run) -> dict[str, Any]:
    """Return the faults and changes of a run as the page shows them."""
    faults = faults_of(run.result)
    changes = shown_changes(run)
    rows = sorted({change.row for change in changes})
    shown = pager_of(visit, len(rows), ROWS_A_PAGE)
    here = set(rows[shown.skip : shown.skip + ROWS_A_PAGE])
    words, language = visit.words, visit.language
    return {
        "faults": [(one, told_in(language, bare(one))) for one in faults[:FAULTS_SHOWN]],
        "faults_more": len(faults) - FAULTS_SHOWN,
        "changes": [change_line(one, words, language) for one in changes if one.row in here],
        "rows_shown": len(rows),
        "rows_changed": run.counts.get("new", 0) + run.counts.get("changed", 0),
        "pager": shown,
        "stays": run.result.get("stays", [])[:STAYS_SHOWN],
    }


def _undo_page(visit: Visit, run: Run, faults: dict[str, str] | None = None) -> Response:
    undoing = undo_preview(visit.parts, run.id)
    return page(
        visit,
        "console/import_undo.html",
        422 if faults else 200,
        run=run,
        kinds=KINDS,
        faults=faults or {},
        undoing=undoing,
        stays=undoing.stays[:STAYS_SHOWN],
    )
