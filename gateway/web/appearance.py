"""A web channel's settings: how the widget looks; how it behaves and who may have it are its neighbours' matter.

The names are those of the web platform configuration. What is not named here is kept in the database and
ignored. A value that a browser would put into a style is checked for its form.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from adapters.errors import Misconfigured
from gateway.web.behavior import Behavior, Embedding, Performance
from gateway.web.security import Security

Length: TypeAlias = Annotated[str, Field(pattern=r"^\d{1,4}(\.\d{1,2})?(px|%|vh|vw|rem|em)$")]
Color: TypeAlias = Annotated[str, Field(pattern=r"^#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$")]
Words: TypeAlias = Annotated[str, Field(max_length=200)]


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
    """The widget's own words, by their name, in place of those of the visitor's language."""


class WebSettings(_Model):
    """Everything that a web channel's settings say."""

    appearance: Appearance = Appearance()
    behavior: Behavior = Behavior()
    embed_configuration: Embedding = Embedding()
    performance: Performance = Performance()
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

    def for_widget(self, *, uploads: bool) -> dict[str, Any]:
        """What the widget is told; `uploads`: whether this server takes files at all."""
        behavior = self.behavior.model_dump(mode="json")
        behavior["file_upload"]["enabled"] = uploads and self.behavior.file_upload.enabled
        embedding, performance = self.embed_configuration, self.performance
        return {
            "appearance": self.appearance.model_dump(mode="json"),
            "behavior": behavior,
            "loading": {
                "lazy": embedding.lazy_loading,
                "preload": embedding.preload,
                "unframed": self.security.iframe_protection,
                "near_px": performance.lazy_load_threshold,
                "typing_ms": performance.debounce_typing,
            },
        }
