"""Secrets are cut out of a template, and cannot be had in any other way."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.templates import Filter, SecretName, TemplateSyntaxError, compile_template, split_secrets


@pytest.mark.parametrize(
    ("source", "pieces"),
    [
        ("", ()),
        ("Bearer", ("Bearer",)),
        ("{{secret.KEY}}", (SecretName("KEY"),)),
        ("Bearer {{ secret.API_key_2 }}", ("Bearer ", SecretName("API_key_2"))),
        ("{{\nsecret.A\t}}{{secret.1}}", (SecretName("A"), SecretName("1"))),
        ("a{{user.id}}b{{secret.A}}c{{x|upper}}", ("a{{user.id}}b", SecretName("A"), "c{{x|upper}}")),
        ("{{secrets.A}}{{user.secret.A}}", ("{{secrets.A}}{{user.secret.A}}",)),
        (
            "{{'{{secret.A}}'}}{{x|default:'{{secret.B}}'}}",
            ("{{'{{secret.A}}'}}{{x|default:'{{secret.B}}'}}",),
        ),
        ("{secret.A} secret.B }}", ("{secret.A} secret.B }}",)),
    ],
)
def test_secrets_are_cut_out(source: str, pieces: tuple[str | SecretName, ...]) -> None:
    assert split_secrets(source) == pieces
    for piece in pieces:
        if isinstance(piece, str):
            compile_template(piece)


@pytest.mark.parametrize(
    ("source", "position"),
    [
        ("a{{secret.A|upper}}", 3),
        ("{{ secret.A | default:'x' }}", 3),
        ("{{secret}}", 2),
        ("{{secret.A.B}}", 2),
        ("{{secret[0]}}", 2),
        ("{{secret . A}}", 2),
        ("{{secret.A-B}}", 2),
        ("{{secret.É}}", 2),
        ("{{secret.$A}}", 2),
        (f"{{{{secret.{'A' * 65}}}}}", 2),
        ("{{secret.A}}{{secret.B|json}}", 14),
    ],
)
def test_a_secret_stands_alone(source: str, position: int) -> None:
    with pytest.raises(TemplateSyntaxError, match=r"write \{\{ secret\.NAME \}\}") as caught:
        split_secrets(source)
    assert caught.value.position == position


@pytest.mark.parametrize("source", ["{{secret.A}}", "{{ secret }}", "x{{secret.A|upper}}", "{{secret[0]}}"])
def test_other_texts_have_no_secrets(source: str) -> None:
    with pytest.raises(TemplateSyntaxError) as caught:
        compile_template(source)
    assert caught.value.message == "a secret can be used only in the url, headers and body of an http node"


def test_what_compile_template_refuses_is_refused_with_its_place_in_the_whole() -> None:
    with pytest.raises(TemplateSyntaxError) as caught:
        split_secrets("{{secret.A}} {{a|uper}}")
    assert (caught.value.position, caught.value.mend) == (17, "did you mean upper?")
    with pytest.raises(TemplateSyntaxError, match="at most"):
        split_secrets("a" * 20_001)


def test_the_filters_can_be_other_ones() -> None:
    filters = {"twice": Filter(0, 0, lambda value: f"{value}{value}")}
    assert split_secrets("{{a|twice}}{{secret.A}}", filters) == ("{{a|twice}}", SecretName("A"))


_PIECES = [
    "{{secret.A}}",
    "{{ secret.B }}",
    "{{",
    "}}",
    "secret",
    ".A",
    "'",
    '"',
    "|upper",
    "{{a}}",
    " ",
    "x",
]


@settings(deadline=None)
@given(st.text() | st.lists(st.sampled_from(_PIECES)).map("".join))
def test_pieces_are_templates_that_put_together_give_the_source(source: str) -> None:
    try:
        pieces = split_secrets(source)
    except TemplateSyntaxError as error:
        assert 0 <= error.position <= len(source)
        return
    for piece in pieces:
        if isinstance(piece, str):
            compile_template(piece)
    written = [piece if isinstance(piece, str) else f"{{{{secret.{piece.name}}}}}" for piece in pieces]
    narrow = ("{{ secret.B }}", "{{secret.B}}")
    assert "".join(written).replace(*narrow) == source.replace(*narrow)
