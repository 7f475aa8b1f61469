"""Typed answers: how people write numbers, addresses, places, yes and no."""

from __future__ import annotations

import subprocess
import sys
from functools import partial

import pytest

from engine.answers import (
    Reading,
    read_email,
    read_integer,
    read_location,
    read_number,
    read_phone,
    read_url,
    read_yes_no,
)
from engine.answers import yes_no as words
from engine.folding import fold
from tests.pace import assert_within


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("12", 12), (" 12 ", 12), ("-3.5", -3.5), ("−3", -3), ("+7", 7), (".5", 0.5), ("0", 0), ("007", 7),
        ("1,250", 1250), ("1,250.75", 1250.75), ("1.250,75", 1250.75), ("1.250.000", 1250000), ("1 250", 1250),
        ("1'250", 1250), ("1’250’000", 1250000), ("12,5", 12.5), ("1,25", 1.25), ("1.234", 1.234), ("0,500", 0.5),
        ("12.0", 12), ("1,25,000", 125000), ("1 234 567,5", 1234567.5), ("١٢٫٥", 12.5), ("١٬٢٣٤", 1234),
        ("٣", 3), ("१२", 12), ("１２", 12), ("−１２", -12),
        ("€ 12,50", 12.5), ("12 EUR", 12), ("$1,234.50", 1234.5), ("12.50 zł", 12.5), ("R$ 12,50", 12.5), ("-5 €", -5),
        ("€-5", -5), ("-€5", -5), ("US$5", 5), ("12,- €", None), ("12,-", 12), ("Fr. 12.50", 12.5), ("￥500", 500),
        ("", None), ("a", None), ("12a", None), ("1,2,3", None), ("1.2.3", None), ("1e5", None), ("nan", None),
        ("inf", None), ("--1", None), ("-€-5", None), ("1 2", None), ("1 2345", None), ("€", None), ("5.", None),
        ("9" * 41, None), ("9" * 20, None), ("9007199254740991", 2**53 - 1), ("three", None),
    ],
)  # fmt: skip
def test_numbers(text: str, number: float | None) -> None:
    assert read_number(text) == number
    assert type(read_number(text)) is type(number)


@pytest.mark.parametrize(
    ("language", "with_point", "with_comma"),
    [
        ("de", 1234, 1.234), ("en", 1.234, 1234), ("fr-CA", 1234, 1.234), ("pt-BR", 1234, 1.234), ("hi", 1.234, 1234),
        ("de-CH", 1.234, 1234), ("es-MX", 1.234, 1234), ("es", 1234, 1.234), ("zh-Hant-TW", 1.234, 1234),
        ("en_GB", 1.234, 1234), ("", 1.234, 1234), ("tlh", 1.234, 1234), ("../../etc", 1.234, 1234),
    ],
)  # fmt: skip
def test_the_language_decides_what_a_lone_separator_of_thousands_or_decimals_is(
    language: str, with_point: float, with_comma: float
) -> None:
    reading = Reading(language=language)
    assert (read_number("1.234", reading), read_number("1,234", reading)) == (with_point, with_comma)


@pytest.mark.parametrize("language", ["", "de", "en"])
@pytest.mark.parametrize(("text", "number"), [("12.5", 12.5), ("1.234,5", 1234.5), ("1,234.5", 1234.5)])
def test_no_language_changes_what_the_form_says(language: str, text: str, number: float) -> None:
    assert read_number(text, Reading(language=language)) == number


@pytest.mark.parametrize(
    ("language", "text", "number"),
    [
        ("en", "Twelve", 12), ("de", "fünf", 5), ("de", "fünf Euro", None), ("es", "once", 11), ("en", "once", None),
        ("fr", "zéro", 0), ("fr", "ZERO", 0), ("pt-BR", "três", 3), ("it", "sei", 6), ("nl", "twaalf", 12),
        ("en", "a", None), ("ja", "three", None),
    ],
)  # fmt: skip
def test_small_numbers_in_words_of_the_customers_language(
    language: str, text: str, number: int | None
) -> None:
    assert read_integer(text, Reading(language=language)) == number


