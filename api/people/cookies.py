"""The two cookies of a link's pages: one says "the same browser again", the other "identity confirmed".

Both hold a random id and a time under a keyed MAC over the link's id, and nothing about the person. They go
to this one link's address only.
"""

import hmac
import secrets
from datetime import UTC, datetime, timedelta

from fastapi import Response

from countersign.adapters.database.identity import Method
from countersign.adapters.links import LinkKeys

SEEN = "countersign-seen"
CONFIRMED = "countersign-confirmed"
CONFIRMED_LASTS = timedelta(minutes=30)
COMES_BACK_AFTER = timedelta(seconds=2)
"""A browser that is back sooner has followed a redirect or loaded the page twice; nobody has looked at it."""


def new_seen(keys: LinkKeys, link_id: str, now: datetime) -> str:
    """Return the value of a browser's first cookie for a link."""
    return _signed(keys, "seen", link_id, _milliseconds(now))


def came_back(keys: LinkKeys, link_id: str, value: str, now: datetime) -> bool:
    """Say whether a request brings back a cookie of this link that is two seconds old or more."""
    given = _given_at(keys, "seen", link_id, value)
    return given is not None and now - given >= COMES_BACK_AFTER


def is_seen(keys: LinkKeys, link_id: str, value: str) -> bool:
    """Say whether a value is a cookie that was given out for this link."""
    return _given_at(keys, "seen", link_id, value) is not None


def new_confirmed(keys: LinkKeys, link_id: str, method: Method, now: datetime) -> str:
    """Return the value of the cookie that opens a confidential notice."""
    return f"{method.value}.{_signed(keys, f'confirmed {method.value}', link_id, _milliseconds(now))}"


def confirmed_by(keys: LinkKeys, link_id: str, value: str, now: datetime) -> Method | None:
    """Return how the identity was confirmed in this browser; None when it was not, or too long ago."""
    name, _, rest = value.partition(".")
    if name not in set(Method):
        return None
    given = _given_at(keys, f"confirmed {name}", link_id, rest)
    if given is None or not timedelta(0) <= now - given < CONFIRMED_LASTS:
        return None
    return Method(name)


def set_cookie(response: Response, name: str, value: str, path: str, public_base_url: str) -> None:
    """Give the browser a cookie for this link.

    The mark of a browser is Lax: links are followed out of mails, which Strict would take for strangers. The
    confirmation is Strict: only our own pages lead to what it opens.
    """
    response.set_cookie(
        name,
        value,
        path=path,
        httponly=True,
        secure=public_base_url.startswith("https://"),
        samesite="strict" if name == CONFIRMED else "lax",
        max_age=int(CONFIRMED_LASTS.total_seconds()) if name == CONFIRMED else None,
    )


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _signed(keys: LinkKeys, purpose: str, link_id: str, at: int) -> str:
    told = f"{secrets.token_hex(8)}.{at}"
    return f"{told}.{keys.digests(_mac_of(purpose, link_id, told))[0].hex()}"


def _given_at(keys: LinkKeys, purpose: str, link_id: str, value: str) -> datetime | None:
    told, _, mac = value.rpartition(".")
    digests = keys.digests(_mac_of(purpose, link_id, told))
    if not mac.isascii() or not any([hmac.compare_digest(one.hex(), mac) for one in digests]):
        return None
    return datetime.fromtimestamp(int(told.partition(".")[2]) / 1000, UTC)


def _mac_of(purpose: str, link_id: str, told: str) -> str:
    return f"{purpose}\n{link_id}\n{told}"
