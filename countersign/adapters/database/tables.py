"""The tables of the product's own database. They never cross a Temporal boundary.

Instants are aware and stored in UTC; money is integer fen. Personal data lives here and in the evidence's
disclosures, nowhere else.
"""

from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, DateTime, Index, Text, TypeDecorator, UniqueConstraint
from sqlmodel import Field, SQLModel


class Instant(TypeDecorator[datetime]):
    """An aware instant, kept in UTC; SQLite has no zone, so it is put back on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        """Refuse naive datetimes and store UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a datetime without zone reached the database")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        """Return the stored instant as aware UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def instant(*, nullable: bool = False, index: bool = False) -> Any:
    """Return a column for an aware instant."""
    return Field(default=None, sa_column=Column(Instant(), nullable=nullable, index=index))


def json_column(default: Any) -> Any:
    """Return a JSON column with a default factory."""
    return Field(default_factory=default, sa_column=Column(JSON, nullable=False))


class Installation(SQLModel, table=True):
    """Facts of the data directory: `mode` is `real` or `time-lapse`, from its first start."""

    key: str = Field(primary_key=True)
    value: str


class Branch(SQLModel, table=True):
    """A branch of the company: whose region's tables and calendar apply."""

    id: str = Field(primary_key=True)
    name: str = Field(unique=True)
    region: str
    zone: str = "Asia/Shanghai"


class Person(SQLModel, table=True):
    """An employee with the ways to reach them; `number` is the 工号."""

    id: str = Field(primary_key=True)
    number: str = Field(unique=True)
    name: str
    id_number: str | None = None
    phone: str | None = None
    email: str | None = None
    preferred_channel: str | None = None
    language: str = "zh-CN"
    branch_id: str = Field(foreign_key="branch.id", index=True)
    department: str | None = None
    post: str | None = None
    manager_number: str | None = None
    service_address: str | None = None
    e_delivery_consent_on: date | None = None


class Employment(SQLModel, table=True):
    """One employment of a person; a person can have several.

    `state` is what the company's systems say; whether it has ended follows from `ended_on`, the day of the
    delivered notice or the agreed date. `suspended_since` is set while somebody calls it suspended.
    The contract's own term is that of the contract in force: `contract_type` is `fixed`, `open_ended` or
    `task`, None while nobody has told it; only a fixed one has `contract_ends_on`.
    """

    __table_args__ = (UniqueConstraint("person_id", "hired_on"),)

    id: str = Field(primary_key=True)
    person_id: str = Field(foreign_key="person.id", index=True)
    hired_on: date
    ended_on: date | None = None
    state: str = "active"
    ended_ground: str | None = None
    suspended_since: date | None = None
    contract_type: str | None = None
    contract_starts_on: date | None = None
    contract_ends_on: date | None = None


class EmergencyContact(SQLModel, table=True):
    """Whom to call when an employee does not answer; told as little as possible."""

    person_id: str = Field(primary_key=True, foreign_key="person.id")
    name: str
    relation: str | None = None
    phone: str | None = None
    consent_on: date | None = None


class Leave(SQLModel, table=True):
    """A leave; its last day is inclusive."""

    __table_args__ = (UniqueConstraint("person_id", "kind", "starts_on"),)

    id: str = Field(primary_key=True)
    person_id: str = Field(foreign_key="person.id", index=True)
    kind: str
    starts_on: date
    ends_on: date


class StoredPolicy(SQLModel, table=True):
    """A ladder policy of one process by name and version; a running case carries its own copy."""

    name: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    process: str = "leave_return"
    body: dict[str, Any] = json_column(dict)
    created_by: str | None = None
    created_at: datetime = instant()


class PublishedYear(SQLModel, table=True):
    """A calendar year imported after release, over the shipped table."""

    year: int = Field(primary_key=True)
    body: dict[str, Any] = json_column(dict)
    imported_at: datetime = instant()


class Case(SQLModel, table=True):
    """The projection of one running process: what lists and pages read while no worker runs.

    `next_at` is when the next message is planned to leave by itself. `departure_id` is the offboarding case
    that a case belongs to, of that case itself its own id.
    """

    __tablename__ = "case_"

    id: str = Field(primary_key=True)
    kind: str = Field(index=True)
    workflow_id: str = Field(unique=True)
    person_id: str = Field(foreign_key="person.id", index=True)
    branch_id: str = Field(foreign_key="branch.id", index=True)
    leave_id: str | None = Field(default=None, foreign_key="leave.id", unique=True)
    circular_id: str | None = Field(default=None, foreign_key="circular.id", index=True)
    departure_id: str | None = Field(default=None, foreign_key="case_.id", index=True)
    policy_version: str
    frozen: dict[str, Any] = json_column(dict)
    state: str = Field(index=True)
    stage: str
    holder: str | None = None
    due_at: datetime | None = instant(nullable=True, index=True)
    next_at: datetime | None = instant(nullable=True, index=True)
    outcome: str | None = None
    provisional: bool = False
    ends_on: date | None = None
    steps: list[dict[str, Any]] = json_column(list)
    clock_factor: int = 1
    clock_case: datetime | None = instant(nullable=True)
    clock_real: datetime | None = instant(nullable=True)
    clock_limit: datetime | None = instant(nullable=True)
    created_at: datetime = instant(index=True)
    closed_at: datetime | None = instant(nullable=True)
    checked_at: datetime | None = instant(nullable=True, index=True)


