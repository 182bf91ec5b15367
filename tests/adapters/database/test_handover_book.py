"""The handover in the books: who says what of which items, what is written, and what is refused."""

import itertools
import json
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError
from sqlmodel import col, select

from countersign.adapters.database.acts import StoredFile
from countersign.adapters.database.case_files import file_of
from countersign.adapters.database.handover_book import Board, HandoverAct, HandoverBook, ShareView
from countersign.adapters.database.items import list_items
from countersign.adapters.database.tables import (
    ActRow,
    Case,
    Departure,
    Document,
    Employment,
    HandoverItem,
    Holding,
    ItemConfirmation,
    Outbox,
)
from countersign.bootstrap import Parts
from countersign.contracts.cases import Role
from countersign.contracts.departures import HandoverInput, ShareStanding
from countersign.contracts.notices import NoticeOrder, SendOrder, SendResult, SendState
from countersign.domain.departure import Condition, ItemState, Track
from countersign.domain.evidence import EventKind
from countersign.domain.handover import Side, Speaker, Verdict
from countersign.domain.policy import Audience, Channel
from countersign.domain.refusal import Refusal
from countersign.ids import new_id
from countersign.ports import SendTicket
from tests.support.company import NUMBER, add_colleague, company
from tests.support.leaving import leaving

NOW = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
LAST_DAY = date(2026, 3, 31)
ONE, TWO, THREE = "E2001", "E2002", "E2003"
PHOTO = StoredFile("ab" * 32, "image/png", 12, "照片.png")
KINDS = {
    "listed": EventKind.ITEM_LISTED,
    "handed over": EventKind.ITEM_HANDED_OVER,
    "accepted": EventKind.ITEM_ACCEPTED,
    "disputed": EventKind.ITEM_DISPUTED,
    "settled": EventKind.ITEM_SETTLED,
    "reassigned": EventKind.ITEM_REASSIGNED,
    "not applicable": EventKind.ITEM_NOT_APPLICABLE,
    "delegated": EventKind.ITEM_DELEGATED,
}


class Handing:
    """One departure with its items, and everybody who acts in it."""

    def __init__(self, folder: Path) -> None:
        self.now = NOW
        self.parts: Parts = company(folder, lambda: self.now)
        self.people = {number: add_colleague(self.parts, number) for number in (ONE, TWO, THREE)}
        self.departure_id = leaving(self.parts, LAST_DAY)
        with self.parts.database.reading() as session:
            self.people[NUMBER] = session.get_one(Departure, self.departure_id).person_id
        self._ids = itertools.count()

    @property
    def book(self) -> HandoverBook:
        return self.parts.handover_book

    # -- what is there ------------------------------------------------------------------------------------

    def holds(self, track: Track, *references: str, to: str | None = None, **more: Any) -> None:
        """Let the leaver hold things, and list them as items."""
        with self.parts.database.transaction() as session:
            departure = session.get_one(Departure, self.departure_id)
            held = [
                Holding(
                    id=new_id(),
                    track=track.value,
                    reference=one,
                    person_id=departure.person_id,
                    title=f"标题{one}",
                    receiver_id=None if to is None else self.people[to],
                    source="test",
                    updated_at=self.now,
                    **more,
                )
                for one in references
            ]
            session.add_all(held)
            session.flush()
            case = session.get_one(Case, self.departure_id)
            list_items(session, self.parts.evidence, departure, case, held, self.now)
            self.parts.shares.spread(session, departure, self.now)

    def item(self, reference: str) -> HandoverItem:
        with self.parts.database.reading() as session:
            return session.exec(select(HandoverItem).where(HandoverItem.reference == reference)).one()

    def ids(self, *references: str) -> tuple[str, ...]:
        return tuple(self.item(one).id for one in references)

    def states(self) -> dict[str, str]:
        with self.parts.database.reading() as session:
            return {one.reference: one.state for one in session.exec(select(HandoverItem))}

    def said(self, reference: str) -> list[tuple[str, str]]:
        with self.parts.database.reading() as session:
            rows = session.exec(
                select(ItemConfirmation)
                .where(ItemConfirmation.item_id == self.item(reference).id)
                .order_by(col(ItemConfirmation.id))
            )
            return [(row.what, row.side) for row in rows]

    def confirmations(self) -> list[ItemConfirmation]:
        with self.parts.database.reading() as session:
            return list(session.exec(select(ItemConfirmation).order_by(col(ItemConfirmation.id))))

    def shares(self, number: str) -> list[Case]:
        with self.parts.database.reading() as session:
            mine = select(Case).where(Case.kind == "handover", Case.person_id == self.people[number])
            return list(session.exec(mine.order_by(col(Case.id))))

    def share(self, number: str) -> Case:
        (case,) = self.shares(number)
        return case

    def standing(self, number: str) -> ShareStanding:
        with self.parts.database.reading() as session:
            return self.parts.shares.standing(session, session.get_one(Case, self.share(number).id))

    def board(self) -> Board:
        board = self.book.board(self.departure_id)
        assert board is not None
        return board

    def view(self, number: str) -> ShareView:
        view = self.book.share_of(self.share(number).id)
        assert view is not None
        return view

    def events(self, what: str, case_id: str | None = None) -> list[dict[str, Any]]:
        with self.parts.database.reading() as session:
            found, _ = self.parts.evidence.chain(session, case_id or self.departure_id)
            return [dict(event.body) for event in found if event.kind == KINDS[what].value]

    def disclosed(self, case_id: str) -> str:
        """Return everything that a chain and its disclosures say."""
        with self.parts.database.reading() as session:
            events, opened = self.parts.evidence.chain(session, case_id)
            told = [json.dumps([dict(e.actor), dict(e.body)], ensure_ascii=False) for e in events]
            return "\n".join([*told, *(one.value for one in opened)])

    def close(self, case: Case) -> None:
        with self.parts.database.transaction() as session:
            session.get_one(Case, case.id).state = "closed"

    def left(self, number: str, on: date) -> None:
        with self.parts.database.transaction() as session:
            session.add(
                Employment(id=new_id(), person_id=self.people[number], hired_on=date(2020, 1, 1), ended_on=on)
            )

    # -- what people do -----------------------------------------------------------------------------------

    def act(self, speaker: Speaker, side: Side, role: Role, number: str | None, **more: Any) -> HandoverAct:
        person = None if number is None else self.people[number]
        more.setdefault("id", f"act-{next(self._ids)}")
        actor = more.pop("actor", person or f"token:{role.value}")
        return HandoverAct(
            departure_id=self.departure_id,
            speaker=speaker,
            side=side,
            role=role,
            actor=actor,
            person_id=person,
            **more,
        )

    def leaver(self, *references: str, number: str = NUMBER, **more: Any) -> HandoverAct:
        ids = self.ids(*references)
        return self.act(Speaker.LEAVER, Side.LEAVER, Role.EMPLOYEE, number, items=ids, **more)

    def receiver(self, number: str, *references: str, **more: Any) -> HandoverAct:
        more.setdefault("items", self.ids(*references))
        return self.act(Speaker.RECEIVER, Side.RECEIVER, Role.EMPLOYEE, number, **more)

    def administration(self, *references: str, side: Side = Side.RECEIVER, **more: Any) -> HandoverAct:
        ids = self.ids(*references)
        return self.act(Speaker.ADMINISTRATION, side, Role.ADMINISTRATION, None, items=ids, **more)

    def hr(self, *references: str, side: Side = Side.COMPANY, **more: Any) -> HandoverAct:
        return self.act(Speaker.COMPANY, side, Role.HR, None, items=self.ids(*references), **more)


