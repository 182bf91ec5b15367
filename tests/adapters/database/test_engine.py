"""Many writers, one database: nobody is refused, nothing is lost or told, nothing is awaited meanwhile."""

import ast
import logging
import multiprocessing
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, StatementError
from sqlmodel import Session, col, select

from countersign.adapters.database.engine import Database, UnstorableText
from countersign.adapters.database.tables import Branch, Installation, Person, StoredPolicy
from tests.support.schema import lay_out

ROOT = Path(__file__).parents[3]
NOW = datetime(2026, 2, 24, tzinfo=UTC)
WRITERS, TIMES = 4, 200


@pytest.fixture
def database(each_url: str) -> Iterator[Database]:
    opened = Database(each_url)
    yield opened
    opened.close()


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Database]:
    opened = Database(f"sqlite:///{tmp_path / 'one.db'}")
    lay_out(opened)
    yield opened
    opened.close()


def put(database: Database, key: str, value: str) -> None:
    with database.transaction() as session:
        session.merge(Installation(key=key, value=value))


def value_of(database: Database, key: str) -> str:
    with database.reading() as session:
        return session.get_one(Installation, key).value


def count_up(url: str) -> list[str]:
    """Read a counter and write it one higher, many times, in a process of its own; return the errors."""
    database = Database(url)
    errors = []
    for _ in range(TIMES):
        try:
            with database.transaction() as session:
                counter = session.get_one(Installation, "counter")
                counter.value = str(int(counter.value) + 1)
        except OperationalError as error:
            errors.append(str(error.orig))
    database.close()
    return errors


def test_four_processes_that_read_and_then_write_are_never_refused_and_lose_nothing(sqlite: Database) -> None:
    put(sqlite, "counter", "0")
    # Spawned, not forked: a fork would copy the parent's open connections.
    with ProcessPoolExecutor(WRITERS, multiprocessing.get_context("spawn")) as pool:
        errors = [error for found in pool.map(count_up, [sqlite.url] * WRITERS) for error in found]
    assert errors == []
    assert value_of(sqlite, "counter") == str(WRITERS * TIMES)


def test_writers_of_one_row_at_the_same_time_are_all_served_and_none_overwrites_another(
    database: Database,
) -> None:
    put(database, "counter", "0")

    def count(session: Session) -> None:
        counter = session.get_one(Installation, "counter")
        time.sleep(0.02)  # the others read the same number meanwhile, where they can
        counter.value = str(int(counter.value) + 1)

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(lambda _: database.write(count), range(36)))
    assert value_of(database, "counter") == "36"


def test_a_reader_sees_one_snapshot_while_another_writes(database: Database) -> None:
    put(database, "word", "old")
    with database.reading() as session:
        assert session.get_one(Installation, "word").value == "old"
        put(database, "word", "new")
        session.expire_all()
        assert session.get_one(Installation, "word").value == "old"
    assert value_of(database, "word") == "new"


def test_what_a_reader_changes_is_dropped(database: Database) -> None:
    put(database, "word", "old")
    with database.reading() as session:
        session.get_one(Installation, "word").value = "slipped"
        session.flush()
    assert value_of(database, "word") == "old"


def test_a_transaction_that_fails_leaves_nothing(database: Database) -> None:
    def stop_halfway() -> None:
        with database.transaction() as session:
            session.add(Installation(key="half", value="done"))
            session.flush()
            raise RuntimeError("in between")

    with pytest.raises(RuntimeError, match="in between"):
        stop_halfway()
    with database.reading() as session:
        assert session.get(Installation, "half") is None


def test_a_datetime_without_zone_is_refused(database: Database) -> None:
    naive = datetime(2026, 2, 24, 9, 0)  # noqa: DTZ001  the very thing that must not get in
    policy = StoredPolicy(name="p", version=1, body={}, created_at=naive)
    with pytest.raises(StatementError, match="a datetime without zone"), database.transaction() as session:
        session.add(policy)


