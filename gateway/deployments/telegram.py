"""The document of a Telegram channel."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from gateway.deployments.base import Address, Command, Document, RateLimits, Secret, Section, Text


class BotConfiguration(Section):
    """Who the bot is."""

    bot_token: Secret = ""
    bot_username: Annotated[str, Field(pattern=r"^@?[A-Za-z0-9_]{0,64}$")] = ""
    bot_name: Annotated[str, Field(max_length=64)] = ""
    description: Annotated[str, Field(max_length=512)] = ""
    """What an empty chat shows."""
    about: Annotated[str, Field(max_length=120)] = ""
    """What the profile shows."""


class WebhookSetup(Section):
    """Where Telegram posts updates."""

    webhook_url: Address = ""
    """Set by the gateway when the channel is connected."""
    allowed_updates: Annotated[tuple[Text, ...], Field(max_length=50)] = ()
    """Kinds of updates; empty: all that the gateway handles. Those that it needs are always asked for."""
    drop_pending_updates: bool = False
    secret_token: Secret = ""


class MenuButton(Section):
    """The button beside the input field, which opens a Mini App."""

    text: Annotated[str, Field(max_length=64)] = ""
    url: Address = ""


class BotFeatures(Section):
    """Where the bot can be talked to."""

    inline_mode: bool = False
    """Whether customers may ask the bot from other chats; @BotFather has to allow it (/setinline)."""
    group_mode: bool = True
    privacy_mode: bool = True
    commands: Annotated[tuple[Command, ...], Field(max_length=100)] = ()
    """The menu of commands."""
    menu_button: MenuButton | None = None
    """In place of the menu of commands; unset: the commands."""


class MessageFormatting(Section):
    """How messages are sent."""

    parse_mode: Literal["Markdown", "MarkdownV2", "HTML", "None", ""] = "Markdown"
    """Kept and not used: formatting goes as entities, which no stray character can break."""
    disable_web_page_preview: bool = False
    disable_notification: bool = False
    keyboard_types: tuple[Literal["inline", "reply", "remove"], ...] = ("inline", "reply", "remove")
    max_message_length: Annotated[int, Field(ge=1, le=4_096)] = 4_096
    file_upload_enabled: bool = True


class AdvancedFeatures(Section):
    """What else is switched on."""

    inline_keyboards: bool = True
    callback_queries: bool = True
    inline_queries: bool = True
    web_app_support: bool = True
    payment_support: bool = False
    games_support: bool = False


class TelegramDocument(Document):
    """`deployment_configs.platform_config` of a Telegram channel."""

    platform: ClassVar[str] = "telegram"
    required_secrets: ClassVar[tuple[str, ...]] = ("bot_token", "secret_token")

    bot_configuration: BotConfiguration = BotConfiguration()
    webhook_setup: WebhookSetup = WebhookSetup()
    bot_features: BotFeatures = BotFeatures()
    message_formatting: MessageFormatting = MessageFormatting()
    advanced_features: AdvancedFeatures = AdvancedFeatures()
    uncertain_send: Literal["resend", "drop"] | None = None
    """What becomes of a send whose answer was lost; unset: as GATEWAY_TELEGRAM_UNCERTAIN_SEND says."""
    rate_limits: RateLimits | None = None
    api_base: Address = ""
    """Another Bot API server than Telegram's own; empty: as GATEWAY_TELEGRAM_API_BASE says."""
