"""The embedded stack: everything on one machine, in one data directory, stopped by one Ctrl-C."""

import asyncio
import ctypes
import fcntl
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from temporalio.client import Client

from countersign import search_attributes
from countersign.adapters.database.accounts import FIRST_LOGIN, ONE_TIME_LASTS, AccountFault, Accounts
from countersign.adapters.database.engine import Database
from countersign.adapters.database.migrate import migrate, settle_mode, store_shipped_policies
from countersign.adapters.database.tokens import Tokens
from countersign.adapters.doctor import network_filesystem
from countersign.adapters.real_clock import utc_now
from countersign.adapters.signing import SigningFault
from countersign.adapters.temporal_namespace import prepare_namespace
from countersign.adapters.temporal_server import (
    RunningServer,
    find_dev_server,
    port_is_free,
    start_dev_server,
)
from countersign.bootstrap import Parts
from countersign.contracts.cases import Role
from countersign.demo import DEMO_HR, DEMO_PASSWORD, load_demo, sample_link
from countersign.settings import Settings

_READY_S = 60
_STOP_S = 35
_RESTARTS_PER_MINUTE = 5
_PR_SET_PDEATHSIG = 1
_LOCAL_DOMAIN = "intake.localhost"
_DATABASES = ("countersign.db", "temporal.db")


def ports_of(first: int) -> dict[str, int]:
    """Return which port each part uses when the console's is `first`."""
    return {
        "console and API": first,
        "outbox and SMS stand-in": first + 1,
        "mail catcher": first + 2,
        "Temporal server": first + 3,
        "Temporal Web UI": first + 4,
        "mail intake": first + 5,
    }


@dataclass(frozen=True)
class StackSettings:
    """What `up` was asked for."""

    data_dir: Path
    port: int
    time_lapse: int = 1
    demo: bool = False


@dataclass
class Child:
    """One process of the stack, started again when it dies."""

    name: str
    command: list[str]
    process: subprocess.Popen[bytes]
    starts: list[float]


