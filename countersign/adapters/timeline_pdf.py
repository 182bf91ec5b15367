"""The account of a case as PDF, from events and what they disclose; the same input, the same bytes."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from countersign.adapters.paper import Press
from countersign.domain.evidence import Disclosure, Event
from countersign.domain.timeline import account, words

Chain = tuple[Sequence[Event], Sequence[Disclosure]]


class TimelinePress:
    """Prints accounts with the shipped font alone, so that every installation makes the same bytes."""

    def __init__(self) -> None:
        self._press = Press()

    def print(
        self, case: str, main: Chain, linked: Mapping[str, Chain], language: str, *, redact: bool = False
    ) -> bytes:
        """Return the account of a case and of the chains linked to it, in `zh-CN` or `en`.

        `redact` leaves out what the disclosures open. A character without a glyph stands as its code, such
        as [U+1F600]: an account is never refused for one.
        """
        accounts = [account(case, main[0], () if redact else main[1], language)]
        accounts += [
            account(other, events, () if redact else opened, language, linked=True)
            for other, (events, opened) in sorted(linked.items())
        ]
        data = {
            "language": language,
            "accounts": [asdict(one) for one in accounts],
            "note": words("note", language),
            "page": words("page", language).split("{}"),
            "case": case,
            "head": main[0][-1].hash,
        }
        return self._press.typeset(
            "paper/timeline.typ", self._drawable(data), datetime.fromisoformat(main[0][-1].at)
        )

    def _drawable(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._press.legible(value)
        if isinstance(value, dict):
            return {key: self._drawable(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._drawable(item) for item in value]
        return value
