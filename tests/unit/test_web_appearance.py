"""A web channel's settings: the documents' configuration is read, a wrong one is refused, domains are kept."""

from __future__ import annotations

import pytest

from adapters.errors import Misconfigured
from gateway.web.appearance import WebSettings
from gateway.web.security import Security

DOCUMENTED = {
    "widget_type": "embedded",
    "embed_configuration": {"async_loading": True, "lazy_loading": True, "preload": False},
    "security": {
        "allowed_domains": ["*.example.com", "app.example.com", "admin.example.com"],
        "cors_origins": ["https://example.com", "https://app.example.com"],
        "ssl_required": True,
    },
    "appearance": {
        "position": "bottom-right",
        "offset": {"x": 20, "y": 20},
        "size": {"width": "350px", "height": "500px", "min_height": "400px"},
        "responsive": {
            "mobile": {"width": "100%", "height": "70%", "position": "bottom"},
            "tablet": {"width": "400px", "height": "600px"},
        },
        "animation": {"entrance": "slide-up", "exit": "slide-down", "duration": 300, "easing": "ease-in-out"},
    },
    "behavior": {
        "auto_open": False,
        "auto_open_delay": 5000,
        "auto_open_conditions": {"page_time": 30, "scroll_percentage": 50, "exit_intent": True},
        "notification_badge": True,
        "typing_indicator": True,
        "read_receipts": True,
        "file_upload": {"enabled": True, "max_size": "10MB"},
    },
}


def test_reads_the_documented_configuration() -> None:
    settings = WebSettings.read(DOCUMENTED)
    told = settings.for_widget(uploads=True)
    assert told["appearance"]["size"] == {"width": "350px", "height": "500px", "min_height": "400px"}
    assert told["appearance"]["responsive"]["mobile"]["height"] == "70%"
    assert told["behavior"]["auto_open_conditions"]["scroll_percentage"] == 50
    assert settings.greet is True
    assert "allowed_domains" not in str(told)


def test_an_empty_configuration_has_defaults() -> None:
    settings = WebSettings.read({})
    assert settings.appearance.position == "bottom-right"
    assert settings.security.allowed_domains == ()


@pytest.mark.parametrize(
    ("settings", "place"),
    [
        ({"appearance": {"size": {"width": "350px;} body{display:none"}}}, "appearance.size.width"),
        ({"appearance": {"theme": {"accent": "red"}}}, "appearance.theme.accent"),
        ({"appearance": {"position": "middle"}}, "appearance.position"),
        ({"security": {"allowed_domains": "example.com"}}, "security.allowed_domains"),
        ({"security": {"allowed_domains": ["https://example.com"]}}, "security.allowed_domains.0"),
        ({"security": {"allowed_domains": ["*"]}}, "security.allowed_domains.0"),
        ({"security": {"allowed_domains": ["*.*.com"]}}, "security.allowed_domains.0"),
        ({"behavior": {"auto_open_delay": -1}}, "behavior.auto_open_delay"),
        ({"greet": "often"}, "greet"),
    ],
)
def test_a_wrong_value_is_refused_by_name(settings: dict[str, object], place: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        WebSettings.read(settings)
    assert caught.value.reason.startswith(place)


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("https://app.example.com", True),
        ("https://APP.example.com", True),
        ("http://app.example.com:3000", True),
        ("https://a.b.shops.example", True),
        ("https://shops.example", False),
        ("https://evilshops.example", False),
        ("https://app.example.com.evil.org", False),
        ("https://xn--bcher-kva.example", True),
        ("http://localhost:3000", True),
        ("http://localhost:3001", False),
        ("https://gateway.test", True),
        ("https://gateway.test:8443", False),
        ("null", False),
        ("", False),
        (None, False),
        ("file://app.example.com", False),
        ("https://[bad", False),
        ("https://app.example.com:99999", False),
    ],
)
def test_only_the_listed_sites_may_embed(origin: str | None, allowed: bool) -> None:
    domains = ("app.example.com", "*.shops.example", "bücher.example", "localhost:3000")
    security = Security.model_validate({"allowed_domains": domains})
    assert security.allows(origin, "gateway.test") is allowed


@pytest.mark.parametrize("origin", ["https://anything.org", "null", None])
def test_an_empty_list_allows_every_site(origin: str | None) -> None:
    assert Security().allows(origin, "gateway.test")
