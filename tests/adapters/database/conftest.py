"""Fresh databases of every kind the product runs on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import POSTGRES, SQLITE
from tests.support.postgres import Cluster


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what asks for `empty_url` on both kinds, but not on SQLite again in the run on PostgreSQL."""
    if "empty_url" in metafunc.fixturenames:
        chosen = metafunc.config.getoption("--database")
        kinds = [SQLITE, POSTGRES] if chosen == SQLITE else [POSTGRES]
        metafunc.parametrize("empty_url", kinds, indirect=True)


@pytest.fixture
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Yield the URL of a database with nothing in it."""
    if request.param == SQLITE:
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    running: Cluster = request.getfixturevalue("postgres")
    with running.fresh(migrated=False) as url:
        yield url
