"""The document of a WhatsApp channel."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal, TypeAlias

from pydantic import Field, field_validator

from gateway.deployments.base import Address, Digits, Document, RateLimits, Secret, Section, Size, Text

MAX_TEMPLATES = 250
MAX_COMPONENTS = 10

Category: TypeAlias = Literal["MARKETING", "UTILITY", "AUTHENTICATION"]
ClockTime: TypeAlias = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
DailyLimit: TypeAlias = Annotated[int, Field(ge=0, le=10_000_000)] | Literal["unlimited"]


class BusinessAccount(Section):
    """Whose number it is."""

    phone_number: Annotated[str, Field(pattern=r"^\+?[\d ()-]{0,32}$")] = ""
    business_account_id: Digits = ""
    display_name: Text = ""
    verified: bool = False
    tier: Text = ""


class WebhookConfiguration(Section):
    """Where Meta posts what happens."""

    webhook_url: Address = ""
    """Set by the gateway when the channel is connected."""
    verify_token: Secret = ""
    fields: Annotated[tuple[Text, ...], Field(max_length=50)] = ("messages",)


class Authentication(Section):
    """The app's and the number's credentials."""

    access_token: Secret = ""
    app_id: Digits = ""
    app_secret: Secret = ""
    business_phone_number_id: Digits = ""


class TemplateButton(Section):
    """A button of a template, as Meta approved it."""

    type: Literal["QUICK_REPLY", "URL", "PHONE_NUMBER", "COPY_CODE", "FLOW", "OTP"]
    text: Text = ""
    url: Text = ""
    phone_number: Text = ""
    example: Any = None


class TemplateComponent(Section):
    """A part of a template; `{{name}}` or `{{1}}` stand for parameters."""

    type: Literal["HEADER", "BODY", "FOOTER", "BUTTONS"]
    format: Literal["TEXT", "IMAGE", "VIDEO", "DOCUMENT", "LOCATION"] | None = None
    text: Text = ""
    buttons: Annotated[tuple[TemplateButton, ...], Field(max_length=10)] = ()
    example: Any = None

    @field_validator("type", "format", mode="before")
    @classmethod
    def _upper(cls, value: Any) -> Any:
        return value.upper() if isinstance(value, str) else value


class MessageTemplate(Section):
    """A message that Meta approved, or has to approve."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,512}$")]
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}(_[A-Z]{2})?$")]
    category: Category = "UTILITY"
    status: Annotated[str, Field(pattern=r"^[A-Z_]{1,40}$")] = "PENDING"
    components: Annotated[tuple[TemplateComponent, ...], Field(max_length=MAX_COMPONENTS)] = ()


class MediaSettings(Section):
    """Which files customers may send, and how large they may be."""

    max_file_size: Size = "16MB"
    allowed_media_types: tuple[Literal["image", "audio", "video", "document", "sticker"], ...] = (
        "image", "audio", "video", "document", "sticker",
    )  # fmt: skip
    image_formats: Annotated[tuple[Text, ...], Field(max_length=50)] = ()
    video_formats: Annotated[tuple[Text, ...], Field(max_length=50)] = ()
    audio_formats: Annotated[tuple[Text, ...], Field(max_length=50)] = ()
    document_formats: Annotated[tuple[Text, ...], Field(max_length=50)] = ()


class BusinessFeatures(Section):
    """Which native forms are used."""

    catalog_integration: bool = False
    payment_integration: bool = False
    location_sharing: bool = True
    contact_sharing: bool = True
    quick_replies: bool = True
    interactive_buttons: bool = True
    list_messages: bool = True


class CategoryLimits(Section):
    """How many templates of a category go out on a day (UTC)."""

    marketing_messages: DailyLimit = "unlimited"
    utility_messages: DailyLimit = "unlimited"
    authentication_messages: DailyLimit = "unlimited"


class Compliance(Section):
    """What customers and Meta are owed."""

    opt_in_required: bool = False
    """Marketing templates go only to customers who have agreed."""
    opt_out_keywords: Annotated[tuple[Text, ...], Field(max_length=100)] = ("STOP", "UNSUBSCRIBE", "CANCEL")
    opt_in_keywords: Annotated[tuple[Text, ...], Field(max_length=100)] = ("START", "UNSTOP", "SUBSCRIBE")
    business_hours_only: bool = False
    """Marketing templates go out within `business_hours` only."""
    rate_limiting: CategoryLimits = CategoryLimits()


class BusinessHours(Section):
    """When marketing may be sent, if it may not be sent at any hour."""

    start: ClockTime = "09:00"
    end: ClockTime = "18:00"
    timezone: Text = "UTC"
    """IANA name."""


class Window(Section):
    """What becomes of a free-form message when the customer wrote more than 24 hours ago."""

    template: Text = ""
    """Key in `message_templates` of what is sent instead; empty: the message is held."""
    parameters: dict[Text, Text] = Field(default_factory=dict, max_length=50)
    """Values of its placeholders; `{{text}}` stands for the message's own text."""


class WhatsAppDocument(Document):
    """`deployment_configs.platform_config` of a WhatsApp channel."""

    platform: ClassVar[str] = "whatsapp"
    required_secrets: ClassVar[tuple[str, ...]] = ("access_token", "app_secret", "verify_token")

    business_account: BusinessAccount = BusinessAccount()
    webhook_configuration: WebhookConfiguration = WebhookConfiguration()
    authentication: Authentication = Authentication()
    message_templates: dict[Text, MessageTemplate] = Field(default_factory=dict, max_length=MAX_TEMPLATES)
    media_settings: MediaSettings = MediaSettings()
    business_features: BusinessFeatures = BusinessFeatures()
    compliance: Compliance = Compliance()
    window: Window = Window()
    business_hours: BusinessHours = BusinessHours()
    mark_as_read: bool = True
    rate_limits: RateLimits | None = None
    api_base: Address = ""
    """Another Graph API server than Meta's own, such as one for tests."""
