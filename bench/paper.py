"""How many notices one process prints a second, and in how much memory, against a bare call of typst each.

Each side runs in a process of its own, so that its peak of memory is its own.
"""

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta, timezone
from importlib.resources import files
from statistics import median

import typst

from bench.ratio import Ratio
from countersign.adapters.paper import Paper, Press

_BARE_AT_MOST = 300
_AT = datetime(2026, 3, 12, 9, 0, tzinfo=timezone(timedelta(hours=8)))
_TEXT = """{name}（工号 E{number}），您好：

本通知寄往您在公司登记的送达地址：北京市朝阳区示例路 {number} 号。

您的病假自2025年12月1日（星期一）开始，已于2026年2月13日（星期五）结束，返岗日为2026年2月14日（星期六）。\
公司此前通过其他方式联系过您，还没有收到您的答复。

请在2026年3月19日（星期四）09:00前答复您的安排：
1. 我将于某日返岗（请写明日期）；
2. 申请延长假期（请附证明材料）；
3. 我有异议（请写明理由；需要调整工作安排的，也请写在这里）；
4. 我提出辞职。

本通知本身不改变您的工资和社会保险；需要调整时，公司会另行书面通知您并说明依据。

示例公司
北京"""


def papers(how_many: int) -> Iterator[Paper]:
    """Make letters to as many people."""
    for number in range(how_many):
        name = "赵钱孙李周吴郑王"[number % 8] + chr(0x4E00 + number % 20_000)
        yield Paper(
            title="返岗通知书（书面）",
            text=_TEXT.format(name=name, number=number),
            language="zh-CN",
            company="示例公司",
            branch="北京",
            recipient=name,
            reference=f"{number:026}",
            fingerprint=f"{number:064x}",
            at=_AT,
            slip=True,
            service_address=f"北京市朝阳区示例路 {number} 号",
            consent_on=date(2025, 1, 2),
        )


def ours(how_many: int) -> None:
    """Print them: every character looked up, PDF/A, the fonts read once."""
    press = Press()
    for paper in papers(how_many):
        press.print(paper)


def bare(how_many: int) -> None:
    """Hand each to typst alone, as its own documentation begins: no look-up, its defaults, plain PDF."""
    source = str(files("templates") / "paper" / "notice.typ")
    for paper in papers(how_many):
        data = {
            "title": paper.title,
            "lines": [{"kind": "body" if line else "blank", "text": line} for line in paper.text.split("\n")],
            "closing": [],
            "language": paper.language,
            "company": paper.company,
            "recipient": paper.recipient,
            "reference": paper.reference,
            "fingerprint": paper.fingerprint,
            "day": [2026, 3, 12],
            "slip": True,
            "service_address": paper.service_address,
            "consent_on": [2025, 1, 2],
            "signed_on": None,
            "fonts": ["Noto Sans CJK SC"],
        }
        typst.compile(source, sys_inputs={"data": json.dumps(data)})


_SIDES: dict[str, Callable[[int], None]] = {"ours": ours, "bare": bare}


def measure(how_many: int = 300, rounds: int = 3) -> Ratio:
    """Time both in turns, each in a process of its own; the bare calls, being slow, at most 300 times."""
    speeds: dict[str, list[float]] = {side: [] for side in _SIDES}
    peaks: dict[str, list[float]] = {side: [] for side in _SIDES}
    seconds = []
    for _ in range(1 if how_many > 1000 else rounds):
        for side in _SIDES:
            count = how_many if side == "ours" else min(how_many, _BARE_AT_MOST)
            done = subprocess.run(
                [sys.executable, "-m", "bench.paper", side, str(count)],
                capture_output=True,
                text=True,
                check=True,
            )
            told = json.loads(done.stdout)
            speeds[side].append(count / told["seconds"])
            peaks[side].append(told["peak_mib"])
            if side == "ours":
                seconds.append(told["seconds"])
    note = (
        f"{how_many:,} in {median(seconds):,.1f} s; peak memory {max(peaks['ours']):,.0f} MiB, "
        f"bare {max(peaks['bare']):,.0f} MiB"
    )
    return Ratio(
        "notices on paper a second", len(seconds), median(speeds["ours"]), median(speeds["bare"]), note
    )


if __name__ == "__main__":
    begun = time.perf_counter()
    _SIDES[sys.argv[1]](int(sys.argv[2]))
    # Linux says kilobytes, macOS bytes.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "linux" else 1024**2)
    print(json.dumps({"seconds": time.perf_counter() - begun, "peak_mib": peak}))
