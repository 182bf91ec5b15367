from datetime import date
from pathlib import Path
from tests.support.story import Story, at, story
from tests.workflows.test_departures import resigns, staff, SUCCESSOR


async def test_late_move(tmp_path: Path) -> None:
    async with story(tmp_path, at("03-09 10:00")) as s:
        leaving = await resigns(s, date(2026, 4, 10), date(2026, 3, 9))
        await s.until(at("04-08 12:00"))
        await leaving.moves_the_last_day(date(2026, 4, 30))
        await s.until(at("05-08 12:00"))
        print(s.sent_at(), s.stage())


async def test_at_once_move(tmp_path: Path) -> None:
    async with story(tmp_path, at("03-09 10:00")) as s:
        leaving = staff(s)
        await s.depart("dismissal", date(2026, 4, 10), noticed_on=date(2026, 3, 9), successor=SUCCESSOR)
        await s.until(at("03-10 12:00"))
        await leaving.moves_the_last_day(date(2026, 4, 30))
        await s.until(at("03-18 12:00"))
        print(s.sent_at(), s.stage())
