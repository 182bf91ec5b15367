"""Plays the stories on time-skipping servers and keeps their histories: `python -m tests.replay.record`.

Names of stories, `<process>/<story>`, may follow; without any all are recorded. With `--keep-old RELEASE` the
present history of a story stays beside the new one as `<story>@<release>.json` and is replayed from then on.
"""

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.replay import acknowledgements, departures, stories
from tests.replay.histories import FOLDER, commands, compact
from tests.support.story import at, story

STORIES = {
    f"{process}/{name}": one
    for process, told in (
        ("leave_return", stories.STORIES),
        ("acknowledgement", acknowledgements.STORIES),
        *departures.STORIES.items(),
    )
    for name, one in told.items()
}
"""Every story by process and name."""

AT_ONCE = 2
"""Servers that run at the same time: each takes a core while it starts."""


async def play(name: str, folder: Path) -> str:
    """Play one story in an empty folder and return its history."""
    begins, tell = STORIES[name]
    async with story(folder, at(begins)) as s:
        await tell(s)
        return (await s.handle.fetch_history()).to_json()


async def play_all(names: Sequence[str]) -> dict[str, str | BaseException]:
    """Play stories, a few at once, and return their histories or what went wrong."""
    free = asyncio.Semaphore(AT_ONCE)

    async def one(name: str) -> str:
        async with free:
            with tempfile.TemporaryDirectory() as folder:
                return await play(name, Path(folder))

    played = await asyncio.gather(*(one(name) for name in names), return_exceptions=True)
    return dict(zip(names, played, strict=True))


def keep(name: str, history_json: str, old: str | None) -> None:
    """Write a story's history and, beside it, its commands."""
    file = FOLDER / f"{name}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    if old is not None and file.exists():
        file.rename(FOLDER / f"{name}@{old}.json")
    file.write_text(compact(history_json), "utf-8")
    file.with_suffix(".commands").write_text("\n".join(commands(history_json)) + "\n", "utf-8")


def main() -> int:
    """Record the named stories, or all; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.replay.record")
    parser.add_argument("stories", nargs="*", metavar="STORY", help=f"of: {', '.join(STORIES)}")
    parser.add_argument("--keep-old", metavar="RELEASE", help="keep the present histories under this release")
    wanted = parser.parse_args()
    if strangers := set(wanted.stories) - set(STORIES):
        parser.error(f"there is no story {', '.join(sorted(strangers))}")
    code = 0
    for name, played in asyncio.run(play_all(wanted.stories or list(STORIES))).items():
        if isinstance(played, BaseException):
            sys.stderr.write(f"{name}: NOT recorded, {played!r}\n")
            code = 1
        else:
            keep(name, played, wanted.keep_old)
            sys.stderr.write(f"{name}: recorded\n")
    return code


if __name__ == "__main__":
    ended = main()
    sys.stderr.flush()
    os._exit(ended)  # the SDK's threads may otherwise crash a finished process
