"""Plays the stories on a time-skipping server and keeps their histories: `python -m tests.replay.record`.

Names of stories may follow; without any all are recorded.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from tests.replay.histories import FOLDER, commands, compact
from tests.replay.stories import STORIES
from tests.support.story import at, story


async def play(name: str, folder: Path) -> str:
    """Play one story in an empty folder and return its history."""
    begins, tell = STORIES[name]
    async with story(folder, at(begins)) as s:
        await tell(s)
        return (await s.handle.fetch_history()).to_json()


def keep(name: str, history_json: str) -> None:
    """Write a story's history and, beside it, its commands."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / f"{name}.json").write_text(compact(history_json), "utf-8")
    (FOLDER / f"{name}.commands").write_text("\n".join(commands(history_json)) + "\n", "utf-8")


def main(names: list[str]) -> None:
    """Record the named stories, or all."""
    for name in names or STORIES:
        with tempfile.TemporaryDirectory() as folder:
            keep(name, asyncio.run(play(name, Path(folder))))
        sys.stderr.write(f"{name}: recorded\n")


if __name__ == "__main__":
    main(sys.argv[1:])