class Stack:
    """Starts the parts in order, watches them, stops them in reverse."""

    def __init__(self, wanted: StackSettings) -> None:
        self.wanted, self.ports = wanted, list(ports_of(wanted.port).values())
        self.settings = Settings(data_dir=wanted.data_dir, time_lapse=wanted.time_lapse)
        self._children: list[Child] = []
        self._server: RunningServer | None = None
        self._lock: IO[str] | None = None
        self._books: Database | None = None
        self._stopping = False

    # -- life ---------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Start, print where everything is, and watch until SIGINT or SIGTERM."""
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, self._stop_soon)
        try:
            self.start()
            self._announce()
            while not self._stopping:
                self.revive()
                time.sleep(0.5)
        except KeyboardInterrupt:
            _say("stopping before everything had started")
        finally:
            self.stop()

    def start(self) -> None:
        """Start every part; raises `RuntimeError` with one sentence when one of them cannot."""
        self._claim()
        self._settle()
        address = self.settings.temporal_address or self._start_temporal()
        asyncio.run(_prepare(address, self.settings.temporal_namespace))
        environment = self._environment(address)
        log_dir = self.wanted.data_dir / "logs"
        log_dir.mkdir(exist_ok=True)
        if not self.settings.real_providers:
            self._spawn("stand-ins", self._sandbox_command(), environment)
        if self._mail_domain is not None:
            command = [sys.executable, "-m", "countersign.cli", "mail-intake", "--port", str(self.ports[5])]
            self._spawn("mail-intake", command, environment)
        self._spawn("worker", [sys.executable, "-m", "worker"], environment)
        api = [sys.executable, "-m", "uvicorn", "api.app:serve_app", "--factory", "--no-access-log"]
        self._spawn("api", [*api, "--host", "127.0.0.1", "--port", str(self.wanted.port)], environment)
        self._wait_until_ready()

    def stop(self) -> None:
        """Stop every part that this stack started, the Temporal server last."""
        self._stopping = True
        for child in reversed(self._children):
            child.process.terminate()
        deadline = time.monotonic() + _STOP_S
        for child in reversed(self._children):
            try:
                child.process.wait(max(deadline - time.monotonic(), 0.1))
            except subprocess.TimeoutExpired:
                child.process.kill()
                child.process.wait()
        self._children.clear()
        if self._server is not None:
            self._server.stop()
        if self._books is not None:
            self._books.close()
        if self._lock is not None:
            self._lock.close()

    def _stop_soon(self, *_: object) -> None:
        if self._stopping:
            return
        self._stopping = True
        _say("stopping; running calls are finished first")
        if len(self._children) < 2:
            raise KeyboardInterrupt

    def process_id(self, name: str) -> int:
        """Return the process id of a part: `worker`, `api`, `stand-ins`, `mail-intake` or `temporal`."""
        if name == "temporal" and self._server is not None:
            return self._server.pid
        return next(child.process.pid for child in self._children if child.name == name)

    # -- parts --------------------------------------------------------------------------------------------

    def _claim(self) -> None:
        folder = self.wanted.data_dir
        folder.mkdir(parents=True, exist_ok=True)
        shared = network_filesystem(folder)
        if shared is not None:
            raise RuntimeError(f"The data directory lies on {shared}; choose a folder on a local disk.")
        self._lock = (folder / "up.lock").open("a+")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise RuntimeError(
                "Another stack runs on this data directory; stop it or choose another --data-dir."
            ) from None
        for name, port in ports_of(self.wanted.port).items():
            if not port_is_free(port):
                raise RuntimeError(f"Port {port} ({name}) is taken; choose another first port with --port.")

    def _settle(self) -> None:
        if self.wanted.time_lapse > 1 and self.settings.real_providers:
            raise RuntimeError("Time-lapse never sends to real people: remove the real provider settings.")
        database = Database(self.settings.url)
        migrate(database)
        settle_mode(database, self.wanted.time_lapse)
        store_shipped_policies(database)
        database.close()
        try:
            _ = Parts(self.settings).signer
        except SigningFault as fault:
            raise RuntimeError(str(fault)) from None
        if self.wanted.demo:
            parts = Parts(self.settings)
            load_demo(parts)
            parts.database.close()

    def _start_temporal(self) -> str:
        _say("looking for a Temporal server")
        server = find_dev_server()
        _say(f"Temporal server: {server}")
        self._server = start_dev_server(
            server,
            data_dir=self.wanted.data_dir,
            port=self.ports[3],
            ui_port=self.ports[4],
            search_attributes=search_attributes.TYPES,
        )
        return self._server.address

    def _sandbox_command(self) -> list[str]:
        s = self.settings
        return [
            *(sys.executable, "-m", "countersign.sandbox"),
            *("--data-dir", str(self.wanted.data_dir / "sandbox")),
            *("--port", str(self.ports[1]), "--smtp-port", str(self.ports[2])),
            *("--account-sid", s.twilio_account_sid),
            *("--auth-token", s.twilio_auth_token.get_secret_value()),
            *("--inbound-url", f"{self.base_url}/hooks/twilio/inbound"),
            *("--intake-host", "127.0.0.1", "--intake-port", str(self.ports[5])),
        ]

    @property
    def _mail_domain(self) -> str | None:
        """Where mail comes back: the setting, else with the stand-ins a domain that exists nowhere else."""
        local = None if self.settings.real_providers else _LOCAL_DOMAIN
        return self.settings.mail_intake_domain or local

    @property
    def base_url(self) -> str:
        """Where people reach the pages: the setting, else this machine."""
        if "public_base_url" in self.settings.model_fields_set:
            return self.settings.public_base_url
        return f"http://127.0.0.1:{self.wanted.port}"

    def _environment(self, address: str) -> Mapping[str, str]:
        more = {
            "COUNTERSIGN_DATA_DIR": str(self.wanted.data_dir),
            "COUNTERSIGN_TIME_LAPSE": str(self.wanted.time_lapse),
            "COUNTERSIGN_PUBLIC_BASE_URL": self.base_url,
            "TEMPORAL_ADDRESS": address,
            "PYTHONUNBUFFERED": "1",
        }
        if self._server is not None and self._server.ui_url:
            more["COUNTERSIGN_UI_BASE_URL"] = self._server.ui_url
        if self._mail_domain is not None:
            more["COUNTERSIGN_MAIL_INTAKE_DOMAIN"] = self._mail_domain
        if not self.settings.real_providers:
            more["COUNTERSIGN_TWILIO_BASE_URL"] = f"http://127.0.0.1:{self.ports[1]}"
            more["COUNTERSIGN_SMTP_HOST"] = "127.0.0.1"
            more["COUNTERSIGN_SMTP_PORT"] = str(self.ports[2])
        return {**os.environ, **more}

    def _spawn(self, name: str, command: list[str], environment: Mapping[str, str]) -> None:
        process = self._launch(name, command, environment)
        self._children.append(Child(name, command, process, [time.monotonic()]))
        self._child_environment = environment

    def _launch(
        self, name: str, command: list[str], environment: Mapping[str, str]
    ) -> subprocess.Popen[bytes]:
        log = self.wanted.data_dir / "logs" / f"{name}.log"
        with log.open("ab") as out:
            # A session of its own, so that Ctrl-C reaches us alone and we decide the order of stopping.
            return subprocess.Popen(  # noqa: S603  our own interpreter and arguments
                command,
                env=dict(environment),
                stdout=out,
                stderr=out,
                start_new_session=True,
                preexec_fn=_end_with_parent,
            )

    def revive(self) -> None:
        """Start a part again that died by itself; give up when it dies again and again."""
        if self._server is not None and not self._server.running:
            _say("the Temporal server stopped by itself and is started again; see temporal.log")
            self._start_temporal()
        for child in self._children:
            if child.process.poll() is None:
                continue
            now = time.monotonic()
            child.starts = [start for start in child.starts if now - start < 60] + [now]
            if len(child.starts) > _RESTARTS_PER_MINUTE:
                raise RuntimeError(f"The {child.name} stops again and again; see logs/{child.name}.log.")
            _say(f"the {child.name} stopped by itself and is started again; see logs/{child.name}.log")
            child.process = self._launch(child.name, child.command, self._child_environment)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _READY_S
        address = f"http://127.0.0.1:{self.wanted.port}/readyz"
        while time.monotonic() < deadline:
            for child in self._children:
                if child.process.poll() is not None:
                    raise RuntimeError(f"The {child.name} did not start; see logs/{child.name}.log.")
            try:
                with urllib.request.urlopen(address, timeout=2) as answer:
                    if answer.status == 200:
                        return
            except OSError:
                time.sleep(0.2)
        raise RuntimeError("The API did not become ready in a minute; see logs/api.log.")

    # -- words --------------------------------------------------------------------------------------------

    def _announce(self) -> None:
        base = f"http://127.0.0.1:{self.wanted.port}"
        console = self._first_sign_in(base)
        lines = [("Console (signs in once)", console), ("API documentation", f"{base}/docs")]
        if self.wanted.demo:
            lines += self._demo_lines(base)
        if not self.settings.real_providers:
            lines.append(("Outbox (SMS, mail)", f"http://127.0.0.1:{self.ports[1]}/outbox"))
        ui = self._server.ui_url if self._server is not None else self.settings.ui_base_url
        if ui:
            lines.append(("Temporal Web UI", ui))
        if self.wanted.time_lapse > 1:
            lines.append(("Time-lapse", f"{self.wanted.time_lapse} times faster; nothing here is real time"))
        lines.append(("Data", str(self.wanted.data_dir)))
        width = max(len(name) for name, _ in lines)
        body = "\n".join(f"  {name:<{width}}  {text}" for name, text in lines)
        sys.stdout.write(f"\nCountersign is running. Ctrl-C stops it; the data stays.\n\n{body}\n\n")
        sys.stdout.flush()

    def _first_sign_in(self, base: str) -> str:
        """Return a link that signs in once: the demo's HR, else the administrator of the first start.

        In an installation where that account was shut it is the page for signing in.
        """
        accounts = Accounts(self._database(), utc_now)
        account = (accounts.by_login(DEMO_HR) if self.wanted.demo else None) or accounts.by_login(FIRST_LOGIN)
        is_new = account is None
        if account is None:
            try:
                account = accounts.create(
                    FIRST_LOGIN, FIRST_LOGIN, Role.SYSTEM_ADMINISTRATOR, created_by="first start"
                )
            except AccountFault:
                return f"{base}/console/sign-in"
        then_password = is_new and self.settings.oidc_issuer is None
        code = accounts.new_one_time(account, ONE_TIME_LASTS, then_password=then_password)
        return f"{base}/console/one-time/{code}"

    def _database(self) -> Database:
        if self._books is None:
            self._books = Database(self.settings.url)
        return self._books

    def _demo_lines(self, base: str) -> list[tuple[str, str]]:
        token = Tokens(self._database(), utc_now).create(Role.HR, None)
        lines = [("Password of all demo accounts", DEMO_PASSWORD), ("Token (role HR)", token)]
        link = sample_link(base, f"http://127.0.0.1:{self.ports[1]}")
        return lines if link is None else [*lines, ("Sample employee link", link)]


