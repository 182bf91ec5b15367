"""What is behind a link: the notice for whoever holds it, and what was seen of its being opened."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlmodel import Session, col, select

from countersign.adapters.database.cases import case_now
from countersign.adapters.database.engine import Database
from countersign.adapters.database.evidence import EvidenceLog
from countersign.adapters.database.tables import Case, Delivery, IdentityCheck, Link, Notice
from countersign.contracts.cases import Process
from countersign.domain.evidence import EventKind, Sealed
from countersign.domain.fetches import FetchKind
from countersign.domain.levels import Level, level_words
from countersign.ids import new_id

_MACHINE = {"role": "machine", "id": "link"}
_AGENT_LENGTH = 300


@dataclass(frozen=True)
class LinkView:
    """What the holder of a link may see; of a `sensitive` notice only after the second factor.

    `handed_over_at` is the real time at which the message was given to its channel.
    """

    link_id: str
    case_id: str
    person_id: str
    audience: str
    language: str
    title: str = field(repr=False)
    text: str = field(repr=False)
    fingerprint: str
    answer_by: datetime | None
    case_state: str
    time_lapse: bool
    sensitive: bool = False
    handed_over_at: datetime | None = None
    process: Process = Process.LEAVE_RETURN


@dataclass(frozen=True)
class InboxItem:
    """One notice in the list on the link page; only titles, dates and fingerprints."""

    title: str = field(repr=False)
    at: datetime
    fingerprint: str


@dataclass(frozen=True)
class Visitor:
    """Who asked for a page, as far as the request tells."""

    kind: FetchKind
    agent: str = field(repr=False)
    address: str = field(repr=False)

    def sealed(self) -> dict[str, Sealed]:
        """Return agent and address as they go into an event."""
        return {"agent": Sealed(self.agent[:_AGENT_LENGTH]), "address": Sealed(self.address)}


@dataclass(frozen=True)
class LinkState:
    """A link as HR sees it: `delivery` is its id and that of its delivery."""

    delivery: str
    expires_at: datetime
    revoked: bool
    locked: bool


class NoSuchLink(LookupError):
    """A case has no link of this id."""


class LinkRefused(ValueError):
    """A link that cannot be changed so; the sentence says why and what to do, `field` where."""

    def __init__(self, sentence: str, field: str | None = None) -> None:
        super().__init__(sentence)
        self.field = field


class Links:
    """Looks behind links and keeps what was seen of their being opened. Reading changes facts, no case."""

    def __init__(self, database: Database, evidence: EvidenceLog, clock: Callable[[], datetime]) -> None:
        self._database, self._evidence, self._clock = database, evidence, clock

    def look_up(self, code_hashes: list[str]) -> LinkView | None:
        """Return what is behind a code; None alike for unknown, expired and revoked ones."""
        with self._database.reading() as session:
            link = session.exec(select(Link).where(col(Link.code_hash).in_(code_hashes))).first()
            if link is None or link.revoked_at is not None:
                return None
            case = session.get_one(Case, link.case_id)
            if link.expires_at <= case_now(case, self._clock()):
                return None
            notice = session.get_one(Notice, link.notice_id)
            return LinkView(
                link_id=link.id,
                case_id=case.id,
                person_id=link.person_id,
                audience=notice.audience,
                language=notice.language,
                title=notice.title,
                text=notice.text,
                fingerprint=notice.fingerprint,
                answer_by=notice.answer_by,
                case_state=case.state,
                time_lapse=case.clock_factor > 1,
                sensitive=notice.sensitive,
                handed_over_at=session.get_one(Delivery, link.id).sending_at,
                process=Process(case.kind),
            )

    def fetched(self, link_id: str, visitor: Visitor) -> None:
        """Count a fetch; the first of each kind stands in the evidence. It proves little."""

        def keep(session: Session) -> None:
            delivery = session.get_one(Delivery, link_id)
            case = session.get_one(Case, delivery.case_id)
            now = case_now(case, self._clock())
            delivery.fetches += 1
            delivery.fetched_at = delivery.fetched_at or now
            body = {
                "delivery": link_id,
                "by": visitor.kind.value,
                "says": level_words(Level.LINK_FETCHED, by=visitor.kind),
                **visitor.sealed(),
            }
            key = f"link/{link_id}/fetched/{visitor.kind.value}"
            self._evidence.append(session, case, key, now, EventKind.LINK_FETCHED, _MACHINE, body)

        self._database.write(keep)

    def opened(self, link_id: str, visitor: Visitor) -> None:
        """Keep, once, that a browser came back to the link with the cookie it had been given."""
        with self._database.reading() as session:
            if session.get_one(Delivery, link_id).opened_at is not None:
                return

        def keep(session: Session) -> None:
            delivery = session.get_one(Delivery, link_id)
            if delivery.opened_at is not None:
                return
            case = session.get_one(Case, delivery.case_id)
            delivery.opened_at = now = case_now(case, self._clock())
            body = {"delivery": link_id, "says": level_words(Level.OPENED), **visitor.sealed()}
            self._evidence.append(
                session, case, f"link/{link_id}/opened", now, EventKind.LINK_OPENED, _MACHINE, body
            )

        self._database.write(keep)

    def inbox(self, link: LinkView) -> list[InboxItem]:
        """Return what the same person was told in this case over the in-system inbox."""
        with self._database.reading() as session:
            rows = session.exec(
                select(Notice)
                .join(Delivery, col(Delivery.notice_id) == col(Notice.id))
                .where(
                    Notice.case_id == link.case_id,
                    Notice.person_id == link.person_id,
                    Delivery.channel == "in_system",
                )
                .order_by(col(Notice.created_at).desc())
            )
            return [InboxItem(n.title, n.created_at, n.fingerprint) for n in rows]

    # -- HR -----------------------------------------------------------------------------------------------

    def revoke(self, case_id: str, link_id: str, reason: str, actor: Mapping[str, str]) -> LinkState:
        """Let a link show nothing more. Raises `NoSuchLink`, or `LinkRefused` when it is revoked already."""

        def keep(session: Session) -> LinkState:
            link, case = _link_of(session, case_id, link_id)
            if link.revoked_at is not None:
                raise LinkRefused("This link is revoked already; nothing is left to do.")
            link.revoked_at, link.revoked_why = self._clock(), "hr"
            body = {"delivery": link.id, "because": "hr", "reason": Sealed(reason)}
            now = case_now(case, self._clock())
            key = f"link/{link.id}/revoked"
            self._evidence.append(session, case, key, now, EventKind.LINK_REVOKED, actor, body)
            return link_state(session, link)

        return self._database.write(keep)

    def extend(
        self, case_id: str, link_id: str, expires_at: datetime, reason: str, actor: Mapping[str, str]
    ) -> LinkState:
        """Let a link end at another time of its case; one that has expired works again.

        Raises `NoSuchLink`, or `LinkRefused` for a revoked link and for a time that has passed.
        """

        def keep(session: Session) -> LinkState:
            link, case = _link_of(session, case_id, link_id)
            now = case_now(case, self._clock())
            if link.revoked_at is not None:
                raise LinkRefused("This link is revoked and stays so; send the notice again with a new link.")
            if expires_at <= now:
                raise LinkRefused(
                    "expires_at: this time has passed; give a later one, or revoke the link to close it.",
                    "expires_at",
                )
            if link.expires_at != expires_at:
                link.expires_at = expires_at
                body = {
                    "delivery": link.id,
                    "notice": link.notice_id,
                    "expires_at": expires_at.isoformat(),
                    "reason": Sealed(reason),
                }
                key = f"link/{link.id}/issued/{new_id()}"
                self._evidence.append(session, case, key, now, EventKind.LINK_ISSUED, actor, body)
            return link_state(session, link)

        return self._database.write(keep)


def _link_of(session: Session, case_id: str, link_id: str) -> tuple[Link, Case]:
    link = session.get(Link, link_id)
    if link is None or link.case_id != case_id:
        raise NoSuchLink(link_id)
    return link, session.get_one(Case, case_id)


def link_state(session: Session, link: Link) -> LinkState:
    """Return how a link stands: until when it works, and whether somebody or wrong tries closed it."""
    check = session.get(IdentityCheck, link.id)
    locked = check is not None and check.locked_at is not None
    return LinkState(link.id, link.expires_at, link.revoked_at is not None, locked)
