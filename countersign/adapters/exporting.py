"""Handing evidence out: the bundle with its account, signed, and stamped where an authority is set."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from countersign.adapters.database.cases import case_now
from countersign.adapters.database.engine import Database
from countersign.adapters.database.evidence import EvidenceLog
from countersign.adapters.database.scope import Scope
from countersign.adapters.database.tables import Case
from countersign.adapters.database.views import BundleContent, Views
from countersign.adapters.paper import Unprintable
from countersign.adapters.signing import Signer
from countersign.adapters.timeline_pdf import TimelinePress
from countersign.adapters.timestamps import Authority, NoTimestamp
from countersign.domain.bundle import MANIFEST, SIGNATURE, TIMESTAMP, write_container
from countersign.domain.evidence import EventKind


@dataclass(frozen=True)
class Exported:
    """A bundle's bytes; `notes` say in words what could not be had, such as a timestamp."""

    data: bytes
    notes: tuple[str, ...]


class _ErasedMeanwhile(Exception):
    """Values that a bundle discloses were erased after it was read."""


class Exporter:
    """Makes bundles and keeps in the chain who has taken which one."""

    def __init__(
        self,
        database: Database,
        evidence: EvidenceLog,
        views: Views,
        signer: Callable[[], Signer],
        authority: Authority | None,
        clock: Callable[[], datetime],
    ) -> None:
        self._database, self._evidence, self._views = database, evidence, views
        self._signer, self._authority, self._clock = signer, authority, clock
        self._timelines = TimelinePress()

    def export(
        self, scope: Scope, case_id: str, actor: Mapping[str, str], *, redact: bool, language: str
    ) -> Exported | None:
        """Return a case's bundle, None for a case outside the scope.

        `language` is that of the account, `zh-CN` or `en`. Neither an authority that is away nor an account
        that cannot be printed keeps evidence back; `notes` tell of it. The export is an event that follows
        those in the bundle; the same reader taking the same again adds none. A bundle made while values were
        erased is made again.
        """
        while True:
            try:
                return self._export(scope, case_id, actor, redact=redact, language=language)
            except _ErasedMeanwhile:
                continue

    def unrecorded(self, scope: Scope, case_id: str, *, language: str) -> Exported | None:
        """Return the whole bundle as `export` makes it, for a check in this house; the chain tells nothing.

        None for a case outside the scope. It must be handed to nobody: what leaves is told.
        """
        content = self._views.content(scope, case_id)
        return None if content is None else self._made(content, language)[0]

    def _export(
        self, scope: Scope, case_id: str, actor: Mapping[str, str], *, redact: bool, language: str
    ) -> Exported | None:
        content = self._views.content(scope, case_id, redact=redact)
        if content is None:
            return None
        exported, body = self._made(content, language)
        self._keep(content, actor, body)
        return exported

    def _made(self, content: BundleContent, language: str) -> tuple[Exported, dict[str, object]]:
        """Return a bundle, and what the chain tells of it once it is handed out."""
        notes: list[str] = []
        entries = content.entries(self._timeline(content, language, notes))
        manifest = entries[MANIFEST]
        entries[SIGNATURE] = self._signer().sign(manifest)
        stamped = None if self._authority is None else self._stamp(manifest, notes)
        if stamped is not None:
            entries[TIMESTAMP] = stamped
        data = write_container(entries)
        body = {
            "length": len(content.events),
            "head": content.events[-1].hash,
            "manifest_sha256": hashlib.sha256(manifest).hexdigest(),
            "covers": "the first bundle of this state that this reader took",
            "redacted": content.redact,
            "stamped": None if self._authority is None else stamped is not None,
            "language": language,
            "notes": notes,
        }
        return Exported(data, tuple(notes)), body

    def _timeline(self, content: BundleContent, language: str, notes: list[str]) -> bytes | None:
        main = (content.events, content.disclosures)
        try:
            return self._timelines.print(
                content.case_id, main, content.linked, language, redact=content.redact
            )
        except Unprintable:
            notes.append("timeline.pdf is missing: the account could not be printed; the events are whole.")
            return None

    def _stamp(self, manifest: bytes, notes: list[str]) -> bytes | None:
        assert self._authority is not None  # noqa: S101  asked for only where one is set
        try:
            return self._authority.stamp(manifest)
        except NoTimestamp as away:
            notes.append(f"manifest.tst is missing: {away}. Export again later to have a timestamp.")
            return None

    def _keep(self, content: BundleContent, actor: Mapping[str, str], body: Mapping[str, object]) -> None:
        others = sum(event.kind != EventKind.EVIDENCE_EXPORTED for event in content.events)
        told = [actor["role"], actor["id"], body["redacted"], body["stamped"], body["language"]]
        key = f"exported/{others}/{hashlib.sha256(repr(told).encode()).hexdigest()[:32]}"

        def keep(session: Session) -> None:
            chains = {content.case_id: content.events} | {
                other: events for other, (events, _) in content.linked.items()
            }
            for chain, events in chains.items():
                known = sum(event.kind == EventKind.DISCLOSURE_ERASED for event in events)
                if self._evidence.count(session, chain, EventKind.DISCLOSURE_ERASED) != known:
                    raise _ErasedMeanwhile
            case = session.get_one(Case, content.case_id)
            now = case_now(case, self._clock())
            self._evidence.append(session, case, key, now, EventKind.EVIDENCE_EXPORTED, actor, body)

        self._database.write(keep)
