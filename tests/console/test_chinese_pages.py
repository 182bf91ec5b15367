"""The pages in Chinese hold no English but names, codes and what people wrote."""

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest

from countersign.adapters.database.migrate import store_shipped_policies
from countersign.adapters.real_clock import utc_now
from countersign.contracts.cases import Role
from tests.console.test_console_matrix import MATRIX, OUTSIDE
from tests.support.company import BEIJING, NUMBER, add_leave, company
from tests.support.console import browser

IDS = {"number": NUMBER, "name": "leave_return_standard", "year": "2027"}
"""What stands in addresses; a text's address and all others hold what is not there."""
TEXTS = tuple(
    f"/console/texts/leave_return/{name}/zh-CN/{form}"
    for name, form in (("first_notice", "sms"), ("paper_notice", "page"), ("emergency_contact", "email"))
)
_ENGLISH = re.compile(r"[A-Za-z][A-Za-z'’]+(?:[ ,;]+[A-Za-z'’]+){2,}")
_HALF_WIDTH = re.compile(r"[一-鿿][:;,!?]\s|[一-鿿] ?\((?!https?:)[^)]*[一-鿿]")
_NOT_READ = re.compile(r"<(script|style|svg|code|textarea|dfn)\b.*?</\1>", re.DOTALL)
_IN_ENGLISH = re.compile(r'<(\w+)[^>]* lang="en"[^>]*>.*?</\1>', re.DOTALL)


def said(html: str) -> Iterator[str]:
    """Yield what a page says, piece by piece: its text, its hints and what a screen reader is told."""
    html = _IN_ENGLISH.sub(" ", _NOT_READ.sub(" ", html))
    yield from re.findall(r'(?:placeholder|title|aria-label|data-label)="([^"]+)"', html)
    for piece in re.split(r"<[^>]+>", html):
        yield " ".join(unescape(piece).split())


def addresses(role: Role) -> Iterator[str]:
    """Yield the pages of a role, without those that the glossary of two languages stands on."""
    for line, roles in MATRIX.items():
        method, path = line.split(" ")
        if method == "GET" and (roles == OUTSIDE or role in roles):
            if not re.search(r"static|glossary|\.|\{rest|oidc|/texts/\{", path):
                yield re.sub(r"\{(\w+)\}", lambda found: IDS.get(found[1], "0" * 26), path)


def foreign(html: str) -> list[str]:
    """Return what a reader of Chinese would stumble over."""
    return [one for one in said(html) if _ENGLISH.search(one) or _HALF_WIDTH.search(one)]


@pytest.mark.parametrize("role", [Role.SYSTEM_ADMINISTRATOR, Role.MANAGER])
async def test_the_pages_in_chinese_hold_no_english(tmp_path: Path, role: Role) -> None:
    """A system administrator has every page that HR has."""
    parts = company(tmp_path, utc_now)
    store_shipped_policies(parts.database)
    start = f"/console/start/leave/{add_leave(parts, utc_now().date())}"
    more = () if role is Role.MANAGER else (*TEXTS, start)
    number = NUMBER if role is Role.MANAGER else None
    found: dict[str, list[str]] = {}
    async with browser(parts, role, language="zh-CN", branch=BEIJING, number=number) as reader:
        for path in dict.fromkeys((*addresses(role), *more)):
            answer = await reader.get(path)
            if "html" in answer.headers["content-type"] and (strange := foreign(answer.text)):
                found[path] = strange
    parts.database.close()
    assert not found


def test_english_and_half_width_marks_are_found() -> None:
    assert foreign("<p>Nothing waits here</p>") == ["Nothing waits here"]
    assert foreign("<p>渠道: 短信</p><p>张伟 (本人)</p>") == ["渠道: 短信", "张伟 (本人)"]
    assert foreign('<i lang="en">one two three</i><p>短信：已发出，HR 用 Excel 导出</p>') == []
