"""Addresses of our own that name the delivery a mail is about: where bounces return to and replies go.

A message authentication code in the address keeps anybody who was not written to from reporting a bounce or
an answer for a delivery whose id they guessed.
"""

import base64
import hmac
import re
from typing import Literal

from countersign.adapters.links import LinkKeys

MailPurpose = Literal["bounce", "reply"]

_LETTER: dict[MailPurpose, str] = {"bounce": "b", "reply": "r"}
_PURPOSE: dict[str, MailPurpose] = {letter: purpose for purpose, letter in _LETTER.items()}
_LOCAL_PART = re.compile(r"([br])-([0-9a-hjkmnp-tv-z]{26})-([a-z2-7]{10})")


class MailAddresses:
    """Makes and recognises these addresses; without a `domain` there are none.

    Mail systems may change the case of a local part, so it carries no meaning. The newest key makes
    addresses, every key still known recognises them.
    """

    def __init__(self, keys: LinkKeys, domain: str | None) -> None:
        self._keys, self._domain = keys, domain.lower() if domain else None

    def return_path(self, delivery_id: str) -> str | None:
        """Return the envelope sender of a delivery, to which relays send their reports."""
        return self._address("bounce", delivery_id)

    def reply_to(self, delivery_id: str) -> str | None:
        """Return the address to which people answer a delivery."""
        return self._address("reply", delivery_id)

    def read(self, address: str) -> tuple[MailPurpose, str] | None:
        """Return what an address is for and the delivery's id; None for any address that we did not make."""
        local, _, domain = address.strip().lower().rpartition("@")
        found = _LOCAL_PART.fullmatch(local)
        if self._domain is None or domain != self._domain or found is None:
            return None
        purpose, delivery_id = _PURPOSE[found[1]], found[2].upper()
        # All keys are tried, so that the time taken tells nothing about which one fits.
        fitting = [
            hmac.compare_digest(_shown(digest), found[3])
            for digest in self._keys.digests(_told(purpose, delivery_id))
        ]
        return (purpose, delivery_id) if any(fitting) else None

    def _address(self, purpose: MailPurpose, delivery_id: str) -> str | None:
        if self._domain is None:
            return None
        code = _shown(self._keys.digests(_told(purpose, delivery_id))[0])
        return f"{_LETTER[purpose]}-{delivery_id.lower()}-{code}@{self._domain}"


def _told(purpose: MailPurpose, delivery_id: str) -> str:
    return f"mail\n{purpose}\n{delivery_id.upper()}"


def _shown(digest: bytes) -> str:
    """Return ten characters, 50 bits; no mail system changes more of them than their case."""
    return base64.b32encode(digest)[:10].decode().lower()
