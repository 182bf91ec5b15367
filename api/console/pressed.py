"""What one press of a button stands for: the same form sent again is the same act, another one is not."""

import hashlib

from starlette.datastructures import UploadFile

from api.console.visit import Post
from api.language import sentence

_NOT_SAID = frozenset({"csrf"})
"""What a form carries beside what somebody says with it."""


STALE_FORM = sentence("This form is incomplete. Open the page again and send it from there.")


def has_nonce(post: Post) -> bool:
    """Say whether a form carries the nonce that its page gave it; else say `STALE_FORM`."""
    return 8 <= len(post.text("nonce")) <= 64


def pressed(post: Post, *about: str) -> str:
    """Return the id of the act that a form asks for, 40 characters.

    Everything typed is part of it, with the form's nonce: whoever goes back, changes something and sends the
    old form again asks for something new, and must not be told that it was done.
    """
    said = [
        f"{name}={value.filename} {value.size}" if isinstance(value, UploadFile) else f"{name}={value}"
        for name, value in post.form.multi_items()
        if name not in _NOT_SAID
    ]
    told = "\n".join((post.officer.account_id, *about, *said))
    return hashlib.sha256(told.encode()).hexdigest()[:40]
