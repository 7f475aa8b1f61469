"""What the widget does: when it opens and loads, what may be uploaded, how its traffic is sized."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

MAX_TYPES: Final = 50
MAX_FILE_BYTES: Final = 2 * 2**30
_UNITS: Final = {"": 1, "B": 1, "KB": 2**10, "MB": 2**20, "GB": 2**30}
_SIZE: Final = re.compile(r"(\d{1,10}(?:\.\d{1,3})?)\s?([KMG]?B)?", re.IGNORECASE)
_TYPE: Final = re.compile(r"(\*/\*|[a-z]+/(\*|[a-z0-9][a-z0-9.+-]*)|\.[a-z0-9]{1,10}(\.[a-z0-9]{1,10})?)")


def _bytes(value: Any) -> Any:
    """`"10MB"` → 10485760, with units of 1024. A number counts bytes."""
    if not isinstance(value, str):
        return value
    size = _SIZE.fullmatch(value.strip())
    if size is None:
        raise ValueError('is no size; write "10MB"')
    return int(float(size[1]) * _UNITS[(size[2] or "").upper()])


def _file_type(value: str) -> str:
    lower = value.strip().lower()
    if not _TYPE.fullmatch(lower):
        raise ValueError("is no type of file; write image/*, application/pdf or .docx")
    return lower


def _pixels(value: Any) -> Any:
    """`"500px"` → 500."""
    if isinstance(value, str) and (pixels := re.fullmatch(r"(\d{1,5})px", value.strip())):
        return int(pixels[1])
    return value


Bytes: TypeAlias = Annotated[int, BeforeValidator(_bytes), Field(ge=1, le=MAX_FILE_BYTES)]
FileType: TypeAlias = Annotated[str, AfterValidator(_file_type)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


class AutoOpen(_Model):
    """When the panel opens by itself; the first condition that comes true opens it."""

    page_time: float | None = Field(default=None, ge=0, le=3600)
    """Seconds on the page."""
    scroll_percentage: float | None = Field(default=None, ge=0, le=100)
    exit_intent: bool = False


class FileUpload(_Model):
    """What visitors may upload. The upload checks it again, by the content."""

    enabled: bool = True
    max_size: Bytes = 10 * 2**20
    """Bytes of one file; `"10MB"` is read too."""
    allowed_types: tuple[FileType, ...] = Field(
        default=(
            "image/*", "audio/*", "video/*", "application/pdf", "text/plain", ".csv",
            ".doc", ".docx", ".xls", ".xlsx", ".ppt", ".pptx", ".odt", ".ods",
        ),
        min_length=1,
        max_length=MAX_TYPES,
    )  # fmt: skip
    """MIME types, `image/*`, or endings of names."""


class Behavior(_Model):
    """What the widget does by itself."""

    auto_open: bool = False
    auto_open_delay: int = Field(default=5000, ge=0, le=3_600_000)
    """Milliseconds, when there are no conditions."""
    auto_open_conditions: AutoOpen | None = None
    notification_badge: bool = True
    typing_indicator: bool = True
    read_receipts: bool = True
    reactions: bool = True
    """Whether visitors may put an emoji to the bot's messages."""
    file_upload: FileUpload = FileUpload()


class Embedding(_Model):
    """How the page loads the widget."""

    async_loading: bool = True
    """The script's tag, as it is printed, does not hold up the page."""
    lazy_loading: bool = False
    """The widget waits until the page has loaded and the browser is idle."""
    preload: bool = False
    """The script is fetched early, and the socket opened with the page, so that the panel opens at once."""


class Performance(_Model):
    """How the widget spends the visitor's resources."""

    lazy_load_threshold: Annotated[int, BeforeValidator(_pixels), Field(ge=0, le=10_000)] = 500
    """How near a picture has to be to what is seen before it is fetched, in CSS pixels; `"500px"` is read too."""
    debounce_typing: int = Field(default=0, ge=0, le=5_000)
    """Milliseconds that the bot has to be typing before that shows: a quick answer then does not flicker."""
    message_batch_size: int = Field(default=200, ge=1, le=200)
    """Messages that are read in one go when a widget comes back."""
    cache_strategy: Literal["aggressive", "normal", "none"] = "normal"
    """How long browsers keep the widget's configuration."""