class Task(SQLModel, table=True):
    """Something one holder must do by a time."""

    __tablename__ = "task"
    __table_args__ = (UniqueConstraint("case_id", "key"),)

    id: str = Field(primary_key=True)
    case_id: str = Field(foreign_key="case_.id", index=True)
    key: str
    kind: str
    holder: str = Field(index=True)
    due_at: datetime | None = instant(nullable=True)
    opened_at: datetime = instant()
    done_at: datetime | None = instant(nullable=True)


class RecordedStep(SQLModel, table=True):
    """Keys of record orders already carried out: the twin of an order writes nothing."""

    case_id: str = Field(primary_key=True, foreign_key="case_.id")
    key: str = Field(primary_key=True)


class Notice(SQLModel, table=True):
    """What is said to one recipient, with fixed content and fingerprint.

    `letterhead` is what its page says around the text; kept, so that it is printed the same at any time.
    """

    __table_args__ = (UniqueConstraint("case_id", "step"),)

    id: str = Field(primary_key=True)
    case_id: str = Field(foreign_key="case_.id", index=True)
    step: str
    template: str
    audience: str
    person_id: str = Field(index=True)
    language: str
    title: str
    text: str = Field(sa_column=Column(Text, nullable=False))
    fingerprint: str
    answer_by: datetime | None = instant(nullable=True)
    sensitive: bool = False
    letterhead: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON, nullable=True))
    created_at: datetime = instant()


class Delivery(SQLModel, table=True):
    """One attempt to bring a notice over one channel. Facts beside the state have their own times.

    `day` is the branch's date on which the message left, counted against the caps; `held_why` says what keeps
    it from leaving now. `ask_at` is the real time from which the provider may be asked about it again. What
    HR carries out has `by_hand_at`, when it was done; a letter also its courier, the number to trace it by,
    and the last result of the courier.
    """

    __table_args__ = (UniqueConstraint("notice_id", "channel", "attempt"),)

    id: str = Field(primary_key=True)
    notice_id: str = Field(foreign_key="notice.id", index=True)
    case_id: str = Field(foreign_key="case_.id", index=True)
    channel: str
    attempt: int
    state: str = Field(index=True)
    address: str | None = None
    subject: str | None = None
    text: str = Field(sa_column=Column(Text, nullable=False))
    code: str | None = None
    provider_id: str | None = Field(default=None, index=True)
    error_code: str | None = None
    sentence: str | None = None
    possible_duplicate: bool = False
    sms_template: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON, nullable=True))
    token: str | None = None
    created_at: datetime = instant()
    sending_at: datetime | None = instant(nullable=True)
    sent_at: datetime | None = instant(nullable=True)
    settled_at: datetime | None = instant(nullable=True)
    fetched_at: datetime | None = instant(nullable=True)
    fetches: int = 0
    acknowledged_at: datetime | None = instant(nullable=True)
    provider: str | None = None
    day: date | None = Field(default=None, index=True)
    held_why: str | None = Field(default=None, index=True)
    ask_at: datetime | None = instant(nullable=True)
    polls: int = 0
    opened_at: datetime | None = instant(nullable=True)
    identity_confirmed_at: datetime | None = instant(nullable=True)
    by_hand_at: datetime | None = instant(nullable=True)
    courier: str | None = None
    tracking_number: str | None = Field(default=None, index=True)
    courier_result: str | None = None


class Link(SQLModel, table=True):
    """The no-login link of one delivery; only a keyed hash of its code is kept. Its id is the delivery's."""

    id: str = Field(primary_key=True, foreign_key="delivery.id")
    case_id: str = Field(foreign_key="case_.id", index=True)
    notice_id: str = Field(foreign_key="notice.id", index=True)
    person_id: str
    key_id: str
    code_hash: str = Field(unique=True)
    expires_at: datetime = instant()
    revoked_at: datetime | None = instant(nullable=True)
    revoked_why: str | None = None


class Suppression(SQLModel, table=True):
    """An address that nothing more of this case may be sent to."""

    case_id: str = Field(primary_key=True, foreign_key="case_.id")
    address: str = Field(primary_key=True)
    reason: str
    created_at: datetime = instant()


class OptOut(SQLModel, table=True):
    """An address whose holder told the provider or us to stop a channel; holds for the whole company."""

    address: str = Field(primary_key=True)
    channel: str = Field(primary_key=True)
    reason: str
    created_at: datetime = instant()