def test_an_instant_comes_back_aware_and_the_same(database: Database) -> None:
    nine_in_beijing = datetime(2026, 2, 24, 9, 0, tzinfo=timezone(timedelta(hours=8)))
    with database.transaction() as session:
        session.add(StoredPolicy(name="p", version=1, body={}, created_at=nine_in_beijing))
    with database.reading() as session:
        found = session.get_one(StoredPolicy, ("p", 1)).created_at
    assert found == nine_in_beijing
    assert found.tzinfo is UTC


# -- lost races ----------------------------------------------------------------------------------------------


def test_a_lost_race_for_a_key_is_run_again_and_sees_the_winner(database: Database) -> None:
    put(database, "place", "winner")
    tries = []

    def take(session: Session) -> str:
        tries.append(1)
        # The first time this is a writer that looked before the winner had committed.
        found = session.get(Installation, "place") if len(tries) > 1 else None
        if found is not None:
            return found.value
        session.add(Installation(key="place", value="loser"))
        session.flush()
        return "loser"

    assert database.write(take) == "winner"
    assert len(tries) == 2
    assert value_of(database, "place") == "winner"


def test_a_race_that_is_lost_every_time_is_reported_in_the_end(database: Database) -> None:
    put(database, "place", "winner")
    tries = []

    def insist(session: Session) -> None:
        tries.append(1)
        session.add(Installation(key="place", value="loser"))

    with pytest.raises(IntegrityError):
        database.write(insist)
    assert len(tries) == 4


def test_an_error_that_repeating_cannot_cure_is_reported_at_once(database: Database) -> None:
    tries = []

    def forget(session: Session) -> None:
        tries.append(1)
        session.add(Installation(key="nothing", value=None))  # type: ignore[arg-type]

    with pytest.raises(IntegrityError):
        database.write(forget)
    assert len(tries) == 1


SECRET = "张标记伟 E1042 +8613800138000"


def clash(session: Session) -> None:
    session.execute(
        text("INSERT INTO branch (id, name, region, zone) VALUES ('b', :n, 'r', 'z')"), {"n": SECRET}
    )


def forget_a_column(session: Session) -> None:
    session.execute(
        text("INSERT INTO person (id, number, name, language) VALUES ('p', 'n', :n, 'en')"), {"n": SECRET}
    )


def point_nowhere(session: Session) -> None:
    session.add(Person(id="p", number="n", name=SECRET, branch_id=SECRET))


def misread(session: Session) -> None:
    on_sqlite = session.get_bind().dialect.name == "sqlite"
    session.execute(text("SELECT json(:n)" if on_sqlite else "SELECT CAST(:n AS json)"), {"n": SECRET})


