"""Before a start: what it would send and cost, and what stands in its way."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from countersign.adapters.database.starts import StartWish
from countersign.adapters.database.tables import Case
from countersign.contracts.sending import SmsMessage
from countersign.domain.sms_text import segments
from countersign.ports import SendTicket
from tests.support.company import BEIJING, NAME, add_leave
from tests.support.outgoing import SHANGHAI_BRANCH, Outgoing, outgoing
from tests.support.staff import Call, staff

ALIYUN: dict[str, Any] = {
    "sms_routes": {"+86": "aliyun"},
    "aliyun_access_key_id": "key",
    "aliyun_access_key_secret": "secret",
    "aliyun_signature": "远山科技",
    "aliyun_base_url": "http://127.0.0.1:9",
}
ONE_TEXT: dict[str, Any] = {
    "name": "one_text",
    "remind_before": None,
    "rungs": [
        {
            "name": "first_notice",
            "audience": "employee",
            "channels": ["sms", "email"],
            "wait": {"value": 3, "unit": "calendar_days"},
        }
    ],
}


@asynccontextmanager
async def world(folder: Path, **settings: Any) -> AsyncIterator[tuple[Outgoing, Call]]:
    with outgoing(folder, **settings) as out:
        async with staff(out.parts) as call:
            yield out, call


def leaves(out: Outgoing, *days: int) -> list[str]:
    return [add_leave(out.parts, date(2026, 3, day), "sick", date(2026, 2, day)) for day in days]


def cases(out: Outgoing) -> int:
    return len(out.rows(Case))


async def test_a_bulk_start_is_added_up_and_the_sum_is_rounded_up_once(tmp_path: Path) -> None:
    async with world(tmp_path, sms_prices={"+86": "0.001"}) as (out, call):
        three = leaves(out, 1, 2, 3)
        told = (await call("/estimates", {"leaves": three, "policy": ONE_TEXT})).json()
        size = told["leaves"][0]["sms"]["segments"]
        assert [row["leave"] for row in told["leaves"]] == three
        assert {row["sms"]["cost_fen"] for row in told["leaves"]} == {1}
        assert told["sms"] == {"messages": 3, "segments": 3 * size, "cost_fen": 1, "because": None}
        assert cases(out) == 1


async def test_the_estimate_counts_the_words_that_the_preview_shows(tmp_path: Path) -> None:
    async with world(tmp_path) as (out, call):
        (leave,) = leaves(out, 1)
        shown = (await call("/previews", {"leave": leave})).json()
        texts = [text["text"] for text in shown["texts"] if text["channel"] == "sms"]
        assert shown["sms"]["messages"] == len(texts) > 1
        assert shown["sms"]["segments"] == sum(segments(text) for text in texts)
        told = (await call("/estimates", {"leaves": [leave]})).json()
        assert told["sms"] == told["leaves"][0]["sms"] == shown["sms"]


async def test_a_number_without_a_price_leaves_the_cost_open_with_the_reason(tmp_path: Path) -> None:
    async with world(tmp_path, sms_prices={"+852": "0.5"}) as (out, call):
        told = (await call("/estimates", {"leaves": leaves(out, 1, 2), "policy": ONE_TEXT})).json()
        assert (told["sms"]["messages"], told["sms"]["cost_fen"]) == (2, None)
        assert "begin with +86;" in told["sms"]["because"]


async def test_a_leave_that_is_named_twice_or_has_its_case_is_not_counted_again(tmp_path: Path) -> None:
    async with world(tmp_path) as (out, call):
        started, free = leaves(out, 1, 2)
        case = out.parts.starts.start(StartWish(started), {"role": "hr", "id": "t"})
        told = (await call("/estimates", {"leaves": [free, started, free], "policy": ONE_TEXT})).json()
        assert told["sms"]["messages"] == 1
        sentence = f"leave: its case exists already: {case}"
        assert told["leaves"][1] == {"leave": started, "blocks": [{"field": "leave", "sentence": sentence}]}
        assert len(told["leaves"]) == 2


async def test_one_leave_that_cannot_start_does_not_keep_the_others_from_being_counted(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as (out, call):
        (free,) = leaves(out, 1)
        backwards = add_leave(out.parts, date(2026, 2, 1), "annual", date(2026, 2, 10))
        told = (await call("/estimates", {"leaves": [backwards, free], "policy": ONE_TEXT})).json()
        assert told["leaves"][0]["blocks"][0]["field"] == "leave"
        assert "ends before it begins" in told["leaves"][0]["blocks"][0]["sentence"]
        assert told["sms"]["messages"] == 1


async def test_estimates_are_refused_for_leaves_out_of_sight_and_lists_without_sense(tmp_path: Path) -> None:
    async with world(tmp_path) as (out, call):
        out.other_branch()
        (leave,) = leaves(out, 1)
        body = {"leaves": [leave]}
        assert (await call("/estimates", body, branch=BEIJING)).status_code == 200
        assert (await call("/estimates", body, branch=SHANGHAI_BRANCH)).status_code == 404
        assert (await call("/estimates", {"leaves": ["nobody"]})).status_code == 404
        for wrong in ([], [leave] * 201, [""], "all"):
            answer = await call("/estimates", {"leaves": wrong})
            assert (answer.status_code, answer.json()["field"].split(".")[0]) == (422, "leaves")


async def test_a_text_that_nobody_would_receive_whole_blocks_the_start(tmp_path: Path) -> None:
    async with world(tmp_path) as (out, call):
        (leave,) = leaves(out, 1)
        out.parts.settings.company_name = "很长的公司名" * 90
        del out.parts.__dict__["notices"], out.parts.__dict__["starts"]
        shown = (await call("/previews", {"leave": leave, "policy": ONE_TEXT})).json()
        (block,) = shown["blocks"]
        assert block["field"] == "policy.rungs"
        assert block["sentence"].startswith("step first_notice: the SMS has ")
        refused = await call("/cases", {"leave": leave, "policy": ONE_TEXT})
        assert (refused.status_code, refused.json()["detail"]) == (422, block["sentence"])
        assert cases(out) == 1


async def test_channels_abroad_block_until_somebody_answers_for_them(tmp_path: Path) -> None:
    async with world(tmp_path) as (out, call):
        (leave,) = leaves(out, 1)
        out.parts.settings.cross_border_channels = ("twilio",)
        for name in ("channels", "starts"):
            del out.parts.__dict__[name]
        shown = (await call("/previews", {"leave": leave, "policy": ONE_TEXT})).json()
        assert [block["field"] for block in shown["blocks"]] == ["channels"]
        refused = await call("/cases", {"leave": leave, "policy": ONE_TEXT})
        assert (refused.status_code, refused.json()["field"]) == (422, "channels")
        assert cases(out) == 1
        await call("/channels/twilio/acknowledge", {"reason": "Standard contract of 2026-01-10."}, "yes")
        assert (await call("/cases", {"leave": leave, "policy": ONE_TEXT}, "again")).status_code == 201


def registered(folder: Path, name: str, text: str) -> Path:
    file = folder / "texts.yaml"
    file.write_text(f"leave_return:\n  {name}:\n    zh-CN:\n      code: SMS_1\n      text: {text}\n", "utf-8")
    return file


def with_aliyun(out: Outgoing, file: Path | None) -> None:
    """Let every text go by the domestic provider from now on, which wants registered texts."""
    for name, value in {**ALIYUN, "sms_templates_file": file}.items():
        setattr(out.parts.settings, name, SecretStr(value) if name.endswith("secret") else value)
    for name in ("sms", "sms_templates", "notices", "channels", "starts"):
        out.parts.__dict__.pop(name, None)


async def test_a_step_without_its_registered_text_blocks_the_start_and_is_named(tmp_path: Path) -> None:
    async with world(tmp_path) as (out, call):
        (leave,) = leaves(out, 1)
        with_aliyun(out, None)
        refused = await call("/cases", {"leave": leave, "policy": ONE_TEXT})
        assert (refused.status_code, refused.json()["field"]) == (422, "policy.rungs")
        assert "none is declared for leave_return.first_notice.zh-CN" in refused.json()["detail"]
        assert cases(out) == 1


async def test_a_registered_text_is_shown_counted_and_sent_with_its_template(tmp_path: Path) -> None:
    async with world(tmp_path) as (out, call):
        (leave,) = leaves(out, 1)
        with_aliyun(out, registered(tmp_path, "first_notice", "${employee}您好，请用${code}答复。"))
        shown = (await call("/previews", {"leave": leave, "policy": ONE_TEXT})).json()
        (text,) = [text["text"] for text in shown["texts"] if text["channel"] == "sms"]
        assert text == f"【远山科技】{NAME}您好，请用XXXX-XXXX-XXXX答复。"
        assert (shown["blocks"], shown["sms"]["segments"]) == ([], 1)
        case = (await call("/cases", {"leave": leave, "policy": ONE_TEXT})).json()["case"]
        ticket = out.begin(out.lay_out(case))
        assert isinstance(ticket, SendTicket)
        assert isinstance(ticket.message, SmsMessage)
        template = ticket.message.template
        assert template is not None
        code = ticket.message.delivery_code
        assert (template.code, template.parameters) == ("SMS_1", (("employee", NAME), ("code", code)))
        assert ticket.message.text == f"【远山科技】{NAME}您好，请用{code}答复。"
        assert ticket.provider == "aliyun"


async def test_a_registered_text_that_cannot_be_filled_is_refused_in_words(tmp_path: Path) -> None:
    async with world(tmp_path) as (out, call):
        (leave,) = leaves(out, 1)
        out.parts.settings.company_name = "很长的公司名" * 6
        with_aliyun(out, registered(tmp_path, "first_notice", "${company}请您用${code}答复。"))
        for path in ("/previews", "/cases"):
            refused = await call(path, {"leave": leave, "policy": ONE_TEXT}, path)
            assert (refused.status_code, refused.json()["field"]) == (422, "policy.rungs"), refused.text
            assert "${company} is 36 characters long" in refused.json()["detail"]
        told = (await call("/estimates", {"leaves": [leave], "policy": ONE_TEXT})).json()
        assert "${company} is 36" in told["leaves"][0]["blocks"][0]["sentence"]


async def test_a_confidential_policy_shows_and_counts_the_neutral_words_that_will_leave(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as (out, call):
        (leave,) = leaves(out, 1)
        wish = {"leave": leave, "policy": ONE_TEXT | {"confidential": True}}
        shown = (await call("/previews", wish)).json()
        for text in shown["texts"]:
            assert NAME not in text["text"]
            assert "本人确认身份" in text["text"]
        sms = next(text["text"] for text in shown["texts"] if text["channel"] == "sms")
        assert shown["sms"]["segments"] == segments(sms)
        case = (await call("/cases", wish)).json()["case"]
        ticket = out.begin(out.lay_out(case, confidential=True))
        assert isinstance(ticket, SendTicket)
        assert isinstance(ticket.message, SmsMessage)
        assert ticket.message.text.replace(ticket.message.delivery_code, "XXXX-XXXX-XXXX") == sms


async def test_a_confidential_policy_wants_the_registered_text_of_confidential_notices(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as (out, call):
        (leave,) = leaves(out, 1)
        wish = {"leave": leave, "policy": ONE_TEXT | {"confidential": True}}
        with_aliyun(out, registered(tmp_path, "first_notice", "请用${code}答复。"))
        refused = await call("/cases", wish)
        assert "none is declared for leave_return.confidential.zh-CN" in refused.json()["detail"]
        with_aliyun(out, registered(tmp_path, "confidential", "有一份通知，请用${code}查看。"))
        assert (await call("/cases", wish, "again")).status_code == 201
