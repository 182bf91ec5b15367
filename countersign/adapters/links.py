"""Link codes: 60 bits derived from the link's id by a secret key, so that a retry renders the same bytes.

The keys live outside the database (a file in the data directory, mode 600, or a setting), so that a copy of
the database gives nobody a working link.
"""

import hashlib
import hmac
import json
import os
import secrets
from pathlib import Path

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford: no I, L, O, U
_MISREAD = str.maketrans("ILOU", "110V")
CODE_LENGTH = 12


class LinkKeys:
    """Secret keys by id; the newest derives new codes, older ones still recognise theirs."""

    def __init__(self, keys: dict[str, bytes]) -> None:
        if not keys:
            raise ValueError("at least one link key is needed")
        self._keys = keys
        self.newest = next(reversed(keys))

    def code(self, link_id: str, key_id: str | None = None) -> str:
        """Return the code of a link, `XXXX-XXXX-XXXX`, the same at every call."""
        digest = hmac.new(self._keys[key_id or self.newest], f"code\n{link_id}".encode(), hashlib.sha256)
        number = int.from_bytes(digest.digest()[:8], "big") >> 4
        plain = "".join(_ALPHABET[(number >> (5 * i)) & 31] for i in reversed(range(CODE_LENGTH)))
        return f"{plain[:4]}-{plain[4:8]}-{plain[8:]}"

    def hashes(self, code: str) -> list[str]:
        """Return under which hashes a typed code may be stored, one per key."""
        plain = normalised(code)
        return [self._hash(key, plain) for key in self._keys.values()]

    def hash_of(self, code: str) -> str:
        """Return the hash under which a new code is stored."""
        return self._hash(self._keys[self.newest], normalised(code))

    def digests(self, told: str) -> list[bytes]:
        """Return the authentication code (SHA-256) of a text under every key, the newest key first."""
        return [hmac.digest(key, told.encode(), "sha256") for key in reversed(self._keys.values())]

    @staticmethod
    def _hash(key: bytes, plain: str) -> str:
        return hmac.new(key, f"hash\n{plain}".encode(), hashlib.sha256).hexdigest()


def normalised(code: str) -> str:
    """Return a typed code without case, spaces and dashes, common misreadings mended; `` when malformed."""
    plain = "".join(c for c in code.upper().translate(_MISREAD) if c not in " -_\u3000")
    return plain if len(plain) == CODE_LENGTH and all(c in _ALPHABET for c in plain) else ""


def load_link_keys(folder: Path) -> LinkKeys:
    """Read the keys of a data directory; make the first one when there is none."""
    file = folder / "link-keys.json"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        # O_EXCL decides between two processes that start at once; the loser reads what the winner wrote.
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        pass
    else:
        with os.fdopen(handle, "w") as out:
            json.dump({"1": secrets.token_hex(32)}, out)
    return LinkKeys({name: bytes.fromhex(value) for name, value in json.loads(file.read_text()).items()})
