"""The customer's window, and what the settings say of templates: pure readings that take any shape of settings."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from adapters.telegram.capabilities import CAPABILITIES
from engine.messages import OutboundMessage, TemplateCall
from gateway.delivery import window
from storage.window import Consent

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
REFUSED = "the customer does not want marketing messages"
DAY = replace(CAPABILITIES, window_hours=24)


@pytest.mark.parametrize(
    ("heard_at", "is_open"),
    [
        (NOW - timedelta(hours=23, minutes=59, seconds=59), True),
        (NOW - timedelta(hours=24), False),
        (NOW - timedelta(days=300), False),
        (None, False),
    ],
)
def test_the_window_is_open_for_a_day_after_the_customers_last_message(
    heard_at: datetime | None, is_open: bool
) -> None:
    assert window.is_open(heard_at, NOW, DAY) is is_open
    assert window.is_open(heard_at, NOW, CAPABILITIES), "a platform without a window is always open"


def test_a_stand_in_fills_its_parameters_with_the_messages_words_on_one_line() -> None:
    settings = {"window": {"template": "welcome", "parameters": {"a": "Hi: {{text}}", "b": 7}}}
    found = window.stand_in(OutboundMessage(text="one\n two\t three", language="de"), settings)
    assert found == OutboundMessage(
        text="one\n two\t three",
        language="de",
        template=TemplateCall(key="welcome", parameters=(("a", "Hi: one two three"), ("b", "7"))),
    )


def test_a_days_limit_is_a_number_or_there_is_none() -> None:
    limits = {"marketing_messages": 1000, "utility_messages": "unlimited", "authentication_messages": -3}
    settings = {"compliance": {"rate_limiting": limits}}
    assert window.most_a_day("marketing", settings) == 1000
    assert window.most_a_day("utility", settings) is None
    assert window.most_a_day("authentication", settings) == 0
    assert window.most_a_day("service", settings) is None


def test_hours_concern_marketing_alone() -> None:
    settings = {"compliance": {"business_hours_only": True}}
    for category, concerned in (("marketing", True), ("utility", False), ("", False)):
        assert window.keeps_hours(category, settings) is concerned


@pytest.mark.parametrize(
    ("granted", "asked", "required"),
    [
        ({}, "", "the customer has not agreed to marketing messages"),
        ({"marketing": True}, "", ""),
        ({"messages": True}, "", ""),
        ({"marketing": False}, REFUSED, REFUSED),
        ({"marketing": False, "messages": True}, REFUSED, REFUSED),
        ({"messages": False}, REFUSED, REFUSED),
        ({"marketing": True, "messages": False}, REFUSED, REFUSED),
    ],
)
def test_a_no_to_marketing_counts_where_nobody_had_to_be_asked(
    granted: dict[str, bool], asked: str, required: str
) -> None:
    consent = Consent(opted_out=False, granted=granted)
    assert window.unwanted(consent, {}) == asked
    assert window.unwanted(consent, {"compliance": {"opt_in_required": True}}) == required


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(st.sampled_from(["window", "message_templates", "compliance", "business_hours"]), json)
)
def test_settings_of_any_shape_are_read_without_an_error(settings: dict[str, Any]) -> None:
    found = window.stand_in(OutboundMessage(text="x"), settings)
    assert found is None or found.template is not None
    assert window.template_of("welcome", settings) is None or "welcome" in settings["message_templates"]
    assert window.most_a_day("marketing", settings) is None or "compliance" in settings
    assert len(window.hours_of(settings)) == 3