class SendingStop(SQLModel, table=True):
    """A switch that holds all sending of the company, of a branch or over a provider until released.

    `scope` is `company`, `branch` or `provider`; `subject` the branch's id or the provider's name.
    """

    id: str = Field(primary_key=True)
    scope: str
    subject: str | None = None
    reason: str
    set_by: str
    set_at: datetime = instant()
    released_by: str | None = None
    released_at: datetime | None = instant(nullable=True, index=True)


class ProviderHealth(SQLModel, table=True):
    """Since when a provider has failed without a success in between, and whether somebody was told."""

    provider: str = Field(primary_key=True)
    failing_since: datetime | None = instant(nullable=True)
    alarmed_at: datetime | None = instant(nullable=True)


class IdentityCheck(SQLModel, table=True):
    """The second factor of one link: tries left, the one-time code sent, and when it was passed."""

    link_id: str = Field(primary_key=True, foreign_key="link.id")
    tries: int = 0
    locked_at: datetime | None = instant(nullable=True)
    confirmed_at: datetime | None = instant(nullable=True)
    method: str | None = None
    code_hash: str | None = None
    code_expires_at: datetime | None = instant(nullable=True)
    codes_sent: int = 0


class CaseLink(SQLModel, table=True):
    """A case that inherits another case's evidence, with the other chain's head at that time."""

    case_id: str = Field(primary_key=True, foreign_key="case_.id")
    other_id: str = Field(primary_key=True, foreign_key="case_.id")
    length: int
    head: str
    at: datetime = instant()


class Circular(SQLModel, table=True):
    """A text that each of several addressees must confirm; every addressee has a case of their own.

    `confirmed` counts the addressees who have; `request_key` is that of the request that made it, so that the
    same request makes nothing twice.
    """

    id: str = Field(primary_key=True)
    branch_id: str | None = Field(default=None, foreign_key="branch.id", index=True)
    title: str
    text: str = Field(sa_column=Column(Text, nullable=False))
    sensitive: bool = False
    confirmed: int = 0
    request_key: str | None = Field(default=None, unique=True)
    created_by: str
    created_at: datetime = instant()


class ActRow(SQLModel, table=True):
    """A human answer or action, committed before anything else: the receipt and the stop.

    `actor` is a person, a link, `token:<id>` or `account:<id>`; `acting_for` the account stood in for.
    """

    __tablename__ = "act"
    __table_args__ = (Index("ix_act_case_state", "case_id", "state"),)

    id: str = Field(primary_key=True)
    case_id: str = Field(foreign_key="case_.id")
    kind: str
    role: str
    actor: str
    acting_for: str | None = None
    link_id: str | None = None
    audience: str | None = None
    body: dict[str, Any] = json_column(dict)
    words: dict[str, str] = json_column(dict)
    shown_sha256: str | None = None
    fingerprint: str
    at: datetime = instant()
    recorded_at: datetime = instant()
    state: str = Field(default="waiting", index=True)
    sentence: str | None = None


class Document(SQLModel, table=True):
    """A file that was handed in or printed; its bytes lie under their SHA-256 in the data directory.

    `kind` is `paper` for the page of a notice, which `notice_id` names.
    """

    id: str = Field(primary_key=True)
    case_id: str = Field(foreign_key="case_.id", index=True)
    act_id: str | None = Field(default=None, index=True)
    notice_id: str | None = Field(default=None, index=True)
    sha256: str
    media_type: str
    size: int
    kind: str
    created_at: datetime = instant()


class ConsentRecord(SQLModel, table=True):
    """A signed paper on which a person named the addresses for service; never changed, the newest counts.

    `sha256` is the hash of the canonical content, which holds `file_sha256`; the signed paper's bytes lie
    under that hash in the data directory. `mobile` is E.164.
    """

    __tablename__ = "consent_record"

    id: str = Field(primary_key=True)
    person_id: str = Field(foreign_key="person.id", index=True)
    service_address: str | None = None
    mobile: str | None = None
    email: str | None = None
    e_delivery: bool
    signed_on: date
    file_sha256: str
    media_type: str
    size: int
    sha256: str
    recorded_by: str
    recorded_at: datetime = instant()


class LegalHold(SQLModel, table=True):
    """A ban on erasing a case's personal values, from its placing until its release.

    The reason stands in the evidence alone, sealed in `hold.placed`.
    """

    __tablename__ = "legal_hold"

    id: str = Field(primary_key=True)
    case_id: str = Field(foreign_key="case_.id", index=True)
    placed_by: str
    placed_at: datetime = instant()
    released_by: str | None = None
    released_at: datetime | None = instant(nullable=True)


class EventRow(SQLModel, table=True):
    """The evidence chain; written only by `EvidenceLog.append`, edited by nobody."""

    __tablename__ = "event"
    __table_args__ = (UniqueConstraint("case_id", "key"),)

    case_id: str = Field(primary_key=True, foreign_key="case_.id")
    seq: int = Field(primary_key=True)
    key: str
    kind: str = Field(index=True)
    line: str = Field(sa_column=Column(Text, nullable=False))
    hash: str