@pytest.mark.parametrize(
    ("text", "number"), [("3", 3), ("3.0", 3), ("3.5", None), ("1,000", 1000), ("३", 3), ("3 €", 3)]
)
def test_whole_numbers(text: str, number: int | None) -> None:
    assert read_integer(text) == number


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("ana@example.com", "ana@example.com"),
        ("  Ana.Lima+shop@Mail.Example.co.uk ", "Ana.Lima+shop@mail.example.co.uk"),
        ("it is <ana@example.com>.", "ana@example.com"),
        ("mailto:ana@example.com", "ana@example.com"),
        ("E-Mail:ana@example.com, thanks!", "ana@example.com"),
        ("Ana<ana@example.com>", "ana@example.com"),
        ("'o'brien@example.com'!", "o'brien@example.com"),
        ("ana@bücher.example", "ana@bücher.example"),
        ("ana@xn--bcher-kva.example", "ana@bücher.example"),
        ("ａｎａ＠ｅｘａｍｐｌｅ．ｃｏｍ", "ana@example.com"),
        ("我的邮箱是ana@example.com。", "ana@example.com"),
        ("josé@example.com", None),
        ("ana@example", None),
        ("ana.example.com", None),
        ("@example.com", None),
        ("ana@", None),
        ("ana@@example.com", None),
        ("ana@b@example.com", None),
        ("ana @ example.com", None),
        ("a..b@example.com", None),
        (".a@example.com", None),
        ("ana@-example.com", None),
        ("ana@exam_ple.com", None),
        ("ana@example.c", None),
        ("ana@127.0.0.1", None),
        ("ana@localhost", None),
        ("ana@example..com", None),
        ("ana@example.com and bob@example.com", None),
        (f"{'a' * 65}@example.com", None),
        (f"a@{'b' * 64}.com", None),
        (f"a@{'b.' * 150}com", None),
        ("\ud800@example.com", None),
        ("", None),
    ],
)
def test_email_addresses(text: str, address: str | None) -> None:
    assert read_email(text) == address


@pytest.mark.parametrize(
    ("text", "region", "number"),
    [
        ("+49 30 1234567", "", "+49301234567"),
        ("+49 (0)30 1234-567", "", "+49301234567"),
        ("tel:+49-30-1234567", "", "+49301234567"),
        ("030/1234-567", "", "0301234567"),
        ("030/1234-567", "DE", "+49301234567"),
        ("030 1234567", "de", "+49301234567"),
        ("0049 30 1234567", "FR", "+49301234567"),
        ("06 1234 5678", "IT", "+390612345678"),
        ("(555) 123.4567", "", "5551234567"),
        ("(555) 123.4567", "US", "+15551234567"),
        ("＋４９ ３０ １２３４５６", "", "+4930123456"),
        ("٠٣٠١٢٣٤٥٦٧", "", "0301234567"),
        ("+49 30 1234567", "US", "+49301234567"),
        ("123456", "US", "123456"),
        ("+999123456", "", "+999123456"),
        ("030 1234567", "ZZ", "0301234567"),
        ("030 1234567", "no country", "0301234567"),
        ("12345", "", None),
        ("1" * 16, "", None),
        ("++49301234567", "", None),
        ("49301234567+", "", None),
        ("call 0301234567", "DE", None),
        ("", "DE", None),
    ],
)
def test_phone_numbers(text: str, region: str, number: str | None) -> None:
    assert read_phone(text, Reading(region=region)) == number


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("https://example.com", "https://example.com"),
        ("example.com/x", "https://example.com/x"),
        (" <HTTP://Example.COM/Path?q=1#f> ", "http://example.com/Path?q=1#f"),
        ("www.example.com.", "https://www.example.com"),
        ("example.com:8080/x", "https://example.com:8080/x"),
        ("bücher.example/ä?ö=ü", "https://bücher.example/ä?ö=ü"),
        ("https://例え.テスト/パス", "https://例え.テスト/パス"),
        ("xn--bcher-kva.example", "https://xn--bcher-kva.example"),
        ("http://①.com", "http://1.com"),
        ("http://foo_bar.example.com", "http://foo_bar.example.com"),
        ("https://user:password@example.com", None),
        ("https://user@example.com", None),
        ("ana@example.com", None),
        ("javascript:alert(1)", None),
        ("ftp://example.com", None),
        ("data:text/html,x.com", None),
        ("//example.com", None),
        ("https:///example.com", None),
        ("http://localhost", None),
        ("hello", None),
        ("my site is example.com", None),
        ("http://127.0.0.1/", None),
        ("http://[::1]/", None),
        ("http://[", None),
        ("1.5", None),
        ("https://ex..com", None),
        ("https://-example.com", None),
        ("https://example.com:0", None),
        ("https://example.com:99999", None),
        ("https://example.com:x", None),
        ("https://example.com\\@evil.com", None),
        ("https://example.com\u202e/x", None),
        ("https://ex\tample.com", None),
        ('https://example.com/"onclick="x', None),
        ("https://example.com/\ud800", None),
        (f"https://{'a' * 64}.com", None),
        (f"https://{'a.' * 130}com", None),
        (f"https://example.com/{'a' * 2048}", None),
        ("", None),
    ],
)
def test_web_addresses(text: str, address: str | None) -> None:
    assert read_url(text) == address


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("52.5, 13.4", (52.5, 13.4)),
        ("52.5 13.4", (52.5, 13.4)),
        ("(52.5,13.4)", (52.5, 13.4)),
        ("-33.9, 18.4", (-33.9, 18.4)),
        ("−33.9, 18.4", (-33.9, 18.4)),
        ("52,5; 13,4", (52.5, 13.4)),
        ("52,52 13,40", (52.52, 13.4)),
        ("33.9° S 18.4° E", (-33.9, 18.4)),
        ("40.4N,3.7W", (40.4, -3.7)),
        ("geo:52.5,13.4", (52.5, 13.4)),
        ("٥٢.٥, ١٣.٤", (52.5, 13.4)),
        ("90, -180", (90.0, -180.0)),
        ("90.01, 0", None),
        ("0, 180.5", None),
        ("-33.9 S, 18.4 E", None),
        ("52.5", None),
        ("Berlin", None),
        ("52.5, 13.4, 5", None),
        ("", None),
    ],
)
def test_locations(text: str, place: tuple[float, float] | None) -> None:
    assert read_location(text) == place


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", True), ("YES!", True), ("of course", True), ("Sí", True), ("ok.", True), ("ja", True), ("Oui.", True),
        ("d’accord", True), ("sim", True), ("sì", True), ("tak", True), ("evet", True), ("да", True), ("так", True),
        ("نعم", True), ("כן", True), ("हाँ", True), ("はい", True), ("是的", True), ("네", True), ("ναι", True),
        ("igen", True), ("ano", True), ("kyllä", True), ("taip", True), ("jā", True), ("vâng", True), ("ใช่", True),
        ("ya", True), ("ndiyo", True), ("بله", True), ("ہاں", True), ("হ্যাঁ", True), ("ஆம்", True), ("da", True),
        ("no", False), ("No, thank you.", False), ("nope", False), ("nein", False), ("non merci", False),
        ("não", False), ("nie", False), ("hayır", False), ("HAYIR", False), ("Нет!", False), ("ні", False),
        ("لا", False), ("לא", False), ("नहीं", False), ("いいえ", False), ("不是", False), ("아니요", False),
        ("όχι", False), ("nem", False), ("ne", False), ("ei", False), ("nej", False), ("không", False),
        ("ไม่", False), ("tidak", False), ("hapana", False), ("خیر", False), ("না", False), ("இல்லை", False),
        ("👍", True), ("👍🏽", True), ("👍👍🏿", True), ("✔️", True), ("✅", True), ("yes 👍", True),
        ("👎", False), ("👎🏻", False), ("❌", False), ("👍👎", None), ("🙂", None),
        ("maybe", None), ("yes and no", None), ("", None), (" ", None), ("yes" + " " * 500, None),
    ],
)  # fmt: skip
def test_yes_and_no(text: str, value: bool | None) -> None:
    assert read_yes_no(text) is value