FAULTS: dict[str, tuple[Callable[[Session], None], type[DBAPIError], str]] = {
    "clash": (clash, IntegrityError, "branch"),
    "forget_a_column": (forget_a_column, IntegrityError, "branch_id"),
    "point_nowhere": (point_nowhere, IntegrityError, "(?i)foreign key"),
    "misread": (misread, DBAPIError, "malformed JSON|22P02"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_failed_statement_tells_names_and_no_value_wherever_it_is_logged(
    database: Database, caplog: pytest.LogCaptureFixture, fault: str
) -> None:
    work, kind, named = FAULTS[fault]
    with database.transaction() as session:
        session.add(Branch(id="first", name=SECRET, region="beijing"))

    def do() -> None:
        try:
            database.write(work)
        except DBAPIError:
            logging.getLogger("test").exception("a write failed")
            raise

    with pytest.raises(kind, match=named) as failed:
        do()
    assert "a write failed" in caplog.text
    for part in SECRET.split():
        assert part not in caplog.text
        assert all(part not in f"{error!s} {error!r}" for error in chain(failed.value))


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error with everything that a traceback would print before it."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def test_a_database_that_is_not_there_is_named_in_the_drivers_own_words() -> None:
    nowhere = Database("postgresql://app@127.0.0.1:1/app")
    with pytest.raises(OperationalError, match=r"127\.0\.0\.1"), nowhere.reading() as session:
        session.get(Installation, "mode")
    nowhere.close()


@pytest.mark.parametrize(
    "work",
    [
        lambda session: session.get(Installation, "a\0b"),
        lambda session: session.add(Installation(key="a", value="张\0伟")),
        lambda session: session.add(StoredPolicy(name="p", version=1, body={"x": ["伟\0"]}, created_at=NOW)),
        lambda session: session.add(StoredPolicy(name="p", version=1, body={"伟\0": 1}, created_at=NOW)),
        lambda session: session.add_all(
            [Installation(key="a", value="a"), Installation(key="b", value="\0")]
        ),
    ],
)
def test_a_text_with_a_nul_is_refused_by_both_kinds_and_not_repeated(
    database: Database, work: Callable[[Session], Any]
) -> None:
    with pytest.raises(UnstorableText, match=r"U\+0000") as refused:
        database.write(work)
    assert "伟" not in str(refused.value)
    with database.reading() as session:
        assert session.get(Installation, "a") is None


def test_a_backslash_before_u0000_is_a_text_like_any_other(database: Database) -> None:
    written = {"path": "C:\\u0000", "plain": "\\u0000"}
    with database.transaction() as session:
        session.add(StoredPolicy(name="\\u0000", version=1, body=written, created_at=NOW))
    with database.reading() as session:
        assert session.get_one(StoredPolicy, ("\\u0000", 1)).body == written


def test_small_and_capital_letters_of_every_language_are_one_in_a_search(database: Database) -> None:
    names = {"e": "Émile Ångström", "i": "Иван", "k": "50%_off", "z": "张伟"}
    with database.transaction() as session:
        session.add_all([Installation(key=key, value=name) for key, name in names.items()])
    with database.reading() as session:

        def found(part: str) -> list[str]:
            said = col(Installation.value).icontains(part, autoescape=True)
            return sorted(row.key for row in session.exec(select(Installation).where(said)))

        assert found("émILE å") == ["e"]
        assert found("иВ") == ["i"]
        assert found("%_O") == ["k"]
        assert found("伟") == ["z"]
        assert found("5_") == []


def test_a_writer_waits_for_the_one_before_only_as_long_as_it_was_told(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'busy.db'}"
    first, second = Database(url), Database(url, busy_timeout_s=0.1)
    lay_out(first)
    begun = time.monotonic()
    with first.transaction(), pytest.raises(OperationalError, match="locked"), second.transaction():
        pass
    assert time.monotonic() - begun < 5
    first.close()
    second.close()


# -- nothing is awaited while one writes ---------------------------------------------------------------------


def held_over_an_await(source: str) -> list[int]:
    """Return the lines where a transaction or a snapshot is held open inside an `async def`.

    The session is synchronous: in a plain function nothing can be awaited while it is open. In an
    `async def` something could, and the one writer would wait for a network.
    """
    return [
        node.lineno
        for function in ast.walk(ast.parse(source))
        if isinstance(function, ast.AsyncFunctionDef)
        for node in ast.walk(function)
        if isinstance(node, ast.With | ast.AsyncWith)
        for item in node.items
        if isinstance(item.context_expr, ast.Call)
        and isinstance(item.context_expr.func, ast.Attribute)
        and item.context_expr.func.attr in {"transaction", "reading"}
    ]


def test_no_transaction_is_held_open_in_code_that_can_await() -> None:
    for package in ("countersign", "activities", "api", "workflows"):
        for file in (ROOT / package).rglob("*.py"):
            assert held_over_an_await(file.read_text("utf-8")) == [], file.name


def test_a_transaction_in_an_async_function_is_seen() -> None:
    planted = "async def f(db, call):\n    with db.transaction() as session:\n        await call(session)\n"
    assert held_over_an_await(planted) == [2]
    assert held_over_an_await(planted.replace("async def", "def").replace("await ", "")) == []