class DisclosureRow(SQLModel, table=True):
    """A sealed value's salt and text; deleting the row erases the value, the chain still verifies."""

    __tablename__ = "disclosure"

    case_id: str = Field(primary_key=True, foreign_key="case_.id")
    seq: int = Field(primary_key=True)
    path: str = Field(primary_key=True)
    salt: str
    value: str = Field(sa_column=Column(Text, nullable=False))


class Anchor(SQLModel, table=True):
    """A statement about the chains that had grown: what is kept, and stamped, out of this database's reach.

    `line` is the anchor as it stands in the anchor file, canonical JSON; `hash` that of its statement.
    """

    seq: int = Field(primary_key=True)
    at: datetime = instant()
    hash: str
    line: str = Field(sa_column=Column(Text, nullable=False))


class AnchoredHead(SQLModel, table=True):
    """How far a chain reached when it was anchored; one row for each anchor that covers it."""

    case_id: str = Field(primary_key=True, foreign_key="case_.id")
    length: int = Field(primary_key=True)
    anchor_seq: int = Field(foreign_key="anchor.seq", index=True)


class CaseHistory(SQLModel, table=True):
    """The history of a closed case's process; its bytes lie under their SHA-256 among the documents.

    Without a hash there is none: the Temporal server no longer knew the process when it was asked.
    """

    case_id: str = Field(primary_key=True, foreign_key="case_.id")
    workflow_id: str
    run_id: str
    sha256: str | None = None
    kept_at: datetime = instant()


class Outbox(SQLModel, table=True):
    """What must still reach Temporal: workflow starts and calendar updates."""

    id: str = Field(primary_key=True)
    kind: str
    subject: str = Field(unique=True)
    body: dict[str, Any] = json_column(dict)
    due_at: datetime = instant(index=True)
    done_at: datetime | None = instant(nullable=True, index=True)
    tries: int = 0
    last_error: str | None = None


class Inbox(SQLModel, table=True):
    """Raw machine reports (receipts, replies), deduplicated; processed after the answer has gone out."""

    id: str = Field(primary_key=True)
    source: str
    dedup: str = Field(unique=True)
    raw: dict[str, Any] = json_column(dict)
    received_at: datetime = instant()
    done_at: datetime | None = instant(nullable=True, index=True)
    result: str | None = None


class Punch(SQLModel, table=True):
    """A clock-in pushed by an attendance system."""

    __table_args__ = (UniqueConstraint("person_id", "at"),)

    id: str = Field(primary_key=True)
    person_id: str = Field(foreign_key="person.id", index=True)
    at: datetime = instant()
    received_at: datetime = instant()


class Alarm(SQLModel, table=True):
    """Something a person of the company must know; said in words.

    `told_at` is when telling it to the configured targets was over, `tell_tries` how often one refused it.
    """

    id: str = Field(primary_key=True)
    case_id: str | None = Field(default=None, index=True)
    kind: str
    sentence: str
    at: datetime = instant(index=True)
    told_at: datetime | None = instant(nullable=True, index=True)
    tell_tries: int = 0


class AlarmTold(SQLModel, table=True):
    """One alarm and one target: told in `message` at `told_at`, else to be told at `next_at` or later.

    `target` is a hash of the target's address, since the address itself is a secret.
    """

    alarm_id: str = Field(primary_key=True, foreign_key="alarm.id")
    target: str = Field(primary_key=True)
    tries: int = 0
    next_at: datetime = instant()
    told_at: datetime | None = instant(nullable=True, index=True)
    message: str | None = None


class ChannelAcknowledgement(SQLModel, table=True):
    """Who took responsibility, once, for a way out that carries personal data out of the country."""

    channel: str = Field(primary_key=True)
    reason: str
    acknowledged_by: str
    acknowledged_at: datetime = instant()


class ApiToken(SQLModel, table=True):
    """A bearer token; only its SHA-256 is kept. No branch means the whole company."""

    id: str = Field(primary_key=True)
    token_hash: str = Field(unique=True)
    role: str
    branch_id: str | None = None
    name: str | None = None
    created_by: str | None = None
    created_at: datetime = instant()
    revoked_at: datetime | None = instant(nullable=True)


class Idempotency(SQLModel, table=True):
    """Answers already given to a POST with this key by this token."""

    token_id: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    request_sha256: str
    status: int
    answer: dict[str, Any] = json_column(dict)
    created_at: datetime = instant()


class ImportedFile(SQLModel, table=True):
    """A file that an early release applied; `ImportRun` keeps files since, and nothing reads these rows."""

    sha256: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    rows: int
    imported_at: datetime = instant()