@pytest.fixture
def h(tmp_path: Path) -> Handing:
    return Handing(tmp_path / "data")


def refused(do: Callable[[], object]) -> Refusal:
    with pytest.raises(Refusal) as found:
        do()
    return found.value


# -- listing ---------------------------------------------------------------------------------------------


def test_items_are_listed_for_their_receivers_and_each_gets_a_case_of_their_own(h: Handing) -> None:
    h.holds(Track.DOCUMENTS, "D1", "D2", to=ONE)
    h.holds(Track.CUSTOMERS, "C1", to=TWO)
    h.holds(Track.EQUIPMENT, "PC1")
    assert h.item("D1").share_id == h.share(ONE).id
    assert h.item("C1").share_id == h.share(TWO).id
    assert h.item("PC1").share_id is None
    assert [len(event["items"]) for event in h.events("listed")] == [2, 1, 1]
    assert [len(event["items"]) for event in h.events("listed", h.share(ONE).id)] == [2]
    with h.parts.database.reading() as session:
        orders = session.exec(select(Outbox.body).where(Outbox.kind == "start_case")).all()
    assert {"case": h.share(ONE).id} in orders
    assert {"case": h.share(TWO).id} in orders


def test_a_share_begins_with_a_frozen_input_and_names_the_head_of_the_offboarding_chain(h: Handing) -> None:
    from countersign.adapters.database.shares import INPUT

    h.holds(Track.DOCUMENTS, "D1", to=ONE)
    case = h.share(ONE)
    frozen: HandoverInput = INPUT.validate_python(case.frozen)
    assert (frozen.departure_id, frozen.person_id, frozen.last_day) == (
        h.departure_id,
        h.people[ONE],
        LAST_DAY,
    )
    assert case.workflow_id == f"ladder/{case.id}"
    assert case.policy_version == "handover_standard@1"
    with h.parts.database.reading() as session:
        (first, *_), _ = h.parts.evidence.chain(session, case.id)
        offboarding, _ = h.parts.evidence.chain(session, h.departure_id)
    tied = first.body["departure"]
    assert tied["case"] == h.departure_id
    assert tied["head"] == offboarding[tied["length"] - 1].hash


def test_items_never_go_to_the_leaver_nor_to_somebody_who_has_left(h: Handing) -> None:
    own = refused(lambda: h.holds(Track.DOCUMENTS, "D1", "D2", to=NUMBER))
    assert own.field == "receiver"
    assert "D1, D2 would go to the person who leaves" in str(own)
    h.left(ONE, NOW.date())
    assert "D3 would go to somebody who has left" in str(
        refused(lambda: h.holds(Track.DOCUMENTS, "D3", to=ONE))
    )
    assert h.states() == {}


def test_the_same_holding_is_listed_once(h: Handing) -> None:
    h.holds(Track.DOCUMENTS, "D1", to=ONE)
    with h.parts.database.transaction() as session:
        departure, case = session.get_one(Departure, h.departure_id), session.get_one(Case, h.departure_id)
        held = session.exec(select(Holding)).all()
        assert list_items(session, h.parts.evidence, departure, case, held, h.now) == []
    assert len(h.events("listed")) == 1


# -- both sides ------------------------------------------------------------------------------------------


