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
    return list(_chinese(table) if language == ZH else _english(table))


def _english(table: ResponsibilityTable) -> Iterator[str]:
    end = f"closed: {told(OUTCOMES, table.outcome, EN)}" if table.outcome is not None else "still open"
    yield f"Case {table.case}, {_when(table.since)} to {_when(table.until)} ({end})"
    if table.time_lapse:
        yield "The case ran in time-lapse: these are the times of the case, not real ones."
    if table.provisional:
        yield "Provisional: in a year without a published calendar Monday to Friday count as working days."
    for one in _told(table):
        due = "" if one.deadline is None else f", due {_when(one.deadline)}"
        yield (
            f"{_when(one.since)} to {_when(one.until)}: {_holder(one.holder, EN)}, {_stage(one, EN)}{due}: "
            f"{_spans_en(one.spans)}"
        )
        for piece in one.suspensions:
            yield f"  does not count: {_piece(piece, EN)}"
    for who, spans in table.by_holder.items():
        yield f"In all {_holder(who, EN)}: {_spans_en(spans)}"
    yield f"In all: {_spans_en(table.total)}"


def _chinese(table: ResponsibilityTable) -> Iterator[str]:
    end = f"已结案：{told(OUTCOMES, table.outcome, ZH)}" if table.outcome is not None else "尚未结案"
    yield f"案件 {table.case}，{_when(table.since)} 至 {_when(table.until)}（{end}）"
    if table.time_lapse:
        yield "本案以时间压缩方式运行：以下为案件时间，并非真实时间。"
    if table.provisional:
        yield "暂定：其中有年份的放假安排尚未公布，暂以周一至周五为工作日计算。"
    for one in _told(table):
        due = "" if one.deadline is None else f"，期限 {_when(one.deadline)}"
        yield (
            f"{_when(one.since)} 至 {_when(one.until)}：{_holder(one.holder, ZH)}，{_stage(one, ZH)}{due}："
            f"{_spans_zh(one.spans)}"
        )
        for piece in one.suspensions:
            yield f"  不计入：{_piece(piece, ZH)}"
    for who, spans in table.by_holder.items():
        yield f"{_holder(who, ZH)}合计：{_spans_zh(spans)}"
    yield f"总计：{_spans_zh(table.total)}"


def _told(table: ResponsibilityTable) -> list[Stretch]:
    """Leave out what lasted less than a minute: the process on its way from one stage to the next."""
    return [one for one in table.stretches if one.spans.elapsed >= _MINUTE]


def _spans_en(spans: Spans) -> str:
    said = f"{_span(spans.elapsed, EN)}, of which {_span(spans.counted, EN)} count"
    if spans.days_off:
        said += f", days off {_span(spans.days_off, EN)}"
    if spans.suspended:
        said += f", suspended {_span(spans.suspended, EN)}"
    if spans.late:
        said += f"; LATE by {_span(spans.late, EN)}, {_span(spans.late_counted, EN)} of it on working days"
    return said


def _spans_zh(spans: Spans) -> str:
    said = f"共 {_span(spans.elapsed, ZH)}，计入 {_span(spans.counted, ZH)}"
    if spans.days_off:
        said += f"，休息日 {_span(spans.days_off, ZH)}"
    if spans.suspended:
        said += f"，中止 {_span(spans.suspended, ZH)}"
    if spans.late:
        said += f"；逾期 {_span(spans.late, ZH)}，其中工作日 {_span(spans.late_counted, ZH)}"
    return said


def _span(ms: int, language: str) -> str:
    """Return a duration in days of 24 hours, hours and minutes, rounded to the minute."""
    if 0 < ms < _MINUTE:
        return "不到 1 分钟" if language == ZH else "less than a minute"
    ms += _MINUTE // 2
    parts = (ms // _DAY, ms % _DAY // _HOUR, ms % _HOUR // _MINUTE)
    names = ("天", "小时", "分钟") if language == ZH else ("d", "h", "min")
    said = [f"{count} {name}" for count, name in zip(parts, names, strict=True) if count]
    return " ".join(said) or f"0 {names[2]}"


def _holder(holder: str | None, language: str) -> str:
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
