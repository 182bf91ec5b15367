"""The pages behind a link over a real database with one case, and what they passed on."""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from sqlmodel import Session, SQLModel, select
from starlette.testclient import TestClient

from api.people.handover import router as handover_router
from api.people.pages import router
from api.people.services import PeopleServices
from countersign.adapters.database.acts import Acts
from countersign.adapters.database.booked_acts import BookedActs
from countersign.adapters.database.engine import Database
from countersign.adapters.database.equipment_money import EquipmentMoney
from countersign.adapters.database.evidence import EvidenceLog
from countersign.adapters.database.handover_book import HandoverBook
from countersign.adapters.database.identity import Identity
from countersign.adapters.database.leaver_pages import LeaverPages
from countersign.adapters.database.ledger_book import LedgerBook
from countersign.adapters.database.links import Links
from countersign.adapters.database.questionnaires import Questionnaires
from countersign.adapters.database.shares import Shares
from countersign.adapters.database.tables import Branch, Case, Delivery, Leave, Link, Notice, Person
from countersign.adapters.documents import Documents
from countersign.adapters.links import LinkKeys
from countersign.domain.calendar import WorkCalendar
from countersign.domain.sms_templates import FilledText
from countersign.settings import Settings
from tests.support.schema import lay_out

NOW = datetime(2026, 2, 24, 2, 0, tzinfo=UTC)
KEYS = LinkKeys({"1": b"k" * 32})
TEXT = "张伟（工号 E1042），您好：\n\n您的病假已结束。\n请答复。"
NAME = "张<b>伟</b>"
LIMIT = 200_000


@dataclass
class House:
    """A database with one case, the pages over it, and what was carried to the workflow."""

    database: Database
    client: TestClient
    services: PeopleServices
    app: FastAPI
    carried: list[str] = field(default_factory=list)
    texts: list[tuple[str, str]] = field(default_factory=list)
    now: datetime = NOW
    provider_takes: bool = True

    def later(self, **how: float) -> None:
        self.now += timedelta(**how)

    def code(self, link: str = "link-sms") -> str:
        return KEYS.code(link)

    def url(self, link: str = "link-sms") -> str:
        return f"/n/{self.code(link)}"

    def change(self, kind: type[Any], key: Any, **values: Any) -> None:
        def apply(session: Session) -> None:
            row = session.get_one(kind, key)
            for name, value in values.items():
                setattr(row, name, value)
            session.add(row)

        self.database.write(apply)

    def rows(self, kind: type[Any]) -> list[Any]:
        with self.database.reading() as session:
            rows = list(session.exec(select(kind)))
            session.expunge_all()
            return rows

    def dump(self) -> dict[str, list[tuple[Any, ...]]]:
        with self.database.engine.connect() as connection:
            return {
                table.name: sorted((tuple(row) for row in connection.execute(table.select())), key=repr)
                for table in SQLModel.metadata.sorted_tables
            }

    def form(self, link: str = "link-sms", **values: str) -> dict[str, str]:
        page = self.client.get(self.url(link)).text
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page))
        return {**hidden, **values}

    def post(self, data: dict[str, str], link: str = "link-sms", **more: Any) -> Any:
        return self.client.post(self.url(link), data=data, **more)


def notice(step: str, audience: str, person: str, text: str = TEXT) -> Notice:
    title = {"first_notice": "返岗通知书", "emergency_contact": "请转告来电"}[step]
    return Notice(
        id=f"notice-{step}",
        case_id="case-1",
        step=step,
        template=step,
        audience=audience,
        person_id=person,
        language="zh-CN",
        title=title,
        text=text,
        fingerprint=hashlib.sha256(f"{title}\n{text}".encode()).hexdigest(),
        answer_by=NOW + timedelta(days=1),
        created_at=NOW,
    )


def _seed(database: Database) -> None:
    def plant(session: Session) -> None:
        session.add(Branch(id="b1", name="北京分公司", region="beijing"))
        session.flush()
        session.add(Person(id="p1", number="E1042", name=NAME, branch_id="b1"))
        session.flush()
        leave = Leave(id="l1", person_id="p1", kind="sick", starts_on=NOW.date(), ends_on=NOW.date())
        session.add(leave)
        session.flush()
        case = Case(
            id="case-1",
            kind="leave_return",
            workflow_id="leave-return/l1",
            person_id="p1",
            branch_id="b1",
            leave_id="l1",
            policy_version="1",
            state="running",
            stage="ladder",
            ends_on=NOW.date(),
            created_at=NOW,
        )
        session.add(case)
        session.flush()
        session.add(notice("first_notice", "employee", "p1"))
        session.add(notice("emergency_contact", "emergency_contact", "p1.contact", "请转告。"))
        session.flush()
        for name, notice_id, channel, address in (
            ("link-sms", "notice-first_notice", "sms", "+8613800138000"),
            ("link-mail", "notice-first_notice", "email", "zw@example.com"),
            ("link-box", "notice-first_notice", "in_system", None),
            ("link-contact", "notice-emergency_contact", "sms", "+8613900139000"),
        ):
            delivery = Delivery(
                id=name,
                notice_id=notice_id,
                case_id="case-1",
                channel=channel,
                attempt=1,
                state="sent",
                address=address,
                text="…",
                created_at=NOW,
            )
            session.add(delivery)
            session.flush()
            if address is None:
                continue
            session.add(
                Link(
                    id=name,
                    case_id="case-1",
                    notice_id=notice_id,
                    person_id="p1.contact" if name == "link-contact" else "p1",
                    key_id="1",
                    code_hash=KEYS.hash_of(KEYS.code(name)),
                    expires_at=NOW + timedelta(days=30),
                )
            )

    database.write(plant)


@contextmanager
def open_house(folder: Path) -> Iterator[House]:
    """Yield the pages over a database in `folder`; time stands still until a test moves it."""
    database = Database(Settings(data_dir=folder, _env_file=None).url)
    lay_out(database)
    _seed(database)
    app = FastAPI()
    app.include_router(router)
    app.include_router(handover_router)
    client = TestClient(app, base_url="https://hr.example.cn", follow_redirects=False)
    house: House

    async def carry(act_id: str) -> None:
        house.carried.append(act_id)

    async def send_code(to: str, text: FilledText) -> bool:
        house.texts.append((to, text.text))
        return house.provider_takes

    evidence = EvidenceLog(lambda: house.now)

    def clock() -> datetime:
        return house.now

    acts, documents = Acts(database, evidence, clock), Documents(folder / "documents")
    shares = Shares(evidence, WorkCalendar, clock, 1)
    money = EquipmentMoney(LedgerBook(database, evidence, clock), clock)
    handover = HandoverBook(database, BookedActs(database, acts, clock), evidence, shares, money, clock)
    services = PeopleServices(
        links=Links(database, evidence, clock),
        acts=acts,
        handover=handover,
        leavers=LeaverPages(database, evidence, documents, LedgerBook.balances, clock),
        questionnaires=Questionnaires(database, evidence, clock),
        identity=Identity(database, evidence, KEYS, lambda *_: "twilio", lambda: house.now),
        keys=KEYS,
        carry=carry,
        send_code=send_code,
        code_text=lambda language, code, to: FilledText(f"{language} {code}", None),
        documents=documents,
        upload_limit=LIMIT,
        contact={"name": "李娜", "phone": "010-5555 0100"},
        company="远山科技",
        public_base_url="https://hr.example.cn",
        trusted_proxies=("10.0.0.0/8",),
        clock=lambda: house.now,
    )
    app.state.people = services
    house = House(database, client, services, app)
    yield house
    database.close()