class Account(SQLModel, table=True):
    """Somebody who signs in to the console: one role, for one branch or the whole company.

    `person_id` ties it to an employee: a manager sees the people who report to that number, an employee
    themselves. `oidc_subject` is `<issuer>|<subject>`; without a password hash only that, or a one-time
    sign-in, lets them in. `edits_templates` is the separate right to change what leaves the house. `digest`
    wishes for a mail in the morning, `digested_on` is the day of the last one.
    """

    id: str = Field(primary_key=True)
    login: str = Field(unique=True)
    name: str
    role: str = Field(index=True)
    branch_id: str | None = Field(default=None, foreign_key="branch.id", index=True)
    person_id: str | None = Field(default=None, foreign_key="person.id", index=True)
    email: str | None = None
    language: str = "zh-CN"
    password_hash: str | None = None
    must_change_password: bool = False
    oidc_subject: str | None = Field(default=None, unique=True)
    edits_templates: bool = False
    digest: bool = True
    digested_on: date | None = None
    created_by: str
    created_at: datetime = instant()
    disabled_at: datetime | None = instant(nullable=True)


class ConsoleSession(SQLModel, table=True):
    """A signed-in browser; its id is the SHA-256 of the cookie. `said` is told once on the next page."""

    __tablename__ = "console_session"

    id: str = Field(primary_key=True)
    account_id: str = Field(foreign_key="account.id", index=True)
    csrf: str
    agent: str = ""
    said: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON, nullable=True))
    created_at: datetime = instant()
    seen_at: datetime = instant()
    ended_at: datetime | None = instant(nullable=True, index=True)


class SignInCode(SQLModel, table=True):
    """A way in that works once: a link handed out, or a code sent to a phone; only hashes are kept."""

    __tablename__ = "sign_in_code"

    id: str = Field(primary_key=True)
    code_hash: str = Field(index=True)
    account_id: str | None = Field(default=None, foreign_key="account.id", index=True)
    person_id: str | None = Field(default=None, foreign_key="person.id", index=True)
    tries: int = 0
    created_at: datetime = instant()
    expires_at: datetime = instant()
    used_at: datetime | None = instant(nullable=True)


class OidcRequest(SQLModel, table=True):
    """A sign-in on its way to the company's identity provider and back.

    `id` is the SHA-256 of its state and of a secret that the browser keeps.
    """

    __tablename__ = "oidc_request"

    id: str = Field(primary_key=True)
    nonce: str
    verifier: str
    goes_to: str
    expires_at: datetime = instant()


class Delegation(SQLModel, table=True):
    """Who stands in for whom, from the first to the last day, both inclusive, in the branch's zone."""

    id: str = Field(primary_key=True)
    absent_id: str = Field(foreign_key="account.id", index=True)
    delegate_id: str = Field(foreign_key="account.id", index=True)
    from_day: date
    until_day: date
    created_by: str
    created_at: datetime = instant()
    ended_at: datetime | None = instant(nullable=True)


class Approval(SQLModel, table=True):
    """Something that a second person must agree to before it happens.

    `kind` says what carries it out, `subject` is the case, import or other row that it is about, `body` what
    was asked for, `words` what people wrote. Undecided while `decided_at` is empty.
    """

    id: str = Field(primary_key=True)
    kind: str = Field(index=True)
    subject: str = Field(index=True)
    branch_id: str | None = Field(default=None, foreign_key="branch.id", index=True)
    body: dict[str, Any] = json_column(dict)
    words: dict[str, str] = json_column(dict)
    asked_by: str = Field(foreign_key="account.id")
    asked_at: datetime = instant(index=True)
    decided_by: str | None = Field(default=None, foreign_key="account.id")
    decided_at: datetime | None = instant(nullable=True, index=True)
    approved: bool | None = None
    reason: str | None = None


class AccountChange(SQLModel, table=True):
    """What somebody changed of an account's rights; only added to, never changed.

    `changed_by` is an account's id, or what else made the account (`cli`); `what` is `did` with the fields
    that changed, each with its old and new value. No secret stands in it.
    """

    __tablename__ = "account_change"

    id: str = Field(primary_key=True)
    account_id: str = Field(foreign_key="account.id", index=True)
    changed_by: str
    changed_at: datetime = instant()
    what: dict[str, Any] = json_column(dict)


class SavedFilter(SQLModel, table=True):
    """A list's filters under a name of the account's own; `query` is the part of the address after `?`."""

    __tablename__ = "saved_filter"
    __table_args__ = (UniqueConstraint("account_id", "page", "name"),)

    id: str = Field(primary_key=True)
    account_id: str = Field(foreign_key="account.id", index=True)
    page: str
    name: str
    query: str


class ImportRun(SQLModel, table=True):
    """A file that was handed in: previewed, applied by a second person where that is asked for, undone.

    The bytes lie under `sha256` among the documents. `undo` holds what the rows were before.
    """

    __tablename__ = "import_run"

    id: str = Field(primary_key=True)
    kind: str
    file_name: str
    sha256: str
    size: int
    branch_id: str | None = Field(default=None, foreign_key="branch.id", index=True)
    state: str = Field(index=True)
    result: dict[str, Any] = json_column(dict)
    undo: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON, nullable=True))
    handed_in_by: str = Field(foreign_key="account.id")
    handed_in_at: datetime = instant(index=True)
    applied_by: str | None = Field(default=None, foreign_key="account.id")
    applied_at: datetime | None = instant(nullable=True)
    undone_by: str | None = Field(default=None, foreign_key="account.id")
    undone_at: datetime | None = instant(nullable=True)