def test_an_item_is_closed_when_both_sides_have_confirmed_it(h: Handing) -> None:
    h.holds(Track.DOCUMENTS, "D1", "D2", to=ONE)
    view = h.book.hand_over(h.leaver())
    assert view.case_id == h.departure_id
    assert h.states() == {"D1": "handed_over", "D2": "handed_over"}
    assert h.standing(ONE) == ShareStanding(LAST_DAY, to_accept=2)
    view = h.book.accept(h.receiver(ONE, "D1"))
    assert view.case_id == h.share(ONE).id
    assert h.states() == {"D1": "accepted", "D2": "handed_over"}
    assert h.standing(ONE) == ShareStanding(LAST_DAY, to_accept=1, confirmed=1)
    h.book.accept(h.receiver(ONE))
    assert h.standing(ONE) == ShareStanding(LAST_DAY, confirmed=2, over=True)
    assert h.said("D1") == [("handed_over", "leaver"), ("accepted", "receiver")]


def test_the_other_cases_of_the_departure_are_told_to_look(h: Handing) -> None:
    h.holds(Track.DOCUMENTS, "D1", to=ONE)
    h.book.hand_over(h.leaver())
    with h.parts.database.reading() as session:
        told = [body["case"] for body in session.exec(select(Outbox.body).where(Outbox.kind == "look"))]
    assert h.share(ONE).id in told
    assert h.departure_id not in told  # told by the act itself


def test_confirmations_are_rows_that_nobody_can_change(h: Handing) -> None:
    h.holds(Track.DOCUMENTS, "D1", to=ONE)
    h.book.hand_over(h.leaver())

    def forge() -> None:
        with h.parts.database.transaction() as session:
            session.get_one(ItemConfirmation, h.confirmations()[0].id).side = "company"

    with pytest.raises(DBAPIError):
        forge()


def test_the_same_form_sent_twice_is_the_same_act(h: Handing) -> None:
    h.holds(Track.DOCUMENTS, "D1", to=ONE)
    act = h.leaver("D1")
    assert h.book.hand_over(act).fingerprint == h.book.hand_over(act).fingerprint
    assert len(h.confirmations()) == 1
    assert len(h.events("handed over")) == 1


def test_what_was_confirmed_before_is_left_out_and_the_receipt_says_when_nothing_is_left(h: Handing) -> None:
    h.holds(Track.DOCUMENTS, "D1", "D2", to=ONE)
    h.book.hand_over(h.leaver("D1"))
    view = h.book.hand_over(h.leaver("D1", "D2"))
    assert view.sentence is None
    assert view.body == {"items": list(h.ids("D2")), "already": 1}
    again = h.book.hand_over(h.leaver("D1", "D2"))
    assert "nothing changed" in (again.sentence or "")
    assert h.parts.acts.must_view(again.id).sentence == again.sentence
    assert len(h.confirmations()) == 2


def test_a_batch_is_all_or_nothing_and_names_every_refused_item(h: Handing) -> None:
    h.holds(Track.DOCUMENTS, "D1", "D2", "D3", to=ONE)
    h.book.hand_over(h.leaver("D1"))
    why = refused(lambda: h.book.accept(h.receiver(ONE, "D1", "D2", "D3")))
    assert "D2, D3: each was not handed over yet" in str(why)
    assert h.states()["D1"] == "handed_over"
    with h.parts.database.reading() as session:
        assert len(session.exec(select(ActRow)).all()) == 1


def test_only_the_leaver_hands_over_and_only_the_receiver_accepts(h: Handing) -> None:
    h.holds(Track.DOCUMENTS, "D1", to=ONE)
    h.holds(Track.DOCUMENTS, "D2", to=TWO)
    assert refused(lambda: h.book.hand_over(h.leaver("D1", number=TWO))).field == "side"
    assert refused(lambda: h.book.accept(h.leaver("D1"))).field == "side"
    h.book.hand_over(h.leaver())
    why = refused(lambda: h.book.accept(h.receiver(TWO, "D1")))
    assert "not yours" in str(why)
    assert "D1" not in str(why)
    assert refused(lambda: h.book.accept(h.receiver(THREE, "D1"))).field == "side"
    assert refused(lambda: h.book.accept(h.receiver(ONE, items=("x" * 26,)))).field == "items"


def test_a_receiver_may_confirm_alone_once_the_last_day_is_over_and_the_item_stays_open(h: Handing) -> None:
    h.holds(Track.DOCUMENTS, "D1", to=ONE)
    assert "not handed over yet" in str(refused(lambda: h.book.accept(h.receiver(ONE, "D1"))))
    h.now = NOW + timedelta(days=40)
    h.book.accept(h.receiver(ONE, "D1"))
    (item,) = h.board().items[Track.DOCUMENTS]
    assert (item.state, item.one_sided, item.holder) == (ItemState.OPEN, True, "leaver")
    assert h.events("accepted")[0]["items"][0]["one_sided"] is True
    assert not h.standing(ONE).over
    h.book.hand_over(h.leaver("D1"))
    assert h.states() == {"D1": "accepted"}


# -- evidence --------------------------------------------------------------------------------------------


def test_the_chain_of_a_share_holds_what_its_receiver_did_and_nothing_of_the_others(h: Handing) -> None:
    h.holds(Track.DOCUMENTS, "D1", to=ONE)
    h.holds(Track.CUSTOMERS, "C-1", to=TWO)
    h.book.hand_over(h.leaver())
    h.book.accept(h.receiver(ONE))
    h.book.accept(h.receiver(TWO))
    assert len(h.events("accepted")) == 2
    assert len(h.events("accepted", h.share(ONE).id)) == 1
    told = h.disclosed(h.share(ONE).id)
    assert "标题D1" in told
    assert f"同事{ONE}" in told
    assert "标题C-1" not in told
    assert f"同事{TWO}" not in told
    assert "C-1" not in told


