"""Which provider a text message goes to, and what happens where none is set up."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from countersign.adapters.sms_routes import RoutedSms, load_registered_texts, routes_of
from countersign.bootstrap import Parts
from countersign.contracts.sending import ChannelError, OutcomeState, SendOutcome, SentSms, SmsMessage
from countersign.domain.destinations import Capability, SmsProvider
from countersign.domain.yaml_text import InputError
from countersign.settings import Settings

MAINLAND, HONG_KONG = "+8613800138000", "+85291234567"
NOW = datetime(2026, 2, 13, 10, 0, tzinfo=UTC)
TWILIO, ALIYUN = SmsProvider.TWILIO, SmsProvider.ALIYUN


@dataclass
class Way:
    """A provider that notes what it was asked."""

    name: str
    asked: list[tuple[object, ...]] = field(default_factory=list)
    closed: bool = False

    async def send(self, message: SmsMessage) -> SendOutcome:
        self.asked.append(("send", message.to))
        return SendOutcome(OutcomeState.SENT, self.name, None, "accepted")

    async def find(
        self, to: str, delivery_code: str, since: datetime, delivery_id: str | None = None
    ) -> str | None:
        self.asked.append(("find", to, delivery_code, since, delivery_id))
        return self.name

    async def fetch_status(self, sent: SentSms) -> tuple[str, str | None]:
        self.asked.append(("status", sent))
        return self.name, None

    def capabilities(self, e164: str) -> Capability:
        return Capability(link_ok=self.name == "twilio", reply_ok=True)

    async def aclose(self) -> None:
        self.closed = True


def routed(routes: dict[str, SmsProvider]) -> tuple[RoutedSms, dict[SmsProvider, Way]]:
    ways = {provider: Way(provider.value) for provider in SmsProvider}
    return RoutedSms(routes, ways), ways


BOTH = {"+86": ALIYUN, "": TWILIO}


@pytest.mark.parametrize(("to", "provider"), [(MAINLAND, "aliyun"), (HONG_KONG, "twilio"), ("", "twilio")])
async def test_the_longest_prefix_picks_the_provider_for_everything(to: str, provider: str) -> None:
    sms, _ = routed(BOTH)
    sent = SentSms(to, "1", NOW)
    assert sms.provider_of(to) == provider
    assert (await sms.send(SmsMessage(to, "x", "C"))).provider_id == provider
    assert await sms.find(to, "C", NOW) == provider
    assert await sms.fetch_status(sent) == (provider, None)
    assert sms.capabilities(to).link_ok is (provider == "twilio")


async def test_a_message_is_asked_about_where_it_was_given_even_after_the_routes_changed() -> None:
    sms, ways = routed(BOTH)
    sent = SentSms(MAINLAND, "1", NOW, "01D")
    assert await sms.find(MAINLAND, "C", NOW, "01D", provider="twilio") == "twilio"
    assert await sms.fetch_status(sent, provider="twilio") == ("twilio", None)
    assert ways[TWILIO].asked == [("find", MAINLAND, "C", NOW, "01D"), ("status", sent)]
    assert ways[ALIYUN].asked == []


async def test_where_no_route_leads_nothing_leaves_and_nothing_is_known() -> None:
    sms, ways = routed({"+86": ALIYUN})
    assert sms.provider_of(HONG_KONG) == ""
    outcome = await sms.send(SmsMessage(HONG_KONG, "x", "C"))
    assert (outcome.state, outcome.code) == (OutcomeState.FAILED_TEMPORARY, "sms_wrong_destination")
    assert sms.capabilities(HONG_KONG) == Capability(link_ok=False, reply_ok=False)
    with pytest.raises(ChannelError, match="sms_wrong_destination"):
        await sms.find(HONG_KONG, "C", NOW)
    assert [way.asked for way in ways.values()] == [[], []]


async def test_a_provider_that_is_no_longer_set_up_knows_nothing() -> None:
    sms = RoutedSms({"": TWILIO}, {TWILIO: Way("twilio")})
    for gone in ("aliyun", "carrier-pigeon"):
        with pytest.raises(ChannelError, match="sms_wrong_destination"):
            await sms.fetch_status(SentSms(MAINLAND, "1", NOW), provider=gone)


async def test_closing_closes_every_way() -> None:
    sms, ways = routed(BOTH)
    await sms.aclose()
    assert all(way.closed for way in ways.values())


def test_a_route_to_a_provider_that_is_not_set_up_is_refused() -> None:
    with pytest.raises(ValueError, match="sms_routes names aliyun, which is not set up"):
        RoutedSms(BOTH, {TWILIO: Way("twilio")})


def test_routes_are_read_by_prefix() -> None:
    assert routes_of({"+86": "aliyun", "": "twilio"}, "sms_routes") == BOTH


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ({}, 'sms_routes: names no provider; write for example {"": "twilio"}'),
        ({"86": "twilio"}, 'sms_routes: "86" is no prefix; write one like "+86"'),
        ({"+": "twilio"}, 'sms_routes: "+" is no prefix'),
        ({"+86": "pigeon"}, 'sms_routes: "+86" goes to "pigeon"; known providers: twilio, aliyun'),
        ({"": "aliyun"}, 'sms_routes: aliyun does not send to ""; name a prefix it sends to'),
        ({"+852": "aliyun"}, 'sms_routes: aliyun does not send to "+852"'),
    ],
)
def test_a_faulty_route_is_refused_with_its_prefix(table: dict[str, str], sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        routes_of(table, "sms_routes")
    assert sentence in str(caught.value)


def parts(**settings: object) -> Parts:
    return Parts(Settings(_env_file=None, **settings))  # type: ignore[arg-type,call-arg]


def test_without_settings_everything_goes_through_twilio() -> None:
    sms = parts().sms
    assert {sms.provider_of(to) for to in (MAINLAND, HONG_KONG)} == {"twilio"}


def test_a_routed_provider_without_credentials_is_refused_at_the_start() -> None:
    with pytest.raises(ValueError, match=r"^aliyun_access_key_id is empty; set it before"):
        _ = parts(sms_routes={"+86": "aliyun", "": "twilio"}).sms


def test_the_credentials_of_a_provider_without_a_route_are_not_needed() -> None:
    keys = {
        "aliyun_access_key_id": "LTAI",
        "aliyun_access_key_secret": "s",
        "aliyun_signature": "远山科技",
    }
    sms = parts(sms_routes={"+86": "aliyun"}, twilio_auth_token="", **keys).sms
    assert sms.provider_of(MAINLAND) == "aliyun"


@pytest.mark.parametrize(
    ("settings", "real"),
    [
        ({}, False),
        ({"sms_routes": {"+86": "aliyun", "": "twilio"}}, True),
        ({"sms_routes": {"+86": "aliyun"}, "aliyun_base_url": "http://127.0.0.1:1"}, False),
        ({"twilio_account_sid": "AC1"}, True),
    ],
)
def test_a_route_to_the_real_domestic_provider_counts_as_real(
    settings: dict[str, object], real: bool
) -> None:
    assert parts(**settings).settings.real_providers is real


def test_secrets_stay_out_of_the_repr_of_the_settings() -> None:
    told = repr(parts(aliyun_access_key_secret="very-secret", aliyun_report_secret="hush-hush").settings)
    assert "very-secret" not in told
    assert "hush-hush" not in told


def test_prices_and_registered_texts_come_from_the_settings(tmp_path: Path) -> None:
    file = tmp_path / "sms.yaml"
    file.write_text("leave_return: {first_notice: {zh-CN: {code: SMS_1, text: '码${code}'}}}", "utf-8")
    made = parts(sms_templates_file=file, sms_prices={"+86": "0.045"})
    assert made.sms_templates.find("leave_return", ["first_notice"], "zh-CN") is not None
    assert str(made.sms_prices["+86"]) == "0.045"
    assert parts().sms_templates.texts == {}


def test_a_file_of_texts_that_cannot_be_read_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"sms_templates_file: .*gone\.yaml cannot be read"):
        load_registered_texts(tmp_path / "gone.yaml")
    (tmp_path / "gbk.yaml").write_bytes("码".encode("gbk"))
    with pytest.raises(InputError, match=r"gbk\.yaml is not UTF-8"):
        load_registered_texts(tmp_path / "gbk.yaml")