class BulkStart(SQLModel, table=True):
    """Many cases started at one wish; carried out row by row, also over a restart.

    An empty `policy` takes the one of each branch. `overdue` is said of every step whose date has passed:
    `run_now` or `skip`; without it each case asks.
    """

    __tablename__ = "bulk_start"

    id: str = Field(primary_key=True)
    policy: str
    branch_id: str | None = Field(default=None, foreign_key="branch.id", index=True)
    overdue: str | None = None
    asked_by: str = Field(foreign_key="account.id")
    asked_at: datetime = instant(index=True)
    done_at: datetime | None = instant(nullable=True, index=True)


class BulkStartRow(SQLModel, table=True):
    """One leave of a bulk start and what became of it: `waiting`, `started` or `refused` with a sentence."""

    __tablename__ = "bulk_start_row"

    bulk_id: str = Field(primary_key=True, foreign_key="bulk_start.id")
    position: int = Field(primary_key=True)
    leave_id: str = Field(foreign_key="leave.id")
    state: str = "waiting"
    case_id: str | None = None
    sentence: str | None = None


class PolicyChoice(SQLModel, table=True):
    """Which stored policy a process starts with in a branch; the branch `*` is the whole company."""

    __tablename__ = "policy_choice"

    branch_id: str = Field(primary_key=True)
    process: str = Field(primary_key=True)
    policy: str
    chosen_by: str
    chosen_at: datetime = instant()


class ProcessSwitch(SQLModel, table=True):
    """Whether a process may be started in a branch; the branch `*` is the whole company, no row means on."""

    __tablename__ = "process_switch"

    branch_id: str = Field(primary_key=True)
    process: str = Field(primary_key=True)
    switched_on: bool
    switched_by: str
    switched_at: datetime = instant()


class StoredTemplate(SQLModel, table=True):
    """A text of the company's own over a shipped one; the newest version counts, none is ever changed.

    `form` is how the file ends: `txt` for the text, `sms` for the short message. An empty body brings the
    shipped text back. `locked` ones are changed by nobody until they are unlocked.
    """

    __tablename__ = "stored_template"

    process: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    language: str = Field(primary_key=True)
    form: str = Field(primary_key=True)
    version: int = Field(primary_key=True)
    body: str = Field(sa_column=Column(Text, nullable=False))
    locked: bool = False
    created_by: str
    created_at: datetime = instant()


class Departure(SQLModel, table=True):
    """One exit of one employment: the facts that its cases share, changed by acts of people alone.

    `case_id` is its offboarding case, `statutory_case_id` the case of its statutory duties. `holds` is the
    employment's id until the departure is withdrawn, so that an employment has one at most. `last_day` is the
    agreed or planned last day, `noticed_on` the day on which somebody gave notice. `facts` is what the
    employer's notice rests on, in HR's words; only the leaver reads it. `served_on` is the day on
    which the employer's notice was delivered, where one is needed; `ended_on` the day on which the employment
    ended. `finance_confirmed_at` is when finance said that the ledger holds everything that is owed.
    """

    case_id: str = Field(primary_key=True, foreign_key="case_.id")
    statutory_case_id: str = Field(foreign_key="case_.id", unique=True)
    employment_id: str = Field(foreign_key="employment.id", index=True)
    holds: str | None = Field(default=None, unique=True)
    person_id: str = Field(foreign_key="person.id", index=True)
    branch_id: str = Field(foreign_key="branch.id", index=True)
    kind: str = Field(index=True)
    ground: str
    proposed_by: str
    needs_notice: bool
    facts: str | None = None
    noticed_on: date
    last_day: date = Field(index=True)
    successor_id: str | None = Field(default=None, foreign_key="person.id", index=True)
    served_on: date | None = None
    served_how: str | None = None
    ended_on: date | None = Field(default=None, index=True)
    finance_confirmed_at: datetime | None = instant(nullable=True)
    closed_at: datetime | None = instant(nullable=True)
    withdrawn_at: datetime | None = instant(nullable=True)
    created_by: str
    created_at: datetime = instant(index=True)


class Holding(SQLModel, table=True):
    """What an employee holds for the company: a work document, a customer, a piece of equipment.

    `reference` is its number in the system it comes from; `details` depends on the track (see
    `domain/holdings.py`). `receiver_id` is who shall take it over, where that is known already.
    """

    __table_args__ = (UniqueConstraint("track", "reference"),)

    id: str = Field(primary_key=True)
    track: str = Field(index=True)
    reference: str
    person_id: str = Field(foreign_key="person.id", index=True)
    title: str
    details: dict[str, Any] = json_column(dict)
    mandatory: bool = True
    value_fen: int | None = Field(default=None, sa_type=BigInteger)
    receiver_id: str | None = Field(default=None, foreign_key="person.id")
    source: str
    updated_at: datetime = instant()