def test_what_others_say_of_an_item_stands_in_its_receivers_chain_without_their_words(h: Handing) -> None:
    h.holds(Track.DOCUMENTS, "D1", to=ONE)
    h.book.dispute(h.leaver("D1", words="领导已收走"))
    h.book.settle_dispute(h.hr("D1", words="向经理核实"), Verdict.OPEN)
    told = h.disclosed(h.share(ONE).id)
    assert len(h.events("disputed", h.share(ONE).id)) == 1
    assert len(h.events("settled", h.share(ONE).id)) == 1
    for theirs in ("领导已收走", "向经理核实", "张标记伟"):
        assert theirs not in told
        assert theirs in h.disclosed(h.departure_id)


def test_titles_and_names_are_sealed(h: Handing) -> None:
    h.holds(Track.CUSTOMERS, "C1", to=ONE)
    h.book.hand_over(h.leaver())
    h.book.dispute(h.receiver(ONE, "C1", words="客户电话不对"))
    for case_id in (h.departure_id, h.share(ONE).id):
        with h.parts.database.reading() as session:
            events, _ = h.parts.evidence.chain(session, case_id)
        lines = json.dumps([dict(event.body) for event in events], ensure_ascii=False)
        for personal in ("标题C1", f"同事{ONE}", "客户电话不对"):
            assert personal not in lines
            assert case_id == h.departure_id or personal in h.disclosed(case_id)


def test_one_event_names_at_most_a_hundred_items(h: Handing) -> None:
    h.holds(Track.DOCUMENTS, *(f"D{number:03}" for number in range(250)), to=ONE)
    h.book.hand_over(h.leaver())
    assert [len(event["items"]) for event in h.events("handed over")] == [100, 100, 50]


# -- disputes --------------------------------------------------------------------------------------------


def test_a_dispute_needs_words_keeps_photos_and_stops_the_item_until_it_is_settled(h: Handing) -> None:
    h.holds(Track.DOCUMENTS, "D1", to=ONE)
    h.book.hand_over(h.leaver())
    assert refused(lambda: h.book.dispute(h.receiver(ONE, "D1"))).field == "words"
    h.book.dispute(h.receiver(ONE, "D1", words="缺第三页", files=(PHOTO,)))
    (item,) = h.board().items[Track.DOCUMENTS]
    assert (item.state, item.holder, item.last_words) == (ItemState.DISPUTED, "hr", "缺第三页")
    with h.parts.database.reading() as session:
        assert [one.id for one in session.exec(select(Document))] == list(item.files)
    assert h.standing(ONE).to_accept == 0
    assert "is disputed" in str(refused(lambda: h.book.accept(h.receiver(ONE, "D1"))))
    h.book.settle_dispute(h.hr("D1", words="已补齐"), Verdict.HANDED_OVER)
    assert h.states() == {"D1": "handed_over"}
    assert h.events("settled")[0]["verdict"] == "handed_over"
    h.book.accept(h.receiver(ONE, "D1"))
    assert h.states() == {"D1": "accepted"}


def test_a_dispute_can_send_the_item_back_to_the_leaver(h: Handing) -> None:
    h.holds(Track.DOCUMENTS, "D1", to=ONE)
    h.book.hand_over(h.leaver())
    h.book.dispute(h.receiver(ONE, "D1", words="没有收到"))
    h.book.settle_dispute(h.hr("D1", words="重新移交"), Verdict.OPEN)
    assert h.item("D1").handed_over_at is None
    assert "never handed over" in str(
        refused(
            lambda: (
                h.book.dispute(h.receiver(ONE, "D1", words="还是没有"))
                and h.book.settle_dispute(h.hr("D1", words="视为移交"), Verdict.HANDED_OVER)
            )
        )
    )


# -- equipment -------------------------------------------------------------------------------------------


def test_administration_takes_equipment_back_in_a_condition(h: Handing) -> None:
    h.holds(Track.EQUIPMENT, "PC1", "PC2")
    h.holds(Track.DOCUMENTS, "D1", to=ONE)
    h.book.hand_over(h.leaver())
    assert "say in which condition" in str(refused(lambda: h.book.accept(h.administration("PC1"))))
    assert "not yours" in str(refused(lambda: h.book.accept(h.administration("D1"))))
    damaged = {h.item("PC2").id: Condition.DAMAGED}
    why = refused(lambda: h.book.accept(h.administration(), Condition.WORN, damaged))
    assert "PC2 is damaged; say in words" in str(why)
    view = h.book.accept(h.administration(words="屏幕裂"), Condition.WORN, damaged)
    assert view.case_id == h.departure_id
    assert (h.item("PC1").condition, h.item("PC2").condition) == ("worn", "damaged")
    assert h.states() == {"PC1": "accepted", "PC2": "accepted", "D1": "handed_over"}


