"""Addresses that name a delivery: nobody can make one up, and a changed key forgets none."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from countersign.adapters.links import LinkKeys
from countersign.adapters.mail_addresses import MailAddresses
from countersign.ids import new_id

DELIVERY = "01KA0Z3Q5T7V9XBDFHJKMNPQRS"
KEYS = LinkKeys({"1": b"one" * 11})
OURS = MailAddresses(KEYS, "Intake.Example.com")


def test_each_address_says_what_it_is_for_and_for_which_delivery() -> None:
    assert OURS.read(OURS.return_path(DELIVERY) or "") == ("bounce", DELIVERY)
    assert OURS.read(OURS.reply_to(DELIVERY) or "") == ("reply", DELIVERY)


def test_an_address_has_the_form_that_mail_systems_take() -> None:
    local, _, domain = (OURS.return_path(DELIVERY) or "").partition("@")
    assert domain == "intake.example.com"
    assert local.startswith(f"b-{DELIVERY.lower()}-")
    assert len(local) == len("b-") + 26 + 1 + 10
    assert len(local) <= 64


def test_case_carries_no_meaning() -> None:
    assert OURS.read((OURS.reply_to(DELIVERY) or "").upper()) == ("reply", DELIVERY)


@pytest.mark.parametrize("changed", range(10))
def test_a_code_with_one_other_character_is_not_ours(changed: int) -> None:
    address = OURS.return_path(DELIVERY) or ""
    place = len("b-") + 26 + 1 + changed
    other = "a" if address[place] != "a" else "b"
    assert OURS.read(address[:place] + other + address[place + 1 :]) is None


def test_the_code_of_one_purpose_or_delivery_serves_no_other() -> None:
    bounce, reply = OURS.return_path(DELIVERY) or "", OURS.reply_to(DELIVERY) or ""
    assert bounce[2:] != reply[2:]
    assert OURS.read("r" + bounce[1:]) is None
    assert OURS.read(bounce.replace(DELIVERY.lower(), new_id().lower())) is None


def test_another_installation_and_another_domain_are_not_ours() -> None:
    address = OURS.return_path(DELIVERY) or ""
    assert MailAddresses(LinkKeys({"1": b"two" * 11}), "intake.example.com").read(address) is None
    assert OURS.read(address.replace("intake", "other")) is None


def test_an_address_made_before_the_keys_changed_is_still_ours() -> None:
    rotated = MailAddresses(LinkKeys({"1": b"one" * 11, "2": b"two" * 11}), "intake.example.com")
    assert rotated.read(OURS.return_path(DELIVERY) or "") == ("bounce", DELIVERY)
    assert rotated.return_path(DELIVERY) != OURS.return_path(DELIVERY)
    assert rotated.read(rotated.return_path(DELIVERY) or "") == ("bounce", DELIVERY)


@pytest.mark.parametrize("domain", [None, ""])
def test_without_a_domain_there_are_no_addresses(domain: str | None) -> None:
    without = MailAddresses(KEYS, domain)
    assert without.return_path(DELIVERY) is None
    assert without.reply_to(DELIVERY) is None
    assert without.read(OURS.return_path(DELIVERY) or "") is None
    assert without.read(f"b-{DELIVERY.lower()}-aaaaaaaaaa@") is None


@given(st.text(alphabet=string.printable + "İſK", max_size=60))
def test_whatever_is_asked_nothing_is_raised_and_nothing_is_ours(address: str) -> None:
    assert OURS.read(address) is None