class HandoverItem(SQLModel, table=True):
    """One thing to be handed over in one departure; closed when both sides have said so.

    `state` is `open`, `handed_over`, `accepted`, `disputed` or `not_applicable`. Equipment is received by
    administration when `receiver_id` is empty. `condition` is what the receiver found. `share_id` is the
    handover case of the receiver, who is asked there.
    """

    __tablename__ = "handover_item"
    __table_args__ = (UniqueConstraint("departure_id", "track", "reference"),)

    id: str = Field(primary_key=True)
    departure_id: str = Field(foreign_key="departure.case_id", index=True)
    share_id: str | None = Field(default=None, foreign_key="case_.id", index=True)
    track: str
    reference: str
    title: str
    details: dict[str, Any] = json_column(dict)
    mandatory: bool = True
    value_fen: int | None = Field(default=None, sa_type=BigInteger)
    receiver_id: str | None = Field(default=None, foreign_key="person.id", index=True)
    due_on: date
    state: str = Field(default="open", index=True)
    condition: str | None = None
    handed_over_at: datetime | None = instant(nullable=True)
    accepted_at: datetime | None = instant(nullable=True)
    listed_at: datetime = instant()


class ItemConfirmation(SQLModel, table=True):
    """What one side said of one item in one act; only added to, never changed.

    `what` is `handed_over`, `accepted`, `disputed`, `settled`, `reassigned`, `split` or `not_applicable`;
    `side` is `leaver`, `receiver` or `company`. `person_id` is who said it, `acting_for` whom they stood in
    for. What they wrote stands in the act and, sealed, in the evidence.
    """

    __tablename__ = "item_confirmation"
    __table_args__ = (UniqueConstraint("item_id", "act_id", "what"),)

    id: str = Field(primary_key=True)
    item_id: str = Field(foreign_key="handover_item.id", index=True)
    departure_id: str = Field(foreign_key="departure.case_id", index=True)
    act_id: str = Field(foreign_key="act.id", index=True)
    what: str
    side: str
    person_id: str | None = Field(default=None, foreign_key="person.id")
    acting_for: str | None = Field(default=None, foreign_key="person.id")
    receiver_id: str | None = Field(default=None, foreign_key="person.id")
    condition: str | None = None
    at: datetime = instant()


class ReceiverAbsence(SQLModel, table=True):
    """Who confirms for an absent receiver, from the first to the last day, both inclusive."""

    __tablename__ = "receiver_absence"

    id: str = Field(primary_key=True)
    departure_id: str = Field(foreign_key="departure.case_id", index=True)
    receiver_id: str = Field(foreign_key="person.id", index=True)
    delegate_id: str = Field(foreign_key="person.id", index=True)
    from_day: date
    until_day: date
    share_id: str | None = Field(default=None, foreign_key="case_.id")
    act_id: str
    created_at: datetime = instant()
    ended_at: datetime | None = instant(nullable=True)


class Revocation(SQLModel, table=True):
    """One system in which the leaver's account must be shut: `open`, `done`, `failed` or `manual`."""

    __table_args__ = (UniqueConstraint("departure_id", "system"),)

    id: str = Field(primary_key=True)
    departure_id: str = Field(foreign_key="departure.case_id", index=True)
    system: str
    state: str = "open"
    reason: str | None = None
    changed_by: str | None = None
    changed_at: datetime | None = instant(nullable=True)


class PassedTask(SQLModel, table=True):
    """An approval or a task of the leaver's in another system that passes to somebody else.

    `state` is `open`, `moved` or `moved_back`; `holder_id` is who has it now.
    """

    __tablename__ = "passed_task"
    __table_args__ = (UniqueConstraint("departure_id", "system", "reference"),)

    id: str = Field(primary_key=True)
    departure_id: str = Field(foreign_key="departure.case_id", index=True)
    system: str
    reference: str
    title: str
    state: str = "open"
    holder_id: str = Field(foreign_key="person.id", index=True)
    listed_at: datetime = instant()
    moved_at: datetime | None = instant(nullable=True)


class Duty(SQLModel, table=True):
    """A statutory duty of one departure: `due`, then `done` or `failed`; nothing else can become of it.

    `due_on` is its last day, empty while the day on which the employment ends is not known. `ordered_at` is
    when it was set in motion (the drop order sent to the bureau), `reference` what the authority answered.
    """

    __table_args__ = (UniqueConstraint("departure_id", "kind"),)

    id: str = Field(primary_key=True)
    departure_id: str = Field(foreign_key="departure.case_id", index=True)
    case_id: str = Field(foreign_key="case_.id", index=True)
    kind: str
    due_on: date | None = Field(default=None, index=True)
    state: str = Field(default="due", index=True)
    ordered_at: datetime | None = instant(nullable=True)
    done_at: datetime | None = instant(nullable=True)
    failed_at: datetime | None = instant(nullable=True)
    reference: str | None = None
    document_id: str | None = None
    act_id: str | None = None


