"""What employees hold for the company, as lists tell it: fields, headers, what is refused."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from countersign.domain.departure import Track

DETAILS: Mapping[Track, tuple[str, ...]] = {
    Track.DOCUMENTS: ("location", "kind"),
    Track.CUSTOMERS: ("contact_name", "contact_way", "follow_up"),
    Track.EQUIPMENT: ("model", "serial_number", "condition"),
}
"""What is told of a holding beyond its number and name: where a document lies and what it is; with whom a
customer speaks, how, and how far one is; model, serial number and condition of equipment when given out."""

HEADERS: Mapping[Track, Mapping[str, str]] = {
    Track.DOCUMENTS: {
        "reference": "文件编号",
        "title": "文件名称",
        "holder": "责任人工号",
        "location": "存放位置",
        "kind": "文件类别",
        "mandatory": "必须移交",
        "receiver": "接收人工号",
    },
    Track.CUSTOMERS: {
        "reference": "客户编号",
        "title": "客户名称",
        "contact_name": "联系人",
        "contact_way": "联系方式",
        "follow_up": "跟进状态",
        "holder": "责任人工号",
        "mandatory": "必须移交",
        "receiver": "接收人工号",
    },
    Track.EQUIPMENT: {
        "reference": "资产编号",
        "title": "资产名称",
        "model": "型号",
        "serial_number": "序列号",
        "holder": "使用人工号",
        "condition": "领用状况",
        "value": "价值(元)",
        "mandatory": "必须归还",
    },
}
"""Each column of a list by its field, which is also its English header, in the order of the template."""

OTHER_HEADERS: Mapping[str, str] = {
    "必须移交(是/否)": "mandatory",
    "必须归还(是/否)": "mandatory",
    "是否必须移交": "mandatory",
    "是否必须归还": "mandatory",
    "价值": "value",
    "价值元": "value",
    "value_yuan": "value",
    "document_number": "reference",
    "document_name": "title",
    "customer_number": "reference",
    "customer_name": "title",
    "asset_number": "reference",
    "asset_name": "title",
    "responsible_number": "holder",
    "user_number": "holder",
    "receiver_number": "receiver",
    "must_return": "mandatory",
}
"""Other headers that name the same columns; what stands in brackets in a paper form is often copied."""

REQUIRED = ("reference", "title", "holder")
"""Without these a row is no holding."""

TEXT_LIMITS: Mapping[str, int] = {"reference": 100, "title": 200}
DETAIL_LIMIT = 500
"""Characters that a text may have; `DETAIL_LIMIT` holds for every detail."""

MOST_FEN = 10**13
"""A hundred billion yuan: more is a slip of the pen."""

_YUAN = re.compile(
    r"(?:¥|RMB|CNY)?\s*([0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.([0-9]+))?\s*(?:元|RMB|CNY)?", re.I
)
_WORDS = {"是": True, "否": False, "yes": True, "no": False, "y": True, "n": False} | {
    "true": True,
    "false": False,
    "1": True,
    "0": False,
}


@dataclass(frozen=True)
class HoldingWish:
    """One holding as somebody tells it; people by their employee numbers, money in integer fen."""

    track: Track
    reference: str
    holder: str = field(repr=False)
    title: str = field(repr=False)
    details: Mapping[str, str] = field(default_factory=dict, repr=False)
    mandatory: bool = True
    value_fen: int | None = None
    receiver: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class HoldingFault:
    """Why a holding is refused: the field to mend, a code, and a sentence that repeats no value."""

    field: str
    code: str
    sentence: str


def fen_of_yuan(text: str) -> int:
    """Return the fen of an amount in yuan such as `6500`, `6,500.50` or `¥6500.5元`, exactly.

    Raises `ValueError` for what is no amount, has parts of a fen, or is beyond all measure.
    """
    found = _YUAN.fullmatch(text.strip())
    if found is None:
        raise ValueError("is no amount in yuan; write digits alone, such as 6500 or 6500.50")
    decimals = (found[2] or "").rstrip("0")
    if len(decimals) > 2:
        raise ValueError("has parts of a fen; write at most two decimals, such as 6500.50")
    fen = int(found[1].replace(",", "")) * 100 + int(decimals.ljust(2, "0"))
    if fen > MOST_FEN:
        raise ValueError("is beyond all measure; check the amount")
    return fen


def yes_or_no(text: str) -> bool:
    """Return what 是, 否, yes, no, y, n, true, false, 1 or 0 means; raises `ValueError` for anything else."""
    meant = _WORDS.get(text.strip().casefold())
    if meant is None:
        raise ValueError("is neither 是 nor 否; write one of the two")
    return meant


def short_enough(name: str, text: str) -> str:
    """Return a text that fits its field; raises `ValueError` for one that does not."""
    limit = TEXT_LIMITS.get(name, DETAIL_LIMIT)
    if len(text) > limit:
        raise ValueError(f"holds more than {limit} characters; shorten it")
    return text


def doubled(references: Iterable[str]) -> dict[int, int]:
    """Return the places of references that stood before, each with the place where it stood first."""
    first: dict[str, int] = {}
    found = {}
    for place, reference in enumerate(references):
        if reference in first:
            found[place] = first[reference]
        else:
            first[reference] = place
    return found
