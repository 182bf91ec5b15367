"""Settings: environment variables with the prefix COUNTERSIGN_, and a `.env` file beside the command."""

import re
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from countersign.domain.retention import retention_years

_DOMAIN = re.compile(r"(?=.{1,200}$)[0-9A-Za-z]([0-9A-Za-z-]{0,61}[0-9A-Za-z])?(\.[0-9A-Za-z-]{1,63})*")


class Settings(BaseSettings):
    """Everything an installation can set. Nothing is read at import time."""

    model_config = SettingsConfigDict(env_prefix="COUNTERSIGN_", env_file=".env", extra="ignore")

    data_dir: Path = Path("var")
    database_url: str | None = None
    public_base_url: str = "http://127.0.0.1:8080"
    portal_name: str = "回执页 /n"
    company_name: str = "示例公司"
    contact_name: str = "人事部"
    contact_phone: str = "010-5555 0100"
    contact_email: str = "hr@example.com"
    templates_dir: Path | None = None
    font_dir: Path | None = None
    trusted_proxies: tuple[str, ...] = ()
    time_lapse: int = Field(default=1, ge=1)

    temporal_address: str | None = Field(default=None, validation_alias="TEMPORAL_ADDRESS")
    temporal_namespace: str = "default"
    task_queue: str = "countersign"
    ui_base_url: str | None = None

    twilio_account_sid: str = "ACsandbox0000000000000000000000000"
    twilio_auth_token: SecretStr = SecretStr("sandbox-auth-token")
    twilio_auth_token_next: SecretStr | None = None
    twilio_sender: str = "+15005550006"
    twilio_base_url: str | None = None

    aliyun_access_key_id: str = ""
    aliyun_access_key_secret: SecretStr = SecretStr("")
    aliyun_signature: str = ""
    aliyun_base_url: str | None = None
    aliyun_report_secret: SecretStr | None = None

    sms_routes: dict[str, str] = {"": "twilio"}
    sms_templates_file: Path | None = None
    sms_prices: dict[str, str] = {}

    smtp_host: str = "127.0.0.1"
    smtp_port: int = 1025
    smtp_username: str | None = None
    smtp_password: SecretStr | None = None
    smtp_tls: Literal["none", "starttls", "tls"] = "none"
    mail_sender: str = "notices@example.com"
    mail_sender_name: str = "Countersign"

    mail_intake_domain: str | None = None
    mail_intake_limit_bytes: int = Field(default=15 * 1024 * 1024, ge=64 * 1024)

    alert_urls: tuple[SecretStr, ...] = ()
    alert_urls_file: Path | None = None
    cross_border_channels: tuple[str, ...] | None = None

    signing_key_file: Path | None = None
    signing_certificate_file: Path | None = None
    tsa_url: str | None = None
    tsa_ca_file: Path | None = None
    anchor_file: Path | None = None
    anchor_every_s: int = Field(default=3600, ge=1)

    oidc_issuer: str | None = None
    oidc_client_id: str = ""
    oidc_client_secret: SecretStr = SecretStr("")
    oidc_name_claim: str = "preferred_username"
    """The claim that holds an account's login when its subject is seen for the first time."""

    two_person_acts: tuple[str, ...] = ("cancel", "public_notice")
    """The acts that a second person must agree to; empty in a company with one HR officer."""
    four_eyes_imports: bool = True
    """Whether an import is applied by somebody else than who handed the file in."""

    suspended_alarm_days: int = Field(default=7, ge=1)
    """For how many days a system may call an employment suspended before it is an alarm."""
    waiver_limit_fen: int = Field(default=500_00, ge=0)
    """How much of a leaver's debt one person of finance may give up; above it a second person agrees."""

    upload_limit_bytes: int = 10 * 1024 * 1024
    link_days: int = 60

    retention_years: dict[str, int] = Field(default_factory=lambda: retention_years({}))
    """The term of every kind of case; what is set here is put over the shipped terms."""

    person_daily_cap: int = Field(default=8, ge=1)
    company_daily_cap: int = Field(default=20_000, ge=1)
    poll_after_s: int = Field(default=1800, ge=1)
    poll_every_s: int = Field(default=60, ge=1)

    @field_validator("public_base_url")
    @classmethod
    def _no_trailing_slash(cls, value: str) -> str:
        if not re.match(r"https?://[^/]+", value):
            raise ValueError("must begin with http:// or https:// and name a host")
        return value.rstrip("/")

    @field_validator("tsa_url")
    @classmethod
    def _an_address(cls, value: str | None) -> str | None:
        if value and not re.match(r"https?://[^/]+", value):
            raise ValueError("must begin with http:// or https:// and name a host")
        return value or None

    @field_validator("oidc_issuer")
    @classmethod
    def _a_safe_issuer(cls, value: str | None) -> str | None:
        if value and not re.match(r"https://[^/]+|http://(127\.0\.0\.1|localhost|\[::1\])([:/]|$)", value):
            raise ValueError("must begin with https:// and name a host; http:// only on this machine")
        return value or None

    @model_validator(mode="after")
    def _an_issuer_with_its_client(self) -> Self:
        if self.oidc_issuer is not None and not self.oidc_client_id.strip():
            raise ValueError("oidc_client_id: is missing; give the one that the identity provider has issued")
        return self

    @field_validator("retention_years")
    @classmethod
    def _no_term_below_the_minimum(cls, value: dict[str, int]) -> dict[str, int]:
        return retention_years(value)

    @field_validator("mail_intake_domain")
    @classmethod
    def _a_domain(cls, value: str | None) -> str | None:
        if not value:
            return None
        if not _DOMAIN.fullmatch(value):
            raise ValueError("must be a bare domain such as notices.example.com, in ASCII")
        return value.lower()

    @property
    def url(self) -> str:
        """The database URL; without one, a SQLite file in the data directory."""
        return self.database_url or f"sqlite:///{(self.data_dir / 'countersign.db').absolute()}"

    @property
    def anchors(self) -> Path:
        """The append-only file that holds every anchor."""
        return self.anchor_file or self.data_dir / "anchors" / "anchors.jsonl"

    @property
    def twilio_tokens(self) -> tuple[str, ...]:
        """The tokens with which a callback may be signed; two while one is being rotated."""
        tokens = [self.twilio_auth_token, self.twilio_auth_token_next]
        return tuple(token.get_secret_value() for token in tokens if token is not None)

    @property
    def crossing_channels(self) -> tuple[str, ...]:
        """The ways out that leave the country; unless said otherwise, a real Twilio account."""
        if self.cross_border_channels is not None:
            return self.cross_border_channels
        return ("twilio",) if self.twilio_is_real else ()

    @property
    def twilio_is_real(self) -> bool:
        """Say whether texts by Twilio would reach people."""
        return self.twilio_base_url is None and not self.twilio_account_sid.startswith("ACsandbox")

    @property
    def real_providers(self) -> bool:
        """Say whether messages go to real providers, not to the stand-ins of this machine."""
        aliyun = "aliyun" in self.sms_routes.values() and self.aliyun_base_url is None
        return aliyun or self.twilio_is_real
