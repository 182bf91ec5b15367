"""Joins settings, adapters and ports; the only place where concrete parts meet."""

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property, partial
from typing import Any

from pydantic import TypeAdapter
from sqlmodel import col, select
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from activities.cases import CaseActivities
from activities.departures import DepartureActivities
from activities.ledger import LedgerActivities
from activities.notices import NoticeActivities
from countersign.adapters.alerts import AlertTeller, open_targets, read_alert_urls
from countersign.adapters.aliyun_sms import AliyunSms
from countersign.adapters.anchoring import Anchoring
from countersign.adapters.database.accounts import Accounts
from countersign.adapters.database.acts import Acts
from countersign.adapters.database.alarm_list import AlarmList
from countersign.adapters.database.alarms import AlarmBook
from countersign.adapters.database.anchors import AnchorBook
from countersign.adapters.database.approvals import Approvals
from countersign.adapters.database.balances import Balances
from countersign.adapters.database.booked_acts import BookedActs
from countersign.adapters.database.bulk_starts import BulkStarts
from countersign.adapters.database.calendar_book import CalendarBook
from countersign.adapters.database.case_documents import CaseDocuments
from countersign.adapters.database.case_links import CaseLinks
from countersign.adapters.database.case_lists import CaseLists
from countersign.adapters.database.case_pages import CasePages
from countersign.adapters.database.cases import CaseBook
from countersign.adapters.database.channels import Channels
from countersign.adapters.database.checklists import Checklists
from countersign.adapters.database.circular_views import CircularViews
from countersign.adapters.database.circulars import Circulars
from countersign.adapters.database.comments import Comments
from countersign.adapters.database.consents import Consents
from countersign.adapters.database.delegations import Delegations
from countersign.adapters.database.deliveries import DeliveryEvents
from countersign.adapters.database.departure_book import DepartureBooks
from countersign.adapters.database.departure_lists import DepartureLists
from countersign.adapters.database.departure_previews import DeparturePreviews
from countersign.adapters.database.departure_views import DepartureViews
from countersign.adapters.database.departures import DepartureDesk, Departures
from countersign.adapters.database.duty_book import DutyBook
from countersign.adapters.database.duty_reports import DutyReports
from countersign.adapters.database.employment_book import EmploymentBook
from countersign.adapters.database.engine import Database
from countersign.adapters.database.equipment_money import EquipmentMoney
from countersign.adapters.database.erasure import Eraser
from countersign.adapters.database.evidence import EvidenceLog
from countersign.adapters.database.exit_reports import ExitReports
from countersign.adapters.database.freezing import Freezer
from countersign.adapters.database.gate_book import GateBook
from countersign.adapters.database.handover_book import HandoverBook
from countersign.adapters.database.holding_book import HoldingBook
from countersign.adapters.database.import_runs import ImportRuns
from countersign.adapters.database.inbox import InboxBook
from countersign.adapters.database.leaver_pages import LeaverPages
from countersign.adapters.database.ledger_book import LedgerBook
from countersign.adapters.database.ledger_desk import LedgerDesk
from countersign.adapters.database.letters import Letters
from countersign.adapters.database.links import Links
from countersign.adapters.database.loss_files import LossFiles
from countersign.adapters.database.mail_reports import MailReports
from countersign.adapters.database.manual_evidence import ManualEvidence
from countersign.adapters.database.notices import Notices, NoticeSettings
from countersign.adapters.database.outbox import OutboxBook
from countersign.adapters.database.overrides import Overrides
from countersign.adapters.database.own_notices import OwnNotices
from countersign.adapters.database.papers import Papers
from countersign.adapters.database.people_lists import PeopleLists
from countersign.adapters.database.person_page import PersonPages
from countersign.adapters.database.phone_codes import PhoneCodes
from countersign.adapters.database.policy_book import PolicyBook
from countersign.adapters.database.policy_trials import PolicyTrials
from countersign.adapters.database.questionnaires import Questionnaires
from countersign.adapters.database.receipts import Receipts
from countersign.adapters.database.reports import Reports
from countersign.adapters.database.retention import Holds, Keepers, Retention
from countersign.adapters.database.rights import Rights
from countersign.adapters.database.saved_filters import SavedFilters
from countersign.adapters.database.send_gate import Caps, SendGate
from countersign.adapters.database.sending_desk import SendingDesk
from countersign.adapters.database.sendings import Sendings
from countersign.adapters.database.settlements import Settlements
from countersign.adapters.database.shares import Shares
from countersign.adapters.database.sifting import Sieve
from countersign.adapters.database.single_sign_on import SingleSignOn
from countersign.adapters.database.sms_reports import SmsReports
from countersign.adapters.database.start_desk import StartDesk
from countersign.adapters.database.starts import Starts
from countersign.adapters.database.stops import Stops
from countersign.adapters.database.stored_policies import StoredPolicies
from countersign.adapters.database.tables import PublishedYear
from countersign.adapters.database.template_book import TemplateBook
from countersign.adapters.database.text_previews import TextPreviews
from countersign.adapters.database.tokens import Tokens
from countersign.adapters.database.unemployment_lists import UnemploymentLists
from countersign.adapters.database.views import Views
from countersign.adapters.digest import DailyDigest, DigestSettings
from countersign.adapters.dispatch import Dispatcher
from countersign.adapters.documents import Documents
from countersign.adapters.exporting import Exporter
from countersign.adapters.history import HistoryKeeper
from countersign.adapters.links import LinkKeys, load_link_keys
from countersign.adapters.logs import structured_logging
from countersign.adapters.mail_addresses import MailAddresses
from countersign.adapters.mail_intake import MailIntake
from countersign.adapters.oidc import Issuer
from countersign.adapters.paper import Press
from countersign.adapters.real_clock import utc_now
from countersign.adapters.receipt_poll import ReceiptPoll
from countersign.adapters.rendering import Renderer, StoredTexts, candidates
from countersign.adapters.signing import Signer, SigningFault, given_signer, own_signer
from countersign.adapters.sms_routes import RoutedSms, SmsWayOut, load_registered_texts, routes_of
from countersign.adapters.smtp import SmtpMailer
from countersign.adapters.timestamps import Authority
from countersign.adapters.twilio_sms import TwilioSms
from countersign.contracts.cases import Process
from countersign.domain.calendar import CalendarYear, WorkCalendar, load_shipped_calendar
from countersign.domain.channels import Setup, ways_out
from countersign.domain.destinations import SmsProvider, by_longest_prefix
from countersign.domain.policy import Channel
from countersign.domain.sms_cost import sms_prices
from countersign.domain.sms_templates import (
    FilledText,
    RegisteredTexts,
    TemplateGap,
    fill,
    missing_template,
)
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
    def renderers(self) -> dict[Process, Renderer]:
        """The texts of the notices of each process."""
        return self.renderers_over(self.template_book.body)

    def renderers_over(self, stored: StoredTexts) -> dict[Process, Renderer]:
        """Return renderers that look first into the texts that `stored` knows."""
        folder = self.settings.templates_dir
        return {process: Renderer(process.value, folder, stored) for process in Process}

    @cached_property
    def template_book(self) -> TemplateBook:
        """The texts of the company's own."""
        return TemplateBook(self.database, self.clock)

    @cached_property
    def text_previews(self) -> TextPreviews:
        """What a text becomes for one person."""
        company = self.settings.company_name
        return TextPreviews(self.database, self.notices_with, self.papers, self.press, company, self.clock)

    @property
    def renderer(self) -> Renderer:
        """The texts of the leave-return notices."""
        return self.renderers[Process.LEAVE_RETURN]

    @cached_property
    def sms(self) -> RoutedSms:
        """The ways out for text messages; belongs to one event loop.

        Raises `ValueError` with one sentence for a route that leads nowhere and for a provider not set up.
        """
        routes = routes_of(self.settings.sms_routes, "sms_routes")
        return RoutedSms(routes, {provider: self._sms_way(provider) for provider in set(routes.values())})

    def _sms_way(self, provider: SmsProvider) -> SmsWayOut:
        s = self.settings
        if provider is SmsProvider.ALIYUN:
            key_id, secret = s.aliyun_access_key_id, s.aliyun_access_key_secret.get_secret_value()
            return AliyunSms(key_id, secret, s.aliyun_signature, s.aliyun_base_url, timeout_s=20)
        token = s.twilio_auth_token.get_secret_value()
        return TwilioSms(s.twilio_account_sid, token, s.twilio_sender, s.twilio_base_url, timeout_s=20)

    @cached_property
    def sms_templates(self) -> RegisteredTexts:
        """The texts that are registered with SMS providers; `InputError` when their file is no good."""
        file = self.settings.sms_templates_file
        return RegisteredTexts() if file is None else load_registered_texts(file)

    @cached_property
    def sms_prices(self) -> dict[str, Decimal]:
        """The prices of texts in yuan a segment, by number prefix; `InputError` when one is no good."""
        return sms_prices(self.settings.sms_prices, "sms_prices")

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
        """Return the working-day calendar: the shipped table and every year imported since.

        A list of thousands asks for it once a row; it is put together again when a year was imported.
        """
        years = select(PublishedYear.year, PublishedYear.imported_at).order_by(col(PublishedYear.year))
        with self.database.reading() as session:
            imported = tuple(session.exec(years))
            if self._calendar is None or self._calendar[0] != imported:
                calendar = load_shipped_calendar()
                for row in session.exec(select(PublishedYear).order_by(col(PublishedYear.year))):
                    calendar = calendar.with_year(_YEAR.validate_python(row.body))
                self._calendar = imported, calendar
            return self._calendar[1]

    @cached_property
    def calendar_book(self) -> CalendarBook:
        """The calendar's years, and what a change of them moves."""
        return CalendarBook(self.database, self.outbox, self.clock)

    @cached_property
    def notices(self) -> Notices:
        """Notices and deliveries."""
        return self.notices_with(self.renderers)

    def notices_with(self, renderers: Mapping[Process, Renderer]) -> Notices:
        """Return a notice book over these texts."""
        s = self.settings
        return Notices(
            self.database,
            self.evidence,
            renderers,
            self.link_keys,
            self.sms.capabilities,
            self.calendar,
            NoticeSettings(
                company=s.company_name,
                contact={"name": s.contact_name, "phone": s.contact_phone, "email": s.contact_email},
                portal=s.portal_name,
                public_base_url=s.public_base_url,
                link_days=s.link_days,
            ),
            self.registered_sms,
            self.clock,
            self.papers,
        )

    @cached_property
    def press(self) -> Press:
        """What prints pages; `ValueError` when the folder of further fonts holds none."""
        return Press(self.settings.font_dir)

    @cached_property
    def papers(self) -> Papers:
        """The papers of notices."""
        company = self.settings.company_name
        return Papers(self.database, self.evidence, self.press, company, self.documents, self.clock)

    @cached_property
    def documents(self) -> Documents:
        """The files of the installation, by their hash."""
        return Documents(self.settings.data_dir / "documents")

    def registered_sms(
        self,
        process: Process,
        name: str,
        audience: str,
        language: str,
        to: str,
        variables: Mapping[str, Any],
    ) -> FilledText | None:
        """Return the filled registered text for a number whose way out wants one; else None."""
        if not self.sms.capabilities(to).template_required:
            return None
        found = self.sms_templates.find(process.value, candidates(name, audience), language)
        if found is None:
            return None
        own = self.sms.provider_of(to) == SmsProvider.ALIYUN
        return fill(found, variables, self.settings.aliyun_signature if own else None)

    def missing_template(
        self, process: Process, name: str, audience: str, language: str, to: str
    ) -> TemplateGap | None:
        """Say that a step needs a registered text which is not declared."""
        provider = SmsProvider(self.sms.provider_of(to) or SmsProvider.TWILIO)
        found = self.sms_templates.find(process.value, candidates(name, audience), language)
        place = f"{process.value}.{name}.{language}"
        return missing_template(name, place, provider, self.sms.capabilities(to), found)

    @cached_property
    def delivery_events(self) -> DeliveryEvents:
        """What is written into the evidence about deliveries."""
        return DeliveryEvents(self.evidence)

    def provider_of(self, channel: str, address: str) -> str:
        """Return the name of whoever carries a message to an address."""
        return self.sms.provider_of(address) if channel == Channel.SMS else "smtp"

    @cached_property
    def sendings(self) -> Sendings:
        """The book of attempts."""
        s = self.settings
        return Sendings(
            self.database,
            self.delivery_events,
            SendGate(Caps(s.person_daily_cap, s.company_daily_cap), self.provider_of),
            self.mail_addresses,
            f"{s.public_base_url}/hooks",
            s.mail_sender.rpartition("@")[2],
            self.clock,
        )

    @cached_property
    def receipts(self) -> Receipts:
        """What is reported of deliveries."""
        return Receipts(self.database, self.delivery_events, self.clock)

    @cached_property
    def receipt_poll(self) -> ReceiptPoll:
        """What asks for reports that never came."""
        after = timedelta(seconds=self.settings.poll_after_s)
        return ReceiptPoll(self.sendings, self.receipts, self.sms, self.clock, after)

    @cached_property
    def case_links(self) -> CaseLinks:
        """What hands evidence over from case to case."""
        return CaseLinks(self.database, self.evidence, self.clock)

    @cached_property
    def holds(self) -> Holds:
        """Bans on erasing a case."""
        return Holds(self.database, self.evidence, self.clock)

    @cached_property
    def letters(self) -> Letters:
        """What couriers report of letters."""
        return Letters(self.database, self.evidence, self.clock)

    @cached_property
    def manual_evidence(self) -> ManualEvidence:
        """What people write down of calls, visits and screenshots."""
        return ManualEvidence(self.database, self.evidence, self.clock)

    @cached_property
    def consents(self) -> Consents:
        """What people have signed about their addresses."""
        return Consents(self.database, self.clock)

    @cached_property
    def retention(self) -> Retention:
        """Which closed cases have outlived their term."""
        return Retention(self.database, self.eraser, self.settings.retention_years, self.clock)

    @cached_property
    def stops(self) -> Stops:
        """The switch that stops all sending."""
        providers = (*(provider.value for provider in SmsProvider), "smtp")
        return Stops(self.database, providers, self.clock)

    @cached_property
    def sending_desk(self) -> SendingDesk:
        """What the page about sending shows."""
        return SendingDesk(self.database, self.clock)

    @cached_property
    def alarm_list(self) -> AlarmList:
        """The alarms as people read them."""
        return AlarmList(self.database)

    @cached_property
    def cases(self) -> CaseBook:
        """The books that workflows write."""
        return CaseBook(self.database, self.evidence, self.clock)

    @cached_property
    def acts(self) -> Acts:
        """What people do."""
        return Acts(self.database, self.evidence, self.clock)

    @cached_property
    def departure_books(self) -> DepartureBooks:
        """The books of departures, as their processes read and write them."""
        return DepartureBooks(self.database, self.shares, self.duty_book, self.clock)

    @cached_property
    def booked_acts(self) -> BookedActs:
        """Acts whose effect is in the books at once."""
        return BookedActs(self.database, self.acts, self.clock)

    @cached_property
    def gate_book(self) -> GateBook:
        """Why somebody cannot leave."""
        return GateBook(self.database, self.clock)

    @cached_property
    def loss_files(self) -> LossFiles:
        """What a claim against a leaver rests on."""
        return LossFiles(
            self.database,
            self.views,
            lambda: self.exporter,
            self.documents,
            lambda: self.press,
            lambda: self.sms_prices,
            self.settings.company_name,
            self.clock,
        )

    @cached_property
    def settlements(self) -> Settlements:
        """What is paid and deducted at an exit."""
        return Settlements(
            self.database,
            self.booked_acts,
            self.evidence,
            self.documents,
            lambda: self.press,
            self.calendar,
            self.settings.company_name,
            self.clock,
        )

    @cached_property
    def ledger(self) -> LedgerBook:
        """The sub-ledger of employments."""
        return LedgerBook(self.database, self.evidence, self.clock)

    @cached_property
    def ledger_desk(self) -> LedgerDesk:
        """What people see of the ledger, and post by hand."""
        return LedgerDesk(self.database, self.ledger, self.evidence, self.clock)

    @cached_property
    def balances(self) -> Balances:
        """What finance decides about a leaver's debts."""
        return Balances(
            self.database,
            self.booked_acts,
            self.ledger,
            self.evidence,
            self.approvals,
            self.overrides,
            self.settings.waiver_limit_fen,
            self.clock,
        )

    @cached_property
    def duty_book(self) -> DutyBook:
        """The duties of the employer at the end of an employment."""
        company = self.settings.company_name
        freezer = Freezer(
            self.database, self.evidence, self.ledger, self.press, self.documents, company, self.clock
        )
        return DutyBook(
            self.database,
            self.evidence,
            self.booked_acts,
            freezer,
            self.press,
            self.documents,
            company,
            self.clock,
        )

    @cached_property
    def duty_reports(self) -> DutyReports:
        """Which statutory duties are open and late."""
        return DutyReports(self.database, self.clock)

    @cached_property
    def unemployment_lists(self) -> UnemploymentLists:
        """The list of ended employments that the bureau is given."""
        return UnemploymentLists(self.database, self.evidence, self.clock)

    @cached_property
    def employments(self) -> EmploymentBook:
        """What employments are in truth."""
        days = self.settings.suspended_alarm_days
        return EmploymentBook(self.database, self.evidence, days, self.clock)

    @cached_property
    def shares(self) -> Shares:
        """The cases of those who take something over."""
        return Shares(self.evidence, self.calendar, self.clock, self.settings.time_lapse)

    @cached_property
    def checklists(self) -> Checklists:
        """Accounts to shut, tasks and reports to pass on."""
        return Checklists(self.database, self.booked_acts, self.evidence, self.clock)

    @cached_property
    def holdings(self) -> HoldingBook:
        """What employees hold for the company."""
        return HoldingBook(self.database, self.evidence, self.shares, self.clock)

    @cached_property
    def handover_book(self) -> HandoverBook:
        """What is said of the items of a handover."""
        money = EquipmentMoney(self.ledger, self.clock)
        return HandoverBook(self.database, self.booked_acts, self.evidence, self.shares, money, self.clock)

    @cached_property
    def leaver_pages(self) -> LeaverPages:
        """What leavers are shown of the end."""
        return LeaverPages(self.database, self.evidence, self.documents, self.ledger.balances, self.clock)

    @cached_property
    def questionnaires(self) -> Questionnaires:
        """What leavers are asked and answer."""
        return Questionnaires(self.database, self.evidence, self.clock)

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
            self.calendar,
            self.clock,
            self.settings.time_lapse,
            self._sieve(Process.LEAVE_RETURN),
        )

    @cached_property
    def departures(self) -> Departures:
        """Departures: previewed, started, withdrawn, moved."""
        return Departures(
            self.database,
            self.evidence,
            DeparturePreviews(self.notices, self.ledger, self.calendar, self._sieve),
            DepartureDesk(self.shares, self.duty_book, self.ledger, self.checklists),
            self.calendar,
            self.clock,
            self.settings.time_lapse,
        )

    @cached_property
    def departure_lists(self) -> DepartureLists:
        """Lists of departures for people who look for work."""
        return DepartureLists(self.database)

    @cached_property
    def policy_trials(self) -> PolicyTrials:
        """What a policy of a departure would do to one person."""
        return PolicyTrials(self.database, self.notices, self.calendar, self.clock, self._sieve)

    @cached_property
    def departure_views(self) -> DepartureViews:
        """Departures as lists and programs read them."""
        return DepartureViews(self.database, self.clock)

    @cached_property
    def start_desk(self) -> StartDesk:
        """What people look up who start cases."""
        return StartDesk(self.database)

    @cached_property
    def bulk_starts(self) -> BulkStarts:
        """Many cases started at one wish."""
        return BulkStarts(self.database, self.starts, self.clock)

    @cached_property
    def stored_policies(self) -> StoredPolicies:
        """The policies of the company and their versions."""
        return StoredPolicies(self.database, self.clock, self.starts.reschedule)

    @cached_property
    def policy_book(self) -> PolicyBook:
        """Which policy each branch starts with, and where a process is switched off."""
        return PolicyBook(self.database, self.clock, self.starts.reschedule)

    @cached_property
    def circulars(self) -> Circulars:
        """Texts that each of several addressees must confirm."""
        return Circulars(
            self.database,
            self.evidence,
            self.notices,
            self.calendar,
            self.clock,
            self.settings.time_lapse,
            self._sieve(Process.ACKNOWLEDGEMENT),
        )

    @cached_property
    def circular_views(self) -> CircularViews:
        """Who has confirmed what."""
        return CircularViews(self.database)

    def _sieve(self, process: Process) -> Sieve:
        return Sieve(self.channels, partial(self.missing_template, process), self.sms_prices)

    @cached_property
    def outbox(self) -> OutboxBook:
        """What must still reach Temporal."""
        return OutboxBook(self.database, self.evidence, self.clock)

    @cached_property
    def inbox(self) -> InboxBook:
        """Machine reports: receipts, replies, punches."""
        texts = SmsReports(self.database, self.evidence, self.receipts, self.acts, self.link_keys, self.clock)
        mails = MailReports(
            self.database, self.evidence, self.acts, self.receipts, self.documents, self.clock
        )
        handlers = {
            "twilio.status": texts.twilio_status,
            "twilio.inbound": texts.reply,
            "aliyun.report": texts.aliyun_report,
            "aliyun.reply": texts.aliyun_reply,
            "mail": mails.handle,
        }
        return InboxBook(self.database, handlers, self.acts, self.clock)

    @cached_property
    def channels(self) -> Channels:
        """The ways out, and who answers for those that leave the country; `ValueError` on unknown names."""
        s = self.settings
        routes = routes_of(s.sms_routes, "sms_routes")
        real = {SmsProvider.TWILIO: s.twilio_is_real, SmsProvider.ALIYUN: s.aliyun_base_url is None}
        sms = {
            provider.value: (Setup.REAL if real[provider] else Setup.STAND_IN)
            if provider in routes.values()
            else Setup.MISSING
            for provider in SmsProvider
        }
        ways = ways_out(sms, Setup.REAL if s.real_providers else Setup.STAND_IN, s.crossing_channels)

        def providers_for(number: str | None) -> tuple[str, ...]:
            if number is None:  # not known yet: any route may be taken
                return tuple(dict.fromkeys(provider.value for provider in routes.values()))
            provider = by_longest_prefix(routes, number)
            return () if provider is None else (provider.value,)

        return Channels(self.database, ways, providers_for, self.clock)

    @cached_property
    def alerts(self) -> AlertTeller:
        """What tells alarms to groups; raises `ValueError` when an address of the settings is no good."""
        s = self.settings
        urls = read_alert_urls([url.get_secret_value() for url in s.alert_urls], s.alert_urls_file)
        return AlertTeller(AlarmBook(self.database), open_targets(urls), s.public_base_url, self.clock)

    @cached_property
    def mail_addresses(self) -> MailAddresses:
        """The addresses to which bounces and answers come back."""
        return MailAddresses(self.link_keys, self.settings.mail_intake_domain)

    @cached_property
    def mail_intake(self) -> MailIntake:
        """What takes in the mails that come back."""
        limit = self.settings.mail_intake_limit_bytes
        return MailIntake(self.mail_addresses, self.inbox.keep, self.documents, limit)

    @cached_property
    def accounts(self) -> Accounts:
        """Who signs in to the console."""
        return Accounts(self.database, self.clock)

    @cached_property
    def single_sign_on(self) -> SingleSignOn:
        """Sign-ins on their way to the identity provider and back."""
        return SingleSignOn(self.database, self.clock)

    @cached_property
    def oidc(self) -> Issuer | None:
        """The company's identity provider, where one is set."""
        s = self.settings
        if s.oidc_issuer is None:
            return None
        secret = s.oidc_client_secret.get_secret_value()
        back = f"{s.public_base_url}/console/oidc/callback"
        return Issuer(s.oidc_issuer, s.oidc_client_id, secret, s.oidc_name_claim, back, self.clock)

    @cached_property
    def rights(self) -> Rights:
        """Who changes accounts."""
        return Rights(self.database, self.clock)

    @cached_property
    def delegations(self) -> Delegations:
        """Who stands in for whom."""
        return Delegations(self.database, self.clock)

    @cached_property
    def tokens(self) -> Tokens:
        """The tokens of the API."""
        return Tokens(self.database, self.clock)

    @cached_property
    def overrides(self) -> Overrides:
        """Acts that two people agreed to."""
        return Overrides(self.database, self.approvals, self.acts, self.evidence, self.clock)

    @cached_property
    def phone_codes(self) -> PhoneCodes:
        """Signing in by a code to the phone on file."""
        return PhoneCodes(self.database, self.link_keys, self.provider_of, self.clock)

    @cached_property
    def own_notices(self) -> OwnNotices:
        """What was said to somebody who is signed in."""
        return OwnNotices(self.database, self.evidence, self.clock)

    @cached_property
    def import_runs(self) -> ImportRuns:
        """What became of files that were handed in."""
        return ImportRuns(self.database, self.clock)

    @cached_property
    def digest(self) -> DailyDigest:
        """The mail in the morning."""
        s = self.settings
        told = DigestSettings(s.company_name, s.public_base_url, s.mail_sender.rpartition("@")[2])
        return DailyDigest(
            self.database,
            self.accounts,
            self.case_lists,
            self.approvals,
            self.mailer,
            self.calendar,
            told,
            self.clock,
        )

    @cached_property
    def approvals(self) -> Approvals:
        """What waits for a second person."""
        return Approvals(self.database, self.clock)

    @cached_property
    def case_lists(self) -> CaseLists:
        """Lists of cases for people who look for work."""
        return CaseLists(self.database)

    @cached_property
    def people_lists(self) -> PeopleLists:
        """Lists of employees."""
        return PeopleLists(self.database)

    @cached_property
    def person_pages(self) -> PersonPages:
        """Everything about one employee."""
        return PersonPages(self.database)

    @cached_property
    def reports(self) -> Reports:
        """What the books say over a span of days."""
        return Reports(self.database)

    @cached_property
    def exit_reports(self) -> ExitReports:
        """What the books say of departures over a span of days."""
        return ExitReports(self.database)

    @cached_property
    def saved_filters(self) -> SavedFilters:
        """Filters kept under a name."""
        return SavedFilters(self.database)

    @cached_property
    def comments(self) -> Comments:
        """What people note on cases."""
        return Comments(self.database, self.evidence, self.clock)

    @cached_property
    def case_documents(self) -> CaseDocuments:
        """The files of cases, for those who look at them."""
        return CaseDocuments(self.database, self.evidence, self.documents, self.clock)

    @cached_property
    def case_pages(self) -> CasePages:
        """What a page about one case shows."""
        return CasePages(self.database, self.views, self.clock)

    @cached_property
    def views(self) -> Views:
        """Lists and case pages, read from the projection."""
        return Views(self.database, self.evidence, self.documents)

    @cached_property
    def signer(self) -> Signer:
        """Who signs manifests: the key of the settings, else the installation's own; `SigningFault`."""
        s = self.settings
        if s.signing_key_file is None and s.signing_certificate_file is None:
            return own_signer(s.data_dir / "secrets", self.clock())
        if s.signing_key_file is None or s.signing_certificate_file is None:
            raise SigningFault(
                "signing_key_file and signing_certificate_file belong together; set both or none"
            )
        return given_signer(s.signing_key_file, s.signing_certificate_file)

    @cached_property
    def authority(self) -> Authority | None:
        """The timestamp authority, where one is set."""
        s = self.settings
        return None if s.tsa_url is None else Authority(s.tsa_url, s.tsa_ca_file)

    @cached_property
    def exporter(self) -> Exporter:
        """What hands evidence out."""
        return Exporter(
            self.database, self.evidence, self.views, lambda: self.signer, self.authority, self.clock
        )

    @cached_property
    def anchoring(self) -> Anchoring:
        """What anchors the heads of all chains."""
        book = AnchorBook(self.database, self.clock)
        return Anchoring(self.database, book, self.settings.anchors, self.authority, self.clock)

    @cached_property
    def histories(self) -> HistoryKeeper:
        """What keeps the histories of closed cases."""
        return HistoryKeeper(self.database, self.temporal, self.documents, self.clock)

    @cached_property
    def eraser(self) -> Eraser:
        """What erases the personal values of closed cases."""
        kept = Keepers(self.settings.retention_years, self.clock)
        return Eraser(self.database, self.evidence, self.documents, kept, self.clock)

    @cached_property
    def dispatcher(self) -> Dispatcher:
        """What carries orders to Temporal."""
        return Dispatcher(
            self.temporal, self.settings.task_queue, self.outbox, self.acts, self.starts, self.clock
        )

    _calendar: tuple[tuple[tuple[int, datetime], ...], WorkCalendar] | None = field(default=None, repr=False)
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
        leaving = DepartureActivities(self.departure_books)
        sending = NoticeActivities(self.notices, self.sendings, self.sms, self.mailer, self.clock)
        return [
            books.record,
            sending.prepare_notice,
            sending.next_attempt,
            sending.send_notice,
            sending.settle_unknown,
            leaving.read_offboarding,
            leaving.read_share,
            leaving.read_statutory,
            leaving.end_employment,
            leaving.issue_certificate,
            leaving.freeze_open_items,
            leaving.close_departure,
            LedgerActivities(self.ledger).post,
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
