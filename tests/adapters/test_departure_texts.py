"""The texts of a departure: complete for every step, and each reader told no more than is meant for them."""

from collections.abc import Mapping
from datetime import date
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlmodel import select

from countersign.adapters.database.case_files import file_of
from countersign.adapters.database.departure_files import (
    HandoverFile,
    OffboardingFile,
    StatutoryFile,
    example_file,
)
from countersign.adapters.database.tables import (
    Case,
    Departure,
    Entry,
    HandoverItem,
    LedgerAccount,
    Person,
    Posting,
)
from countersign.adapters.paper import Press
from countersign.adapters.real_clock import utc_now
from countersign.adapters.rendering import LANGUAGES, NoticeText, Renderer, candidates
from countersign.adapters.text_checks import Frame, check, example
from countersign.bootstrap import Parts
from countersign.contracts.cases import Process
from countersign.domain.departure import DepartureKind, Ground, ItemState, Track
from countersign.domain.policies import READERS
from countersign.domain.policy import Audience, Channel
from countersign.domain.public_notice import template_of
from countersign.domain.sms_text import segments
from countersign.domain.texts import Form, TextKey, allowed_in, passed_to
from countersign.ids import new_id
from tests.support.company import NAME, add_colleague, company
from tests.support.leaving import leaving

FRAME = Frame(
    "远山科技", {"name": "人事部", "phone": "010-5555 0100", "email": "hr@example.cn"}, "回执页 /n",
    "https://hr.example.cn",
)  # fmt: skip
DEPARTURES = (Process.OFFBOARDING, Process.HANDOVER, Process.STATUTORY)
OWN_STEPS = {
    Process.OFFBOARDING: ("reminder_30", "reminder_3", "departure_withdrawn"),
    Process.HANDOVER: ("announcement", "departure_withdrawn"),
    Process.STATUTORY: ("certificate", "demand"),
}
OWED = ("owed", "owed_insurance", "owed_loan", "owed_overpaid", "owed_equipment")
MONEY = "7,777.77"


def steps() -> list[tuple[Process, str, Audience, tuple[Channel, ...]]]:
    """Return every message that the three shipped policies lead to."""
    found: list[tuple[Process, str, Audience, tuple[Channel, ...]]] = []
    for process in DEPARTURES:
        text = (Path("countersign/policies") / f"{process.value}_standard.yaml").read_text("utf-8")
        policy = READERS[process.value](yaml.safe_load(text), "policy")
        found += [(process, rung.name, rung.audience, rung.channels) for rung in policy.ladder.rungs]
        ways = (Channel.SMS, Channel.EMAIL, Channel.IN_SYSTEM)
        found += [(process, name, Audience.EMPLOYEE, ways) for name in OWN_STEPS[process]]
    return found


def variables(process: Process, language: str = "zh-CN", **more: Any) -> dict[str, Any]:
    key = TextKey(process.value, "first_notice", language, Form.SMS)
    return example(key, FRAME) | more


def told(process: Process, name: str, audience: str, language: str, **more: Any) -> NoticeText:
    return Renderer(process.value).notice(name, audience, language, variables(process, language, **more))


@pytest.mark.parametrize(("step", "language"), list(product(steps(), LANGUAGES)))
def test_every_step_of_the_shipped_policies_has_its_text_on_every_channel(
    step: tuple[Process, str, Audience, tuple[Channel, ...]], language: str
) -> None:
    process, name, audience, channels = step
    nothing: dict[str, Any] = dict.fromkeys(
        (*OWED, "answer_by", "facts", "ended_on", "successor", "service_address", "consent_signed_on")
    )
    for more in ({}, nothing, {"items_open": 0, "items_to_hand_over": 0, "items_to_accept": 0}):
        values = variables(process, language, **more)
        renderer = Renderer(process.value)
        notice = renderer.notice(template_of(name, channels), audience, language, values)
        assert 3 < len(notice.title) < 70
        for needed in ("人事部", "010-5555 0100", "远山科技", values["employee"]):
            assert needed in notice.text
        for wrong in ("None", "{", "\n\n\n"):
            assert wrong not in notice.text
        if {Channel.SMS, Channel.PREFERRED} & set(channels):
            sms = renderer.sms(name, audience, language, values | {"link": None})
            assert sms.startswith("【远山科技】")
            assert values["code"] in sms
            assert "010-5555 0100" in sms
            assert segments(sms) <= (2 if language == "zh-CN" else 3)


def test_all_reminders_before_the_last_day_are_one_text_and_a_rung_without_one_says_the_main_notice() -> None:
    assert told(Process.OFFBOARDING, "reminder_30", "employee", "en").template.endswith("before_last_day.txt")
    assert told(Process.STATUTORY, "visit", "employee", "en").template.endswith("termination_notice.txt")
    assert told(Process.OFFBOARDING, "a_rung", "employee", "en").template.endswith("first_notice.txt")
    assert candidates("reminder_7", "manager") == ("reminder_7", "colleague_notice")


