"""Who stands in for whom: the days, the rules, and what it lets somebody do."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from countersign.adapters.database.accounts import AccountFault
from countersign.adapters.database.officers import Officer
from countersign.adapters.database.tables import Person
from countersign.bootstrap import Parts
from countersign.contracts.cases import Role
from tests.support.company import BEIJING, SHANGHAI, add_colleague, add_shanghai, company
from tests.support.console import browser, open_account

MONDAY = date(2026, 3, 2)
BOSS, PEER = "E2001", "E2002"


class Clock:
    """A clock that stands until it is set."""

    now = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def parts(tmp_path: Path, clock: Clock) -> Parts:
    made = company(tmp_path, clock)
    add_shanghai(made)
    for number in (BOSS, PEER):
        add_colleague(made, number)
    return made


def officer(parts: Parts, account_id: str) -> Officer:
    found = parts.accounts.officer(account_id)
    assert found is not None
    return found


def manager(parts: Parts, login: str, number: str) -> str:
    return open_account(parts, Role.MANAGER, login, number=number, branch=BEIJING)


def days(first: int, last: int) -> tuple[date, date]:
    return MONDAY + timedelta(days=first), MONDAY + timedelta(days=last)


def test_both_days_count_by_the_time_of_shanghai(parts: Parts, clock: Clock) -> None:
    absent, delegate = manager(parts, "boss", BOSS), manager(parts, "peer", PEER)
    parts.delegations.appoint(absent, delegate, *days(1, 2), officer(parts, absent))
    for now, stands_in in [
        (datetime(2026, 3, 2, 15, 59, 59, tzinfo=UTC), False),  # 23:59:59 on 2 March in Shanghai
        (datetime(2026, 3, 2, 16, 0, tzinfo=UTC), True),
        (datetime(2026, 3, 4, 15, 59, 59, tzinfo=UTC), True),
        (datetime(2026, 3, 4, 16, 0, tzinfo=UTC), False),
    ]:
        clock.now = now
        assert bool(officer(parts, delegate).stands_in_for) is stands_in, now


def test_a_delegate_sees_the_team_of_the_absent_manager_and_no_other(parts: Parts) -> None:
    for number, boss in (("E3001", BOSS), ("E3002", PEER), ("E3003", "E2009")):
        add_colleague(parts, number, manager_number=boss)
    absent, delegate = manager(parts, "boss", BOSS), manager(parts, "peer", PEER)

    def seen() -> set[str]:
        from sqlmodel import select

        with parts.database.reading() as session:
            query = officer(parts, delegate).scope.within(select(Person))
            found = session.exec(query).all()
            scope = officer(parts, delegate).scope
            everybody = session.exec(select(Person)).all()
            assert {one.number for one in everybody if scope.covers(one, BEIJING)} == {
                one.number for one in found
            }
            return {one.number for one in found}

    assert seen() == {"E3002"}
    appointment = parts.delegations.appoint(absent, delegate, *days(0, 3), officer(parts, absent))
    assert seen() == {"E3001", "E3002"}
    parts.delegations.end(appointment, officer(parts, absent), own=True)
    assert seen() == {"E3002"}


def test_a_chain_of_delegates_is_not_followed(parts: Parts) -> None:
    a, b, c = (open_account(parts, Role.HR, login) for login in ("one", "two", "three"))
    parts.delegations.appoint(a, b, *days(0, 3), officer(parts, a))
    parts.delegations.appoint(b, c, *days(0, 3), officer(parts, b))
    assert [one.account_id for one in officer(parts, b).stands_in_for] == [a]
    assert [one.account_id for one in officer(parts, c).stands_in_for] == [b]


def test_a_delegate_whose_role_branch_or_account_no_longer_fits_stands_in_no_more(parts: Parts) -> None:
    from countersign.adapters.database.rights import AccountWish

    root = officer(parts, open_account(parts, Role.SYSTEM_ADMINISTRATOR, "root"))
    absent = open_account(parts, Role.HR, "absent", branch=BEIJING)
    delegate = open_account(parts, Role.HR, "delegate", branch=BEIJING)
    parts.delegations.appoint(absent, delegate, *days(0, 3), officer(parts, absent))

    def stands_in(role: Role, branch: str | None) -> bool:
        wanted = AccountWish("delegate", role, branch, None, None, "en", edits_templates=False)
        parts.rights.edit(delegate, wanted, root)
        return bool(officer(parts, delegate).stands_in_for)

    assert stands_in(Role.HR, None)
    assert not stands_in(Role.AUDITOR, None)
    assert not stands_in(Role.HR, SHANGHAI)
    assert stands_in(Role.HR, BEIJING)
    parts.rights.shut(absent, root)
    assert not officer(parts, delegate).stands_in_for


@pytest.mark.parametrize(
    ("role", "branch", "fits"),
    [
        (Role.HR, BEIJING, True),
        (Role.HR, None, True),
        (Role.SYSTEM_ADMINISTRATOR, None, True),
        (Role.HR, SHANGHAI, False),
        (Role.FINANCE, BEIJING, False),
        (Role.AUDITOR, None, False),
    ],
)
def test_only_a_role_that_may_do_the_work_of_the_branch_can_be_chosen(
    parts: Parts, role: Role, branch: str | None, fits: bool
) -> None:
    absent = open_account(parts, Role.HR, "absent", branch=BEIJING)
    other = open_account(parts, role, "other", branch=branch)
    assert [one.id for one in parts.delegations.delegates_for(absent)] == ([other] if fits else [])
    if not fits:
        with pytest.raises(AccountFault, match="does not cover the work"):
            parts.delegations.appoint(absent, other, *days(0, 3), officer(parts, absent))
    else:
        parts.delegations.appoint(absent, other, *days(0, 3), officer(parts, absent))
        assert officer(parts, other).stands_in_for


def test_days_that_cannot_be_are_refused(parts: Parts) -> None:
    absent, delegate = open_account(parts, Role.HR, "absent"), open_account(parts, Role.HR, "delegate")
    me = officer(parts, absent)
    parts.delegations.appoint(absent, delegate, *days(3, 5), me)
    for first, last, why in [
        (-1, 2, "lies in the past"),
        (2, 1, "before the first day"),
        (10, 400, "more than a year"),
        (5, 9, "from 2026-03-05 to 2026-03-07 already"),
        (0, 3, "already"),
        (4, 4, "already"),
    ]:
        with pytest.raises(AccountFault, match=why):
            parts.delegations.appoint(absent, delegate, *days(first, last), me)
    with pytest.raises(AccountFault, match="nobody stands in for themselves"):
        parts.delegations.appoint(absent, absent, *days(8, 9), me)
    parts.delegations.appoint(absent, delegate, *days(6, 6), me)
    parts.delegations.appoint(delegate, absent, *days(3, 5), officer(parts, delegate))


async def test_an_officer_appoints_their_own_delegate_and_ends_it_early(parts: Parts) -> None:
    peer = manager(parts, "peer", PEER)
    async with browser(parts, Role.MANAGER, "boss", number=BOSS, branch=BEIJING) as boss:
        form = {"delegate": peer, "from": "2026-03-02", "until": "2026-03-01"}
        answer = await boss.post("/console/me/delegates", form)
        assert answer.status_code == 422
        assert "until: lies before the first day" in boss.text
        assert 'value="2026-03-01"' in boss.page
        answer = await boss.post("/console/me/delegates", {**form, "until": "soon"})
        assert "This is no date" in boss.text
        await boss.post("/console/me/delegates", {**form, "until": "2026-03-06"})
        assert "boss name manager peer name manager 2026-03-02 2026-03-06 stands in now" in boss.text
        (one,) = parts.delegations.of(peer)
        await boss.post(f"/console/me/delegates/{one.id}/end")
        assert "ended early" in boss.text
        await boss.post(f"/console/me/delegates/{one.id}/end")
        assert "That was over already." in boss.text
    told = [one.did.value for one in parts.rights.changes(boss.account_id)]
    assert told == ["delegate_ended", "delegate_appointed", "created"]


async def test_hr_appoints_for_a_manager_who_is_ill_and_never_beyond_the_branch(parts: Parts) -> None:
    ill, peer = manager(parts, "boss", BOSS), manager(parts, "peer", PEER)
    far = open_account(parts, Role.FINANCE, "far", branch=SHANGHAI)
    farther = open_account(parts, Role.FINANCE, "farther", branch=SHANGHAI)
    form = {"absent": ill, "delegate": peer, "from": "2026-03-02", "until": "2026-03-06"}
    async with browser(parts, Role.HR, branch=BEIJING) as hr:
        await hr.get("/console/delegates")
        assert "boss name" in hr.text
        assert "far name" not in hr.text
        await hr.post("/console/delegates", form)
        assert "The delegate is appointed." in hr.text
        answer = await hr.post("/console/delegates", {**form, "absent": far, "delegate": farther})
        assert answer.status_code == 422
        assert "absent: there is no such account" in hr.text
        elsewhere = parts.delegations.appoint(far, farther, *days(0, 1), officer(parts, far))
        assert (await hr.post(f"/console/delegates/{elsewhere}/end")).status_code == 404
        (one,) = parts.delegations.of(ill)
        await hr.post(f"/console/delegates/{one.id}/end")
        assert "The delegate no longer stands in." in hr.text
    assert not officer(parts, peer).stands_in_for
    assert officer(parts, farther).stands_in_for


async def test_nobody_ends_the_appointment_of_another_on_their_own_page(parts: Parts) -> None:
    absent, delegate = open_account(parts, Role.HR, "absent"), open_account(parts, Role.HR, "delegate")
    appointment = parts.delegations.appoint(absent, delegate, *days(0, 3), officer(parts, absent))
    async with browser(parts, Role.FINANCE, "chen") as chen:
        assert (await chen.post(f"/console/me/delegates/{appointment}/end")).status_code == 404
    assert officer(parts, delegate).stands_in_for
