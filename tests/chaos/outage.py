"""Both providers are away for six hours; the cases' time is skipped, the sockets are real."""

import asyncio
import json
import logging
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from countersign.adapters.database.cases import ALARMS
from countersign.adapters.database.migrate import migrate, store_shipped_policies
from countersign.adapters.database.starts import StartWish
from countersign.bootstrap import Parts
from countersign.play import free_ports
from countersign.settings import Settings
from tests.chaos import invariants as must
from tests.chaos.books import BookReader
from tests.chaos.caller import ask
from tests.chaos.ledger import Ledger
from tests.chaos.report import Finding
from tests.chaos.run import Run
from tests.chaos.staff import hire, ladder
from tests.chaos.witnesses import verdict
from tests.support.bundles import bare_bundle
from tests.support.time_skipping import time_skipping_env
from workflows.leave_return import LeaveReturnWorkflow
from workflows.sandbox import runner

CASES, HOURS = 100, 6
REST_S = 180
ALARM = "provider_down"

_SLICE = timedelta(minutes=1)
"""A hundred cases' tries of five minutes are more than one call to the server lasts."""
_ZONE = ZoneInfo("Asia/Shanghai")


def play(run: Run) -> Finding:
    """Start cases while nobody listens at the providers' ports; let them listen again after six hours."""
    cases = run.sized(CASES, 2)
    finding = run.finding(
        f"SMS and mail away for {HOURS} hours of {cases} cases' time: no connection, refusals, "
        "errors, hang-ups"
    )
    run.folder.mkdir(parents=True, exist_ok=True)
    with _worker_log(run.folder / "worker.log"):
        asyncio.run(_play(run, cases, finding))
    return finding


@contextmanager
def _worker_log(file: Path) -> Iterator[None]:
    """Send what the worker says of every failed call into a file instead of onto the screen."""
    log, handler = logging.getLogger("temporalio"), logging.FileHandler(file)
    log.addHandler(handler)
    log.propagate = False
    try:
        yield
    finally:
        log.propagate = True
        log.removeHandler(handler)
        handler.close()


async def _play(run: Run, cases: int, finding: Finding) -> None:
    port = free_ports(2)
    stand_ins = _StandIns(run.folder / "sandbox", port)
    begins = datetime.now(_ZONE).replace(microsecond=0)
    async with time_skipping_env(begins) as env, _office(run.folder, env, begins, port) as parts:
        for leave in hire(parts.database, cases, ended_days_ago=7):
            policy = ladder("first_notice", channels=("sms", "email"))
            wish = StartWish(leave, policy, {"first_notice": "run_now"})
            await asyncio.to_thread(parts.starts.start, wish, {"role": "hr", "id": "token:chaos"})
        for _ in range(0, cases, 50):
            await parts.dispatcher.drain_outbox()
        books, ledger = BookReader(run.folder / "countersign.db"), Ledger(run.folder / "sandbox")
        down_at = await _clock(env)
        try:
            await _pass(env, timedelta(hours=HOURS / 4))
            stand_ins.start()
            for sms, mail in (("refuse_429", "refuse_4xx"), ("error_500", "refuse_4xx"), ("down", "down")):
                stand_ins.only_fault("sms", sms)
                stand_ins.only_fault("mail", mail)
                await _pass(env, timedelta(hours=HOURS / 4))
            accepted_while_down = ledger.count()
            stand_ins.only_fault("sms", "none")
            stand_ins.only_fault("mail", "none")
            up_at = await _clock(env)
            # The longest rest between two tries is an hour.
            await _pass(env, timedelta(hours=2))
            await _at_rest(books)
            await asyncio.to_thread(_until_reported, ledger)
        finally:
            stand_ins.stop()
        _compare(parts, books, ledger, finding, cases)
        finding.violations += [] if accepted_while_down == 0 else ["messages were accepted during the outage"]
        finding.figures |= _recovery(books, up_at) | _alarm(books, down_at, finding)


async def _pass(env: WorkflowEnvironment, time_to_pass: timedelta) -> None:
    """Let the cases' time pass in slices that the server can work off within one call's patience."""
    ends = await _clock(env) + time_to_pass
    while (now := await _clock(env)) < ends:
        await env.sleep(min(_SLICE, ends - now))


def _compare(parts: Parts, reader: BookReader, ledger: Ledger, finding: Finding, cases: int) -> None:
    books, taken = reader.read(), ledger.acceptances()
    matched = must.match(taken, books.deliveries)
    bundles = {case["id"]: bare_bundle(parts, case["id"]) for case in books.cases}
    checked = {case: verdict(bundle or b"") for case, bundle in bundles.items()}
    broken = finding.violations
    broken += must.every_acceptance_is_explained(matched, books.deliveries)
    broken += must.no_attempt_left_twice(matched)
    broken += must.duplicates_are_listed(matched, books.deliveries, books.events)
    broken += must.rows_agree_with_the_ledger(matched, books.deliveries)
    broken += must.chains_verify(checked, books.cases)
    reached = {
        (row["notice_id"], row["channel"]) for row in books.deliveries if matched.by_delivery.get(row["id"])
    }
    for notice in books.notices:
        for channel in ("sms", "email"):
            if (notice["id"], channel) not in reached:
                broken.append(f"case {notice['case_id']}: nothing arrived over {channel} after the outage")
    attempts = [row["attempt"] for row in books.deliveries]
    finding.figures |= {
        "cases": len(books.cases),
        "messages wanted": 2 * cases,
        "messages delivered after the outage": len(reached),
        "duplicates": len(must.duplicates(matched, books.deliveries)),
        "most attempts of one message": max(attempts, default=0),
    }


