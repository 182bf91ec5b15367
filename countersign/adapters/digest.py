"""Sends the daily digest: once a working morning, to everybody who wants it and for whom something waits."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time

from sqlmodel import Session, col, or_, select

from countersign.adapters.database.accounts import Accounts
from countersign.adapters.database.approvals import Approvals
from countersign.adapters.database.case_lists import CaseLists
from countersign.adapters.database.engine import Database
from countersign.adapters.database.officers import SEERS, STAFF, Officer
from countersign.adapters.database.send_gate import stop_in_force
from countersign.adapters.database.tables import Account
from countersign.contracts.cases import Role
from countersign.contracts.sending import MailMessage
from countersign.domain.calendar import WorkCalendar
from countersign.domain.digest import MOST_TASKS, DigestFacts, DigestTask, digest_mail
from countersign.domain.local_time import ZONE
from countersign.ids import new_id
from countersign.ports import Mailer

MORNING = time(8, 30)
_NO_BRANCH, _RELAY = "", "smtp"  # a mail to an officer is no branch's notice
_ROLES = (
    Role.HR,
    Role.SYSTEM_ADMINISTRATOR,
    Role.FINANCE,
    Role.ADMINISTRATION,
    Role.MANAGER,
    Role.LEGAL,
)
log = logging.getLogger("countersign.digest")


@dataclass(frozen=True)
class DigestSettings:
    """What stands in every mail: the company, where the console is, and the domain of the sender."""

    company: str
    base_url: str
    domain: str


class DailyDigest:
    """Tells people in the morning what waits. A lost mail is not sent again: the next day brings one."""

    def __init__(
        self,
        database: Database,
        accounts: Accounts,
        lists: CaseLists,
        approvals: Approvals,
        mailer: Mailer,
        calendar: Callable[[], WorkCalendar],
        settings: DigestSettings,
        clock: Callable[[], datetime],
    ) -> None:
        self._database, self._accounts, self._lists = database, accounts, lists
        self._approvals, self._mailer, self._calendar = approvals, mailer, calendar
        self._settings, self._clock = settings, clock

    async def run(self) -> int:
        """Send what is due now; return how many mails went out. Nothing leaves while sending is stopped."""
        now = self._clock()
        local = now.astimezone(ZONE)
        if local.time() < MORNING or not self._calendar().is_working_day(local.date()):
            return 0
        sent = 0
        for account_id in await asyncio.to_thread(self._waiting, local.date()):
            if await asyncio.to_thread(self._claim, account_id, local.date()):
                sent += await self._send(account_id, now)
        return sent

    def _waiting(self, today: date) -> list[str]:
        with self._database.reading() as session:
            if stop_in_force(session, _NO_BRANCH, _RELAY) is not None:
                return []
            wants = select(Account.id).where(
                col(Account.digest).is_(True),
                col(Account.email).is_not(None),
                col(Account.disabled_at).is_(None),
                col(Account.role).in_([role.value for role in _ROLES]),
                or_(col(Account.digested_on).is_(None), col(Account.digested_on) < today),
            )
            return list(session.exec(wants.order_by(col(Account.id))))

    def _claim(self, account_id: str, today: date) -> bool:
        """Take an account's mail of today; of two processes one gets it."""

        def take(session: Session) -> bool:
            account = session.get_one(Account, account_id, with_for_update=True)
            if account.digested_on is not None and account.digested_on >= today:
                return False
            account.digested_on = today
            session.add(account)
            return True

        return self._database.write(take)

    async def _send(self, account_id: str, now: datetime) -> int:
        found = await asyncio.to_thread(self._facts, account_id, now)
        if found is None:
            return 0
        address, language, facts = found
        console = f"{self._settings.base_url}/console"
        subject, text = digest_mail(self._settings.company, facts, console, now, language)
        mail = new_id()
        message_id = f"<{mail}.1@{self._settings.domain}>"
        outcome = await self._mailer.send(
            MailMessage(address, subject, text, None, message_id, notice_id=mail, delivery_id=mail, attempt=1)
        )
        log.info("digest for account %s: %s", account_id, outcome.state.value)
        return 1

    def _facts(self, account_id: str, now: datetime) -> tuple[str, str, DigestFacts] | None:
        officer = self._accounts.officer(account_id)
        with self._database.reading() as session:
            address = session.get_one(Account, account_id).email
        if officer is None or not address:
            return None
        facts = self._of(officer, now)
        return (address, officer.language, facts) if facts.worth_telling else None

    def _of(self, officer: Officer, now: datetime) -> DigestFacts:
        scope, roles = officer.scope, officer.task_roles
        summary = self._lists.summary(scope, roles, now)
        tasks = self._lists.tasks(scope, roles, MOST_TASKS)
        asked = officer.role in STAFF
        own = sum(task.due_at is not None and task.due_at < now for task in tasks)
        return DigestFacts(
            summary.mine,
            summary.overdue if officer.role in SEERS else own,
            summary.others,
            summary.today,
            self._approvals.undecided(officer.scope, but_of=officer.account_id) if asked else 0,
            tuple(DigestTask(task.kind, task.case.number, task.due_at) for task in tasks),
        )
