"""What a web channel's document says, and what comes of it: uploads, loading, origins, policies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from adapters.errors import Misconfigured
from gateway.web.appearance import WebSettings
from gateway.web.embed import embed_lines, policy_header
from gateway.web.texts import Texts

DOCUMENT: dict[str, Any] = json.loads((Path(__file__).parents[1] / "data/deployments/web.json").read_text())
BASE = "https://bot.example.org"


def test_the_documents_example_means_what_it_says() -> None:
    settings = WebSettings.read(DOCUMENT)
    told = settings.for_widget(uploads=True)
    assert told["behavior"]["file_upload"] == {
        "enabled": True,
        "max_size": 10 * 1024 * 1024,
        "allowed_types": ["image/*", "application/pdf", ".doc", ".docx"],
    }
    assert told["loading"] == {
        "lazy": True,
        "preload": False,
        "unframed": True,
        "near_px": 500,
        "typing_ms": 300,
    }
    assert (settings.performance.message_batch_size, settings.performance.cache_strategy) == (
        20,
        "aggressive",
    )
    security = settings.security
    assert security.allows("https://example.com", "bot.example.org")
    assert security.allows("https://shop.example.com", "bot.example.org")
    assert not security.allows("http://shop.example.com", "bot.example.org")
    assert not security.allows("https://example.org", "bot.example.org")


def test_a_server_without_a_store_offers_no_uploads() -> None:
    assert WebSettings.read(DOCUMENT).for_widget(uploads=False)["behavior"]["file_upload"]["enabled"] is False


@pytest.mark.parametrize(
    ("size", "bytes_"),
    [("10MB", 10_485_760), ("1.5 kb", 1536), ("2GB", 2_147_483_648), (4096, 4096), ("77", 77)],
)
def test_sizes_are_read_with_their_unit(size: object, bytes_: int) -> None:
    settings = WebSettings.read({"behavior": {"file_upload": {"max_size": size}}})
    assert settings.behavior.file_upload.max_size == bytes_


@pytest.mark.parametrize(
    ("settings", "place"),
    [
        ({"behavior": {"file_upload": {"max_size": "much"}}}, "behavior.file_upload.max_size"),
        ({"behavior": {"file_upload": {"max_size": "0MB"}}}, "behavior.file_upload.max_size"),
        ({"behavior": {"file_upload": {"max_size": "9GB"}}}, "behavior.file_upload.max_size"),
        ({"behavior": {"file_upload": {"allowed_types": []}}}, "behavior.file_upload.allowed_types"),
        ({"behavior": {"file_upload": {"allowed_types": ["doc"]}}}, "behavior.file_upload.allowed_types.0"),
        ({"performance": {"lazy_load_threshold": "5em"}}, "performance.lazy_load_threshold"),
        ({"performance": {"debounce_typing": -1}}, "performance.debounce_typing"),
        ({"performance": {"message_batch_size": 0}}, "performance.message_batch_size"),
        ({"performance": {"cache_strategy": "eager"}}, "performance.cache_strategy"),
        ({"embed_configuration": {"lazy_loading": "often"}}, "embed_configuration.lazy_loading"),
        ({"security": {"cors_origins": ["example.com"]}}, "security.cors_origins.0"),
        ({"security": {"cors_origins": ["https://example.com/shop"]}}, "security.cors_origins.0"),
        ({"security": {"cors_origins": ["https://me@example.com"]}}, "security.cors_origins.0"),
        ({"security": {"cors_origins": ["https://[bad"]}}, "security.cors_origins.0"),
        ({"security": {"csp_directives": {"script src": "'self'"}}}, "security.csp_directives"),
        ({"security": {"csp_directives": {"script-src": "'self'; object-src *"}}}, "security.csp_directives"),
        ({"security": {"csp_directives": {"img-src": "a\nb"}}}, "security.csp_directives"),
    ],
)
def test_a_wrong_value_is_refused_by_its_place(settings: dict[str, Any], place: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        WebSettings.read(settings)
    assert caught.value.reason.startswith(place)


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("https://example.com", True),
        ("https://EXAMPLE.com", True),
        ("https://example.com:8443", False),
        ("http://example.com", False),
        ("https://sub.example.com", False),
        ("null", False),
    ],
)
def test_an_origin_is_allowed_with_its_scheme_and_port(origin: str, allowed: bool) -> None:
    settings = WebSettings.read({"security": {"cors_origins": ["https://example.com/"]}})
    assert settings.security.allows(origin, "bot.example.org") is allowed


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [("https://a.example", True), ("http://a.example", False), ("http://localhost:3000", True), (None, True)],
)
def test_pages_without_tls_are_refused_where_it_is_required(origin: str | None, allowed: bool) -> None:
    security = WebSettings.read({"security": {"ssl_required": True}}).security
    assert security.allows(origin, "bot.example.org") is allowed


def test_only_an_allowed_origin_may_read_answers_where_not_everybody_may() -> None:
    anybody = WebSettings.read({}).security
    assert anybody.cross_origin("https://a.example") == {"Access-Control-Allow-Origin": "*"}
    some = WebSettings.read({"security": {"allowed_domains": ["a.example"]}}).security
    assert some.cross_origin("https://a.example") == {
        "Access-Control-Allow-Origin": "https://a.example",
        "Vary": "Origin",
    }
    assert some.cross_origin(None) == {"Vary": "Origin"}


def test_the_lines_for_the_page_follow_the_document() -> None:
    plain = embed_lines(BASE, "r1", WebSettings.read({}))
    assert plain == [f'<script src="{BASE}/widget.js" data-bot-id="r1" async></script>']
    embedding = {"async_loading": False, "preload": True}
    assert embed_lines(BASE, "r1", WebSettings.read({"embed_configuration": embedding})) == [
        f'<link rel="preload" href="{BASE}/widget.js" as="script">',
        f'<script src="{BASE}/widget.js" data-bot-id="r1"></script>',
    ]


def test_the_policy_adds_what_the_widget_needs_to_what_the_site_says() -> None:
    header = policy_header(BASE, WebSettings.read(DOCUMENT))
    assert f"script-src 'self' 'unsafe-inline' https://cdn.pixel-ai.com {BASE}" in header
    assert (
        f"connect-src 'self' https://api.pixel-ai.com wss://ws.pixel-ai.com {BASE} wss://bot.example.org"
        in header
    )
    assert "frame-ancestors 'self' https://example.com" in header
    assert f"img-src 'self' {BASE} data: blob:" in header
    closed = WebSettings.read({"security": {"csp_directives": {"media-src": "'none'"}}})
    assert f"media-src {BASE} blob:" in policy_header(BASE, closed)


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        ("de", "de"),
        ("de-AT", "de"),
        ("pt-BR", "pt"),
        ("pt-PT", "pt-pt"),
        ("zh-Hant-TW", "zh-hant"),
        ("zh_HK", "zh-hant"),
        ("zh-CN", "zh"),
        ("en-GB", None),
        ("xx", None),
        ("", None),
        ("-", None),
        ("x" * 5_000, None),
    ],
)
def test_each_language_gets_the_nearest_words_there_are(tag: str, language: str | None) -> None:
    found = Texts().of(tag)
    assert found.get("language") == language
    if language:
        assert found["words"]["send"]


def test_every_language_has_every_word_and_its_places() -> None:
    languages = json.loads((Path(__file__).parents[2] / "widget/src/languages.json").read_text())
    assert len(languages) == 15  # and English
    names = languages["de"].keys()
    for tag, words in languages.items():
        assert words.keys() == names, tag
        assert "{size}" in words["too_large"], tag
        assert "{count}" in words["too_many"], tag
