"""Which option a text means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.answers import read_choice
from tests.pace import assert_within

PRODUCTS = [
    ("🚀 AI Tools", "ai_tools"),
    ("💼 Business Solutions", "business"),
    ("🎓 Educational", "education"),
]


@pytest.mark.parametrize(
    ("text", "index"),
    [
        ("🚀 AI Tools", 0),
        ("ai tools", 0),
        ("AI TOOLS!", 0),
        ("ai_tools", 0),
        ("  Business   solutions ", 1),
        ("education", 2),
        ("2", 1),
        ("2.", 1),
        ("#3", 2),
        ("３", 2),
        ("٣", 2),
        ("2️⃣", 1),
        ("4", None),
        ("0", None),
        ("-1", None),
        ("bus", 1),
        ("educat", 2),
        ("bu", None),
        ("buisness solutions", 1),
        ("busines solutions", 1),
        ("businesss solutions", 1),
        ("buziness solutions", 1),
        ("bzsiness solution", None),
        ("edcuational", 2),
        ("ai toolz", 0),
        ("ia tools", None),
        ("tools", None),
        ("shoes", None),
        ("", None),
        ("  ", None),
        ("business " * 1000, None),
    ],
)
def test_an_option_by_its_name_number_beginning_or_with_a_slip(text: str, index: int | None) -> None:
    assert read_choice(text, PRODUCTS) == index


@pytest.mark.parametrize(
    ("text", "titles", "index"),
    [
        ("prod", ["Products", "Production"], None),
        ("product", ["Products", "Production"], 0),
        ("produc", ["Products", "Production", "Price"], None),
        ("c++", ["C++", "C#"], 0),
        ("c", ["C++", "C#"], None),
        ("1", ["10", "20"], None),
        ("2", ["2", "1"], 0),
        ("1", ["10 people", "20 people"], 0),
        ("stert", ["Start", "Stort"], None),
        ("card", ["Cart", "Bill"], None),
        ("plan2024", ["Plan2025", "Other"], None),
        ("退款申", ["退款申请", "查询订单"], 0),
        ("हिन्दी", ["English", "हिन्दी"], 1),
        ("same", ["Same", "same"], 0),
        ("anything", [], None),
        ("1", [], None),
    ],
)
def test_what_could_be_two_options_is_none(text: str, titles: list[str], index: int | None) -> None:
    assert read_choice(text, [(title, f"value {title}") for title in titles]) == index


def test_a_title_goes_before_a_value_and_both_before_a_number() -> None:
    assert read_choice("two", [("One", "two"), ("Two", "one")]) == 1
    assert read_choice("2", [("First", "2"), ("Second", "1")]) == 0


@given(st.text(max_size=30), st.lists(st.tuples(st.text(max_size=20), st.text(max_size=20)), max_size=5))
def test_it_never_raises_and_names_an_option_there_is(text: str, options: list[tuple[str, str]]) -> None:
    index = read_choice(text, options)
    assert index is None or 0 <= index < len(options)


@given(
    st.lists(st.text("abcdefgh", min_size=7, max_size=12), min_size=1, max_size=5, unique=True),
    st.data(),
)
def test_every_title_names_itself(titles: list[str], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(titles) - 1))
    assert read_choice(titles[index].upper(), [(title, "") for title in titles]) == index


def test_many_options_cost_little() -> None:
    options = [(f"Option named {index:04}", f"o{index}") for index in range(1000)]
    assert_within(0.1, lambda: read_choice("a text which is none of them " * 30, options))
