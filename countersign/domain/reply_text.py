"""What a person wrote in a mail, apart from the history that mail programs hang under it."""

import re
import unicodedata
from html.parser import HTMLParser

_QUOTED = re.compile(r"[ \t]{0,3}[>＞]")
_SEPARATOR = re.compile(
    r"[\s*]*[-—_=─]{2,}\s*"
    r"(?:original message|original email|reply message|forwarded message|begin forwarded message"
    r"|原始邮件|原邮件|回复的原邮件|邮件原件|转发的邮件|原始郵件)"
    r"\s*[-—_=─]{2,}[\s*]*",
    re.IGNORECASE,
)
_RULE = re.compile(r"\s*_{10,}\s*")
_WROTE = re.compile(r".*(?:\bwrote|写道|寫道)\s*[:：]\s*", re.IGNORECASE)
_WROTE_ABOVE = re.compile(r"\s*(?:on\b|在)", re.IGNORECASE)
_FIELD = re.compile(
    r"[\s*>]*(from|sent|date|to|cc|subject|发件人|发送时间|发送日期|日期|时间|收件人|抄送|主题"
    r"|寄件者|寄件日期|收件者|主旨)[\s*]{0,4}[:：]",
    re.IGNORECASE,
)
_FIRST_FIELDS = frozenset({"from", "发件人", "寄件者"})
_BLOCK_TAGS = frozenset(
    {
        "address",
        "article",
        "blockquote",
        "div",
        "h1",
        "h2",
        "h3",
        "h4",
        "li",
        "ol",
        "p",
        "pre",
        "table",
        "tr",
        "ul",
    }
)
_UNSHOWN_TAGS = frozenset({"head", "script", "style", "title"})
_SPACE = re.compile(r"\s+")
_TAG = re.compile(r"<[^>]*>")
_SHORTEST_TELLING = 8


def own_text(text: str) -> str:
    """Return `text` without the history below it; whole where it is not sure where that begins.

    Answers between quoted lines keep the quotes around them, since neither can be read alone.
    """
    lines = text.splitlines()
    quotes = _quotes_to_the_end(lines)
    cut = next((i for i in range(len(lines)) if _history_begins(lines, i, quotes)), len(lines))
    if 0 < cut < len(lines) and _WROTE.fullmatch(lines[cut]) and _WROTE_ABOVE.match(lines[cut - 1]):
        cut -= 1
    kept = "\n".join(lines[:cut]).strip()
    return kept or text.strip()


def text_above_quote(text: str) -> str:
    """Return only what stands above the first trace of a quote: too little rather than a quoted line."""
    above = []
    for line in text.splitlines():
        first = _FIELD.match(line)
        if (
            _QUOTED.match(line)
            or _WROTE.fullmatch(line)
            or _SEPARATOR.fullmatch(line)
            or _RULE.fullmatch(line)
            or (first is not None and first[1].lower() in _FIRST_FIELDS)
        ):
            break
        above.append(line)
    return "\n".join(above).strip()


def without_original(text: str, original: str) -> str:
    """Return the lines of `text` above the first one that stands in `original`, the mail that was answered.

    Some programs quote without any mark; a line of ours is then the only sign. Short lines say nothing.
    """
    whole = _squeezed(original)
    own = []
    for line in text.splitlines():
        squeezed = _squeezed(line)
        if len(squeezed) >= _SHORTEST_TELLING and squeezed in whole and not _only_code(line):
            break
        own.append(line)
    return "\n".join(own).strip()


def _only_code(line: str) -> bool:
    """Say whether a line is nothing but letters, digits and dashes, as somebody types a receipt code."""
    return re.fullmatch(r"\s*[0-9A-Za-z -]{12,20}\s*", line) is not None


def _squeezed(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).split())


def _history_begins(lines: list[str], start: int, quotes: int) -> bool:
    """Say whether the history begins at a line; `quotes` is where nothing but quoted lines is left."""
    line = lines[start]
    if _SEPARATOR.fullmatch(line) or _fields_begin(lines, start):
        return True
    below = next((i for i in range(start + 1, min(start + 6, len(lines))) if lines[i].strip()), None)
    if _RULE.fullmatch(line):
        return below is not None and _fields_begin(lines, below)
    if _WROTE.fullmatch(line):
        return below is not None and below >= quotes
    return start >= quotes and _QUOTED.match(line) is not None


def _fields_begin(lines: list[str], start: int) -> bool:
    """Say whether the head of an older mail stands here: its sender, then two more of its fields."""
    first = _FIELD.match(lines[start])
    if first is None or first[1].lower() not in _FIRST_FIELDS:
        return False
    below = [line for line in lines[start + 1 : start + 8] if line.strip()]
    return sum(_FIELD.match(line) is not None for line in below[:4]) >= 2


def _quotes_to_the_end(lines: list[str]) -> int:
    """Return the first line from which on every one is quoted or empty; their number when there is none."""
    first = len(lines)
    for i in reversed(range(len(lines))):
        if _QUOTED.match(lines[i]):
            first = i
        elif lines[i].strip():
            break
    return first


# -- HTML -------------------------------------------------------------------------------------------------


class _Text(HTMLParser):
    """Collects the text of a page; what stands in a block quote gets the mark of a quoted line."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines, self._line = [""], ""
        self._quotes, self._unshown = 0, 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _UNSHOWN_TAGS:
            self._unshown += 1
        if tag == "br" or tag in _BLOCK_TAGS:
            self.end_line()
        if tag == "blockquote":
            self._quotes += 1

    def handle_endtag(self, tag: str) -> None:
        if tag in _UNSHOWN_TAGS:
            self._unshown = max(self._unshown - 1, 0)
        if tag in _BLOCK_TAGS:
            self.end_line()
        if tag == "blockquote":
            self._quotes = max(self._quotes - 1, 0)

    def handle_data(self, data: str) -> None:
        if not self._unshown:
            self._line += _SPACE.sub(" ", data)

    def end_line(self) -> None:
        """Close the line being collected."""
        if self._line.strip():
            self.lines.append("> " * min(self._quotes, 3) + self._line.strip())
        self._line = ""


def html_as_text(html: str) -> str:
    """Return the text of a page, a line for each block; quoted blocks begin with `>`."""
    reader = _Text()
    try:
        reader.feed(html)
        reader.close()
    except (AssertionError, ValueError):
        # The parser gives up on some malformed declarations; what a person wrote must still be read.
        return _TAG.sub(" ", html).strip()
    reader.end_line()
    return "\n".join(reader.lines).strip()
