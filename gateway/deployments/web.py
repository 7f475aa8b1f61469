"""The document of a web channel. Its sections are those that the widget reads (`gateway.web.appearance`)."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import ConfigDict, Field

from gateway.deployments.base import Document, Secret


class WebDocument(Document):
    """`deployment_configs.platform_config` of a web channel; `WebSettings` checks the sections."""

    platform: ClassVar[str] = "web"
    required_secrets: ClassVar[tuple[str, ...]] = ("session_secret",)

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    widget_type: Literal["embedded"] = "embedded"
    embed_configuration: dict[str, Any] = Field(default_factory=dict, max_length=50)
    security: dict[str, Any] = Field(default_factory=dict, max_length=50)
    appearance: dict[str, Any] = Field(default_factory=dict, max_length=50)
    behavior: dict[str, Any] = Field(default_factory=dict, max_length=50)
    performance: dict[str, Any] = Field(default_factory=dict, max_length=50)
    greet: bool = True
    session_secret: Secret = ""
    """Signs visitors' sessions; made by the gateway."""
