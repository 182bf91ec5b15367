"""Write countersign/regions/calendar.yaml from the `chinesecalendar` package: `python dev/make_calendar.py`.

Run it after an upgrade of that package; the papers below are added by hand when they are read.
"""

from datetime import date
from importlib.metadata import version
from pathlib import Path

from chinese_calendar.constants import holidays, workdays

TABLE = Path(__file__).parents[1] / "countersign" / "regions" / "calendar.yaml"
PAPERS = {
    2025: "https://www.gov.cn/zhengce/zhengceku/202411/content_6986383.htm",
    2026: "https://www.gov.cn/zhengce/zhengceku/202511/content_7047091.htm",
}
HEAD = """\
# Working-day calendar of mainland China, from the State Council's yearly notices; made by
# dev/make_calendar.py. off_days: every day the notice names as off, weekend days too. work_days: make-up
# working days. Any other Saturday or Sunday is off. Status V2: found in independent public material.
"""


def days(chosen: dict[date, str], year: int) -> str:
    """Write the days of one year as a YAML list."""
    return f"[{', '.join(day.isoformat() for day in sorted(chosen) if day.year == year)}]"


def main() -> None:
    """Write every year that the package knows."""
    package = f"chinesecalendar {version('chinesecalendar')}"
    years = [
        f"{year}:\n  status: V2\n  paper: {PAPERS.get(year, package)}\n"
        f"  off_days: {days(holidays, year)}\n  work_days: {days(workdays, year)}\n"
        for year in sorted({day.year for day in holidays})
    ]
    TABLE.write_text(HEAD + "".join(years), encoding="utf-8")


if __name__ == "__main__":
    main()