def _recovery(reader: BookReader, up_at: datetime) -> dict[str, int | float | str]:
    """Return how long after the recovery the last message was accepted, in the cases' time."""
    sent = [
        datetime.fromisoformat(r["sent_at"])
        for r in reader.rows("SELECT sent_at FROM delivery")
        if r["sent_at"]
    ]
    last = max((at.replace(tzinfo=ZoneInfo("UTC")) for at in sent), default=up_at)
    return {
        "minutes of the cases' time from recovery to the last message": round(
            (last - up_at).total_seconds() / 60
        )
    }


def _alarm(reader: BookReader, down_at: datetime, finding: Finding) -> dict[str, int | float | str]:
    if ALARM not in ALARMS:
        return {"alarm about the providers": "this version has none"}
    raised = reader.rows("SELECT at FROM alarm WHERE kind = ? ORDER BY at", ALARM)
    if not raised:
        finding.violations.append(f"no alarm of the kind {ALARM} was raised in {HOURS} hours")
        return {"alarms about the providers": 0}
    first = datetime.fromisoformat(raised[0]["at"]).replace(tzinfo=ZoneInfo("UTC"))
    return {
        "alarms about the providers": len(raised),
        "minutes until the first alarm": round((first - down_at).total_seconds() / 60, 1),
    }


async def _clock(env: WorkflowEnvironment) -> datetime:
    return (await env.get_current_time()).astimezone(_ZONE)


@asynccontextmanager
async def _office(
    folder: Path, env: WorkflowEnvironment, begins: datetime, port: int
) -> AsyncIterator[Parts]:
    """Yield parts whose clock is the server's and whose channels go to the stand-ins' ports; serve cases."""
    settings = Settings(
        _env_file=None,  # type: ignore[call-arg]
        data_dir=folder,
        twilio_base_url=f"http://127.0.0.1:{port}",
        smtp_port=port + 1,
    )
    now = [begins]
    parts = Parts(settings, lambda: now[0])
    await asyncio.to_thread(_open_books, parts)
    parts._client = env.client

    async def follow() -> None:
        while True:
            now[0] = await env.get_current_time()
            await asyncio.sleep(0.02)

    with ThreadPoolExecutor(4) as threads:
        worker = Worker(
            env.client,
            task_queue=settings.task_queue,
            workflows=[LeaveReturnWorkflow],
            activities=parts.activities(),
            activity_executor=threads,
            workflow_runner=runner(),
        )
        async with worker:
            following = asyncio.create_task(follow())
            yield parts
            following.cancel()
    await parts.aclose()


def _open_books(parts: Parts) -> None:
    parts.settings.data_dir.mkdir(parents=True, exist_ok=True)
    migrate(parts.database)
    store_shipped_policies(parts.database)


async def _at_rest(reader: BookReader) -> None:
    """Wait in real time until the deliveries stand still."""
    rows: list[object] = []
    still = time.monotonic()
    deadline = still + REST_S
    while time.monotonic() - still < 2 and time.monotonic() < deadline:
        found: list[object] = [
            tuple(r.values()) for r in reader.rows("SELECT id, state FROM delivery ORDER BY id")
        ]
        if found != rows:
            rows, still = found, time.monotonic()
        await asyncio.sleep(0.2)


def _until_reported(ledger: Ledger) -> None:
    deadline = time.monotonic() + REST_S
    while not ledger.all_reported() and time.monotonic() < deadline:
        time.sleep(0.2)


class _StandIns:
    """The stand-ins as a process that can be away altogether."""

    def __init__(self, folder: Path, port: int) -> None:
        self._folder, self._port = folder, port
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        s = Settings(_env_file=None)  # type: ignore[call-arg]
        command = [
            *(sys.executable, "-m", "countersign.sandbox", "--data-dir", str(self._folder)),
            *("--port", str(self._port), "--smtp-port", str(self._port + 1)),
            *("--account-sid", s.twilio_account_sid, "--auth-token", s.twilio_auth_token.get_secret_value()),
        ]
        log = self._folder.parent / "stand-ins.log"
        with log.open("ab") as out:
            self._process = subprocess.Popen(command, stdout=out, stderr=out)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                ask(self._base, "GET", "/sandbox/faults", timeout_s=2)
                return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError(f"the stand-ins did not start; see {log.name}")

    @property
    def _base(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def only_fault(self, channel: str, mode: str) -> None:
        """Switch every fault of a channel off but this one."""
        for one in ("none", mode):
            body = json.dumps({"channel": channel, "mode": one}).encode()
            ask(self._base, "POST", "/sandbox/faults", body, {"Content-Type": "application/json"})

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(15)
