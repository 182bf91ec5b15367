"""The responsibility table in sentences, Chinese and English."""

from collections.abc import Iterator
from datetime import datetime

from countersign.domain.chain_words import OUTCOMES, ROLES, STAGES, told, value_words
from countersign.domain.levels import EN, ZH
from countersign.domain.responsibility import ResponsibilityTable, Spans, Stretch, Suspension, Why

_NOBODY = {ZH: "（无人）", EN: "(nobody recorded)"}
_SUSPENDED = {
    Why.PAUSED: {ZH: "案件暂停", EN: "the case was paused"},
    Why.SENDING_STOPPED: {ZH: "发送被停止", EN: "sending was stopped"},
    Why.CAP_OF_PERSON: {ZH: "当日对该人的消息已达上限", EN: "the person's messages of the day were used up"},
    Why.CAP_OF_COMPANY: {ZH: "当日公司消息已达上限", EN: "the company's messages of the day were used up"},
    Why.ASSESSMENT: {ZH: "等待鉴定机构", EN: "waiting for the assessing authority"},
}
_MINUTE, _HOUR, _DAY = 60_000, 3_600_000, 86_400_000


def explain(table: ResponsibilityTable, language: str) -> list[str]:
    """Return the table in sentences, one a line, in `zh-CN` or `en`; a day lasts 24 hours.

    Durations are rounded to the minute and stretches of less than a minute left out; the table has all.
    """
    return list(_sentences(table, ZH if language == ZH else EN))


_SAID = {
    EN: {
        "closed": "closed: {}",
        "open": "still open",
        "case": "Case {}, {} to {} ({})",
        "time_lapse": "The case ran in time-lapse: these are the times of the case, not real ones.",
        "provisional": "Provisional: in a year without a published calendar Monday to Friday count as "
        "working days.",
        "due": ", due {}",
        "stretch": "{} to {}: {}, {}{}: {}",
        "suspension": "  does not count: {}",
        "by_holder": "In all {}: {}",
        "total": "In all: {}",
        "elapsed": "{}, of which {} count",
        "days_off": ", days off {}",
        "suspended": ", suspended {}",
        "late": "; LATE by {}, {} of it on working days",
    },
    ZH: {
        "closed": "已结案：{}",
        "open": "尚未结案",
        "case": "案件 {}，{} 至 {}（{}）",
        "time_lapse": "本案以时间压缩方式运行：以下为案件时间，并非真实时间。",
        "provisional": "暂定：其中有年份的放假安排尚未公布，暂以周一至周五为工作日计算。",
        "due": "，期限 {}",
        "stretch": "{} 至 {}：{}，{}{}：{}",
        "suspension": "  不计入：{}",
        "by_holder": "{}合计：{}",
        "total": "总计：{}",
        "elapsed": "共 {}，计入 {}",
        "days_off": "，休息日 {}",
        "suspended": "，中止 {}",
        "late": "；逾期 {}，其中工作日 {}",
    },
}


def _sentences(table: ResponsibilityTable, language: str) -> Iterator[str]:
    said = _SAID[language]
    end = said["open"]
    if table.outcome is not None:
        end = said["closed"].format(told(OUTCOMES, table.outcome, language))
    yield said["case"].format(table.case, _when(table.since), _when(table.until), end)
    if table.time_lapse:
        yield said["time_lapse"]
    if table.provisional:
        yield said["provisional"]
    for one in _told(table):
        due = "" if one.deadline is None else said["due"].format(_when(one.deadline))
        who, stage = holder_words(one.holder, language), _stage(one, language)
        lasted = _spans(one.spans, language)
        yield said["stretch"].format(_when(one.since), _when(one.until), who, stage, due, lasted)
        for piece in one.suspensions:
            yield said["suspension"].format(_piece(piece, language))
    for holder, spans in table.by_holder.items():
        yield said["by_holder"].format(holder_words(holder, language), _spans(spans, language))
    yield said["total"].format(_spans(table.total, language))


def _told(table: ResponsibilityTable) -> list[Stretch]:
    """Leave out what lasted less than a minute: the process on its way from one stage to the next."""
    return [one for one in table.stretches if one.spans.elapsed >= _MINUTE]


def _spans(spans: Spans, language: str) -> str:
    words = _SAID[language]
    text = words["elapsed"].format(
        duration_words(spans.elapsed, language), duration_words(spans.counted, language)
    )
    if spans.days_off:
        text += words["days_off"].format(duration_words(spans.days_off, language))
    if spans.suspended:
        text += words["suspended"].format(duration_words(spans.suspended, language))
    if spans.late:
        text += words["late"].format(
            duration_words(spans.late, language), duration_words(spans.late_counted, language)
        )
    return text


def duration_words(ms: int, language: str) -> str:
    """Return a duration in days of 24 hours, hours and minutes, rounded to the minute."""
    if 0 < ms < _MINUTE:
        return "不到 1 分钟" if language == ZH else "less than a minute"
    ms += _MINUTE // 2
    parts = (ms // _DAY, ms % _DAY // _HOUR, ms % _HOUR // _MINUTE)
    names = ("天", "小时", "分钟") if language == ZH else ("d", "h", "min")
    said = [f"{count} {name}" for count, name in zip(parts, names, strict=True) if count]
    return " ".join(said) or f"0 {names[2]}"


def holder_words(holder: str | None, language: str) -> str:
    """Return a holder of the ball in words; None where the chain does not say."""
    return _NOBODY[language] if holder is None else told(ROLES, holder, language)


def _stage(one: Stretch, language: str) -> str:
    words = told(STAGES, one.stage, language)
    if one.step is None:
        return words
    step = value_words("step", one.step, language)
    return f"{words}（{step}）" if language == ZH else f"{words} ({step})"


def _piece(piece: Suspension, language: str) -> str:
    to, comma = ("至", "，") if language == ZH else ("to", ", ")
    return f"{_when(piece.since)} {to} {_when(piece.until)}{comma}{_SUSPENDED[piece.why][language]}"


def _when(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M}"
