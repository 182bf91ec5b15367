"""A timestamp authority of a test's own: openssl behind a small server on the loopback address."""

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

_CONFIG = """
[tsa]
default_tsa = mine
[mine]
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ordering = no
tsa_name = yes
ess_cert_id_chain = no
"""


@dataclass
class LocalAuthority:
    """Where the authority answers, and the certificate to check it by; `mood` says how it answers."""

    url: str
    ca: Path
    folder: Path
    asked: int = 0
    mood: str = "well"


def openssl(*arguments: str | Path) -> bytes:
    return subprocess.run(["openssl", *arguments], check=True, capture_output=True).stdout


def make_ca(folder: Path, name: str) -> Path:
    """Make a root certificate; return its file. The key lies beside it."""
    ca = folder / "ca.pem"
    openssl(
        *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30"),
        *("-subj", f"/CN={name}", "-keyout", folder / "ca.key", "-out", ca),
    )
    return ca


def issue(folder: Path, name: str, extensions: str) -> None:
    """Issue a certificate under the folder's root: `<name>.pem` and `<name>.key`."""
    key, request, extra = folder / f"{name}.key", folder / f"{name}.csr", folder / f"{name}.ext"
    extra.write_text(extensions)
    openssl(
        *("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
        *("-subj", f"/CN={name}", "-keyout", key, "-out", request),
    )
    openssl(
        *("x509", "-req", "-in", request, "-CA", folder / "ca.pem", "-CAkey", folder / "ca.key"),
        *("-CAcreateserial", "-days", "20", "-extfile", extra, "-out", folder / f"{name}.pem"),
    )


@contextmanager
def authority(folder: Path) -> Iterator[LocalAuthority]:
    """Yield an authority that answers until the end of the block."""
    folder.mkdir(parents=True, exist_ok=True)
    ca = make_ca(folder, "Test Root")
    issue(folder, "tsa", "extendedKeyUsage=critical,timeStamping\nkeyUsage=critical,digitalSignature\n")
    (folder / "serial").write_text("01\n")
    config = folder / "tsa.cnf"
    config.write_text(_CONFIG.format(folder=folder))
    told: list[LocalAuthority] = []

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told[0].asked += 1
            query = folder / f"{told[0].asked}.tsq"
            query.write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
            content = b"no"
            if told[0].mood == "stale":
                query = folder / "1.tsq"
            if told[0].mood in {"well", "stale"}:
                content = openssl("ts", "-reply", "-config", config, "-queryfile", query)
            self.send_response(500 if told[0].mood == "ill" else 200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            return

    server = HTTPServer(("127.0.0.1", 0), Answers)
    told.append(LocalAuthority(f"http://127.0.0.1:{server.server_port}/tsa", ca, folder))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield told[0]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
