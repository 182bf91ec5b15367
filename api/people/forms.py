"""The answer form: what was typed, and what of it is an answer."""

import re
import secrets
from dataclasses import dataclass, field
from datetime import date

from fastapi import Request
from starlette.datastructures import FormData, UploadFile

from api.language import Sentence, sentence
from countersign.adapters.uploads import UploadFault
from countersign.contracts.cases import ActKind, Process

WORDS_LIMIT = 2000
_YEARS = 3
_NONCE = re.compile(r"[0-9a-f]{32}")
_DATE = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?")

CHOICES = {
    (Process.LEAVE_RETURN, "employee"): (
        ActKind.RETURNS_ON,
        ActKind.EXTENSION_ASKED,
        ActKind.OBJECTED,
        ActKind.RESIGNED,
        ActKind.NOT_ME,
    ),
    (Process.ACKNOWLEDGEMENT, "employee"): (ActKind.ACKNOWLEDGED, ActKind.OBJECTED, ActKind.NOT_ME),
    (Process.STATUTORY, "employee"): (ActKind.ACKNOWLEDGED, ActKind.OBJECTED, ActKind.NOT_ME),
}
_OTHERS = (ActKind.ACKNOWLEDGED, ActKind.NOT_ME)


@dataclass(frozen=True)
class Typed:
    """A form as it was sent, untouched but for the kinds of line ends."""

    answer: str = ""
    on: str = ""
    until: str = ""
    words: str = field(default="", repr=False)
    nonce: str = ""
    shown: str = ""
    file_name: str = field(default="", repr=False)
    file: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Answer:
    """A complete answer; `on` is the day of return or the last day asked for."""

    kind: ActKind
    on: date | None
    words: str = field(repr=False)


@dataclass(frozen=True)
class FieldError:
    """What is wrong with one field; `field` is the id of its input on the page."""

    field: str
    sentence: Sentence


def choices(process: Process, audience: str) -> tuple[ActKind, ...]:
    """Return what a reader of this audience can answer in a case of this process."""
    return CHOICES.get((process, audience), _OTHERS)


def new_nonce() -> str:
    """Return the mark of a freshly opened form: 16 random bytes in hex."""
    return secrets.token_hex(16)


async def read_form(request: Request, upload_limit: int) -> Typed:
    """Read the posted fields and at most one byte more of the file than is allowed."""
    async with request.form(max_files=1, max_fields=20, max_part_size=64 * 1024) as form:
        return await typed_in(form, upload_limit)


async def typed_in(form: FormData, upload_limit: int) -> Typed:
    """Return what stands in a form, of its file at most one byte more than is allowed."""
    file, name = None, ""
    sent = form.get("file")
    if isinstance(sent, UploadFile) and sent.filename:
        file, name = await sent.read(upload_limit + 1), _printable(sent.filename)
    fields = {one: text_in(form, one) for one in ("answer", "on", "until", "words", "nonce", "shown")}
    return Typed(**fields, file_name=name, file=file)


def text_in(form: FormData, name: str) -> str:
    """Return one typed value without blanks around it and without what no printer prints."""
    value = form.get(name)
    if not isinstance(value, str):
        return ""
    return _printable(value.replace("\r\n", "\n").replace("\r", "\n").strip())


def _printable(text: str) -> str:
    return "".join(c for c in text if c == "\n" or c == "\t" or ord(c) >= 32)


def has_nonce(typed: Typed) -> bool:
    """Say whether the form bears a mark of the kind that `new_nonce` makes."""
    return _NONCE.fullmatch(typed.nonce) is not None


def check(typed: Typed, allowed: tuple[ActKind, ...], today: date) -> Answer | list[FieldError]:
    """Return the answer, one of those that are `allowed`, or everything that is missing or wrong."""
    kinds = {kind.value: kind for kind in allowed}
    kind = kinds.get(typed.answer)
    if kind is None:
        first = next(iter(kinds))
        return [FieldError(f"answer-{first}", sentence("Choose one of the answers."))]
    errors: list[FieldError] = []
    on = _day_of(typed, kind, today, errors)
    if kind is ActKind.EXTENSION_ASKED and typed.file is None:
        errors.append(
            FieldError("file", sentence("Attach a paper that shows why the leave should be longer."))
        )
    if kind is ActKind.OBJECTED and not typed.words:
        errors.append(FieldError("words", sentence("Write what you object to.")))
    if len(typed.words) > WORDS_LIMIT:
        too_long = sentence(
            "Your text has %(length)s characters; shorten it to %(limit)s.",
            length=len(typed.words),
            limit=WORDS_LIMIT,
        )
        errors.append(FieldError("words", too_long))
    return errors or Answer(kind, on, typed.words)


def _day_of(typed: Typed, kind: ActKind, today: date, errors: list[FieldError]) -> date | None:
    """Return the day of an answer that has one; add to `errors` what is wrong with it."""
    if kind is ActKind.RETURNS_ON:
        name, text, needed = "on", typed.on, True
    elif kind is ActKind.EXTENSION_ASKED:
        name, text, needed = ("until", typed.until or typed.on, False)
    else:
        return None
    if not text:
        if needed:
            errors.append(FieldError(name, sentence("Give the day on which you will return.")))
        return None
    day = parse_day(text)
    if day is None:
        errors.append(FieldError(name, sentence("Write the date as year-month-day, for example 2026-03-02.")))
    elif abs(day.year - today.year) > _YEARS:
        errors.append(FieldError(name, sentence("The date is years away; check the year.")))
    return day


def parse_day(text: str) -> date | None:
    """Return a date typed as 2026-03-02, 2026/3/2, 2026.3.2 or 2026年3月2日; None when it is no date."""
    found = _DATE.fullmatch(text.replace(" ", ""))
    try:
        return date(*(int(part) for part in found.groups())) if found else None
    except ValueError:
        return None


def typed_day(text: str) -> date | None:
    """Return a day typed like those of `parse_day`, within years that books can have; else None."""
    day = parse_day(text)
    return day if day is not None and 2000 <= day.year <= 2200 else None


def size_in_words(size: int) -> str:
    """Return a size in bytes as people say it, never more than it is."""
    whole = 1024 * 1024
    return f"{size // whole} MB" if size >= whole else f"{max(1, size // 1024)} KB"


def upload_sentence(fault: UploadFault, limit: int) -> Sentence:
    """Return what to tell a person whose file is not taken; `limit` in bytes."""
    if fault is UploadFault.TOO_LARGE:
        size = size_in_words(limit)
        return sentence(
            "The file is larger than %(size)s. Send a smaller one or take a photo of it.", size=size
        )
    return _UPLOAD_SENTENCES[fault]


_UPLOAD_SENTENCES = {
    UploadFault.EMPTY: sentence("The file is empty. Choose it again."),
    UploadFault.NOT_ACCEPTED: sentence(
        "This kind of file is not taken. Send a JPEG or PNG picture or a PDF."
    ),
    UploadFault.PHONE_FORMAT: sentence(
        "WebP and HEIC pictures are not taken. Send a screenshot of the picture, or save it as JPEG."
    ),
    UploadFault.BROKEN_PICTURE: sentence("The picture cannot be read. Take it again."),
    UploadFault.TOO_MANY_PIXELS: sentence("The picture has too many pixels. Send a smaller one."),
    UploadFault.BROKEN_PDF: sentence("The PDF cannot be read. Save it again, or send a photo of the paper."),
    UploadFault.LOCKED_PDF: sentence(
        "The PDF is protected by a password. Save it without one, or send a photo of the paper."
    ),
}
