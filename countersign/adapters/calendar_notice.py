"""The State Council's yearly notice on days off, read from its words.

The form has been the same for years: a numbered line per holiday that names the days off, how many they are,
and the weekend days that are worked in their place. Whatever a line says beyond that form is refused, because
a day that is misread moves deadlines.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from countersign.domain.calendar import CalendarYear, WorkCalendar

_HOLIDAYS = ("元旦", "春节", "清明节", "劳动节", "端午节", "中秋节", "国庆节")
_WEEK = "一二三四五六日"
_SATURDAY = 5
_LONGEST_RUN = 15
_TITLE = re.compile(r"关于(\d{4})年部分节假日安排的通知")
_NUMBER = re.compile(r"国办发(?:明电)?[〔\[（(](\d{4})[〕\]）)]\s*(\d+)\s*号")
_ITEM = re.compile(r"[一二三四五六七八九十]+、([^：:]{2,20})[：:](.*)", re.DOTALL)
_NOTE = r"(?:（([^（）]*)）)?"
_START = rf"(?:(\d{{4}})年)?(\d{{1,2}})月(\d{{1,2}})日{_NOTE}"
_END = rf"(?:至(?:(\d{{4}})年)?(?:(\d{{1,2}})月)?(\d{{1,2}})日{_NOTE})?"
_OFF = re.compile(rf"{_START}{_END}(?:放假调休|放假公休|放假)(?:，?共?(\d+)天)?(?:，不调休|，与周末连休)?")
_WORK = re.compile(rf"{_START}")
_SPEAKS_OF_DAYS = re.compile(
    r"\d{1,2}月\d{1,2}日(?:（[^）]*）)?(?:至[^。，]{1,30}?)?(?:放假|调休|上班|照常上班|休息)"
)
_LIKE_OFF, _LIKE_WORK = "1月1日（周四）至3日（周六）放假调休，共3天", "1月4日（周日）上班"


@dataclass(frozen=True)
class NoticeFault:
    """What cannot be read; `line` counts from 1, None when the notice as a whole is meant."""

    line: int | None
    sentence: str


class NoticeRefused(ValueError):
    """A notice that cannot be taken, with everything that is wrong with it."""

    def __init__(self, faults: list[NoticeFault]) -> None:
        super().__init__(faults[0].sentence)
        self.faults = faults


@dataclass(frozen=True)
class Notice:
    """What a notice says of its year, and of the last days of the December before it."""

    year: CalendarYear
    off_before: tuple[date, ...] = ()
    work_before: tuple[date, ...] = ()

    def years(self, calendar: WorkCalendar) -> tuple[CalendarYear, ...]:
        """Return every year that the notice changes; raises `NoticeRefused` when one is not known yet."""
        if not self.off_before and not self.work_before:
            return (self.year,)
        before = next((one for one in calendar.years if one.year == self.year.year - 1), None)
        if before is None:
            told = (
                f"the notice moves days of {self.year.year - 1}, whose calendar is not known; "
                f"import the notice of {self.year.year - 1} first"
            )
            raise NoticeRefused([NoticeFault(None, told)])
        off = (set(before.off) - set(self.work_before)) | set(self.off_before)
        work = (set(before.work) - set(self.off_before)) | set(self.work_before)
        return (
            CalendarYear(before.year, tuple(sorted(off)), tuple(sorted(work)), before.paper),
            self.year,
        )


def read_notice(text: str, source: str = "") -> Notice:
    """Read a pasted notice; `source` is the address that it was copied from, for a text without its number.

    Raises `NoticeRefused` with every fault by line. Every weekday and every count that the notice names must
    be right, all seven holidays must stand in it, and days worked instead fall on weekends.
    """
    lines = [_plain(line) for line in text.split("\n")]
    year = _year(lines)
    reading = _Reading(year)
    for number, line in enumerate(lines, 1):
        reading.take(number, line)
    reading.close()
    paper = _paper(lines, source)
    if paper is None:
        told = "the notice does not name its number (国办发明电〔…〕…号); paste it too, or give its address"
        reading.faults.append(NoticeFault(None, told))
    if reading.faults:
        raise NoticeRefused(sorted(reading.faults, key=lambda fault: fault.line or 0))
    off, work = sorted(reading.off), sorted(reading.work)
    return Notice(
        CalendarYear(
            year,
            tuple(day for day in off if day.year == year),
            tuple(day for day in work if day.year == year),
            paper or "",
        ),
        tuple(day for day in off if day.year == year - 1),
        tuple(day for day in work if day.year == year - 1),
    )


class _Reading:
    """Takes the lines of a notice one by one."""

    def __init__(self, year: int) -> None:
        self.year = year
        self.off: dict[date, int] = {}
        self.work: dict[date, int] = {}
        self.named: set[str] = set()
        self.faults: list[NoticeFault] = []

    def take(self, number: int, line: str) -> None:
        item = _ITEM.fullmatch(line)
        if item is None:
            if _SPEAKS_OF_DAYS.search(line):
                told = (
                    "speaks of days off in a form that is not known; write it as 一、元旦：1月1日（周四）放假"
                )
                self.faults.append(NoticeFault(number, told))
            return
        holidays = re.split(r"[、和]", item[1])
        unknown = [one for one in holidays if one not in _HOLIDAYS]
        if unknown:
            self.faults.append(NoticeFault(number, f"names the unknown holiday {unknown[0][:20]}"))
        for one in holidays:
            if one in self.named:
                self.faults.append(NoticeFault(number, f"names {one} a second time"))
            self.named.add(one)
        sentences = [one for one in item[2].split("。") if one]
        if not sentences:
            self.faults.append(NoticeFault(number, "names no days off"))
        for place, sentence in enumerate(sentences):
            found = self._off(sentence) if place == 0 else self._work(sentence)
            self.faults += [NoticeFault(number, told) for told in found]
        self._remember_lines(number)

    def close(self) -> None:
        """Say what the notice lacks as a whole."""
        lacking = [one for one in _HOLIDAYS if one not in self.named]
        if lacking:
            told = f"the notice names no days off for {'、'.join(lacking)}; paste the whole notice"
            self.faults.append(NoticeFault(None, told))
        both = sorted(self.off.keys() & self.work.keys())
        self.faults += [
            NoticeFault(self.work[day] or None, f"{day} is named as a day off and as a working day")
            for day in both
        ]

    def _remember_lines(self, number: int) -> None:
        for days in (self.off, self.work):
            days.update({day: number for day, line in days.items() if not line})

    def _off(self, sentence: str) -> Iterator[str]:
        found = _OFF.fullmatch(sentence)
        if found is None:
            yield f'cannot be read at "{sentence[:30]}"; write it as {_LIKE_OFF}'
            return
        first = self._day(found[1], found[2], found[3])
        last = first if found[7] is None else self._day(found[5] or found[1], found[6] or found[2], found[7])
        if first is None or last is None:
            yield f'names a day that does not exist at "{sentence[:30]}"'
            return
        if last < first or (last - first).days >= _LONGEST_RUN:
            yield f"the days off from {first} to {last} are no row of at most {_LONGEST_RUN} days"
            return
        yield from self._is_weekday(first, found[4])
        if found[7] is not None:
            yield from self._is_weekday(last, found[8])
        days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
        if found[9] is not None and int(found[9]) != len(days):
            yield f"says {found[9]} days, and {first} to {last} are {len(days)}"
        yield from self._take(days, self.off)

    def _work(self, sentence: str) -> Iterator[str]:
        if not sentence.endswith("上班"):
            yield f'cannot be read at "{sentence[:30]}"; after the days off stand days like {_LIKE_WORK}'
            return
        for part in sentence.removesuffix("上班").split("、"):
            found = _WORK.fullmatch(part)
            day = None if found is None else self._day(found[1], found[2], found[3])
            if found is None or day is None:
                yield f'cannot be read at "{part[:30]}"; after the days off stand days like {_LIKE_WORK}'
                continue
            yield from self._is_weekday(day, found[4])
            if day.weekday() < _SATURDAY:
                yield f"{day} is no weekend day and a working day anyway"
            yield from self._take([day], self.work)

    def _take(self, days: list[date], into: dict[date, int]) -> Iterator[str]:
        for day in days:
            if day in into:
                yield f"{day} is named twice"
            elif day.year != self.year and not (day.year == self.year - 1 and day.month == 12):
                yield f"{day} lies neither in {self.year} nor in the December before"
            into.setdefault(day, 0)

    def _day(self, year: str | None, month: str, day: str) -> date | None:
        try:
            return date(int(year or self.year), int(month), int(day))
        except ValueError:
            return None

    def _is_weekday(self, day: date, note: str | None) -> Iterator[str]:
        said = None if note is None else re.search(r"(?:周|星期)([一二三四五六日])", note)
        right = _WEEK[day.weekday()]
        if note is not None and said is None:
            yield f"the note （{note[:20]}） after {day} names no weekday"
        elif said is not None and said[1] != right:
            yield f"{day} is 周{right} and not 周{said[1]}; check the year and the day"


def _plain(line: str) -> str:
    """Return a line without blanks, with full-width digits and brackets as the notices print them."""
    narrow = line.translate({0xFF10 + n: str(n) for n in range(10)})
    return re.sub(r"\s", "", narrow).replace("(", "（").replace(")", "）").replace(",", "，")


def _year(lines: list[str]) -> int:
    found = {int(year) for line in lines for year in _TITLE.findall(line)}
    if len(found) == 1:
        return found.pop()
    told = (
        "the notice has no title; paste it whole, with 国务院办公厅关于…年部分节假日安排的通知"
        if not found
        else f"there are notices of {len(found)} years here; paste one"
    )
    raise NoticeRefused([NoticeFault(None, told)])


def _paper(lines: list[str], source: str) -> str | None:
    if source.strip():
        return source.strip()
    found = next((number for line in lines if (number := _NUMBER.search(line))), None)
    return None if found is None else f"国办发明电〔{found[1]}〕{found[2]}号"