def test_the_leaver_may_dispute_damage_that_was_found(h: Handing) -> None:
    h.holds(Track.EQUIPMENT, "PC1", "PC2")
    h.book.hand_over(h.leaver())
    h.book.accept(h.administration("PC1", words="屏幕裂"), Condition.DAMAGED)
    h.book.accept(h.administration("PC2"), Condition.UNDAMAGED)
    h.book.dispute(h.leaver("PC1", words="领用时就裂了"))
    assert h.states() == {"PC1": "disputed", "PC2": "accepted"}
    assert "is closed" in str(refused(lambda: h.book.dispute(h.leaver("PC2", words="不对"))))
    h.book.settle_dispute(h.administration("PC1", side=Side.COMPANY, words="重新验收"), Verdict.HANDED_OVER)
    h.book.accept(h.administration("PC1"), Condition.WORN)
    assert (h.item("PC1").state, h.item("PC1").condition) == ("accepted", "worn")


# -- on paper --------------------------------------------------------------------------------------------


def add_document(h: Handing, case_id: str) -> str:
    with h.parts.database.transaction() as session:
        paper = Document(
            id=new_id(),
            case_id=case_id,
            sha256="cd" * 32,
            media_type="application/pdf",
            size=1,
            kind="manual",
            created_at=h.now,
        )
        session.add(paper)
        return paper.id


def test_hr_writes_down_a_confirmation_that_a_side_gave_on_paper(h: Handing) -> None:
    h.holds(Track.DOCUMENTS, "D1", to=ONE)
    h.holds(Track.DOCUMENTS, "D2", to=TWO)
    side = Side.LEAVER
    assert refused(lambda: h.book.hand_over(h.hr("D1", side=side))).field == "words"
    assert refused(lambda: h.book.hand_over(h.hr("D1", side=side, words="纸面"))).field == "document"
    paper = add_document(h, h.departure_id)
    h.book.hand_over(h.hr("D1", "D2", side=side, words="纸面签字", document=paper))
    told = h.events("handed over")[0]
    assert told["on_paper"] is True
    assert told["document"] == paper
    both = h.hr("D1", "D2", side=Side.RECEIVER, words="纸面签字", document=paper)
    assert "several receivers" in str(refused(lambda: h.book.accept(both)))
    view = h.book.accept(h.hr("D1", side=Side.RECEIVER, words="纸面签字", document=paper))
    assert view.case_id == h.share(ONE).id
    last = h.confirmations()[-1]
    assert (last.side, last.person_id) == ("receiver", h.people[ONE])
    assert h.states() == {"D1": "accepted", "D2": "handed_over"}


# -- who takes over --------------------------------------------------------------------------------------


def test_items_pass_to_another_receiver_with_a_trail_and_the_old_share_is_over(h: Handing) -> None:
    h.holds(Track.DOCUMENTS, "D1", "D2", to=ONE)
    h.book.hand_over(h.leaver("D1"))
    h.book.reassign(h.hr("D1"), TWO)
    assert (h.item("D1").state, h.item("D1").share_id) == ("handed_over", h.share(TWO).id)
    assert h.standing(ONE) == ShareStanding(LAST_DAY, open=1)
    h.book.reassign(h.hr(), TWO, share=h.share(ONE).id)
    assert h.standing(ONE) == ShareStanding(LAST_DAY, over=True)
    assert h.standing(TWO) == ShareStanding(LAST_DAY, to_accept=1, open=1)
    assert len(h.shares(TWO)) == 1
    moved = h.events("reassigned")[0]["items"][0]
    assert (moved["from"], moved["to"]) == (h.people[ONE], h.people[TWO])
    assert h.people[TWO] not in h.disclosed(h.share(ONE).id)


def test_a_new_share_begins_when_the_old_one_is_closed(h: Handing) -> None:
    h.holds(Track.DOCUMENTS, "D1", to=ONE)
    h.close(h.share(ONE))
    h.holds(Track.DOCUMENTS, "D2", to=ONE)
    first, second = h.shares(ONE)
    assert h.item("D1").share_id == h.item("D2").share_id == second.id
    assert first.state == "closed"


def test_nothing_passes_to_the_leaver_to_somebody_who_left_or_to_a_stranger(h: Handing) -> None:
    h.holds(Track.DOCUMENTS, "D1", to=ONE)
    h.left(THREE, date(2026, 2, 1))
    for number, says in (
        (NUMBER, "is the person who leaves"),
        (THREE, "has left the company"),
        ("E9999", "nobody here has"),
        (None, "only equipment goes to administration"),
    ):
        assert says in str(refused(partial(h.book.reassign, h.hr("D1"), number)))
    assert h.item("D1").receiver_id == h.people[ONE]


def test_a_set_is_spread_across_receivers_in_turn_or_as_named(h: Handing) -> None:
    h.holds(Track.CUSTOMERS, "C1", "C2", "C3", "C4", to=ONE)
    h.book.split(h.hr("C1", "C2", "C3", "C4"), (TWO, THREE))
    assert [h.item(one).receiver_id for one in ("C1", "C2", "C3", "C4")] == [
        h.people[TWO],
        h.people[THREE],
        h.people[TWO],
        h.people[THREE],
    ]
    h.book.split(h.hr(), {h.item("C1").id: ONE, h.item("C2").id: TWO})
    assert (h.item("C1").receiver_id, h.item("C2").receiver_id) == (h.people[ONE], h.people[TWO])
    assert h.said("C1") == [("split", "company"), ("split", "company")]


# -- absence ---------------------------------------------------------------------------------------------


