"""The mail intake as a process of its own."""

import os
import signal
import smtplib
import subprocess
import sys
import time
from pathlib import Path

from countersign.adapters.database.migrate import migrate
from countersign.bootstrap import Parts
from countersign.ids import new_id
from countersign.play import free_ports
from countersign.settings import Settings

MAIL = "Subject: failure notice\r\n\r\nno such user\r\n"


def started(folder: Path, port: int, **more: str) -> subprocess.Popen[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COUNTERSIGN_")}
    return subprocess.Popen(
        [sys.executable, "-m", "countersign.cli", "mail-intake", "--port", str(port)],
        env={**kept, "COUNTERSIGN_DATA_DIR": str(folder), **more},
        stderr=subprocess.PIPE,
        text=True,
        cwd=folder,
    )


def connected(port: int) -> smtplib.SMTP:
    for _ in range(300):
        try:
            return smtplib.SMTP("127.0.0.1", port, timeout=30)
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the mail intake does not listen")


def test_mail_is_put_off_until_the_database_is_there_and_then_stored(tmp_path: Path) -> None:
    port, domain = free_ports(1), "intake.example.com"
    process = started(tmp_path, port, COUNTERSIGN_MAIL_INTAKE_DOMAIN=domain)
    try:
        with connected(port) as smtp:
            smtp.ehlo()
            parts = Parts(Settings(data_dir=tmp_path, mail_intake_domain=domain, _env_file=None))  # type: ignore[call-arg]
            to = parts.mail_addresses.return_path(new_id()) or ""
            smtp.mail("")
            smtp.rcpt(to)
            assert smtp.data(MAIL)[0] == 451
            migrate(parts.database)
            smtp.mail("")
            smtp.rcpt(to)
            assert smtp.data(MAIL)[0] == 250
            assert parts.inbox.process() == 1
            parts.database.close()
    finally:
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 0
    assert to not in said
    assert "could not be stored: OperationalError" in said


def test_without_a_domain_the_intake_says_what_to_set(tmp_path: Path) -> None:
    process = started(tmp_path, free_ports(1))
    _, said = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "COUNTERSIGN_MAIL_INTAKE_DOMAIN" in said
