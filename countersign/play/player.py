"""Somebody who plays the people of the demo over HTTP: offices by the API, employees through their links."""

import json
import re
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from countersign.contracts.cases import Role
from countersign.domain.bundle import verify_bundle

_HIDDEN = re.compile(r'name="(nonce|shown|seen)" value="([0-9a-f]*)"')
_CODE = re.compile(r"/n/([0-9A-Z-]{14})")
_BOUNDARY = "part-of-the-demo"
_PATIENCE_S = 20
_SHOWN = {
    "case.started",
    "rung.reached",
    "delivery.sent",
    "delivery.delivered",
    "delivery.failed",
    "notice.nothing_sent",
    "paper.posted",
    "paper.signed_by_other",
    "manual.visit",
    "plan.changed",
    "answer.returns_on",
    "notice.served",
    "employment.ended",
    "override.recorded",
    "duty.done",
    "item.handed_over",
    "item.accepted",
    "ledger.posted",
    "ledger.confirmed",
    "gate.opened",
    "case.closed",
}
_TOLD_OF = ("step", "outcome", "channel", "duty", "how", "on", "track")


@dataclass
class Player:
    """Plays everybody against a running stack, over HTTP only; `tokens` are those of the offices."""

    base: str
    outbox: str
    tokens: Mapping[Role, str] = field(repr=False)
    told: dict[str, int] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)

    # -- the offices --------------------------------------------------------------------------------------

    def call(
        self, path: str, body: Mapping[str, Any] | None = None, key: str | None = None, by: Role = Role.HR
    ) -> Any:
        """Read from the JSON API, or post a body to it."""
        data = None if body is None else json.dumps(body).encode()
        return self._open(path, data, "application/json", key, by)

    def post_form(self, path: str, form: Mapping[str, str], by: Role = Role.HR) -> Any:
        """Post to a part of the API that takes forms."""
        part = f"--{_BOUNDARY}\r\nContent-Disposition: form-data; name="
        fields = "".join(f'{part}"{name}"\r\n\r\n{text}\r\n' for name, text in form.items())
        data = f"{fields}--{_BOUNDARY}--\r\n".encode()
        return self._open(path, data, f"multipart/form-data; boundary={_BOUNDARY}", None, by)

    def _open(self, path: str, data: bytes | None, media_type: str, key: str | None, by: Role) -> Any:
        request = urllib.request.Request(self.base + path)  # noqa: S310  our own http address
        request.add_header("Authorization", f"Bearer {self.tokens[by]}")
        if data is not None:
            request.add_header("Content-Type", media_type)
            request.add_header("Idempotency-Key", key or path)
        with urllib.request.urlopen(request, data, timeout=_PATIENCE_S) as answer:  # noqa: S310
            return json.load(answer)

    def once(self, key: str, path: str, body: Mapping[str, Any], by: Role = Role.HR) -> bool:
        """Post to the API unless that was done; say whether it was done now."""
        return self._once(key, lambda: self.call(path, body, key, by))

    def form_once(self, path: str, form: Mapping[str, str], by: Role = Role.HR) -> bool:
        """Post a form unless that was done; say whether it was done now."""
        return self._once(path, lambda: self.post_form(path, form, by))

    def _once(self, key: str, post: Callable[[], Any]) -> bool:
        if key in self.done:
            return False
        try:
            post()
        except urllib.error.HTTPError as refused:
            if refused.code == HTTPStatus.CONFLICT:
                return False  # the case has moved on meanwhile; the next look decides
            raise RuntimeError(f"{key} was refused: {refused.read().decode()}") from None
        self.done.add(key)
        return True

    # -- the employees ------------------------------------------------------------------------------------

    def messages_to(self, number: str) -> list[dict[str, Any]]:
        """Return the mails that the stand-in holds for an employee, the newest first."""
        return self.messages_at(f"{number.lower()}@demo.example.com")

    def messages_at(self, recipient: str) -> list[dict[str, Any]]:
        """Return what the stand-ins hold for a number or an address, the newest first."""
        query = urllib.parse.urlencode({"to": recipient})
        address = f"{self.outbox}/outbox.json?{query}"
        with urllib.request.urlopen(address, timeout=_PATIENCE_S) as answer:  # noqa: S310
            return list(json.load(answer)["messages"])

    def answer(self, number: str, path: str, form: Mapping[str, str], subject: str = "") -> bool:
        """Open the link in an employee's newest mail and press the button; False when there is none yet."""
        mails = [one for one in self.messages_to(number) if subject in (one["subject"] or "")]
        codes = [code for one in mails for code in _CODE.findall(one["text"])]
        if not codes:
            return False
        page = f"{self.base}/n/{codes[0]}"
        with urllib.request.urlopen(page, timeout=_PATIENCE_S) as shown:  # noqa: S310
            hidden = dict(_HIDDEN.findall(shown.read().decode()))
        data = urllib.parse.urlencode({**hidden, **form}).encode()
        try:
            urllib.request.urlopen(page + path, data, timeout=_PATIENCE_S).close()  # noqa: S310
        except urllib.error.HTTPError as refused:
            if refused.code not in {HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY}:
                raise
            return False  # the page has changed meanwhile; the next look opens it anew
        return True

    # -- what is told -------------------------------------------------------------------------------------

    def say(self, number: str, what: str, words: str, at: str = "") -> None:
        """Print one line of a story."""
        sys.stdout.write(f"{at[:16].replace('T', ' '):16}  {number}  {what:<20} {words}\n")
        sys.stdout.flush()

    def tell(self, number: str, case: Mapping[str, Any]) -> None:
        """Print what is new in a case's timeline."""
        for event in case["timeline"][self.told.get(case["id"], 0) :]:
            if event["kind"] in _SHOWN:
                body = event["body"]
                words = next((str(body[name]) for name in _TOLD_OF if body.get(name)), "")
                self.say(number, event["kind"], words, event["at"])
        self.told[case["id"]] = len(case["timeline"])

    def check_evidence(self, number: str, case_id: str) -> None:
        """Export and verify a bundle; raises `RuntimeError` when it does not verify."""
        request = urllib.request.Request(f"{self.base}/api/v1/cases/{case_id}/evidence")  # noqa: S310
        request.add_header("Authorization", f"Bearer {self.tokens[Role.HR]}")
        with urllib.request.urlopen(request, timeout=_PATIENCE_S) as answer:  # noqa: S310
            report = verify_bundle(answer.read())
        verdict = f"{report.length} events, verified" if report.ok else f"BROKEN: {report.first_broken}"
        self.say(number, "evidence", verdict)
        if not report.ok:
            raise RuntimeError(f"The evidence of {number} does not verify: {report.first_broken}")
