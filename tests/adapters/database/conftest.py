"""Fresh databases of every kind the product runs on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from countersign.adapters.database.engine import Database
from tests.conftest import POSTGRES, SQLITE
from tests.support.postgres import Cluster
from tests.support.schema import lay_out


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what asks for one of these on both kinds, but not on SQLite again in the run on PostgreSQL."""
    chosen = metafunc.config.getoption("--database")
    kinds = [SQLITE, POSTGRES] if chosen == SQLITE else [POSTGRES]
    for name in {"empty_url", "each_url"} & set(metafunc.fixturenames):
        metafunc.parametrize(name, kinds, indirect=True)


@pytest.fixture
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Yield the URL of a database with nothing in it."""
    if request.param == SQLITE:
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    running: Cluster = request.getfixturevalue("postgres")
    with running.fresh(migrated=False) as url:
        yield url


@pytest.fixture
def each_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Yield the URL of a database with the present schema and the shipped policies."""
    if request.param == SQLITE:
        database = Database(f"sqlite:///{tmp_path / 'laid-out.db'}")
        lay_out(database)
        database.close()
        yield database.url
        return
    running: Cluster = request.getfixturevalue("postgres")
    with running.fresh() as url:
        yield url
