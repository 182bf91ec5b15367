"""Migrations lead to exactly the tables that the code knows, and back, with data in them."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Column, MetaData, String, Table, func, inspect
from sqlmodel import Session, SQLModel, select

from countersign.adapters.database.engine import Database
from countersign.adapters.database.migrate import alembic_config, migrate, shipped_policies
from countersign.adapters.database.tables import Leave, Person, StoredPolicy
from countersign.bootstrap import Parts
from tests.support.company import add_leave, company

NOW = datetime(2026, 2, 9, tzinfo=UTC)


@pytest.fixture
def database(empty_url: str) -> Iterator[Database]:
    opened = Database(empty_url)
    yield opened
    opened.close()


@pytest.fixture
def filled(empty_url: str, tmp_path: Path) -> Iterator[Parts]:
    """Yield a company with a leave in it."""
    parts = company(tmp_path / "data", lambda: NOW, database_url=empty_url)
    add_leave(parts, date(2026, 2, 13))
    yield parts
    parts.database.close()


def tables(database: Database) -> set[str]:
    return set(inspect(database.engine).get_table_names())


def differences(database: Database, metadata: MetaData = SQLModel.metadata) -> list[object]:
    """Return what alembic would change to make the database what the metadata says."""
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, metadata))


def downgrade(database: Database, revision: str) -> None:
    config = alembic_config()
    with database.engine.connect() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, revision)
        connection.commit()


def test_an_empty_database_becomes_what_the_tables_say(database: Database) -> None:
    assert tables(database) == set()
    migrate(database)
    assert tables(database) == set(SQLModel.metadata.tables) | {"alembic_version"}
    assert differences(database) == []


def test_a_column_that_no_migration_adds_is_seen(database: Database) -> None:
    migrate(database)
    wanted = MetaData()
    for table in SQLModel.metadata.sorted_tables:
        table.to_metadata(wanted)
    Table("person", wanted, Column("nickname", String), extend_existing=True)
    assert [change[0] for change in differences(database, wanted)] == ["add_column"]  # type: ignore[index]


def test_migrating_again_changes_nothing_and_keeps_every_row(filled: Parts) -> None:
    migrate(filled.database)
    with filled.database.reading() as session:
        assert rows(session) == (1, 1, len(shipped_policies()))
    assert differences(filled.database) == []


def test_the_way_back_and_forth_works_with_rows_in_the_tables(filled: Parts) -> None:
    database = filled.database
    downgrade(database, "base")
    assert tables(database) == {"alembic_version"}
    migrate(database)
    assert differences(database) == []
    with database.reading() as session:
        assert rows(session) == (0, 0, 0)


def test_each_step_back_can_be_gone_forward_again(filled: Parts) -> None:
    script = ScriptDirectory.from_config(alembic_config())
    revisions = [step.revision for step in script.walk_revisions()]
    assert script.get_heads() == revisions[:1]
    for _ in revisions:
        downgrade(filled.database, "-1")
    assert tables(filled.database) == {"alembic_version"}
    for _ in revisions:
        migrate(filled.database, "+1")
    assert differences(filled.database) == []


def rows(session: Session) -> tuple[int, int, int]:
    """Return how many people, leaves and policies there are."""
    people, leaves, policies = (
        session.exec(select(func.count()).select_from(table)).one() for table in (Person, Leave, StoredPolicy)
    )
    return people, leaves, policies
