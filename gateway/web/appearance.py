"""A web channel's settings: how the widget looks and behaves, and which sites may embed it.

The names are those of the web platform configuration. What is not named here is kept in the database and
ignored. A value that a browser would put into a style is checked for its form.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, TypeAlias
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from adapters.errors import Misconfigured

Length: TypeAlias = Annotated[str, Field(pattern=r"^\d{1,4}(\.\d{1,2})?(px|%|vh|vw|rem|em)$")]
Color: TypeAlias = Annotated[str, Field(pattern=r"^#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$")]
Words: TypeAlias = Annotated[str, Field(max_length=200)]

_DOMAIN: Final = re.compile(
    r"(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(:\d{1,5})?"
)
MAX_DOMAINS: Final = 200


class _Model(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


class Offset(_Model):
    """Distance from the window's corner, in CSS pixels."""

    x: int = Field(default=20, ge=0, le=500)
    y: int = Field(default=20, ge=0, le=500)


class Size(_Model):
    """The panel's size on a large screen."""

    width: Length = "384px"
    height: Length = "640px"
    min_height: Length = "400px"


class Mobile(_Model):
    """The panel on a phone: the whole screen, unless it says otherwise."""

    width: Length = "100%"
    height: Length = "100%"
    position: Literal["bottom", "top"] = "bottom"


class Tablet(_Model):
    """The panel on a tablet; unset: as on a large screen."""

    width: Length | None = None
    height: Length | None = None


class Responsive(_Model):
    """The panel on smaller screens."""

    mobile: Mobile = Mobile()
    tablet: Tablet = Tablet()


class Animation(_Model):
    """How the panel comes and goes; visitors who prefer reduced motion see none."""

    entrance: Literal["slide-up", "fade", "scale", "none"] = "slide-up"
    exit: Literal["slide-down", "fade", "scale", "none"] = "slide-down"
    duration: int = Field(default=220, ge=0, le=2000)
    """Milliseconds."""
    easing: Literal["ease", "ease-in", "ease-out", "ease-in-out", "linear"] = "ease-out"


class Theme(_Model):
    """Colours."""

    mode: Literal["auto", "light", "dark"] = "auto"
    accent: Color = "#3f5bd9"


class Appearance(_Model):
    """What the widget looks like."""

    position: Literal["bottom-right", "bottom-left", "top-right", "top-left"] = "bottom-right"
    offset: Offset = Offset()
    size: Size = Size()
    responsive: Responsive = Responsive()
    animation: Animation = Animation()
    theme: Theme = Theme()
    title: Words = ""
    """The panel's heading; empty: the bot's name."""
    subtitle: Words = ""
    texts: dict[Annotated[str, Field(max_length=40)], Words] = Field(default={}, max_length=60)
    """The widget's own words, by their name, in place of the English ones."""


class AutoOpen(_Model):
    """When the panel opens by itself; the first condition that comes true opens it."""

    page_time: float | None = Field(default=None, ge=0, le=3600)
    """Seconds on the page."""
    scroll_percentage: float | None = Field(default=None, ge=0, le=100)
    exit_intent: bool = False


class Behavior(_Model):
    """What the widget does by itself."""

    auto_open: bool = False
    auto_open_delay: int = Field(default=5000, ge=0, le=3_600_000)
    """Milliseconds, when there are no conditions."""
    auto_open_conditions: AutoOpen | None = None
    notification_badge: bool = True
    typing_indicator: bool = True
    read_receipts: bool = True


def _domain(pattern: str) -> str:
    """`*.Example.com` → `*.example.com`; international names as a browser sends them."""
    wild, rest = ("*.", pattern[2:]) if pattern.startswith("*.") else ("", pattern)
    host, colon, port = rest.partition(":")
    try:
        name = host.encode("idna").decode().lower()
    except UnicodeError:
        name = ""
    normal = f"{wild}{name}{colon}{port}"
    if not _DOMAIN.fullmatch(normal):
        raise ValueError("is no domain; write app.example.com or *.example.com, without https://")
    return normal


class Security(_Model):
    """Which sites may embed the widget. An empty list: any."""

    allowed_domains: tuple[Annotated[str, AfterValidator(_domain)], ...] = Field(
        default=(), max_length=MAX_DOMAINS
    )

    def allows(self, origin: str | None, host: str) -> bool:
        """Whether a page of `origin` may talk to this channel on a server that is called `host`.

        The server's own pages always may. `*.example.com` stands for every subdomain, not for the domain
        itself. A page without an origin of its own (`null`, or none at all) may when everybody may.
        """
        if not self.allowed_domains:
            return True
        try:
            parts = urlsplit(origin or "")
            name, port = (parts.hostname or "").lower(), parts.port
        except ValueError:
            return False
        if not name or parts.scheme not in ("http", "https"):
            return False
        if parts.netloc.lower() == host.lower():
            return True
        return any(_matches(pattern, name, port) for pattern in self.allowed_domains)


class WebSettings(_Model):
    """Everything that a web channel's settings say."""

    appearance: Appearance = Appearance()
    behavior: Behavior = Behavior()
    security: Security = Security()
    greet: bool = True
    """Whether the bot speaks first when a visitor opens the panel."""

    @classmethod
    def read(cls, settings: Mapping[str, Any]) -> WebSettings:
        """Read stored settings. Raises `Misconfigured`, naming what is wrong: a guess could open a door."""
        try:
            return cls.model_validate(settings)
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            place = ".".join(str(part) for part in first["loc"])
            raise Misconfigured(f"{place}: {first['msg']}") from None

    def for_widget(self) -> dict[str, Any]:
        """What the widget is told."""
        return {
            "appearance": self.appearance.model_dump(mode="json"),
            "behavior": self.behavior.model_dump(mode="json"),
        }


def _matches(pattern: str, name: str, port: int | None) -> bool:
    domain, _, wanted_port = pattern.partition(":")
    if wanted_port and str(port) != wanted_port:
        return False
    if domain.startswith("*."):
        return name.endswith(domain[1:])
    return name == domain
