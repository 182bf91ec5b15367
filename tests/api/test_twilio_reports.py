"""Signed reports under the address of a delivery: the address alone says which one is meant."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import httpx2
import pytest
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]

from api.app import create_app
from countersign.adapters.database.tables import Delivery, Inbox
from countersign.contracts.sending import OutcomeState
from tests.support.outgoing import Outgoing, outgoing

BASE, TOKEN = "https://hr.example.cn", "sandbox-auth-token"
Report = Callable[..., Awaitable[int]]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[tuple[Outgoing, Report]]:
    with outgoing(tmp_path, public_base_url=BASE) as out:
        transport = httpx2.ASGITransport(app=create_app(out.parts, dispatch=False))
        async with httpx2.AsyncClient(transport=transport, base_url="http://inside") as client:

            async def report(path: str, form: dict[str, str], signed_for: str | None = None) -> int:
                signature = RequestValidator(TOKEN).compute_signature(f"{BASE}{signed_for or path}", form)
                answer = await client.post(path, data=form, headers={"X-Twilio-Signature": signature})
                out.parts.inbox.process()
                return int(answer.status_code)

            yield out, report


def status(sid: str = "SM1", word: str = "delivered", **more: str) -> dict[str, str]:
    return {"MessageSid": sid, "MessageStatus": word, **more}


async def test_a_report_settles_the_delivery_of_its_address_though_the_answer_was_lost(
    world: tuple[Outgoing, Report],
) -> None:
    out, report = world
    delivery = out.lay_out()
    out.fail(delivery, OutcomeState.UNKNOWN, "sms_no_reply")
    assert await report(f"/hooks/twilio/status/{delivery}", status("SM9")) == 204
    assert (out.state(delivery), out.row(Delivery, delivery).provider_id) == ("delivered", "SM9")


async def test_the_address_given_to_the_provider_is_the_one_that_takes_the_report(
    world: tuple[Outgoing, Report],
) -> None:
    out, report = world
    delivery = out.lay_out()
    ticket = out.begin(delivery)
    callback = ticket.message.status_callback  # type: ignore[union-attr]
    assert await report(str(callback).removeprefix(BASE), status()) == 204
    assert out.state(delivery) == "delivered"


async def test_a_delivery_named_in_the_form_counts_for_nothing(world: tuple[Outgoing, Report]) -> None:
    out, report = world
    first, second = out.send(provider_id="SM1"), out.send(provider_id="SM2")
    forged = status("SM404", delivery=second)
    assert await report(f"/hooks/twilio/status/{first}", forged) == 204
    assert await report("/hooks/twilio/status", status("SM405", delivery=second)) == 204
    assert [out.state(one) for one in (first, second)] == ["delivered", "sent"]


async def test_the_signature_covers_the_address_so_that_no_report_moves_to_another_delivery(
    world: tuple[Outgoing, Report],
) -> None:
    out, report = world
    first, second = out.send(provider_id="SM1"), out.send(provider_id="SM2")
    of_first = f"/hooks/twilio/status/{first}"
    assert await report(f"/hooks/twilio/status/{second}", status(), of_first) == 403
    assert await report("/hooks/twilio/status", status(), of_first) == 403
    assert (out.rows(Inbox), out.state(second)) == ([], "sent")


async def test_a_report_under_an_address_of_nothing_is_matched_by_the_providers_id(
    world: tuple[Outgoing, Report],
) -> None:
    out, report = world
    delivery = out.send(provider_id="SM1")
    assert await report("/hooks/twilio/status/nothing", status("SM1")) == 204
    assert out.state(delivery) == "delivered"
    assert await report("/hooks/twilio/status/nothing", status("SM2")) == 204
    assert {row.result for row in out.rows(Inbox)} == {f"case {out.case_id}", "no such message"}
