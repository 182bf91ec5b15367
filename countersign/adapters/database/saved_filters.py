"""Filters that an account has kept under a name."""

from sqlmodel import Session, col, select

from countersign.adapters.database.engine import Database
from countersign.adapters.database.tables import SavedFilter
from countersign.ids import new_id

MOST = 30


class SavedFilters:
    """Keeps, lists and forgets; everybody sees their own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, account_id: str, page: str) -> list[SavedFilter]:
        """Return an account's filters of one page by name."""
        query = (
            select(SavedFilter)
            .where(SavedFilter.account_id == account_id, SavedFilter.page == page)
            .order_by(col(SavedFilter.name))
        )
        with self._database.reading() as session:
            return list(session.exec(query))

    def keep(self, account_id: str, page: str, name: str, query: str) -> bool:
        """Keep a filter; a known name gets the new one. False when there are too many already."""

        def write(session: Session) -> bool:
            own = session.exec(
                select(SavedFilter).where(SavedFilter.account_id == account_id, SavedFilter.page == page)
            ).all()
            known = next((one for one in own if one.name == name), None)
            if known is None and len(own) >= MOST:
                return False
            kept = known or SavedFilter(id=new_id(), account_id=account_id, page=page, name=name, query="")
            kept.query = query
            session.add(kept)
            return True

        return self._database.write(write)

    def forget(self, account_id: str, filter_id: str) -> bool:
        """Delete a filter of this account; False when it has none of that id."""

        def write(session: Session) -> bool:
            row = session.get(SavedFilter, filter_id)
            if row is None or row.account_id != account_id:
                return False
            session.delete(row)
            return True

        return self._database.write(write)
