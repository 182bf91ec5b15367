"""From a typed form to an act in the books."""

import hashlib
from dataclasses import dataclass
from datetime import date

from api.language import sentence
from api.people.forms import Answer, FieldError, Typed, check, has_nonce, upload_sentence
from api.people.services import PeopleServices
from countersign.adapters.database.acts import ActView, NewAct, StoredFile
from countersign.adapters.database.identity import Method
from countersign.adapters.database.links import LinkView
from countersign.adapters.uploads import UploadRefused, store_upload
from countersign.contracts.cases import ActKind, Role
from countersign.ids import answer_act_id


@dataclass(frozen=True)
class AskAgain:
    """The form must be shown again; `status` is the HTTP status that says why."""

    errors: tuple[FieldError, ...]
    status: int = 422


def take_answer(
    services: PeopleServices, link: LinkView, typed: Typed, code_hash: str, identity: Method | None
) -> ActView | AskAgain:
    """Commit the answer in `typed`, or say what is wrong with it. The same form sent twice is one act.

    `code_hash` is what tries are counted by, `identity` how the holder has confirmed who they are. Raises
    `TooManyTries`.
    """
    if typed.shown != link.fingerprint:
        changed = sentence("The notice has changed since you opened it. Read it again, then answer.")
        return AskAgain((FieldError("notice", changed),), 409)
    if not has_nonce(typed):
        stale = sentence("This form is no longer valid. Check your answer and send it again.")
        return AskAgain((FieldError("notice", stale),))
    answer = check(typed, link.process, link.audience, _today(services, link))
    if isinstance(answer, list):
        return AskAgain(tuple(answer))
    try:
        files = _files(services, answer, typed, code_hash)
    except UploadRefused as refused:
        told = upload_sentence(refused.fault, services.upload_limit)
        return AskAgain((FieldError("file", told),))
    services.limits.posting(code_hash)
    return services.acts.take(_act(link, typed, answer, files, identity))


def _today(services: PeopleServices, link: LinkView) -> date:
    """Return the day from which dates are judged: the case may live in another time than we do."""
    return (link.answer_by or services.clock()).date()


def _files(services: PeopleServices, answer: Answer, typed: Typed, code_hash: str) -> tuple[StoredFile, ...]:
    if answer.kind is not ActKind.EXTENSION_ASKED or typed.file is None:
        return ()
    services.limits.reading_file(code_hash)
    return (store_upload(typed.file, typed.file_name, services.upload_limit, services.documents),)


def _act(
    link: LinkView, typed: Typed, answer: Answer, files: tuple[StoredFile, ...], identity: Method | None
) -> NewAct:
    """Lay out the act. Whoever says that they are not the person stands as the link, not as the person."""
    stranger = answer.kind is ActKind.NOT_ME
    told = {"on": answer.on.isoformat() if answer.on else None, "identity": identity and identity.value}
    return NewAct(
        id=answer_act_id(link.link_id, _said(answer, files), typed.nonce),
        case_id=link.case_id,
        kind=answer.kind,
        role=Role(link.audience),
        actor=f"link/{link.link_id}" if stranger else link.person_id,
        body={name: value for name, value in told.items() if value},
        words={"words": answer.words} if answer.words else {},
        link_id=link.link_id,
        audience=link.audience,
        shown_sha256=link.fingerprint,
        files=files,
    )


def _said(answer: Answer, files: tuple[StoredFile, ...]) -> str:
    """Return what makes an answer a different one, other words and papers included.

    A corrected date sent from the same open form must not vanish behind the first one's receipt.
    """
    words = hashlib.sha256(answer.words.encode()).hexdigest()
    day = answer.on.isoformat() if answer.on else ""
    return "\n".join([answer.kind.value, day, words, *(file.sha256 for file in files)])
