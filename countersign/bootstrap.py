"""Joins settings, adapters and ports; the only place where concrete parts meet."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from pydantic import TypeAdapter
from sqlmodel import col, select
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from activities.cases import CaseActivities
from activities.notices import NoticeActivities
from countersign.adapters.database.acts import Acts, Links
from countersign.adapters.database.cases import CaseBook
from countersign.adapters.database.engine import Database
from countersign.adapters.database.evidence import EvidenceLog
from countersign.adapters.database.inbox import InboxBook
from countersign.adapters.database.notices import Notices, NoticeSettings
from countersign.adapters.database.outbox import OutboxBook
from countersign.adapters.database.starts import Starts
from countersign.adapters.database.tables import PublishedYear
from countersign.adapters.database.views import Views
from countersign.adapters.dispatch import Dispatcher
from countersign.adapters.links import LinkKeys, load_link_keys
from countersign.adapters.logs import structured_logging
from countersign.adapters.real_clock import utc_now
from countersign.adapters.rendering import Renderer
from countersign.adapters.smtp import SmtpMailer
from countersign.adapters.twilio_sms import TwilioSms
from countersign.domain.calendar import CalendarYear, WorkCalendar, load_shipped_calendar
from countersign.settings import Settings

_YEAR: TypeAdapter[CalendarYear] = TypeAdapter(CalendarYear)


@dataclass
class Parts:
    """Everything an installation is made of, built when it is first asked for.

    `clock` is the real time everywhere; tests may set it.
    """

    settings: Settings
    clock: Callable[[], datetime] = utc_now

    @cached_property
    def database(self) -> Database:
        """The product's own database."""
        return Database(self.settings.url)

    @cached_property
    def evidence(self) -> EvidenceLog:
        """The evidence chains."""
        return EvidenceLog(self.clock)

    @cached_property
    def link_keys(self) -> LinkKeys:
        """The secret keys of link codes."""
        return load_link_keys(self.settings.data_dir / "secrets")

    @cached_property
    def renderer(self) -> Renderer:
        """The texts of the leave-return notices."""
        return Renderer("leave_return", self.settings.templates_dir)

    @cached_property
    def sms(self) -> TwilioSms:
        """The SMS provider; belongs to one event loop."""
        s = self.settings
        token = s.twilio_auth_token.get_secret_value()
        return TwilioSms(s.twilio_account_sid, token, s.twilio_sender, s.twilio_base_url, timeout_s=20)

    @cached_property
    def mailer(self) -> SmtpMailer:
        """The mail relay."""
        s = self.settings
        password = s.smtp_password.get_secret_value() if s.smtp_password else None
        return SmtpMailer(
            s.smtp_host,
            s.smtp_port,
            s.smtp_username,
            password,
            s.smtp_tls,
            s.mail_sender,
            s.mail_sender_name,
            timeout_s=20,
        )

    def calendar(self) -> WorkCalendar:
        """Return the working-day calendar: the shipped table and every year imported since."""
        calendar = load_shipped_calendar()
        with self.database.reading() as session:
            for row in session.exec(select(PublishedYear).order_by(col(PublishedYear.year))):
                calendar = calendar.with_year(_YEAR.validate_python(row.body))
        return calendar

    @cached_property
    def notices(self) -> Notices:
        """Notices and deliveries."""
        s = self.settings
        return Notices(
            self.database,
            self.evidence,
            self.renderer,
            self.link_keys,
            self.sms.capabilities,
            self.calendar,
            NoticeSettings(
                company=s.company_name,
                contact={"name": s.contact_name, "phone": s.contact_phone, "email": s.contact_email},
                portal=s.portal_name,
                public_base_url=s.public_base_url,
                mail_domain=s.mail_sender.rpartition("@")[2],
                link_days=s.link_days,
            ),
            self.clock,
        )

    @cached_property
    def cases(self) -> CaseBook:
        """The books that workflows write."""
        return CaseBook(self.database, self.evidence, self.clock)

    @cached_property
    def acts(self) -> Acts:
        """What people do."""
        return Acts(self.database, self.evidence, self.clock)

    @cached_property
    def links(self) -> Links:
        """What is behind a link."""
        return Links(self.database, self.evidence, self.clock)

    @cached_property
    def starts(self) -> Starts:
        """Previews and starts."""
        return Starts(
            self.database,
            self.evidence,
            self.notices,
            self.renderer,
            self.calendar,
            self.clock,
            self.settings.time_lapse,
        )

    @cached_property
    def outbox(self) -> OutboxBook:
        """What must still reach Temporal."""
        return OutboxBook(self.database, self.evidence, self.clock)

    @cached_property
    def inbox(self) -> InboxBook:
        """Machine reports: receipts, replies, punches."""
        return InboxBook(self.database, self.evidence, self.notices, self.acts, self.clock)

    @cached_property
    def views(self) -> Views:
        """Lists and case pages, read from the projection."""
        return Views(self.database, self.evidence, self.settings.data_dir)

    @cached_property
    def dispatcher(self) -> Dispatcher:
        """What carries orders to Temporal."""
        return Dispatcher(
            self.temporal, self.settings.task_queue, self.outbox, self.acts, self.starts, self.clock
        )

    _client: Client | None = None

    async def temporal(self) -> Client:
        """Return the connected Temporal client; raises while the server cannot be reached."""
        if self._client is None:
            address = self.settings.temporal_address or "127.0.0.1:7233"
            self._client = await Client.connect(
                address,
                namespace=self.settings.temporal_namespace,
                data_converter=pydantic_data_converter,
            )
        return self._client

    def activities(self) -> list[Callable[..., object]]:
        """Return every activity, joined to its adapters, for the worker's list."""
        books = CaseActivities(self.cases)
        sending = NoticeActivities(self.notices, self.sms, self.mailer, self.clock)
        return [
            books.record,
            sending.prepare_notice,
            sending.next_attempt,
            sending.send_notice,
            sending.settle_unknown,
        ]

    async def aclose(self) -> None:
        """Give back what is open."""
        if "sms" in self.__dict__:
            with contextlib.suppress(Exception):
                await self.sms.aclose()
        if "database" in self.__dict__:
            self.database.close()


def worker_parts() -> Parts:
    """Return the parts of a worker process, with logging set up."""
    set_up_logging()
    return Parts(Settings())


def set_up_logging() -> None:
    """Log one JSON object a line to standard error, with personal data taken out."""
    structured_logging()
