"""A file is what its content says; the sender's word and the name count only where that agrees, or can't tell."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.media.kinds import HEAD_BYTES, UNKNOWN, normal, of_name, type_of
from tests.unit.media_samples import SAMPLES, package

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@pytest.mark.parametrize("name", SAMPLES)
def test_the_content_tells(name: str) -> None:
    data, mime_type = SAMPLES[name]
    assert type_of(data[:HEAD_BYTES]) == mime_type


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("lie", ["image/png", "application/x-something", "text/css", "garbage"])
def test_a_lie_changes_nothing_where_the_content_tells(name: str, lie: str) -> None:
    data, mime_type = SAMPLES[name]
    told = type_of(data[:HEAD_BYTES], lie, "photo.png")
    match lie, mime_type:
        case ("text/css", "text/plain") | ("application/x-something", "application/octet-stream"):
            assert told == lie  # the content can't tell
        case _:
            assert told == mime_type


@pytest.mark.parametrize(
    ("head", "declared", "name", "told"),
    [
        (SAMPLES["mp4"][0], "audio/mp4", "", "audio/mp4"),
        (SAMPLES["mp4"][0], "video/3gpp", "", "video/3gpp"),
        (SAMPLES["webm"][0], "audio/webm;codecs=opus", "", "audio/webm"),
        (SAMPLES["ogg"][0], "video/ogg", "", "video/ogg"),
        (SAMPLES["ogg"][0], "audio/ogg; codecs=opus", "", "audio/ogg"),
        (OLE, "application/msword", "", "application/msword"),
        (OLE, "", "report.xls", "application/vnd.ms-excel"),
        (OLE, "image/png", "", "application/x-ole-storage"),
        (package("a"), DOCX, "", DOCX),
        (package("a"), "", "report.docx", DOCX),
        (package("a"), "image/png", "", "application/zip"),
        (b"a,b\n1,2\n", "", "table.csv", "text/csv"),
        (b'{"a": 1}', "application/json", "", "application/json"),
        (b"\x00\x01\x02\x03" * 10, "application/x-mine", "", "application/x-mine"),
    ],
)
def test_the_senders_word_stands_where_the_content_agrees_or_cannot_tell(
    head: bytes, declared: str, name: str, told: str
) -> None:
    assert type_of(head, declared, name) == told


@pytest.mark.parametrize(
    "declared", ["image/jpeg", "application/pdf", "video/mp4", DOCX, "text/plain", "text/html"]
)
def test_what_lacks_the_signature_of_its_announced_type_is_unknown(declared: str) -> None:
    assert type_of(b"\x00\x01\x02\x03" * 10, declared) == UNKNOWN


@pytest.mark.parametrize(
    "declared", ["text/html", "image/svg+xml", "application/xhtml+xml", "text/xml", "a/b+xml"]
)
def test_plain_words_are_no_markup_whatever_they_are_announced_as(declared: str) -> None:
    assert type_of(b"plain words", declared) == "text/plain"


@given(st.binary(max_size=600), st.text(max_size=30), st.text(max_size=30))
def test_anything_gets_a_well_formed_type(head: bytes, declared: str, name: str) -> None:
    told = type_of(head, declared, name)
    assert normal(told) == told != ""


@given(
    st.text(max_size=40),
    st.sampled_from(["<script>", "<svg ", "<html", "<IFRAME src=x>"]),
    st.text(max_size=40),
)
def test_what_a_browser_could_run_is_never_called_anything_else(before: str, markup: str, after: str) -> None:
    head = f"{before}{markup} {after}".replace("\0", "").encode("utf-8", "replace")
    if head.startswith((b"%PDF-", b"{\\rtf", b"#!AMR")) or any(byte < 9 or 13 < byte < 32 for byte in head):
        return
    assert type_of(head, "image/png", "a.png") in ("text/html", "image/svg+xml")


def test_names_suggest_types() -> None:
    assert of_name("a.b.DOCX") == DOCX
    assert of_name("voice.opus") == "audio/ogg"
    assert of_name("README") == of_name("") == of_name("x.unheard-of") == ""
