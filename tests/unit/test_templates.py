"""Texts with placeholders."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.expressions import UNDEFINED
from engine.templates import (
    FILTERS,
    MAX_DATA_DEPTH,
    MAX_OUTPUT,
    MAX_PLACEHOLDERS,
    MAX_SOURCE,
    Filter,
    TemplateError,
    TemplateSyntaxError,
    compile_template,
)
from tests.pace import assert_within

ENV: dict[str, Any] = {
    "customer_name": "Ana",
    "user": {
        "first_name": "ana maría",
        "tags": ["vip", "new"],
        "email": "",
        "phone": None,
        "first-name": "x",
    },
    "items": [{"name": "Book"}],
    "rows": [["a", "b"], ["c"]],
    "count": 3.0,
}


def rendered(source: str, env: dict[str, Any] | None = None) -> str:
    return compile_template(source)(ENV if env is None else env)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("", ""),
        ("Hello", "Hello"),
        ("Hello {{customer_name}}!", "Hello Ana!"),
        ("{{ user.first_name }}", "ana maría"),
        ("{{user . first_name}}{{\ncustomer_name\t}}", "ana maríaAna"),
        ("{{items.0.name}} of {{items.length}}", "Book of 1"),
        ("{{items[0].name}} of {{ items [ 0 ] . name }}", "Book of Book"),
        ("{{user.tags[1]}}{{user.tags[01]}}{{rows[1][0]}}{{rows.1[0]}}", "newnewcc"),
        ("[{{user.tags[2]}}{{missing[0].name}}{{user[0]}}]", "[]"),
        ("{{user.tags.1}}, {{user.first-name}}", "new, x"),
        ("[{{missing}}{{user.missing.deeper}}{{user.phone}}{{count.x}}]", "[]"),
        ("{{count}} items", "3 items"),
        ("{{user.tags}}", '["vip","new"]'),
        ("{ } }} {{'{{'}} {customer_name}", "{ } }} {{ {customer_name}"),
        ('{"name": {{customer_name}}}', '{"name": Ana}'),
    ],
)
def test_placeholders_stand_for_their_values(source: str, text: str) -> None:
    assert rendered(source) == text


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ('{{missing|default:"there"}}', "there"),
        ("{{ user.email | default : 'none' }}", "none"),
        ("{{user.phone|default:'none'}}", "none"),
        ("{{customer_name|default:'there'}}", "Ana"),
        ("{{zero|default:'none'}}{{no|default:'none'}}", "0false"),
        (r'{{missing|default:"say \"hi\"\n"}}', 'say "hi"\n'),
        ("{{missing|default:'}} | {{x}}'}}", "}} | {{x}}"),
        ("{{customer_name|upper}} {{customer_name|lower}}", "ANA ana"),
        ("{{user.first_name|capitalize}}", "Ana maría"),
        ("{{missing|default:'you'|upper}}", "YOU"),
        ("{{missing|upper|default:'nobody'}}", "nobody"),
        ("{{'ok'|upper}}", "OK"),
    ],
)
def test_filters_apply_from_left_to_right(source: str, text: str) -> None:
    assert rendered(source, {**ENV, "zero": 0, "no": False}) == text


def test_more_filters_can_be_given() -> None:
    filters = {**FILTERS, "between": Filter(2, 2, lambda value, left, right: f"{left}{value}{right}")}
    assert compile_template("{{x|between:'<','>'}}", filters)({"x": 1}) == "<1>"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        *((None, ""), (UNDEFINED, ""), (True, "true"), (False, "false"), (0, "0"), (-0.0, "0"), (1.0, "1")),
        *(
            (0.1, "0.1"),
            (1e21, "1e+21"),
            (math.nan, "NaN"),
            ("", ""),
            ([], "[]"),
            ({}, "{}"),
            ((1, 2.0), "[1,2]"),
        ),
        ([None, UNDEFINED, math.nan, math.inf, True], "[null,null,null,null,true]"),
        ({"a": UNDEFINED, "b": {"c": 'é"\n'}}, '{"b":{"c":"é\\"\\n"}}'),
    ],
)
def test_values_print_as_in_javascript(value: Any, text: str) -> None:
    assert rendered("{{x}}", {"x": value}) == text


@settings(deadline=None)
@given(text=st.text())
def test_a_value_is_never_read_as_a_template(text: str) -> None:
    value = "{{user.name}}{{secret.x}}" + text + "{{user.name|upper}}"
    env = {"x": value, "user": {"name": "Ana"}, "secret": {"x": "s3cret"}}
    for source in (
        "<{{x}}>",
        "<{{x | default:'y'}}>",
        "<{{x | number}}>",
        "<{{x | date}}>",
        "<{{y | plural:'#'}}>",
    ):
        assert rendered(source, {**env, "y": value}) == f"<{value}>"


def test_names_are_what_is_read() -> None:
    template = compile_template("{{user.first_name}} {{a|default:'b'}} {{'c'}} d")
    assert template.names == {"user", "a"}
    assert template.source == "{{user.first_name}} {{a|default:'b'}} {{'c'}} d"
    assert repr(compile_template("{{a}}")) == "Template('{{a}}')"


_INDEX = "write a whole number, as in {{items[0]}}; a name follows a dot, as in {{user.first_name}}"


@pytest.mark.parametrize(
    ("source", "position", "mend"),
    [
        ("Hello {{name", 6, 'write }} after it; for braces write {{"{{"}}'),
        ("Hello {{name} you", 6, 'write }} after it; for braces write {{"{{"}}'),
        ("{{}}", 2, "write the name of a value, as in {{user.first_name}}"),
        ("{{user.}}", 7, "write the name of a property after the dot, as in {{user.first_name}}"),
        ("{{{name}}}", 2, 'write {{name}}; for a brace in the text write {{"{"}}'),
        ("{{a + b}}", 4, "write {{name}} or {{name | filter}}"),
        ("{{a|uper}}", 4, "did you mean upper?"),
        ("{{a| zzz}}", 5, f"the filters are: {', '.join(FILTERS)}"),
        ("{{a|}}", 4, "write the name of a filter after the pipe, as in {{user.first_name}}"),
        ("{{a|default}}", 4, 'write default:"text"'),
        ("{{a|upper:'x'}}", 4, "write upper alone"),
        ("{{a|default:there}}", 12, 'write it in quotes: default:"text"'),
        ("{{a|default:'there}}", 12, "close it with the same quote"),
        ("{{a[x]}}", 3, _INDEX),
        ("{{a[-1]}}", 3, _INDEX),
        ("{{a['b']}}", 3, _INDEX),
        ("{{a[1}}", 3, _INDEX),
        ("{{a|truncate:20px}}", 15, "write {{name}} or {{name | filter}}"),
        ("{{a|truncate}}", 4, 'write truncate:n[,"ending"], without what is in [ ] if you like'),
        ("{{ secret.API_KEY }}", 3, "remove it from this text"),
        ("{{secret}}", 2, "remove it from this text"),
    ],
)
def test_a_refusal_names_the_position_and_the_mend(source: str, position: int, mend: str) -> None:
    with pytest.raises(TemplateSyntaxError) as caught:
        compile_template(source)
    assert (caught.value.position, caught.value.mend) == (position, mend)
    assert str(caught.value) == f"{caught.value.message} at position {position}: {mend}"


@pytest.mark.parametrize(
    "source",
    [
        "a" * (MAX_SOURCE + 1),
        "{{a}}" * (MAX_PLACEHOLDERS + 1),
        "{{a" + ".b" * 20 + "}}",
        "{{a" + "[0]" * 20 + "}}",
        "{{a" + "|upper" * 20 + "}}",
    ],
)
def test_the_source_is_bounded(source: str) -> None:
    with pytest.raises(TemplateSyntaxError):
        compile_template(source)


def test_as_many_placeholders_as_allowed_are_rendered() -> None:
    assert rendered("{{a}}" * MAX_PLACEHOLDERS, {"a": 1}) == "1" * MAX_PLACEHOLDERS


def test_the_output_is_bounded() -> None:
    assert rendered("{{x}}", {"x": "a" * MAX_OUTPUT}) == "a" * MAX_OUTPUT
    with pytest.raises(TemplateError, match="longer than"):
        rendered("{{x}}{{x}}", {"x": "a" * (MAX_OUTPUT // 2 + 1)})


def test_deep_data_and_python_objects_are_refused() -> None:
    deep: list[Any] = []
    for _ in range(MAX_DATA_DEPTH + 1):
        deep = [deep]
    with pytest.raises(TemplateError, match="nested"):
        rendered("{{x}}", {"x": deep})
    for source in ("{{x}}", "{{x.year}}", "{{x.__class__}}", "{{x|upper}}", "{{y}}"):
        with pytest.raises(TemplateError, match="is not a value"):
            rendered(source, {"x": datetime(2024, 1, 1, tzinfo=UTC), "y": [object()]})
    assert rendered("{{x.__class__}}{{x.upper}}", {"x": "text"}) == ""


_WORDS = "{{ }} { a . | : 'x' \" [0] [ ] 0 20 -1 1.5 , - secret .B $ \\ de 'de' 'Europe/Berlin' 'EUR' 'long' 'HH:mm'"
_PIECES = [*_WORDS.split(), *FILTERS]
_SOURCES = (
    st.text()
    | st.lists(st.sampled_from(_PIECES)).map("".join)
    | st.lists(st.sampled_from(_PIECES), max_size=4).map("".join).map("{{{{a.b[0] | {}}}}}".format)
)
_VALID = st.sampled_from(
    [
        "{{a}}{{a.b[0].a}}",
        *(
            f"{{{{a{path} | {filters}}}}}"
            for path in ("", ".a", "[0]")
            for filters in (
                "number:2 | title",
                "percent",
                "currency:'EUR'",
                "date:'w Y z VVVV'",
                "time:'full','Asia/Tokyo'",
                "datetime",
                "plural:'#','# #'",
                "list:'or' | truncate:5",
                "join | trim | capitalize",
                "first | json",
                "last | length",
                "default:1 | lower",
            )
        ),
    ]
)
_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.datetimes().map(str),
    lambda children: (
        st.lists(children) | st.dictionaries(st.sampled_from("ab") | st.text(max_size=3), children)
    ),
    max_leaves=6,
)


@settings(deadline=None)
@given(source=_SOURCES)
def test_any_source_compiles_or_is_refused(source: str) -> None:
    try:
        compile_template(source)
    except TemplateSyntaxError as error:
        assert 0 <= error.position <= len(source)
        assert error.mend


@settings(deadline=None)
@given(source=_SOURCES | _VALID, a=_JSON, language=_JSON, timezone=_JSON)
def test_any_data_gives_a_text_or_a_template_error(source: str, a: Any, language: Any, timezone: Any) -> None:
    try:
        template = compile_template(source)
    except TemplateSyntaxError:
        return
    try:
        text = template({"a": a, "language": language, "timezone": timezone})
    except TemplateError:
        return
    assert isinstance(text, str)


@settings(deadline=None)
@given(
    data=st.recursive(
        st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=5),
        lambda children: st.lists(children) | st.dictionaries(st.text(max_size=5), children),
        max_leaves=8,
    )
)
def test_structures_print_as_compact_json(data: Any) -> None:
    expected = json.dumps([data], ensure_ascii=False, separators=(",", ":"))
    assert rendered("{{x}}", {"x": [data]}) == expected


def test_a_constant_template_is_fast() -> None:
    """About 0.08 µs."""
    template = compile_template("Hello! What can I do for you?")
    assert_within(0.2e-6, partial(template, ENV), number=5_000, tries=40)


def test_rendering_one_path_is_fast() -> None:
    """About 0.6 µs."""
    template = compile_template("Hello {{user.first_name}}!")
    assert_within(1.5e-6, partial(template, ENV), number=5_000, tries=40)


def test_babel_is_imported_by_the_first_localized_filter_only() -> None:
    script = (
        "import sys, engine.templates as t\n"
        "t.compile_template('{{a | upper | default:1}}')({}); t.reference(); t.split_secrets('{{secret.A}}')\n"
        "assert not [name for name in sys.modules if name.startswith('babel')]\n"
        "t.compile_template('{{a | number}}')\n"
        "assert 'babel' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
