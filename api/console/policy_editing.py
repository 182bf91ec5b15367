"""The editor of a policy: what was typed as a form or as YAML, what is wrong with it, what it would do."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from api.console.policy_form import PolicyForm, form_of, typed_form
from api.console.policy_words import PolicyWords
from api.console.start_view import told
from api.console.visit import Post, Visit
from api.language import Sentence, sentence
from countersign.adapters.database.circulars import CircularWish
from countersign.adapters.database.sifting import PreviewText
from countersign.adapters.database.starts import CannotStart, StartWish
from countersign.adapters.database.stored_policies import PolicyVersion
from countersign.adapters.rendering import TemplateFault
from countersign.contracts.cases import Process
from countersign.domain.planner import Plan
from countersign.domain.policies import READERS, Refused, refusals, written_out
from countersign.domain.policy_rehearsal import Rehearsal, Timer, rehearse, timers
from countersign.domain.refusal import Refusal
from countersign.domain.yaml_text import InputError, load_text, written

LONGEST_TEXT = 20_000
ZONE = "Asia/Shanghai"
FIRST_YEAR, LAST_YEAR = 2000, 2100

_TOO_LONG = sentence("YAML: holds more than 20,000 characters; shorten it.")
_OTHER_NAME = sentence("Policy name: this is %(name)s; to give it another name, copy it.")
_NO_DAY = sentence("Day: write a day between 2000 and 2100, such as 2026-03-02.")
_NOBODY = sentence("Employee: nobody here has this name or number, or they have no leave; correct it.")
_NO_PERSON = sentence("Employee: type a name or an employee number.")
_SAMPLE_TITLE = sentence("Sample notice")
_SAMPLE_TEXT = sentence("This is a sample text, to show what the message around it says.")


@dataclass(frozen=True)
class Draft:
    """A policy that is being edited. `form` is None on the YAML tab, where `text` is what was typed.

    `mapping` is what either of them says; `faults` stand at the fields of the form.
    """

    name: str
    process: Process
    version: int
    mapping: Any
    form: PolicyForm | None
    text: str = ""
    faults: Mapping[str, str] = field(default_factory=dict)

    @property
    def sound(self) -> bool:
        """Whether the reader takes it."""
        return not refusals(self.process.value, self.mapping)

    @property
    def body(self) -> dict[str, Any]:
        """The policy with every setting written out; only without faults."""
        return written_out(self.process.value, self.mapping)


def opened(read: PolicyVersion, *, name: str | None = None, as_yaml: bool = False) -> Draft:
    """Return the draft with which the editor opens; `name` is that of a copy."""
    body = written_out(read.process.value, read.body) | {"name": read.name if name is None else name}
    version = read.version if name is None else 0
    form = None if as_yaml else form_of(read.process, body)
    return Draft(body["name"], read.process, version, body, form, written(body) if as_yaml else "")


def typed(post: Post, read: PolicyVersion, *, copy: bool = False) -> Draft:
    """Return the draft as it was sent, with what is wrong with it."""
    version = post.text("version")
    draft = Draft(
        read.name, read.process, int(version) if version.isdecimal() and len(version) < 9 else 0, {}, None
    )
    if post.text("as") == "yaml":
        return _typed_yaml(post, draft, copy=copy)
    form = typed_form(read.process, post.text, post.texts)
    if not copy:
        form = replace(form, values={**form.values, "name": read.name})
    draft = replace(draft, name=form.values["name"], form=form, mapping=form.mapping())
    return _checked(post, draft, None if copy else read.name)


def _typed_yaml(post: Post, draft: Draft, *, copy: bool) -> Draft:
    # Not stripped: the first line's indent belongs to the rest.
    text, words = post.typed.get("yaml", "").replace("\r\n", "\n"), PolicyWords(post.language)
    draft = replace(draft, text=text)
    if len(text) > LONGEST_TEXT:
        return replace(draft, faults={"yaml": post.words.say(_TOO_LONG)})
    try:
        mapping = load_text(text, "policy")
    except InputError as refusal:
        trouble = str(refusal).removeprefix("policy: ").removeprefix("policy, ")
        return replace(draft, faults={"yaml": words.refusal(Refused("", trouble))})
    draft = replace(draft, mapping=mapping)
    if copy and isinstance(mapping, dict) and isinstance(mapping.get("name"), str):
        draft = replace(draft, name=mapping["name"])
    return _checked(post, draft, None if copy else draft.name)


def _checked(visit: Visit, draft: Draft, own_name: str | None) -> Draft:
    """Return the draft with everything that its reader refuses, at the fields of the form."""
    words = PolicyWords(visit.language)
    faults: dict[str, str] = {}
    for refused in refusals(draft.process.value, draft.mapping):
        place = "yaml" if draft.form is None else draft.form.field_of(refused.field)
        fault = words.refusal(refused, as_path=draft.form is None)
        faults[place] = f"{faults[place]} · {fault}" if place in faults else fault
    if not faults and own_name is not None and draft.mapping["name"] != own_name:
        other_name = visit.words.say(Sentence(_OTHER_NAME.text, {"name": own_name}))
        faults["yaml" if draft.form is None else "name"] = other_name
    return replace(draft, faults=faults)


def turned(draft: Draft, *, to_yaml: bool) -> Draft:
    """Return the draft on the other tab; to the form only what the reader takes."""
    if to_yaml:
        return replace(draft, form=None, text=written(draft.mapping), faults={})
    return draft if draft.faults else replace(draft, form=form_of(draft.process, draft.body), text="")


# -- what it would do -------------------------------------------------------------------------------------


def rehearsal_of(visit: Visit, process: Process, body: Mapping[str, Any], day: date) -> Rehearsal:
    """Play a policy through for a leave that ends on that day, or a text sent on it."""
    return rehearse(READERS[process.value](dict(body), "policy"), day, visit.parts.calendar(), ZONE)


def day_asked(visit: Visit, typed_day: str) -> tuple[date, dict[str, str]]:
    """Return the day that was typed, or the one two weeks from now, and what is wrong with it."""
    usual = visit.parts.clock().date() + timedelta(days=14)
    if not typed_day:
        return usual, {}
    try:
        day = date.fromisoformat(typed_day)
    except ValueError:
        return usual, {"day": visit.words.say(_NO_DAY)}
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        return usual, {"day": visit.words.say(_NO_DAY)}
    return day, {}


@dataclass(frozen=True)
class PersonPreview:
    """What a draft would do to one person: `leaves` to choose from, timers, texts, what stands in the way."""

    leaves: tuple[dict[str, Any], ...] = ()
    leave_id: str = ""
    timers: tuple[Timer, ...] = ()
    texts: tuple[PreviewText, ...] = field(default=(), repr=False)
    missing: tuple[str, ...] = ()
    blocks: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    existing_case: str | None = None
    overdue: tuple[tuple[str, datetime], ...] = ()
    target_met: bool = True
    faults: Mapping[str, str] = field(default_factory=dict)


def preview_with(post: Post, draft: Draft) -> PersonPreview:
    """Return what a draft would do to the person that was typed; nothing is written."""
    wanted = post.text("person").replace("\0", "")
    if not wanted:
        return PersonPreview(faults={"person": post.words.say(_NO_PERSON)})
    try:
        if draft.process is Process.LEAVE_RETURN:
            return _leave_preview(post, draft, wanted)
        if draft.process is Process.ACKNOWLEDGEMENT:
            return _circular_preview(post, draft, wanted)
        return _departure_preview(post, draft, wanted)
    except (Refusal, CannotStart, InputError, TemplateFault) as refusal:
        return PersonPreview(faults={"person": told(post, str(refusal))})


def _leave_preview(post: Post, draft: Draft, wanted: str) -> PersonPreview:
    leaves = tuple(post.parts.views.leaves(post.scope, wanted[:100], 50, None))
    if not leaves:
        return PersonPreview(faults={"person": post.words.say(_NOBODY)})
    asked, today = post.text("leave"), post.parts.clock().date()
    ahead = sorted(leaves, key=lambda one: (one["ends_on"] < today, abs((one["ends_on"] - today).days)))
    leave_id = asked if asked in {one["id"] for one in leaves} else ahead[0]["id"]
    shown = post.parts.starts.preview(StartWish(leave_id, draft.body))
    policy = READERS[draft.process.value](draft.body, "policy")
    zone = str(shown.dates.back_until.tzinfo)
    return PersonPreview(
        leaves=tuple(ahead),
        leave_id=leave_id,
        timers=timers(policy, shown.plan, shown.dates, post.parts.calendar(), zone),
        texts=shown.texts,
        missing=shown.missing,
        blocks=tuple(told(post, why) for _, why in shown.blocks),
        warnings=tuple(told(post, one) for one in _doubts(shown.plan, shown.warnings)),
        existing_case=shown.existing_case,
        overdue=tuple((one.step, one.planned_at) for one in shown.overdue),
        target_met=shown.dates.target_met,
    )


def _circular_preview(post: Post, draft: Draft, wanted: str) -> PersonPreview:
    say = post.words.say
    wish = CircularWish(say(_SAMPLE_TITLE), say(_SAMPLE_TEXT), (wanted[:40],), draft.body)
    shown = post.parts.circulars.preview(wish, post.officer.branch_id)
    policy = READERS[draft.process.value](draft.body, "policy")
    one = shown.addressees[0]
    return PersonPreview(
        timers=timers(policy, one.plan, None, post.parts.calendar(), ZONE),
        texts=one.texts,
        missing=one.missing,
        blocks=tuple(told(post, why) for _, why in shown.blocks),
        warnings=tuple(told(post, doubt) for doubt in _doubts(one.plan, shown.warnings)),
    )


def _departure_preview(post: Post, draft: Draft, wanted: str) -> PersonPreview:
    trial = post.parts.policy_trials.of(draft.process, draft.body, wanted[:40], post.scope)
    policy = READERS[draft.process.value](draft.body, "policy")
    return PersonPreview(
        timers=timers(policy, trial.plan, None, post.parts.calendar(), trial.zone),
        texts=trial.texts,
        missing=trial.missing,
        blocks=tuple(told(post, why) for why in trial.blocks),
        warnings=tuple(told(post, doubt) for doubt in _doubts(trial.plan, trial.warnings)),
    )


def _doubts(planned: Plan, more: tuple[str, ...]) -> list[str]:
    return list(dict.fromkeys((*(doubt.message for doubt in planned.warnings), *more)))
