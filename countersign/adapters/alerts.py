"""Telling alarms to groups and mailboxes: the targets of the settings, and the job that tells each once."""

import asyncio
import hashlib
import logging
import re
import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from countersign.adapters.database.alarms import AlarmBook
from countersign.adapters.robots import TargetAnswer, parse_robot
from countersign.domain.alerts import AlertMessage, alert_messages
from countersign.retries import ALERT_TIMEOUT, alert_again_after

if TYPE_CHECKING:
    from apprise import Apprise

log = logging.getLogger("countersign.alerts")

_PASSWORD = re.compile(r"(?<=://)([^/@]*?):[^/@]*@")
_HTTP_ERROR = re.compile(r"\berror=(\d{3})\b")


class _Way(Protocol):
    """How one target is reached."""

    async def post(self, title: str, body: str, now: float, timeout_s: float) -> TargetAnswer:
        """Send one text; every end is an answer."""
        ...


@dataclass(frozen=True)
class Target:
    """Somewhere alarms are told. `name` may stand in logs; `key` tells targets apart and opens nothing."""

    name: str
    key: str
    way: _Way = field(repr=False)

    async def post(self, title: str, body: str) -> TargetAnswer:
        """Send one text and return what the target said; no exception comes out of a target."""
        try:
            return await self.way.post(title, body, time.time(), ALERT_TIMEOUT.total_seconds())
        except Exception as fault:
            # The exceptions of HTTP libraries hold whole addresses, keys included: only their kind is told.
            return TargetAnswer(False, f"could not be told ({type(fault).__name__})")


@dataclass(frozen=True)
class _ByApprise:
    """A target that one of apprise's plugins reaches; whether it was taken is that plugin's judgement."""

    sender: "Apprise" = field(repr=False)

    async def post(self, title: str, body: str, now: float, timeout_s: float) -> TargetAnswer:
        # It blocks, so it has a thread of its own; `timeout_s` bounds our wait, not the thread's.
        return await asyncio.wait_for(asyncio.to_thread(self._notify, title, body), 2 * timeout_s)

    def _notify(self, title: str, body: str) -> TargetAnswer:
        result = self.sender.notify(title=title, body=body)
        if result:
            return TargetAnswer(True, "took it")
        told = " ".join(str(entry.message) for one in result.results for entry in one.logs())
        found = _HTTP_ERROR.search(told)
        slow = found is not None and found[1] == "429"
        why = f" (HTTP {found[1]})" if found else "; check address, credentials and the way out of the house"
        return TargetAnswer(False, f"did not take it{why}", slow_down=slow)


def read_alert_urls(urls: Iterable[str], file: Path | None) -> tuple[str, ...]:
    """Return the addresses of the setting and of a file with one a line; `#` begins a comment line.

    Raises `ValueError` when the file cannot be read.
    """
    listed = list(urls)
    if file is not None:
        try:
            lines = file.read_text("utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as fault:
            raise ValueError(
                f"alert_urls_file: {file.name} cannot be read ({type(fault).__name__}); check path and mode"
            ) from None
        listed += [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    return tuple(listed)


def open_targets(urls: Sequence[str]) -> tuple[Target, ...]:
    """Return the targets of addresses, each once.

    Raises `ValueError` with a sentence that names an address by its place only, since addresses are secrets.
    """
    targets: dict[str, Target] = {}
    for place, url in enumerate(urls, 1):
        try:
            target = _target(place, url.strip())
        except ValueError as fault:
            raise ValueError(f"alert_urls: address {place} {fault}") from None
        targets.setdefault(target.key, target)
    return tuple(targets.values())


def _target(place: int, url: str) -> Target:
    robot = parse_robot(url)
    if robot is not None:
        return Target(f"target {place} ({robot.kind} robot)", _key(robot.identity), robot)
    sender, service = _apprise(url)
    return Target(f"target {place} ({service})", _key(_PASSWORD.sub(r"\1@", url)), _ByApprise(sender))


def _key(identity: str) -> str:
    return hashlib.sha256(identity.encode()).hexdigest()[:32]


def _apprise(url: str) -> tuple["Apprise", str]:
    """Return apprise with one service in it, and the service's name."""
    _keep_quiet()
    with warnings.catch_warnings():
        # Some of its plugins import modules that Python is about to drop.
        warnings.simplefilter("ignore", DeprecationWarning)
        import apprise

        asset = apprise.AppriseAsset(
            app_id="Countersign", app_desc="Countersign", storage_mode=apprise.PersistentStoreMode.MEMORY
        )
        service = apprise.Apprise.instantiate(url, asset=asset)
        if service is None:
            raise ValueError(
                "cannot be read; use the webhook address of a WeCom, DingTalk or Feishu robot, or an address "
                "as apprise describes it, such as mailto://USER:PASSWORD@HOST?to=HR@HOST"
            )
        sender = apprise.Apprise(asset=asset)
        sender.add(service)
    return sender, str(service.service_name)


def _keep_quiet() -> None:
    """Keep out of our logs what apprise and its HTTP client write: whole addresses, keys, texts of messages.

    What a service answered is taken from apprise's results instead.
    """
    logging.getLogger("apprise").propagate = False
    logging.getLogger("urllib3.connectionpool").setLevel(logging.WARNING)


class AlertTeller:
    """Tells every alarm once to every target, again with growing waits where a target does not take it."""

    def __init__(
        self, book: AlarmBook, targets: Sequence[Target], base_url: str, clock: Callable[[], datetime]
    ) -> None:
        self._book, self._targets, self._base_url, self._clock = book, tuple(targets), base_url, clock

    @property
    def has_targets(self) -> bool:
        """Say whether anybody is to be told at all."""
        return bool(self._targets)

    async def tell(self) -> None:
        """Tell what is waiting, the targets side by side; then close what all of them know."""
        if not self._targets:
            return
        await asyncio.gather(*(self._tell_one(target) for target in self._targets))
        given_up = await asyncio.to_thread(
            self._book.close, [target.key for target in self._targets], self._clock()
        )
        if given_up:
            log.warning(
                "%d alarm(s) could not be told to every target within a day and are no longer tried; "
                "read them at /api/v1/alarms",
                given_up,
            )

    async def _tell_one(self, target: Target) -> None:
        claim = await asyncio.to_thread(self._book.claim, target.key, self._clock())
        messages = alert_messages(claim.notes, claim.room, self._base_url)
        for place, message in enumerate(messages):
            answer = await target.post(message.title, message.body)
            if answer.taken:
                await asyncio.to_thread(self._book.told, target.key, message.alarm_ids, self._clock())
                continue
            await self._put_off(target, messages[place:], claim.tries + 1, answer)
            return

    async def _put_off(
        self, target: Target, left: Sequence[AlertMessage], tries: int, answer: TargetAnswer
    ) -> None:
        alarm_ids = tuple(alarm_id for message in left for alarm_id in message.alarm_ids)
        wait = alert_again_after(tries, slow_down=answer.slow_down)
        await asyncio.to_thread(self._book.put_off, target.key, alarm_ids, tries, self._clock() + wait)
        log.warning(
            "%s %s; %d alarm(s) are told again in %d s",
            target.name,
            answer.words,
            len(alarm_ids),
            wait.total_seconds(),
        )

    async def test(self) -> list[tuple[str, TargetAnswer]]:
        """Send one test message to every target; return what each answered."""
        body = f"This is a test: alarms are told here.\n{self._base_url}/api/v1/alarms"
        answers = await asyncio.gather(*(t.post("Countersign: test", body) for t in self._targets))
        return [(target.name, answer) for target, answer in zip(self._targets, answers, strict=True)]