def test_a_delegate_confirms_for_an_absent_receiver_and_the_trail_shows_both(h: Handing) -> None:
    h.holds(Track.DOCUMENTS, "D1", "D2", to=ONE)
    h.book.hand_over(h.leaver())
    h.book.delegate(h.hr(), ONE, TWO, date(2026, 3, 2), date(2026, 3, 4))
    assert h.standing(ONE) == ShareStanding(LAST_DAY)
    assert h.standing(TWO) == ShareStanding(LAST_DAY, to_accept=2)
    assert h.view(TWO).standing_in_for == dict.fromkeys(h.ids("D1", "D2"), f"同事{ONE}")
    h.book.accept(h.receiver(TWO, "D1"))
    last = h.confirmations()[-1]
    assert (last.person_id, last.acting_for) == (h.people[TWO], h.people[ONE])
    assert h.standing(TWO) == ShareStanding(LAST_DAY, to_accept=1, confirmed=1)
    for case_id in (h.departure_id, h.share(ONE).id, h.share(TWO).id):
        assert len(h.events("accepted", case_id)) == 1
        assert len(h.events("delegated", case_id)) == 1
    h.now = datetime(2026, 3, 5, 1, 0, tzinfo=UTC)
    assert h.standing(TWO) == ShareStanding(LAST_DAY, confirmed=1, over=True)
    assert h.standing(ONE) == ShareStanding(LAST_DAY, to_accept=1, confirmed=1)
    assert "not yours" in str(refused(lambda: h.book.accept(h.receiver(TWO, "D2"))))


def test_the_evidence_of_a_confirmation_names_who_stood_in_and_for_whom(h: Handing) -> None:
    h.holds(Track.DOCUMENTS, "D1", to=ONE)
    h.book.hand_over(h.leaver())
    h.book.delegate(h.hr(), ONE, TWO, date(2026, 3, 2), date(2026, 3, 4))
    h.book.accept(h.receiver(TWO, "D1"))
    (event,) = h.events("accepted")
    assert event["by"]["id"] == h.people[TWO]
    assert event["items"][0]["for"]["id"] == h.people[ONE]
    (own,) = h.events("accepted", h.share(TWO).id)
    assert "for" not in own["items"][0]
    (item,) = h.board().items[Track.DOCUMENTS]
    assert (item.receiver, item.confirmed_by) == (f"同事{ONE}", f"同事{TWO}")


def test_whoever_confirms_an_item_anew_is_not_shown_as_the_one_who_stood_in_before(h: Handing) -> None:
    h.holds(Track.DOCUMENTS, "D1", to=ONE)
    h.now = datetime(2026, 4, 1, 2, 0, tzinfo=UTC)
    h.book.delegate(h.hr(), ONE, TWO, date(2026, 4, 1), date(2026, 4, 4))
    h.book.accept(h.receiver(TWO, "D1"))  # alone: the leaver is silent
    h.book.reassign(h.hr("D1", words="另派"), THREE)
    h.now = datetime(2026, 4, 2, 2, 0, tzinfo=UTC)
    h.book.accept(h.receiver(THREE, "D1"))
    (item,) = h.board().items[Track.DOCUMENTS]
    assert (item.receiver, item.accepted_at, item.confirmed_by) == (f"同事{THREE}", h.now, None)


def test_a_delegate_is_told_how_much_it_is_and_for_whom(h: Handing) -> None:
    h.holds(Track.DOCUMENTS, "D1", "D2", to=ONE)
    h.book.hand_over(h.leaver("D1"))
    h.book.delegate(h.hr(), ONE, TWO, date(2026, 3, 10), date(2026, 3, 12))

    def told(day: int) -> dict[str, Any]:
        with h.parts.database.reading() as session:
            case = session.get_one(Case, h.share(TWO).id)
            file = file_of(session, case, datetime(2026, 3, day, 1, 0, tzinfo=UTC))
            said = file.variables(h.parts.calendar)
            return {name: said[name] for name in ("items_open", "items_to_accept", "stands_in_for")}

    expected = {"items_open": 2, "items_to_accept": 1, "stands_in_for": f"同事{ONE}"}
    assert told(2) == told(11) == expected
    assert told(13) == {"items_open": 0, "items_to_accept": 0, "stands_in_for": None}


def test_a_withdrawn_handover_waits_for_nobody_and_says_so_to_both_sides(h: Handing) -> None:
    h.holds(Track.DOCUMENTS, "D1", "D2", to=ONE)
    h.book.hand_over(h.leaver())
    h.book.accept(h.receiver(ONE, "D1"))
    with h.parts.database.transaction() as session:
        session.get_one(Departure, h.departure_id).withdrawn_at = NOW
    assert {one.holder for one in h.board().items[Track.DOCUMENTS]} == {None}
    view = h.view(ONE)
    assert (view.withdrawn, view.to_accept) == (True, ())


def test_a_receiver_who_leaves_too_is_shown_with_the_day(h: Handing) -> None:
    h.holds(Track.DOCUMENTS, "D1", to=ONE)
    assert h.board().receivers[0].leaves_on is None
    h.left(ONE, date(2027, 1, 1))
    leaving(h.parts, date(2026, 3, 20), ONE)
    assert h.board().receivers[0].leaves_on == date(2026, 3, 20)


def test_both_cases_are_told_when_an_absence_begins_and_when_it_has_ended(h: Handing) -> None:
    h.holds(Track.DOCUMENTS, "D1", to=ONE)
    h.book.delegate(h.hr(), ONE, TWO, date(2026, 3, 10), date(2026, 3, 12))
    with h.parts.database.reading() as session:
        looks = session.exec(select(Outbox).where(Outbox.kind == "look")).all()
    later = {(one.body["case"], one.due_at) for one in looks if one.due_at > NOW}
    begins, ended = datetime(2026, 3, 9, 16, 1, tzinfo=UTC), datetime(2026, 3, 12, 16, 1, tzinfo=UTC)
    assert later == {(case, at) for case in (h.share(ONE).id, h.share(TWO).id) for at in (begins, ended)}