@pytest.mark.parametrize("key", [key for one in DEPARTURES for key in Renderer(one.value).keys()], ids=str)
def test_every_shipped_text_passes_the_check_of_the_editor(key: TextKey) -> None:
    source = Renderer(key.process).without_stored(key)
    assert source is not None
    assert check(key, source, FRAME, Press(), links_pass=False).faults == ()


@pytest.mark.parametrize(("kind", "ground"), list(product(DepartureKind, Ground)))
def test_a_termination_notice_says_ground_day_rights_and_what_follows(
    kind: DepartureKind, ground: Ground
) -> None:
    more = {"departure_kind": kind.value, "ground": ground.value, "facts": "三月未到岗。"}
    notice = told(Process.STATUTORY, "termination_notice", "employee", "zh-CN", **more)
    articles = {"agreement": "三十六", "resignation": "三十七", "employer_fault": "三十八"}
    articles |= {"worker_fault": "三十九", "no_fault": "四十", "layoff": "四十一", "expiry": "四十四"}
    for needed in (
        "三月未到岗。",
        f"《中华人民共和国劳动合同法》第{articles[ground]}条",
        "2026年3月31日",
        "离职证明",
        "社会保险和档案",
        "异议",
        "劳动争议仲裁",
        "不等于同意",
    ):
        assert needed in notice.text
    assert notice.title == ("终止" if kind is DepartureKind.CONTRACT_END else "解除") + "劳动合同通知书"
    assert ("经济补偿" in notice.text) is (ground is not Ground.WORKER_FAULT)


@pytest.mark.parametrize("language", LANGUAGES)
def test_certificate_and_demand_say_that_the_law_waits_for_nothing(language: str) -> None:
    certificate = told(Process.STATUTORY, "certificate", "employee", language).text
    demand = told(Process.STATUTORY, "demand", "employee", language, owed=MONEY).text
    assert ("不以办结工作交接" if language == "zh-CN" else "whatever is left to hand over") in certificate
    assert ("4月15日" if language == "zh-CN" else "15 April 2026") in certificate
    assert MONEY in demand
    assert ("不受本通知影响" if language == "zh-CN" else "do not depend on this notice") in demand
    for blame in ("旷工", "严重违反", "misconduct", "absent"):
        assert blame not in certificate


@pytest.mark.parametrize(("process", "language"), list(product(DEPARTURES, LANGUAGES)))
def test_colleagues_and_the_public_learn_no_ground_no_fact_and_no_sum(
    process: Process, language: str
) -> None:
    marked = dict.fromkeys(OWED, MONEY) | {"facts": "FACTS", "ground": "layoff", "departure_kind": "absence"}
    for name, audience in product(
        ("colleague_notice", "on_site_check", "first_notice", "termination_notice", "demand", "own"),
        ("manager", "hr", "legal"),
    ):
        notice = told(process, name, audience, language, **marked)
        short = Renderer(process.value).sms(name, audience, language, variables(process, language, **marked))
        for private in (MONEY, "FACTS", "解除", "第四十", "辞退", "dismiss", "terminat", "article", "layoff"):
            assert private not in f"{notice.title} {notice.text} {short}"
    if process is Process.STATUTORY:
        public = told(process, "public_notice", "employee", language, **marked)
        for private in (MONEY, "FACTS", "E1042", "2026", "解除", "劳动", "employment", "terminat"):
            assert private not in f"{public.title} {public.text}"


@pytest.mark.parametrize(
    ("process", "name", "withheld"),
    [
        (Process.OFFBOARDING, "colleague_notice", "owed"),
        (Process.OFFBOARDING, "colleague_notice", "departure_kind"),
        (Process.OFFBOARDING, "mail", "owed_loan"),
        (Process.STATUTORY, "colleague_notice", "ground"),
        (Process.STATUTORY, "colleague_notice", "last_day"),
        (Process.STATUTORY, "on_site_check", "facts"),
        (Process.STATUTORY, "public_notice", "last_day"),
        (Process.STATUTORY, "mail", "facts"),
        (Process.STATUTORY, "of_their_own", "owed"),
    ],
)
def test_the_editor_gives_each_text_what_its_reader_may_know(
    process: Process, name: str, withheld: str
) -> None:
    key = TextKey(process.value, name, "zh-CN", Form.TEXT)
    assert withheld in passed_to(key)
    assert withheld not in allowed_in(key)
    assert withheld in allowed_in(TextKey(process.value, "first_notice", "zh-CN", Form.TEXT))


def test_a_receiver_is_given_nothing_of_why_somebody_leaves_or_owes() -> None:
    given = passed_to(TextKey("handover", "first_notice", "zh-CN", Form.SMS))
    assert not given & {"departure_kind", "ground", "facts", *OWED}
    assert {"leaver", "last_day", "items_to_accept"} <= given


# -- the files --------------------------------------------------------------------------------------------


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    return company(tmp_path, utc_now)


def add_items(
    parts: Parts, departure: str, share: str | None, states: Mapping[tuple[Track, ItemState], int]
) -> None:
    with parts.database.transaction() as session:
        for number, (track, state) in enumerate(one for one, count in states.items() for _ in range(count)):
            session.add(
                HandoverItem(
                    id=new_id(),
                    departure_id=departure,
                    share_id=share,
                    track=track.value,
                    reference=f"R{number}",
                    title="T",
                    due_on=date(2027, 1, 31),
                    state=state.value,
                    listed_at=parts.clock(),
                )
            )


