"""The daily digest: what waits, in one mail a working day, with numbers and no names."""

from dataclasses import dataclass
from datetime import datetime

from countersign.domain.console_words import name_of
from countersign.domain.levels import ZH
from countersign.domain.local_time import ZONE, to_the_minute

MOST_TASKS = 10
_ENDING = (
    "每个工作日发送一次；可在“我的账号”中关闭。",
    "Sent once a working day; switch it off in My account.",
)


@dataclass(frozen=True)
class DigestTask:
    """One open task: what, about whom by employee number, and until when."""

    kind: str
    number: str
    due_at: datetime | None


@dataclass(frozen=True)
class DigestFacts:
    """The figures of the first screen and the most urgent tasks; `approvals` wait for a second person."""

    mine: int
    overdue: int
    others: int
    today: int
    approvals: int
    tasks: tuple[DigestTask, ...]

    @property
    def worth_telling(self) -> bool:
        """Say whether anything asks for this reader."""
        return bool(self.mine or self.overdue or self.approvals)


def digest_mail(
    company: str, facts: DigestFacts, console: str, now: datetime, language: str
) -> tuple[str, str]:
    """Return subject and text; mails pass through many hands, so people stand in it by number only."""
    zh = language == ZH
    day = f"{now.astimezone(ZONE):%Y-%m-%d}"
    subject = (
        f"{company}：{day} 待办 {facts.mine}，逾期 {facts.overdue}"
        if zh
        else (f"{company}: {facts.mine} to do, {facts.overdue} overdue on {day}")
    )
    lines = [*_figures(facts, zh), ""]
    lines += [_task(task, now, language) for task in facts.tasks[:MOST_TASKS]]
    more = facts.mine - len(facts.tasks[:MOST_TASKS])
    if more > 0:
        lines.append(f"……以及另外 {more} 项" if zh else f"… and {more} more")
    ending = _ENDING[0 if zh else 1]
    return subject, "\n".join([*lines, "", console, "", ending, ""])


def _figures(facts: DigestFacts, zh: bool) -> list[str]:
    rows = (
        ("等您处理", "For you to do", facts.mine),
        ("逾期案件", "Cases overdue", facts.overdue),
        ("等待第二人确认", "Waiting for a second person", facts.approvals),
        ("等待他人", "Waiting for others", facts.others),
        ("今天将自动发送", "Will be sent today", facts.today),
    )
    return [f"{chinese}：{count}" if zh else f"{english}: {count}" for chinese, english, count in rows]


def _task(task: DigestTask, now: datetime, language: str) -> str:
    zh, what = language == ZH, name_of("task", task.kind, language)
    if task.due_at is None:
        return f"- {task.number} {what}"
    due = to_the_minute(task.due_at)
    late = task.due_at < now
    words = ("逾期，期限" if late else "期限") if zh else ("overdue since" if late else "due")
    return f"- {task.number} {what}（{words} {due}）" if zh else f"- {task.number} {what} ({words} {due})"