def test_a_newer_appointment_takes_the_place_of_an_older_one(h: Handing) -> None:
    h.holds(Track.DOCUMENTS, "D1", to=ONE)
    h.book.hand_over(h.leaver())
    h.book.delegate(h.hr(), ONE, TWO, date(2026, 3, 2), date(2026, 3, 9))
    h.book.delegate(h.hr(), ONE, THREE, date(2026, 3, 2), date(2026, 3, 9))
    assert h.standing(TWO).over
    assert h.standing(THREE).to_accept == 1


@pytest.mark.parametrize(
    ("receiver", "delegate", "days", "field"),
    [
        (ONE, ONE, (2, 3), "delegate"),
        (ONE, NUMBER, (2, 3), "delegate"),
        (TWO, THREE, (2, 3), "receiver"),
        (ONE, TWO, (5, 4), "until"),
        (ONE, TWO, (1, 1), "until"),
    ],
)
def test_a_delegation_that_makes_no_sense_is_refused(
    h: Handing, receiver: str, delegate: str, days: tuple[int, int], field: str
) -> None:
    h.holds(Track.DOCUMENTS, "D1", to=ONE)
    first, last = (date(2026, 3, day) for day in days)
    assert refused(lambda: h.book.delegate(h.hr(), receiver, delegate, first, last)).field == field


# -- what does not apply ---------------------------------------------------------------------------------


def test_what_must_be_handed_over_is_taken_off_the_list_only_with_a_second_person(h: Handing) -> None:
    h.holds(Track.DOCUMENTS, "D1", to=ONE)
    h.holds(Track.DOCUMENTS, "D2", to=ONE, mandatory=False)
    assert refused(lambda: h.book.not_applicable(h.hr("D2"))).field == "words"
    h.book.not_applicable(h.hr("D2", words="已作废"))
    why = refused(lambda: h.book.not_applicable(h.hr("D1", words="已作废")))
    assert why.field == "approved_by"
    assert "D1" in str(why)
    h.book.dispute(h.receiver(ONE, "D1", words="没有这份文件"))
    settle = h.hr("D1", words="没有这份文件")
    assert refused(lambda: h.book.settle_dispute(settle, Verdict.NOT_APPLICABLE)).field == "approved_by"
    same = h.hr("D1", words="已作废", actor="account:01")
    assert refused(lambda: h.book.not_applicable(same, "account:01")).field == "approved_by"
    h.book.not_applicable(h.hr("D1", words="已作废"), "account:02")
    assert h.events("not applicable")[-1]["approved_by"] == {"id": "account:02"}
    assert h.states() == {"D1": "not_applicable", "D2": "not_applicable"}
    assert h.standing(ONE) == ShareStanding(LAST_DAY, over=True)


def test_a_company_without_the_two_person_rule_needs_no_second_person(h: Handing) -> None:
    h.holds(Track.DOCUMENTS, "D1", to=ONE)
    h.book.not_applicable(h.hr("D1", words="已作废"), two_persons=False)
    assert h.states() == {"D1": "not_applicable"}


# -- late, gone, mistaken --------------------------------------------------------------------------------


def test_an_act_on_a_closed_share_is_kept_as_late_and_changes_nothing(h: Handing) -> None:
    h.holds(Track.DOCUMENTS, "D1", to=ONE)
    h.book.hand_over(h.leaver())
    h.close(h.share(ONE))
    assert h.book.accept(h.receiver(ONE, "D1")).state == "late"
    assert h.states() == {"D1": "handed_over"}


def test_nothing_is_handed_over_after_a_withdrawal(h: Handing) -> None:
    h.holds(Track.DOCUMENTS, "D1", to=ONE)
    with h.parts.database.transaction() as session:
        session.get_one(Departure, h.departure_id).withdrawn_at = h.now
    assert "was withdrawn" in str(refused(lambda: h.book.hand_over(h.leaver())))
    assert h.standing(ONE).withdrawn


def test_an_officer_who_leaves_decides_nothing_about_their_own_handover(h: Handing) -> None:
    h.holds(Track.DOCUMENTS, "D1", to=ONE)
    act = h.act(Speaker.COMPANY, Side.COMPANY, Role.HR, NUMBER, items=h.ids("D1"), words="不适用")
    assert refused(lambda: h.book.not_applicable(act, two_persons=False)).field == "side"


def test_more_items_than_one_act_takes_are_refused(h: Handing) -> None:
    h.holds(Track.DOCUMENTS, "D1", to=ONE)
    too_many = tuple(f"{number:026}" for number in range(2001))
    act = h.act(Speaker.LEAVER, Side.LEAVER, Role.EMPLOYEE, NUMBER, items=too_many)
    assert "at most 2000" in str(refused(lambda: h.book.hand_over(act)))


# -- the board -------------------------------------------------------------------------------------------