class ExitOverride(SQLModel, table=True):
    """What was open on the last day, frozen: the statutory duties went on although it was.

    One row for each item and each balance; `amount_fen` is what is claimed for it. `evidence_hash` is the
    hash of the event in the statutory chain that holds the list.
    """

    __tablename__ = "exit_override"
    __table_args__ = (UniqueConstraint("departure_id", "subject"),)

    id: str = Field(primary_key=True)
    departure_id: str = Field(foreign_key="departure.case_id", index=True)
    subject: str
    what: str
    item_id: str | None = Field(default=None, foreign_key="handover_item.id")
    amount_fen: int = Field(default=0, sa_type=BigInteger)
    rule: str
    decided_by: str
    reason: str
    evidence_hash: str
    at: datetime = instant()


class QuestionnaireReply(SQLModel, table=True):
    """What a leaver answered to the questionnaire of their departure; a later answer replaces it.

    `answers` holds values by the ids of the questions, which stand in the case's frozen policy; empty when
    the leaver `declined`. Whoever has said nothing has no row, and neither has anybody who was erased.
    """

    __tablename__ = "questionnaire_reply"

    departure_id: str = Field(primary_key=True, foreign_key="departure.case_id")
    declined: bool
    answers: dict[str, Any] = json_column(dict)
    first_at: datetime = instant()
    changed_at: datetime = instant()


class LedgerAccount(SQLModel, table=True):
    """One account of the sub-ledger: of an employment, or of a branch where `employment_id` is empty.

    `kind` says what it holds (see `domain/ledger.py`); `owner` is the employment's or the branch's id.
    """

    __tablename__ = "ledger_account"
    __table_args__ = (UniqueConstraint("owner", "kind"),)

    id: str = Field(primary_key=True)
    owner: str = Field(index=True)
    kind: str
    employment_id: str | None = Field(default=None, foreign_key="employment.id", index=True)
    branch_id: str = Field(foreign_key="branch.id", index=True)
    created_at: datetime = instant()


class Posting(SQLModel, table=True):
    """One booking; never changed and never deleted. A mistake is undone by a posting that reverses it.

    `key` makes it happen once: `<workflow-id>/<step>`, or the caller's own. `booked_on` is the day for which
    it counts. `case_id` is the case that caused it, `document_id` its voucher.
    """

    id: str = Field(primary_key=True)
    key: str = Field(unique=True)
    kind: str = Field(index=True)
    branch_id: str = Field(foreign_key="branch.id", index=True)
    employment_id: str = Field(foreign_key="employment.id", index=True)
    booked_on: date = Field(index=True)
    case_id: str | None = Field(default=None, foreign_key="case_.id", index=True)
    document_id: str | None = None
    reverses_id: str | None = Field(default=None, foreign_key="posting.id", unique=True)
    reference: str | None = None
    posted_by: str
    posted_at: datetime = instant(index=True)


class Entry(SQLModel, table=True):
    """One line of a posting: positive fen is a debit, negative a credit; a posting's lines add up to 0."""

    posting_id: str = Field(primary_key=True, foreign_key="posting.id")
    position: int = Field(primary_key=True)
    account_id: str = Field(foreign_key="ledger_account.id", index=True)
    amount_fen: int = Field(sa_type=BigInteger)


class RepaymentPlan(SQLModel, table=True):
    """An agreed plan by which a leaver pays what is owed; it opens the gate for that much.

    `instalments` holds `due_on` and `amount_fen`, which add up to `total_fen`.
    """

    __tablename__ = "repayment_plan"

    id: str = Field(primary_key=True)
    departure_id: str = Field(foreign_key="departure.case_id", index=True)
    total_fen: int = Field(sa_type=BigInteger)
    instalments: list[dict[str, Any]] = json_column(list)
    agreed_on: date
    document_id: str | None = None
    act_id: str
    created_at: datetime = instant()
    ended_at: datetime | None = instant(nullable=True)


class Settlement(SQLModel, table=True):
    """The settlement sheet of a departure: what was asked, every line, the net sum; a new one replaces it.

    `state` is `drafted` or `confirmed`; confirming posts its lines.
    """

    __table_args__ = (UniqueConstraint("departure_id", "version"),)

    id: str = Field(primary_key=True)
    departure_id: str = Field(foreign_key="departure.case_id", index=True)
    version: int
    inputs: dict[str, Any] = json_column(dict)
    lines: list[dict[str, Any]] = json_column(list)
    net_fen: int = Field(sa_type=BigInteger)
    state: str = "drafted"
    document_id: str | None = None
    made_by: str
    made_at: datetime = instant()
    confirmed_by: str | None = None
    confirmed_at: datetime | None = instant(nullable=True)
