"""Which database the tests run on: `--database sqlite` (the default) or `--database postgres`."""

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from pwdlib.hashers.argon2 import Argon2Hasher

from countersign.adapters.database import accounts
from tests.support.company import OPENED
from tests.support.postgres import MISSING, Cluster, binaries, cluster, place

URL = "COUNTERSIGN_DATABASE_URL"
SQLITE, POSTGRES = "sqlite", "postgres"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--database", choices=(SQLITE, POSTGRES), default=SQLITE, help="what the product's tables lie in"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "sqlite: is about files of SQLite, and left out with --database postgres"
    )
    # A URL of whoever runs the tests must never be what they write into.
    os.environ.pop(URL, None)
    # Where `tmp_path` is made, unless it was said.
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(place()))
    # A password is hashed slowly on purpose; thousands of tests sign somebody in, and one looks at the cost.
    accounts.Argon2Hasher = partial(Argon2Hasher, time_cost=1, memory_cost=8, parallelism=1)  # type: ignore[misc,assignment]
    if config.getoption("--database") == POSTGRES and binaries() is None:
        raise pytest.UsageError(MISSING)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--database") == POSTGRES:
        left_out = [item for item in items if item.get_closest_marker("sqlite")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    # Those with real processes mostly wait: one worker begins with them, and the others take over its rest.
    items.sort(key=lambda item: item.get_closest_marker("stack") is None)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """Yield the cluster of this process, started when a test first asks for it."""
    programs = binaries()
    if programs is None:
        pytest.skip(MISSING)
    with cluster(programs) as running:
        yield running


@pytest.fixture
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Yield the URL of this test's own database of the chosen kind.

    With PostgreSQL it is migrated, and everything that reads its settings finds it, processes included.
    """
    if request.config.getoption("--database") == SQLITE:
        yield f"sqlite:///{tmp_path / 'test.db'}"
        return
    running: Cluster = request.getfixturevalue("postgres")
    with running.fresh() as url:
        os.environ[URL] = url
        yield url
        del os.environ[URL]


@pytest.fixture(autouse=True)
def _on_the_chosen_database(request: pytest.FixtureRequest) -> Iterator[None]:
    if request.config.getoption("--database") == POSTGRES:
        request.getfixturevalue("database_url")
    yield
    while OPENED:
        # A connection that a failed test left open would be a warning, and so a failure, of another one.
        OPENED.pop().close()
