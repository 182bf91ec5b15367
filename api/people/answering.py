"""From a typed form to an act in the books."""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime

from api.language import sentence
from api.people.forms import Answer, FieldError, Typed, check, choices, has_nonce, upload_sentence
from api.people.services import PeopleServices
from countersign.adapters.database.acts import ActView, NewAct, StoredFile
from countersign.adapters.database.identity import Method
from countersign.adapters.database.links import LinkView
from countersign.adapters.uploads import UploadRefused, store_upload
from countersign.contracts.cases import ActKind, Process, Role
from countersign.domain.refusal import Refusal
from countersign.ids import answer_act_id


@dataclass(frozen=True)
class Question:
    """A notice as somebody is about to answer it.

    `key` makes the ids of its answers: the same form sent twice is one act. `actor` is who answers,
    `stranger` how they stand when they say that they are not the person. `counted_as` is what tries are
    counted by, `identity` how it is known who answers.
    """

    case_id: str
    process: Process
    audience: str
    fingerprint: str
    answer_by: datetime | None
    allowed: tuple[ActKind, ...]
    key: str
    actor: str
    stranger: str
    counted_as: str
    identity: str | None = None
    link_id: str | None = None
    acting_for: str | None = None


def by_link(link: LinkView, code_hash: str, identity: Method | None) -> Question:
    """Return the question that whoever holds a link may answer."""
    return Question(
        case_id=link.case_id,
        process=link.process,
        audience=link.audience,
        fingerprint=link.fingerprint,
        answer_by=link.answer_by,
        allowed=choices(link.process, link.audience),
        key=link.link_id,
        actor=link.person_id,
        stranger=f"link/{link.link_id}",
        counted_as=code_hash,
        identity=identity and identity.value,
        link_id=link.link_id,
    )


@dataclass(frozen=True)
class AskAgain:
    """The form must be shown again; `status` is the HTTP status that says why."""

    errors: tuple[FieldError, ...]
    status: int = 422


def take_answer(services: PeopleServices, asked: Question, typed: Typed) -> ActView | AskAgain:
    """Commit the answer in `typed`, or say what is wrong with it. Raises `TooManyTries`."""
    if typed.shown != asked.fingerprint:
        changed = sentence("The notice has changed since you opened it. Read it again, then answer.")
        return AskAgain((FieldError("notice", changed),), 409)
    if not has_nonce(typed):
        stale = sentence("This form is no longer valid. Check your answer and send it again.")
        return AskAgain((FieldError("notice", stale),))
    answer = check(typed, asked.allowed, _today(services, asked))
    if isinstance(answer, list):
        return AskAgain(tuple(answer))
    try:
        files = _files(services, answer, typed, asked.counted_as)
    except UploadRefused as refused:
        told = upload_sentence(refused.fault, services.upload_limit)
        return AskAgain((FieldError("file", told),))
    services.limits.posting(asked.counted_as)
    try:
        return services.acts.take(_act(asked, typed, answer, files))
    except Refusal:
        # Whoever stands in for somebody answers nothing that is about themselves.
        own = sentence("This is about yourself; somebody else has to answer it.")
        return AskAgain((FieldError("notice", own),))


def _today(services: PeopleServices, asked: Question) -> date:
    """Return the day from which dates are judged: the case may live in another time than we do."""
    return (asked.answer_by or services.clock()).date()


def _files(services: PeopleServices, answer: Answer, typed: Typed, counted_as: str) -> tuple[StoredFile, ...]:
    if answer.kind is not ActKind.EXTENSION_ASKED or typed.file is None:
        return ()
    services.limits.reading_file(counted_as)
    return (store_upload(typed.file, typed.file_name, services.upload_limit, services.documents),)


def _act(asked: Question, typed: Typed, answer: Answer, files: tuple[StoredFile, ...]) -> NewAct:
    """Lay out the act. Whoever says that they are not the person does not stand as the person."""
    told = {"on": answer.on.isoformat() if answer.on else None, "identity": asked.identity}
    return NewAct(
        id=answer_act_id(asked.key, _said(answer, files), typed.nonce),
        case_id=asked.case_id,
        kind=answer.kind,
        role=Role(asked.audience),
        actor=asked.stranger if answer.kind is ActKind.NOT_ME else asked.actor,
        body={name: value for name, value in told.items() if value},
        words={"words": answer.words} if answer.words else {},
        link_id=asked.link_id,
        audience=asked.audience,
        shown_sha256=asked.fingerprint,
        files=files,
        acting_for=asked.acting_for,
    )


def _said(answer: Answer, files: tuple[StoredFile, ...]) -> str:
    """Return what makes an answer a different one, other words and papers included.

    A corrected date sent from the same open form must not vanish behind the first one's receipt.
    """
    words = hashlib.sha256(answer.words.encode()).hexdigest()
    day = answer.on.isoformat() if answer.on else ""
    return "\n".join([answer.kind.value, day, words, *(file.sha256 for file in files)])