def file(parts: Parts, case_id: str) -> Mapping[str, Any]:
    with parts.database.reading() as session:
        case = session.get_one(Case, case_id)
        found = file_of(session, case)
        assert found.process.value == case.kind
        return dict(found.variables(parts.calendar))


def test_the_leavers_texts_count_what_is_left_and_print_what_is_owed(parts: Parts) -> None:
    departure = leaving(parts, date(2027, 1, 31))
    add_items(
        parts,
        departure,
        None,
        {
            (Track.DOCUMENTS, ItemState.OPEN): 2,
            (Track.CUSTOMERS, ItemState.HANDED_OVER): 3,
            (Track.CUSTOMERS, ItemState.ACCEPTED): 4,
            (Track.EQUIPMENT, ItemState.NOT_APPLICABLE): 1,
            (Track.EQUIPMENT, ItemState.DISPUTED): 1,
        },
    )
    owe(parts, departure, {"loan": 300_000, "insurance_advance": 5, "equipment": -100, "wage_payable": -9})
    found = file(parts, departure)
    assert {name: found[name] for name in found if name.startswith(("items", "doc", "cust", "equip"))} == {
        "items_open": 6,
        "items_to_hand_over": 2,
        "documents_open": 2,
        "customers_open": 3,
        "equipment_open": 1,
    }
    assert {name: found[name] for name in OWED} == {
        "owed": "3,000.05",
        "owed_loan": "3,000.00",
        "owed_insurance": "0.05",
        "owed_overpaid": None,
        "owed_equipment": None,
    }
    assert found["last_day"] == date(2027, 1, 31)


def owe(parts: Parts, departure_id: str, sums: Mapping[str, int]) -> None:
    """Put balances into the ledger, balanced against the bank."""
    with parts.database.transaction() as session:
        departure = session.get_one(Departure, departure_id)
        posting = Posting(
            id=new_id(),
            key="k",
            kind="loan",
            branch_id=departure.branch_id,
            employment_id=departure.employment_id,
            booked_on=date(2027, 1, 1),
            posted_by="test",
            posted_at=parts.clock(),
        )
        session.add(posting)
        for position, (kind, fen) in enumerate(({**sums} | {"bank": -sum(sums.values())}).items()):
            of_person = None if kind == "bank" else departure.employment_id
            account = LedgerAccount(
                id=new_id(),
                owner=of_person or departure.branch_id,
                kind=kind,
                branch_id=departure.branch_id,
                employment_id=of_person,
                created_at=parts.clock(),
            )
            session.add(account)
            session.flush()
            session.add(
                Entry(posting_id=posting.id, position=position, account_id=account.id, amount_fen=fen)
            )


def test_a_receivers_texts_know_their_own_share_alone(parts: Parts) -> None:
    departure = leaving(parts, date(2027, 1, 31))
    receiver = add_colleague(parts, "E2001")
    with parts.database.transaction() as session:
        leaver = session.get_one(Departure, departure)
        share = Case(
            id=new_id(), kind="handover", workflow_id="ladder/x", person_id=receiver,
            branch_id=leaver.branch_id, departure_id=departure, policy_version="handover_standard@1",
            state="running", stage="announced", created_at=parts.clock(),
        )  # fmt: skip
        session.add(share)
    add_items(parts, departure, share.id, {(Track.DOCUMENTS, ItemState.HANDED_OVER): 2})
    found = file(parts, share.id)
    assert (found["leaver"], found["items_open"], found["items_to_accept"]) == (NAME, 2, 2)
    with parts.database.reading() as session:
        assert file_of(session, session.get_one(Case, share.id)).person.id == receiver


def test_the_transfer_date_follows_the_day_on_which_the_employment_ended(parts: Parts) -> None:
    departure = leaving(parts, date(2027, 1, 31))
    with parts.database.reading() as session:
        duties = session.get_one(Departure, departure).statutory_case_id
    assert file(parts, duties)["transfer_by"] == date(2027, 2, 15)
    with parts.database.transaction() as session:
        session.get_one(Departure, departure).ended_on = date(2027, 2, 4)
    assert file(parts, duties)["transfer_by"] == date(2027, 2, 19)


@pytest.mark.parametrize(
    ("process", "kind"),
    [
        (Process.OFFBOARDING, OffboardingFile),
        (Process.HANDOVER, HandoverFile),
        (Process.STATUTORY, StatutoryFile),
    ],
)
def test_a_text_can_be_looked_at_for_somebody_who_never_left(
    parts: Parts, process: Process, kind: type
) -> None:
    with parts.database.reading() as session:
        person = session.exec(select(Person)).first()
        assert person is not None
        found = example_file(session, process, person, "en")
    assert isinstance(found, kind)
    key = TextKey(process.value, "first_notice", "en", Form.TEXT)
    assert set(found.variables(parts.calendar)) <= passed_to(key)
