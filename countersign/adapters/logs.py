"""Logs: one JSON object a line on standard error, with a last guard against personal data."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

_PHONE = re.compile(r"\+\d{7,15}\b|\b1[3-9]\d{9}\b")
_EMAIL = re.compile(r"[^\s@<>\"']+@[^\s@<>\"']+\.[^\s@<>\"']+")
_ID_NUMBER = re.compile(r"\b\d{17}[\dXx]\b")
_LINK = re.compile(r"/n/[0-9A-Za-z-]{6,}")


def redact(text: str) -> str:
    """Return the text without phone numbers, e-mail addresses, ID numbers and link codes.

    The product logs ids only; this is for what libraries write.
    """
    for pattern, word in (
        (_ID_NUMBER, "‹id›"),
        (_PHONE, "‹phone›"),
        (_EMAIL, "‹mail›"),
        (_LINK, "/n/‹code›"),
    ):
        text = pattern.sub(word, text)
    return text


def _redact_event(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    return {key: redact(value) if isinstance(value, str) else value for key, value in event.items()}


def structured_logging(level: int = logging.INFO) -> None:
    """Send every log of this process through one redacting JSON formatter."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_log_level, structlog.stdlib.add_logger_name],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.format_exc_info,
                _redact_event,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # Its access lines hold whole paths, link codes included.
    logging.getLogger("uvicorn.access").disabled = True