def test_the_board_counts_by_track_and_by_receiver(h: Handing) -> None:
    h.holds(Track.DOCUMENTS, "D1", "D2", to=ONE)
    h.holds(Track.EQUIPMENT, "PC1")
    h.book.hand_over(h.leaver("D1", "PC1"))
    h.book.accept(h.receiver(ONE))
    board = h.board()
    assert (board.all.all, board.all.open, board.all.handed_over, board.all.closed) == (3, 1, 1, 1)
    assert board.tracks[Track.DOCUMENTS].closed == 1
    assert [(one.number, one.tally.all) for one in board.receivers] == [(ONE, 2), (None, 1)]
    assert [one.holder for one in board.items[Track.EQUIPMENT]] == ["administration"]
    assert h.book.board("0" * 26) is None
    assert h.book.share_of(h.departure_id) is None
    assert h.view(ONE).to_accept == ()


# -- what leaves -----------------------------------------------------------------------------------------


def lay_out(h: Handing, case_id: str, step: str) -> tuple[SendOrder, str]:
    """Prepare a message of a case; return the order to send it."""
    template = step.rpartition(".")[2]
    order = NoticeOrder(case_id, step, template, Audience.EMPLOYEE, (Channel.EMAIL,), h.now, None, False)
    delivery = h.parts.notices.prepare(order).deliveries[0].delivery_id
    return SendOrder(case_id, delivery, h.now), delivery


def leaves(h: Handing, case_id: str, step: str) -> bool:
    """Say whether a message laid out now may leave; what may not is suppressed as answered."""
    order, _ = lay_out(h, case_id, step)
    found = h.parts.sendings.begin_sending(order, "worker-1")
    if isinstance(found, SendTicket):
        return True
    assert (found.state, found.code) == (SendState.SUPPRESSED, "answered")
    return False


def test_no_reminder_leaves_to_a_receiver_for_whom_nothing_waits(h: Handing) -> None:
    h.holds(Track.DOCUMENTS, "D1", to=ONE)
    share = h.share(ONE).id
    assert leaves(h, share, "1.announcement")
    assert not leaves(h, share, "1.first_notice")
    h.book.hand_over(h.leaver())
    assert leaves(h, share, "2.first_notice")
    late, _ = lay_out(h, share, "3.first_notice")
    h.book.accept(h.receiver(ONE))
    found = h.parts.sendings.begin_sending(late, "worker-1")
    assert isinstance(found, SendResult)
    assert (found.state, found.code) == (SendState.SUPPRESSED, "answered")
    assert not leaves(h, share, "4.announcement")


def test_once_the_last_day_is_over_the_receiver_is_asked_about_what_never_came(h: Handing) -> None:
    h.holds(Track.DOCUMENTS, "D1", to=ONE)
    h.now = NOW + timedelta(days=40)
    assert leaves(h, h.share(ONE).id, "1.first_notice")
    h.book.accept(h.receiver(ONE, "D1"))
    assert not leaves(h, h.share(ONE).id, "2.first_notice")


def test_an_absent_receiver_is_left_in_peace_and_the_delegate_is_asked(h: Handing) -> None:
    h.holds(Track.DOCUMENTS, "D1", to=ONE)
    h.book.hand_over(h.leaver())
    h.book.delegate(h.hr(), ONE, TWO, date(2026, 3, 2), date(2026, 3, 4))
    assert not leaves(h, h.share(ONE).id, "1.first_notice")
    assert leaves(h, h.share(TWO).id, "1.first_notice")


def test_no_reminder_leaves_to_a_leaver_who_has_handed_over_everything(h: Handing) -> None:
    h.holds(Track.DOCUMENTS, "D1", to=ONE)
    assert leaves(h, h.departure_id, "1.first_notice")
    h.book.hand_over(h.leaver())
    assert not leaves(h, h.departure_id, "2.first_notice")


# -- many at once ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("by_ones", [False, True], ids=["in batches", "one by one"])
def test_five_people_confirm_five_hundred_items_at_once_and_none_is_lost(h: Handing, by_ones: bool) -> None:
    people = [f"E30{number:02}" for number in range(5)]
    references: dict[str, list[str]] = {}
    for index, number in enumerate(people):
        h.people[number] = add_colleague(h.parts, number)
        references[number] = [f"D{index}{one:03}" for one in range(100)]
        h.holds(Track.DOCUMENTS, *references[number], to=number)
    h.book.hand_over(h.leaver())
    with h.parts.database.reading() as session:
        ids = {item.reference: item.id for item in session.exec(select(HandoverItem))}
    faults: list[BaseException] = []
    starting = threading.Barrier(5)

    def confirm(number: str) -> None:
        mine = [ids[one] for one in references[number]]
        # A hundred at once, or some one by one as somebody ticks them off, with the rest in one batch.
        some = [mine] if not by_ones else [*([one] for one in mine[:20]), mine[20:]]
        starting.wait()
        try:
            for turn, items in enumerate(some):
                act = h.act(
                    Speaker.RECEIVER,
                    Side.RECEIVER,
                    Role.EMPLOYEE,
                    number,
                    items=tuple(items),
                    id=f"{number}-{turn}",
                )
                h.book.accept(act)
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=confirm, args=(number,)) for number in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert set(h.states().values()) == {"accepted"}
    accepted = [one for one in h.confirmations() if one.what == "accepted"]
    assert len(accepted) == 500
    assert len({one.item_id for one in accepted}) == 500
    told = [item["item"] for event in h.events("accepted") for item in event["items"]]
    assert sorted(told) == sorted(ids.values())
    for number in people:
        assert h.standing(number) == ShareStanding(LAST_DAY, confirmed=100, over=True)
        own = [item["item"] for event in h.events("accepted", h.share(number).id) for item in event["items"]]
        assert sorted(own) == sorted(ids[one] for one in references[number])
