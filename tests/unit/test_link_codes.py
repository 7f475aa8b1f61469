"""Link codes: valid for one customer of one organization for a while, whatever happens to the keys; else words."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.events import CommandReceived, Context, EventBody, InboundEvent, Referral, Sender, TextReceived
from gateway.identity.codes import CHARACTERS, LIFETIME, LinkCodes
from gateway.identity.numbers import verified_address, verified_number
from storage.keyring import Keyring

NOW = datetime(2026, 11, 27, 12, tzinfo=UTC)
ORGANIZATION = UUID(int=1)
CUSTOMER = UUID(int=2)
OLD, NEW = b"o" * 32, b"n" * 32


def codes(**keys: bytes) -> LinkCodes:
    return LinkCodes(Keyring(keys or {"k1": OLD}))


def event(body: EventBody, context: Context | None = None) -> InboundEvent:
    sender = Sender(external_id="7")
    return InboundEvent(
        external_id="1", conversation_key="7", sender=sender, body=body, occurred_at=NOW, context=context
    )


def test_a_code_names_its_customer_and_fits_into_a_telegram_link() -> None:
    code = codes().make(ORGANIZATION, CUSTOMER, NOW)
    assert codes().read(ORGANIZATION, code, NOW) == CUSTOMER
    assert len(code) == CHARACTERS <= 59
    assert set(code) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")


def test_a_code_lives_on_when_the_keys_are_rotated_and_dies_with_its_key() -> None:
    code = codes(k1=OLD).make(ORGANIZATION, CUSTOMER, NOW)
    assert codes(k2=NEW, k1=OLD).read(ORGANIZATION, code, NOW) == CUSTOMER
    assert codes(k2=NEW).read(ORGANIZATION, code, NOW) is None


def test_a_code_expires() -> None:
    code = codes().make(ORGANIZATION, CUSTOMER, NOW)
    assert codes().read(ORGANIZATION, code, NOW + LIFETIME - timedelta(seconds=1)) == CUSTOMER
    assert codes().read(ORGANIZATION, code, NOW + LIFETIME) is None


def test_a_code_is_worth_nothing_in_another_organization() -> None:
    code = codes().make(ORGANIZATION, CUSTOMER, NOW)
    assert codes().read(UUID(int=3), code, NOW) is None


@pytest.mark.parametrize("place", range(36))
def test_every_flipped_byte_is_noticed(place: int) -> None:
    sealed = bytearray(base64.urlsafe_b64decode(codes().make(ORGANIZATION, CUSTOMER, NOW)))
    sealed[place] ^= 1
    assert codes().read(ORGANIZATION, base64.urlsafe_b64encode(sealed).decode(), NOW) is None


@given(st.text(max_size=80))
def test_any_text_can_be_looked_at(text: str) -> None:
    assert codes().read(ORGANIZATION, text, NOW) is None
    said = event(TextReceived(text=f"link {text}"))
    assert codes().take(ORGANIZATION, said, NOW) == (said, None)


@pytest.mark.parametrize("form", ["link {}", "LINK  {}\n", "  link\t{}  "])
def test_a_text_that_is_nothing_but_a_code_gives_it_up(form: str) -> None:
    code = codes().make(ORGANIZATION, CUSTOMER, NOW)
    bare, customer = codes().take(ORGANIZATION, event(TextReceived(text=form.format(code))), NOW)
    assert customer == CUSTOMER
    assert bare.body == TextReceived(text="link")


@pytest.mark.parametrize("form", ["my link {}", "link {} please", "{}", "link{}", "link_{}"])
def test_a_code_within_other_words_stays_where_it_is(form: str) -> None:
    said = event(TextReceived(text=form.format(codes().make(ORGANIZATION, CUSTOMER, NOW))))
    assert codes().take(ORGANIZATION, said, NOW) == (said, None)


def test_a_deep_link_gives_its_code_up_everywhere() -> None:
    code = codes().make(ORGANIZATION, CUSTOMER, NOW)
    argument = f"link_{code}"
    context = Context(title="x", referral=Referral(source="link", payload=argument))
    start = CommandReceived(command="start", argument=argument)
    bare, customer = codes().take(ORGANIZATION, event(start, context), NOW)
    assert customer == CUSTOMER
    assert bare.body == CommandReceived(command="start")
    assert bare.context == Context(title="x")
    other = event(CommandReceived(command="help", argument=argument))
    assert codes().take(ORGANIZATION, other, NOW) == (other, None)


def test_codes_of_different_customers_differ() -> None:
    made = {codes().make(ORGANIZATION, uuid4(), NOW) for _ in range(100)}
    assert len(made) == 100


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("+49 (0)30 1234-567", "+49301234567"),
        ("+49 30 1234567", "+49301234567"),
        ("4915550100311", "+4915550100311"),
        ("+5215512345678", "+525512345678"),
        ("0170 1234567", None),
        ("+1", None),
        ("call me", None),
        ("", None),
        ("+49301234567" * 9, None),
    ],
)
def test_a_verified_number_has_one_form(written: str, number: str | None) -> None:
    assert verified_number(written) == number


@pytest.mark.parametrize(
    ("written", "address"),
    [(" a@b.example ", "a@b.example"), ("a b@c", None), ("@b", None), ("a@", None), ("a", None), ("", None)],
)
def test_a_verified_address_is_one(written: str, address: str | None) -> None:
    assert verified_address(written) == address
