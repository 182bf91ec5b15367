"""The handover of a departure: what both sides and the company say of its items."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import insert
from sqlmodel import Session, select

from countersign.adapters.database.acts import ActView
from countersign.adapters.database.booked_acts import BookedActs
from countersign.adapters.database.branch_days import branch_day
from countersign.adapters.database.cases import case_now
from countersign.adapters.database.engine import Database
from countersign.adapters.database.equipment_money import EquipmentMoney, claims_of
from countersign.adapters.database.evidence import EvidenceLog
from countersign.adapters.database.handover_acts import (
    KINDS,
    TAKES_OVER,
    Change,
    HandoverAct,
    confirmation,
    keep_events,
    new_act,
    place,
    position_of,
    said_by,
    told_of_approval,
)
from countersign.adapters.database.handover_choice import (
    MOST_ITEMS,
    approved,
    chosen,
    meant,
    need,
    of_share,
    refuse_sides,
    side_on_paper,
)
from countersign.adapters.database.handover_views import (
    Board,
    ItemView,
    ReceiverTally,
    ShareView,
    Tally,
    board_of,
    is_share,
    leaver_silent,
    share_view,
)
from countersign.adapters.database.items import named, those_who_left
from countersign.adapters.database.people import person_named
from countersign.adapters.database.receiver_absences import Absence, appoint, check_absence
from countersign.adapters.database.shares import Shares, newest_share
from countersign.adapters.database.tables import (
    ActRow,
    Case,
    Departure,
    HandoverItem,
    ItemConfirmation,
    Person,
)
from countersign.contracts.cases import ActKind, CaseState
from countersign.domain.departure import Condition, Track
from countersign.domain.evidence import Sealed
from countersign.domain.handover import (
    CannotSay,
    Position,
    Side,
    Speaker,
    Verdict,
    What,
    after,
    batch,
    condition_fault,
    may,
)
from countersign.domain.refusal import Refusal

__all__ = [
    "MOST_ITEMS",
    "Board",
    "HandoverAct",
    "HandoverBook",
    "ItemView",
    "ReceiverTally",
    "ShareView",
    "Tally",
]

_ALREADY = "items: all of them had been confirmed before; nothing changed"


class HandoverBook:
    """Takes in what people say of items: the act, what it does and its evidence are one transaction.

    Every method returns the act's receipt, with a sentence where nothing was left to do; carry it with
    `dispatcher.carry(view.id)` afterwards. `Refusal` says what is refused, naming every item; then nothing
    is changed. Methods that take a `session` work inside the caller's transaction when one is given.
    """

    def __init__(
        self,
        database: Database,
        booked_acts: BookedActs,
        evidence: EvidenceLog,
        shares: Shares,
        money: EquipmentMoney,
        clock: Callable[[], datetime],
    ) -> None:
        self._database, self._booked, self._evidence = database, booked_acts, evidence
        self._shares, self._money, self._clock = shares, money, clock

    # -- the two sides ------------------------------------------------------------------------------------

    def hand_over(self, act: HandoverAct) -> ActView:
        """Keep that the leaver has handed items over; without items, everything that is still open."""
        return self._say(act, What.HANDED_OVER)

    def accept(
        self,
        act: HandoverAct,
        condition: Condition | None = None,
        conditions: Mapping[str, Condition] | None = None,
    ) -> ActView:
        """Keep that the receiver has taken items over; equipment in a condition, for all or by item id.

        Without items, everything that was handed over to this receiver.
        """
        return self._say(act, What.ACCEPTED, condition=condition, conditions=conditions or {})

    def dispute(self, act: HandoverAct) -> ActView:
        """Keep that a side disagrees about items; `words` are needed, `files` are photos."""
        need(act.items, "items", "name the items that are meant")
        need(act.words, "words", "say what is wrong")
        return self._say(act, What.DISPUTED)

    # -- the company --------------------------------------------------------------------------------------

    def settle_dispute(
        self,
        act: HandoverAct,
        verdict: Verdict,
        approved_by: str | None = None,
        *,
        two_persons: bool = True,
        session: Session | None = None,
    ) -> ActView:
        """Keep how the company settles disputes; `words` give the reason.

        Who settles that a mandatory item does not apply needs a second person, as in `not_applicable`.
        """
        need(act.items, "items", "name the items that are meant")
        need(act.words, "words", "give the reason")
        void = verdict is Verdict.NOT_APPLICABLE
        approval = (approved_by, two_persons) if void else None
        return self._say(act, What.SETTLED, verdict=verdict, approval=approval, session=session)

    def not_applicable(
        self,
        act: HandoverAct,
        approved_by: str | None = None,
        *,
        two_persons: bool = True,
        session: Session | None = None,
    ) -> ActView:
        """Take items off the list; `words` give the reason. Mandatory ones need a second person.

        `approved_by` is how that person stands in the evidence, such as `account:01…`; `two_persons` False
        is a company whose settings ask for none.
        """
        need(act.items, "items", "name the items that are meant")
        need(act.words, "words", "give the reason")
        return self._say(act, What.NOT_APPLICABLE, approval=(approved_by, two_persons), session=session)

    def reassign(self, act: HandoverAct, receiver: str | None, share: str | None = None) -> ActView:
        """Give items to another receiver (employee number or id; None is administration, for equipment).

        `share` stands for all items of that receiver's case that are not closed.
        """

        def lay_out(session: Session, departure: Departure, case: Case) -> Change:
            wanted = act.items or of_share(session, departure, share)
            need(wanted, "items", "name the items that are meant, or a receiver's case that has open ones")
            items = chosen(session, departure, wanted)
            to = None if receiver is None else _person(session, receiver, "receiver").id
            return self._given(
                session, departure, case, What.REASSIGNED, items, dict.fromkeys((i.id for i in items), to)
            )

        return self._take(act, What.REASSIGNED, lay_out)

    def split(self, act: HandoverAct, receivers: Mapping[str, str] | tuple[str, ...]) -> ActView:
        """Spread items across receivers: a mapping of item ids to receivers, or receivers in turn."""
        need(receivers, "receivers", "name the receivers")

        def lay_out(session: Session, departure: Departure, case: Case) -> Change:
            wanted = tuple(receivers) if isinstance(receivers, Mapping) else act.items
            need(wanted, "items", "name the items that are meant")
            items = chosen(session, departure, wanted)
            items.sort(key=lambda item: (item.track, item.reference))
            if isinstance(receivers, Mapping):
                people = {one: _person(session, one, "receivers").id for one in set(receivers.values())}
                to: dict[str, str | None] = {item.id: people[receivers[item.id]] for item in items}
            else:
                turn = [_person(session, one, "receivers").id for one in receivers]
                to = {item.id: turn[index % len(turn)] for index, item in enumerate(items)}
            return self._given(session, departure, case, What.SPLIT, items, to)

        return self._take(act, What.SPLIT, lay_out)

    def delegate(
        self, act: HandoverAct, receiver: str, delegate: str, from_day: date, until_day: date
    ) -> ActView:
        """Let somebody confirm for an absent receiver from one day to another, both included.

        The delegate gets a case of their own; an earlier appointment that overlaps ends.
        """
        _allow(act, What.REASSIGNED)

        def work(session: Session) -> ActView:
            departure, case = self._begin(session, act)
            if session.get(ActRow, act.id) is not None or case.state == CaseState.CLOSED.value:
                return self._booked.take_within(session, new_act(act, ActKind.DELEGATED, case, {}), _nothing)
            absent = _person(session, receiver, "receiver")
            standing_in = _person(session, delegate, "delegate")
            at = case_now(case, self._clock())
            absence = Absence(absent, standing_in, from_day, until_day)
            check_absence(session, departure, case, absence, at)
            days = {"from": from_day.isoformat(), "until": until_day.isoformat()}
            body = {"receiver": absent.id, "delegate": standing_in.id, **days}

            def carry_out(session: Session, row: ActRow, case: Case) -> None:
                appoint(session, self._evidence, self._shares, departure, case, row, absence, self._clock)

            return self._booked.take_within(session, new_act(act, ActKind.DELEGATED, case, body), carry_out)

        return self._in_turn(act, work)

    # -- reading ------------------------------------------------------------------------------------------

    def board(self, case_id: str) -> Board | None:
        """Return the handover of an offboarding case; None when there is none."""
        with self._database.reading() as session:
            departure = session.get(Departure, case_id)
            return None if departure is None else board_of(session, departure, self._clock())

    def share_of(self, case_id: str) -> ShareView | None:
        """Return what the receiver of a handover case sees; None when there is no such case."""
        with self._database.reading() as session:
            case = session.get(Case, case_id)
            if case is None or not is_share(case):
                return None
            return share_view(session, case, self._clock())

    # -- saying -------------------------------------------------------------------------------------------

    def _say(
        self,
        act: HandoverAct,
        what: What,
        *,
        condition: Condition | None = None,
        conditions: Mapping[str, Condition] | None = None,
        verdict: Verdict | None = None,
        approval: tuple[str | None, bool] | None = None,
        session: Session | None = None,
    ) -> ActView:
        given = conditions or {}

        def lay_out(session: Session, departure: Departure, case: Case) -> Change:
            items = meant(session, departure, case, act, what, case_now(case, self._clock()))
            refuse_sides(
                session, departure, act, items, None if approval is None else approval[0], self._clock()
            )
            if act.speaker is Speaker.COMPANY and act.side is not Side.COMPANY:
                case = side_on_paper(session, departure, case, act, items)
            body: dict[str, Any] = {}
            if approval is not None:
                claimed = claims_of(session, departure)
                body |= approved(act, items, claimed, *approval)
            if verdict is not None:
                body["verdict"] = verdict.value
            silent = leaver_silent(session, departure, case_now(case, self._clock()))
            by_id = {item.id: item for item in items}

            def move(item_id: str, position: Position) -> Position | None:
                track, found = Track(by_id[item_id].track), None
                if what is What.ACCEPTED and track is Track.EQUIPMENT:
                    found = given.get(item_id, condition)
                moved = after(position, what, act.side, silent=silent, condition=found, verdict=verdict)
                if moved is not None and what is What.ACCEPTED:
                    fault = condition_fault(track, found, act.words)
                    if fault is not None:
                        raise CannotSay(fault)
                return moved

            done = batch({item.id: (named([item]), position_of(item)) for item in items}, move)
            changed = [item for item in items if item.id in done.changed]
            return Change(what, case, changed, done.changed, len(done.already), body=body)

        return self._take(act, what, lay_out, session)

    def _take(
        self,
        act: HandoverAct,
        what: What,
        lay_out: Callable[[Session, Departure, Case], Change],
        session: Session | None = None,
    ) -> ActView:
        _allow(act, what)
        kind = KINDS[what][0]

        def work(session: Session) -> ActView:
            departure, case = self._begin(session, act)
            if session.get(ActRow, act.id) is not None or case.state == CaseState.CLOSED.value:
                told = {"items": list(act.items)}
                return self._booked.take_within(session, new_act(act, kind, case, told), _nothing)
            change = lay_out(session, departure, case)
            body = {
                "items": [item.id for item in change.items],
                "already": change.already or None,
                "document": act.document,
                **change.body,
            }
            said = {name: value for name, value in body.items() if value is not None}
            new = new_act(act, kind, change.case, said)

            def carry_out(session: Session, row: ActRow, _: Case) -> None:
                if change.items:
                    self._carry_out(session, departure, act, row, change)
                else:
                    row.sentence = _ALREADY

            view = self._booked.take_within(session, new, carry_out)
            return view if change.items else dataclasses.replace(view, sentence=_ALREADY)

        return self._in_turn(act, work) if session is None else work(session)

    def _in_turn(self, act: HandoverAct, work: Callable[[Session], ActView]) -> ActView:
        """Work in a transaction that waits for other acts of the departure, so that none has to begin again.

        Each statement has to see what was committed while it waited. SQLite has one writer anyway.
        """

        def alone(session: Session) -> ActView:
            if not self._database.is_sqlite:
                session.connection(execution_options={"isolation_level": "READ COMMITTED"})
            turn = select(Departure.case_id).where(Departure.case_id == act.departure_id)
            session.exec(turn.with_for_update(key_share=True)).first()
            return work(session)

        return self._database.write(alone)

    def _begin(self, session: Session, act: HandoverAct) -> tuple[Departure, Case]:
        """Return the departure and the case to which an act belongs; raises `Refusal`."""
        departure = session.get(Departure, act.departure_id)
        if departure is None:
            raise Refusal("departure", "departure: there is no such one; look at the list of departures")
        if departure.withdrawn_at is not None:
            raise Refusal("departure", "departure: it was withdrawn; nothing is handed over any more")
        is_leaver = act.person_id == departure.person_id
        if act.speaker is Speaker.LEAVER and not is_leaver:
            raise Refusal("side", "side: only the person who leaves can say this")
        if act.speaker in {Speaker.ADMINISTRATION, Speaker.COMPANY} and is_leaver:
            raise Refusal("side", "side: you are the person who leaves; somebody else has to say this")
        if act.speaker in TAKES_OVER:
            return departure, newest_share(session, departure, act.person_id)
        return departure, session.get_one(Case, departure.case_id)

    def _given(
        self,
        session: Session,
        departure: Departure,
        case: Case,
        what: What,
        items: Sequence[HandoverItem],
        to: Mapping[str, str | None],
    ) -> Change:
        """Lay out that items go to other receivers; raises `Refusal`."""
        homeless = [item for item in items if to[item.id] is None and item.track != Track.EQUIPMENT]
        if homeless:
            raise Refusal(
                "receiver",
                f"receiver: {named(homeless)}: only equipment goes to administration; name an employee",
            )
        if departure.person_id in to.values():
            raise Refusal("receiver", "receiver: is the person who leaves; name somebody else")
        people = {one for one in to.values() if one is not None}
        at = case_now(case, self._clock())
        gone = those_who_left(session, people, branch_day(session, departure.branch_id, at))
        if gone:
            numbers = ", ".join(sorted(session.get_one(Person, one).number for one in gone))
            raise Refusal("receiver", f"receiver: {numbers} has left the company; name somebody else")
        whose = {item.id: item.receiver_id for item in items}

        def move(item_id: str, position: Position) -> Position | None:
            moved = after(position, What.REASSIGNED, Side.COMPANY)
            return None if whose[item_id] == to[item_id] else moved

        done = batch({item.id: (named([item]), position_of(item)) for item in items}, move)
        changed = [item for item in items if item.id in done.changed]
        names = {one: Sealed(session.get_one(Person, one).name) for one in sorted(people)}
        body = {"receivers": {item.id: to[item.id] for item in changed}}
        told = {"receivers": [{"id": one, "name": name} for one, name in names.items()]}
        return Change(what, case, changed, done.changed, len(done.already), to, body, told)

    # -- carrying out -------------------------------------------------------------------------------------

    def _carry_out(
        self, session: Session, departure: Departure, act: HandoverAct, row: ActRow, change: Change
    ) -> None:
        who = said_by(departure, act, change.items)
        session.execute(
            insert(ItemConfirmation),
            [confirmation(row, act, change, item, who) for item in change.items],
        )
        former = {item.id: item.share_id for item in change.items}
        before = {item.id: item.receiver_id for item in change.items}
        for item in change.items:
            place(item, change.positions[item.id], row.at)
            if item.id in change.receivers:
                item.receiver_id, item.share_id = change.receivers[item.id], None
        session.flush()
        keep_events(self._evidence, session, departure, act, row, change, (former, before), self._clock)
        approval = told_of_approval(session, row)
        self._money.follow(session, departure, row, change.what, change.items, approval)
        self._shares.spread(session, departure, self._offboarding_time(session, departure))

    def _offboarding_time(self, session: Session, departure: Departure) -> datetime:
        return case_now(session.get_one(Case, departure.case_id), self._clock())


def _allow(act: HandoverAct, what: What) -> None:
    if not may(act.speaker, what, act.side):
        raise Refusal("side", f"side: {act.speaker.value} cannot say this for the side {act.side.value}")


def _nothing(_session: Session, _row: ActRow, _case: Case) -> None:
    """Do nothing: the act is known already, or comes late."""


def _person(session: Session, wanted: str, field: str) -> Person:
    found = person_named(session, wanted)
    if found is None:
        raise Refusal(
            field,
            f"{field}: nobody here has the employee number or id {ascii(wanted[:40])[1:-1]}; correct it, or "
            "import the person first",
        )
    return found
