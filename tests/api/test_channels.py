"""Channels that leave the country: named, acknowledged once, and refused until then."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

from api.app import create_app
from countersign.adapters.database.tokens import Tokens
from countersign.bootstrap import Parts
from countersign.contracts.cases import Role
from countersign.domain.channels import Setup, ways_out
from countersign.domain.policy import Channel
from tests.support.company import BEIJING, EMAIL, PHONE, company

NOW = datetime(2026, 2, 24, 2, tzinfo=UTC)
Call = Callable[..., Any]


@pytest.fixture
def abroad(tmp_path: Path) -> Parts:
    """Return a company whose text messages and mails leave the country."""
    return company(tmp_path, lambda: NOW, cross_border_channels=("twilio", "email"))


@pytest.fixture
async def call(abroad: Parts) -> AsyncIterator[Call]:
    tokens = Tokens(abroad.database, abroad.clock)
    transport = httpx2.ASGITransport(app=create_app(abroad, dispatch=False))

    async with httpx2.AsyncClient(transport=transport, base_url="http://test/api/v1") as client:
        known: dict[tuple[Role, str | None], str] = {}

        async def ask(
            path: str, body: Any = None, key: str = "k", role: Role = Role.HR, branch: str | None = None
        ) -> httpx2.Response:
            token = known.setdefault((role, branch), tokens.create(role, branch))
            headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": key}
            if body is None:
                return await client.get(path, headers=headers)
            return await client.post(path, json=body, headers=headers)

        yield ask
    abroad.database.close()


def why_not(parts: Parts, *channels: tuple[Channel, str | None]) -> str | None:
    with parts.database.reading() as session:
        return parts.channels.why_not(session, channels)


async def test_a_case_over_a_channel_abroad_is_refused_until_somebody_answers_for_it(
    abroad: Parts, call: Call
) -> None:
    refusal = why_not(abroad, (Channel.SMS, PHONE), (Channel.SMS, PHONE), (Channel.IN_SYSTEM, None))
    assert refusal is not None
    assert refusal.startswith("twilio (sms) would carry personal data out of the country")
    assert "POST /api/v1/channels/twilio/acknowledge" in refusal
    assert PHONE not in refusal
    done = await call("/channels/twilio/acknowledge", {"reason": "Standard contract of 2026-01-10."})
    assert done.status_code == 201
    assert why_not(abroad, (Channel.SMS, PHONE), (Channel.IN_SYSTEM, None)) is None
    mailed = why_not(abroad, (Channel.SMS, PHONE), (Channel.EMAIL, EMAIL), (Channel.COURIER, None))
    assert str(mailed).startswith("email would carry")


async def test_both_channels_are_named_when_both_are_open(abroad: Parts, call: Call) -> None:
    refusal = why_not(abroad, (Channel.EMAIL, EMAIL), (Channel.SMS, PHONE))
    assert str(refusal).startswith("email and twilio (sms) would carry")


async def test_channels_inside_the_country_need_nobody(abroad: Parts, call: Call) -> None:
    inside = [(channel, None) for channel in (Channel.IN_SYSTEM, Channel.COURIER, Channel.VISIT)]
    assert why_not(abroad, *inside, (Channel.PUBLIC_NOTICE, None)) is None


async def test_the_first_acknowledgement_stays_and_is_told_back(abroad: Parts, call: Call) -> None:
    path, reason = "/channels/email/acknowledge", "The relay's contract, article 38 (3)."
    first = await call(path, {"reason": reason}, "one")
    again = await call(path, {"reason": reason}, "one")
    other = await call(path, {"reason": "Another reason."}, "two", role=Role.SYSTEM_ADMINISTRATOR)
    assert [answer.status_code for answer in (first, again, other)] == [201, 201, 200]
    assert first.json() == again.json() == other.json()
    told = first.json()["acknowledged"]
    assert (told["reason"], told["at"]) == (reason, "2026-02-24T02:00:00+00:00")
    assert told["by"].startswith("hr token:")


async def test_the_list_shows_every_way_out_to_readers(abroad: Parts, call: Call) -> None:
    await call("/channels/email/acknowledge", {"reason": "Yes."})
    listed = (await call("/channels", role=Role.AUDITOR)).json()["channels"]
    by_name = {one["name"]: one for one in listed}
    assert [*by_name][-4:] == ["email", "in_system", "courier", "visit"]
    flags = {name: (one["leaves_country"], one["needs_acknowledgement"]) for name, one in by_name.items()}
    assert flags["twilio"] == (True, True)
    assert flags["email"] == (True, False)
    assert flags["courier"] == (False, False)
    assert by_name["twilio"]["setup"] == "stand_in"
    assert by_name["twilio"]["to_mainland_numbers"]["link_ok"] is False
    assert by_name["email"]["acknowledged"]["reason"] == "Yes."
    assert by_name["visit"] == {
        "name": "visit",
        "channel": "visit",
        "setup": "real",
        "leaves_country": False,
        "acknowledged": None,
        "needs_acknowledgement": False,
        "to_mainland_numbers": None,
    }


@pytest.mark.parametrize(
    ("role", "branch", "status"),
    [
        (Role.HR, None, 201),
        (Role.HR, BEIJING, 403),
        (Role.SYSTEM_ADMINISTRATOR, BEIJING, 201),
        (Role.LEGAL, None, 403),
    ],
)
async def test_hr_of_one_branch_cannot_answer_for_the_company(
    call: Call, role: Role, branch: str | None, status: int
) -> None:
    answer = await call("/channels/twilio/acknowledge", {"reason": "Yes."}, role=role, branch=branch)
    assert answer.status_code == status


@pytest.mark.parametrize(
    ("name", "body", "status", "says"),
    [
        ("telex", {"reason": "Yes."}, 404, "there is no channel 'telex'; known: twilio"),
        ("courier", {"reason": "Yes."}, 409, "courier does not leave the country"),
        ("twilio", {"reason": " "}, 422, "reason"),
        ("twilio", {"reason": "Yes.", "by": "me"}, 422, "by"),
    ],
)
async def test_what_cannot_be_acknowledged_is_refused_in_words(
    call: Call, name: str, body: dict[str, str], status: int, says: str
) -> None:
    answer = await call(f"/channels/{name}/acknowledge", body)
    assert answer.status_code == status
    assert says in answer.json()["detail"]


@pytest.mark.parametrize(
    ("settings", "crossing"),
    [
        ({}, False),
        ({"twilio_account_sid": "AC" + "1" * 32}, True),
        ({"twilio_account_sid": "AC" + "1" * 32, "cross_border_channels": ()}, False),
    ],
)
def test_a_real_twilio_account_leaves_the_country_and_a_stand_in_does_not(
    tmp_path: Path, settings: dict[str, object], crossing: bool
) -> None:
    parts = company(tmp_path, lambda: NOW, **settings)
    assert (why_not(parts, (Channel.SMS, PHONE)) is not None) == crossing
    assert why_not(parts, (Channel.EMAIL, EMAIL)) is None
    parts.database.close()


def test_the_route_of_the_number_decides_which_provider_is_meant(tmp_path: Path) -> None:
    routes = {"+86": "aliyun", "": "twilio"}
    parts = company(tmp_path, lambda: NOW, sms_routes=routes, cross_border_channels=("twilio",))
    assert why_not(parts, (Channel.SMS, "+8613800138000")) is None
    assert why_not(parts, (Channel.SMS, "+85291234567")) is not None
    assert why_not(parts, (Channel.SMS, None)) is not None
    parts.database.close()


def test_a_name_in_the_settings_that_is_no_way_out_is_refused() -> None:
    with pytest.raises(ValueError, match="cross_border_channels: 'fax' is no way out; known: twilio, email"):
        ways_out({"twilio": Setup.REAL}, Setup.REAL, ("fax",))
