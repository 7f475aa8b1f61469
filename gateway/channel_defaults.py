"""What every channel of a platform is told unless its own configuration says otherwise: the process's settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.settings import Settings


def channel_defaults(settings: Settings) -> Mapping[str, Mapping[str, Any]]:
    """By platform; see `gateway.channel_config.access_of`."""
    return {
        "telegram": {
            "api_base": settings.telegram_api_base,
            "uncertain_send": settings.telegram_uncertain_send,
        },
        "whatsapp": {"api_base": settings.whatsapp_api_base},
        "slack": {"api_base": settings.slack_api_base},
        "web": {},
    }
