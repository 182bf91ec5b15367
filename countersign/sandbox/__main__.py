"""Start the stand-ins: `python -m countersign.sandbox --data-dir D --port P --smtp-port Q …`."""

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path

from countersign.domain.sms_templates import registered_texts
from countersign.sandbox.aliyun import AliyunAccount
from countersign.sandbox.server import PortTaken, SandboxSettings, sandbox


def _settings(arguments: list[str]) -> SandboxSettings:
    parser = argparse.ArgumentParser(
        prog="python -m countersign.sandbox",
        description="Stand-ins for the SMS provider and the mail server, with a page that shows what left.",
    )
    parser.add_argument("--data-dir", type=Path, required=True, help="folder that keeps the messages")
    parser.add_argument("--port", type=int, required=True, help="port of the SMS API and the outbox page")
    parser.add_argument("--smtp-port", type=int, required=True, help="port of the mail catcher")
    parser.add_argument("--account-sid", required=True, help="account that the SMS client uses")
    parser.add_argument("--auth-token", required=True, help="token of that account; signs the callbacks")
    parser.add_argument("--inbound-url", help="where texts from people are posted")
    parser.add_argument("--intake-host", default="127.0.0.1", help="where bounces and answers of mails go")
    parser.add_argument("--intake-port", type=int, help="port there; without it nothing comes back")
    parser.add_argument("--step-seconds", type=float, default=0.4, help="time between two statuses of an SMS")
    parser.add_argument("--seed", type=int, default=0, help="seed of the dice that spread faults")
    parser.add_argument("--aliyun-key-id", help="access key of the domestic SMS provider's stand-in")
    parser.add_argument("--aliyun-key-secret", default="", help="secret of that access key")
    parser.add_argument("--aliyun-signature", default="", help="approved signature, without brackets")
    parser.add_argument("--aliyun-templates", type=Path, help="file of the registered texts")
    parser.add_argument("--aliyun-report-url", help="where its delivery reports are pushed")
    options = vars(parser.parse_args(arguments))
    own = {name: options.pop(name) for name in list(options) if name.startswith("aliyun_")}
    return SandboxSettings(**options, aliyun=_aliyun(**own) if own["aliyun_key_id"] else None)


def _aliyun(
    *,
    aliyun_key_id: str,
    aliyun_key_secret: str,
    aliyun_signature: str,
    aliyun_templates: Path | None,
    aliyun_report_url: str | None,
) -> AliyunAccount:
    content = aliyun_templates.read_text(encoding="utf-8") if aliyun_templates else "{}"
    known = registered_texts(content, "--aliyun-templates").texts.values()
    texts = {text.code: text.text for text in known}
    return AliyunAccount(aliyun_key_id, aliyun_key_secret, (aliyun_signature,), texts, aliyun_report_url)


async def _run(settings: SandboxSettings) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with sandbox(settings) as running:
        ready = {
            "event": "sandbox.ready",
            "url": running.url,
            "outbox": f"{running.url}/outbox",
            "smtp_host": running.smtp_host,
            "smtp_port": running.smtp_port,
        }
        sys.stderr.write(json.dumps(ready) + "\n")
        sys.stderr.flush()
        await stop.wait()


def main() -> int:
    """Run until SIGINT or SIGTERM; 0 then, 2 when a port is taken."""
    try:
        asyncio.run(_run(_settings(sys.argv[1:])))
    except PortTaken as taken:
        sys.stderr.write(f"{taken}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