async def _prepare(address: str, namespace: str) -> None:
    client = await Client.connect(address, namespace=namespace)
    await prepare_namespace(client, search_attributes=search_attributes.TYPES)


def _end_with_parent() -> None:
    """Ask the kernel to end this process when the stack is killed, so that nothing keeps running alone."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _say(sentence: str) -> None:
    sys.stderr.write(f"countersign: {sentence}\n")
    sys.stderr.flush()


# -- backup ------------------------------------------------------------------------------------------------


def back_up(data_dir: Path, archive: Path) -> dict[str, int]:
    """Write everything in the data directory into one ZIP; raises `RuntimeError` while the stack runs."""
    with _stopped(data_dir), tempfile.TemporaryDirectory() as folder:
        files: dict[str, Path] = {}
        for name in _DATABASES:
            source = data_dir / name
            if source.exists():
                copy = Path(folder) / name
                with sqlite3.connect(source) as connection:
                    # The write-ahead log is folded in; a plain copy of the file would miss it.
                    connection.execute("VACUUM INTO ?", (str(copy),))
                files[name] = copy
        for tree in ("anchors", "documents", "secrets", "sandbox"):
            root = data_dir / tree
            files |= {str(f.relative_to(data_dir)): f for f in sorted(root.rglob("*")) if f.is_file()}
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as out:
            for name, file in files.items():
                out.write(file, name)
        archive.chmod(0o600)
    return {"files": len(files), "bytes": archive.stat().st_size}


def bring_back(data_dir: Path, archive: Path) -> dict[str, int]:
    """Unpack a backup; raises `RuntimeError` unless the data directory is empty of data."""
    if any((data_dir / name).exists() for name in _DATABASES):
        raise RuntimeError(
            "The data directory holds data already; choose an empty one by COUNTERSIGN_DATA_DIR."
        )
    try:
        with zipfile.ZipFile(archive) as source:
            names = source.namelist()
            if "countersign.db" not in names:
                raise RuntimeError(
                    f"{archive.name}: is no backup of Countersign (countersign.db is missing)."
                )
            inside = data_dir.absolute()
            if any(not (inside / name).resolve().is_relative_to(inside) for name in names):
                raise RuntimeError(
                    f"{archive.name}: names files outside the data directory; it is no backup."
                )
            data_dir.mkdir(parents=True, exist_ok=True)
            source.extractall(data_dir)
    except (OSError, zipfile.BadZipFile) as error:
        raise RuntimeError(f"{archive.name}: cannot be read as a backup ({error}).") from None
    secrets = data_dir / "secrets"
    if secrets.exists():
        secrets.chmod(0o700)
        for file in secrets.iterdir():
            file.chmod(0o600)
    return {"files": len(names)}


class _stopped:
    """Hold the data directory's lock, so that no stack runs meanwhile."""

    def __init__(self, data_dir: Path) -> None:
        if not data_dir.exists():
            raise RuntimeError(f"There is no data directory {data_dir}; set COUNTERSIGN_DATA_DIR.")
        self._file = (data_dir / "up.lock").open("a+")

    def __enter__(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise RuntimeError("The stack is running on this data directory; stop it first.") from None

    def __exit__(self, *_: object) -> None:
        self._file.close()