def test_no_word_is_both_yes_and_no() -> None:
    yes = {fold(word) for agreed, _ in words._WORDS.values() for word in agreed.split("|")}
    no = {fold(word) for _, refused in words._WORDS.values() for word in refused.split("|")}
    assert yes & no == set()
    assert len(words._WORDS) >= 20


@pytest.mark.parametrize(
    "read",
    [
        read_number, read_integer, read_email, read_phone, read_url, read_location, read_yes_no,
    ],
)  # fmt: skip
@pytest.mark.parametrize("piece", ["1,", "1 ", "a@", "a.", "+ ", "((", "ｅ", "-", "ﷺ", "。"])
def test_a_huge_answer_costs_little(read: object, piece: str) -> None:
    assert callable(read)
    read("warm@example.com")
    assert assert_within(0.1, partial(read, piece * 200_000)) is None


def test_no_large_library_is_imported_before_a_text_needs_it() -> None:
    script = (
        "import sys, engine.answers, engine.answers.sentences, engine.validation as validation;"
        "from engine.answers import *;"
        "validation.compile_rules(validation.Rules(minimum=1));"
        "read_number('12,5'); read_phone('0301234'); read_url('example.com');"
        "read_date('1.2.2026'); read_time('14:30');"
        "large = {'babel', 'email_validator', 'phonenumbers', 'idna', 'jsonschema_rs', 'dns'};"
        "print(*(large & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_reading_an_address_asks_no_name_server() -> None:
    script = (
        "import sys; from engine.answers import read_email;"
        "sys.addaudithook(lambda event, _: event.startswith('socket.') and sys.exit(event));"
        "print(read_email('ana@example.com'), 'dns.resolver' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["ana@example.com", "False"]
