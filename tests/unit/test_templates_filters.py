"""The filters that are the same in every language, and the reference of all."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.templates import (
    FILTERS,
    MAX_OUTPUT,
    TemplateError,
    TemplateSyntaxError,
    compile_template,
    reference,
)


def filtered(value: Any, filters: str) -> str:
    return compile_template(f"{{{{x | {filters}}}}}")({"x": value})


@pytest.mark.parametrize(
    ("value", "filters", "text"),
    [
        ("ana", "upper", "ANA"),
        ("ANA", "lower", "ana"),
        ("ana MARÍA", "capitalize", "Ana maría"),
        ("o'neill JEAN-luc don’t", "title", "O'neill Jean-Luc Don’t"),
        ("“hello” (world) ¿qué? 2nd", "title", "“Hello” (World) ¿Qué? 2nd"),
        ("cafe\u0301s", "title", "Cafe\u0301s"),
        ("ǆ", "title", "ǅ"),
        (" \n a b\u00a0", "trim", "a b"),
        (None, "default:'x'", "x"),
        ("", "default:0", "0"),
        (0, "default:1.5", "0"),
        (None, "default:-1.5", "-1.5"),
        (["a", 1.0, None], "join", "a, 1, "),
        (["a", "b"], "join:' | '", "a | b"),
        (["a", ["b", "c"]], "join:''", 'a["b","c"]'),
        ("text", "join", "text"),
        ([], "join", ""),
        (["a", "b"], "first", "a"),
        (["a", "b"], "last", "b"),
        ([], "first | default:'none'", "none"),
        ([], "last | default:'none'", "none"),
        ("text", "first", "text"),
        ({"a": 1}, "last", '{"a":1}'),
        ([1, 2, 3], "length", "3"),
        ({"a": 1}, "length", "1"),
        ("a😀", "length", "3"),
        (None, "length", "0"),
        (120, "length", "3"),
        ('say "hi"\n', "json", '"say \\"hi\\"\\n"'),
        ([1.0, {"a": None}], "json", '[1,{"a":null}]'),
        (None, "json", "null"),
    ],
)
def test_filters(value: Any, filters: str, text: str) -> None:
    assert filtered(value, filters) == text


@pytest.mark.parametrize(
    ("value", "filters", "text"),
    [
        ("Hello there", "truncate:11", "Hello there"),
        ("Hello there", "truncate:10", "Hello the…"),
        ("Hello there", "truncate:7", "Hello…"),
        ("Hello there", "truncate:5,''", "Hello"),
        ("Hello there", "truncate:8,'...'", "Hello..."),
        ("cafe\u0301s", "truncate:4,''", "caf"),
        ("cafe\u0301s", "truncate:5,''", "cafe\u0301"),
        ("\u0301" * 9, "truncate:5", "…"),
        ("a" + "\u0301" * 64, "truncate:64,''", ""),
        ("a" + "\u0301" * 200, "truncate:100,''", "a" + "\u0301" * 35),
        ("ab👍🏽c", "truncate:3,''", "ab"),
        ("a👨\u200d👩\u200d👧!", "truncate:4,''", "a"),
        ("a\ud83d\ude00b", "truncate:2,''", "a"),
        (1234567, "truncate:4", "123…"),
        (None, "truncate:4", ""),
    ],
)
def test_truncate_counts_its_ending_and_never_splits_a_character(value: Any, filters: str, text: str) -> None:
    assert filtered(value, filters) == text


@settings(deadline=None)
@given(text=st.text(st.sampled_from("ae \u0301\u0327\u200d👩🏽") | st.characters()), most=st.integers(1, 12))
def test_a_truncated_text_is_a_short_beginning(text: str, most: int) -> None:
    cut = filtered(text, f"truncate:{most},''")
    assert len(cut) <= most
    assert text.startswith(cut)
    rest = text[len(cut) :]
    if len(text) > most and rest and not rest[0].isspace():
        assert not unicodedata.combining(rest[0]) or cut == ""


@pytest.mark.parametrize(
    ("filters", "mend"),
    [
        ("truncate:'20'", f'write truncate:20 or truncate:20,"…", with 1 to {MAX_OUTPUT} characters'),
        ("truncate:0", f'write truncate:20 or truncate:20,"…", with 1 to {MAX_OUTPUT} characters'),
        ("truncate:1.5", f'write truncate:20 or truncate:20,"…", with 1 to {MAX_OUTPUT} characters'),
        ("truncate:20,3", f'write truncate:20 or truncate:20,"…", with 1 to {MAX_OUTPUT} characters'),
        ("truncate:2,'...'", "the ending counts too: make it shorter, or the number greater"),
        ("join:2", 'write the separator in quotes: join:", "'),
        ("first:1", "write first alone"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(filters: str, mend: str) -> None:
    with pytest.raises(TemplateSyntaxError) as caught:
        filtered("x", filters)
    assert (caught.value.position, caught.value.mend) == (6, mend)


@pytest.mark.parametrize(
    ("value", "filters"),
    [
        ([""] * MAX_OUTPUT, f"join:'{'-' * 10_000}'"),
        (["a"] * (MAX_OUTPUT + 1), "join:''"),
        (["a"] * (MAX_OUTPUT + 1), "list"),
        ('"' * 100, " | ".join(["json"] * 12)),
        ("x" * 100, f"plural:'{'#' * 10_000}'"),
    ],
)
def test_filters_that_multiply_are_bounded_each(value: Any, filters: str) -> None:
    with pytest.raises(TemplateError, match="longer than"):
        filtered(value, f"{filters} | length")


def test_python_objects_are_refused_by_every_filter() -> None:
    arguments = {"default": ":'x'", "truncate": ":5", "currency": ":'EUR'", "plural": ":'#'"}
    for name in FILTERS:
        if name == "length":
            continue
        with pytest.raises(TemplateError, match="is not a value"):
            filtered([object()], name + arguments.get(name, "") + " | join")


def test_the_reference_has_a_line_for_each_filter() -> None:
    lines = reference()
    assert [signature.split(":")[0].split("[")[0] for signature, _ in lines] == list(FILTERS)
    for signature, summary in lines:
        assert summary.endswith(".") and ". " not in summary, signature
