"""Brings a database to the present schema and stores the shipped policies."""

from importlib.resources import files
from typing import Any

from alembic import command
from alembic.config import Config
from sqlmodel import Session, select

from countersign.adapters.database.engine import Database
from countersign.adapters.database.tables import Installation, StoredPolicy
from countersign.adapters.real_clock import utc_now
from countersign.domain.policies import READERS, process_of
from countersign.domain.yaml_text import load_text


class WrongMode(RuntimeError):
    """A data directory that is time-lapse or real, and was opened as the other."""


def alembic_config() -> Config:
    """Return alembic's configuration; there is no ini file."""
    config = Config()
    config.set_main_option("script_location", "countersign.adapters.database:migrations")
    return config


def migrate(database: Database, revision: str = "head") -> None:
    """Upgrade to a revision; running it again changes nothing."""
    config = alembic_config()
    with database.engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        connection.commit()


def settle_mode(database: Database, lapse: int) -> None:
    """Keep whether this data directory is real or time-lapse; the first start decides for ever."""
    wanted = "time-lapse" if lapse > 1 else "real"

    def keep(session: Session) -> None:
        known = session.get(Installation, "mode")
        if known is None:
            session.add(Installation(key="mode", value=wanted))
        elif known.value != wanted:
            raise WrongMode(
                f"This data directory was made for {known.value} and stays so; "
                f"choose another --data-dir for {wanted}."
            )

    database.write(keep)


def shipped_policies() -> list[tuple[str, dict[str, Any]]]:
    """Return the policies that ship with the product, as written, by file name: process and body."""
    found = sorted(files("countersign.policies").iterdir(), key=lambda f: f.name)
    return [
        (process_of(f.name), load_text(f.read_text("utf-8"), f.name))
        for f in found
        if f.name.endswith(".yaml")
    ]


def store_shipped_policies(database: Database) -> None:
    """Store the shipped policies that are not there yet; a stored one is never overwritten."""

    def keep(session: Session) -> None:
        for process, body in shipped_policies():
            name = READERS[process](body, "shipped policy").name
            if session.exec(select(StoredPolicy).where(StoredPolicy.name == name)).first() is None:
                session.add(
                    StoredPolicy(name=name, version=1, process=process, body=body, created_at=utc_now())
                )

    database.write(keep)
