"""Every setting of the gateway: its name, meaning, unit and bounds. `docs/settings.md` is made from here.

Sources, the first that names a setting wins: the command line, environment variables, the file `.env` and the
file `gateway.toml` (both in the working directory; GATEWAY_CONFIG names another TOML file), files named like
the variables under /run/secrets. An empty variable counts as unset.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

PREFIX = "GATEWAY_"
CONFIG_VARIABLE = "GATEWAY_CONFIG"
DEFAULT_CONFIG = "gateway.toml"
SECRETS_DIRECTORY = "/run/secrets"
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


def _check_postgresql(url: SecretStr) -> SecretStr:
    return _check_scheme(
        url, ("postgresql", "postgres", "postgresql+asyncpg"), "postgresql://user:password@host:5432/database"
    )


def _check_redis(url: SecretStr) -> SecretStr:
    return _check_scheme(url, ("redis", "rediss", "unix"), "redis://host:6379/0")


def _check_scheme(url: SecretStr, schemes: tuple[str, ...], form: str) -> SecretStr:
    try:
        parts = urlsplit(url.get_secret_value())
        parts.port  # noqa: B018  (raises for a wrong one)
    except ValueError:
        raise ValueError(f"is no URL; write {form}") from None
    if parts.scheme not in schemes:
        raise ValueError(
            f"does not begin with {' or '.join(f'{scheme}://' for scheme in schemes)}; write {form}"
        )
    return url


def _check_keys(keys: SecretStr) -> SecretStr:
    from storage.errors import KeyringInvalid
    from storage.keyring import Keyring

    try:
        Keyring.parse(keys.get_secret_value())
    except KeyringInvalid as error:
        raise ValueError(f"{error}; make a key with: gateway keys generate") from None
    return keys


def _check_public_url(url: str) -> str:
    if not url:
        return url
    parts = urlsplit(url)
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise ValueError("platforms call webhooks over https only; write https://bot.example.org")
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise ValueError("is no https URL; write https://bot.example.org")
    if parts.query or parts.fragment or parts.username:
        raise ValueError("has a query, a fragment or a user; write only https://host[:port][/path]")
    return url.rstrip("/")


def _check_base_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise ValueError("is no URL; write https://api.telegram.org")
    return url.rstrip("/")


def _check_smtp(url: SecretStr) -> SecretStr:
    form = "smtp://user:password@mail.example.org:587"
    checked = _check_scheme(url, ("smtp", "smtps"), form)
    if not urlsplit(url.get_secret_value()).hostname:
        raise ValueError(f"names no host; write {form}")
    return checked


def _check_media_url(url: SecretStr) -> SecretStr:
    from gateway.media.places import check_media_url

    check_media_url(url.get_secret_value())
    return url


def _check_sender(sender: str) -> str:
    from gateway.work.email import check_sender

    return check_sender(sender) if sender else sender


def _check_hosts(text: str) -> str:
    from gateway.work.addresses import parse_allowed

    try:
        for entry in host_list(text):
            parse_allowed(entry)
    except ValueError as error:
        raise ValueError(f"{error}; write crm.internal, 10.1.2.0/24") from None
    return text


def host_list(text: str) -> tuple[str, ...]:
    """The entries of a setting that takes several, separated by commas."""
    return tuple(entry.strip() for entry in text.split(",") if entry.strip())


class Settings(BaseSettings):
    """The gateway's settings. Immutable; the repr shows no secret."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        extra="ignore",  # .env may hold other programs' variables; settings_check refuses unknown names
        frozen=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
        validate_default=False,
    )

    host: str = Field(default="127.0.0.1", min_length=1, max_length=253)
    """Address that the HTTP server listens on. The Docker image sets 0.0.0.0."""
    port: int = Field(default=8080, ge=1, le=65535)
    """TCP port that the HTTP server listens on."""
    public_url: Annotated[str, AfterValidator(_check_public_url)] = ""
    """The https address at which platforms reach this server, for webhooks. Empty: long polling."""
    data_dir: Path = Path(".gateway")
    """Directory of the embedded PostgreSQL, the embedded Valkey and the key file."""
    database_url: Annotated[SecretStr, AfterValidator(_check_postgresql)] | None = Field(
        default=None, validation_alias="database_url"
    )
    """PostgreSQL 15 or later with pgvector. Unset: an embedded server under the data directory."""
    redis_url: Annotated[SecretStr, AfterValidator(_check_redis)] | None = Field(
        default=None, validation_alias="redis_url"
    )
    """Valkey or Redis. Unset: an embedded Valkey under the data directory."""
    database_pool_size: int = Field(default=10, ge=4, le=200)
    """Most database connections of one worker process."""
    workers: int = Field(default=1, ge=1, le=64)
    """Worker processes that share the port."""
    turn_lanes: int = Field(default=2, ge=1, le=16)
    """Turn transactions that one worker runs side by side; conversations are spread over them."""
    max_body_bytes: int = Field(default=4 * 1024 * 1024, ge=64 * 1024, le=64 * 1024 * 1024)
    """Largest request body, in bytes. Below 4 MiB, large WhatsApp batches are refused for days."""
    drain_seconds: float = Field(default=30.0, ge=0, le=600)
    """Longest time that a shutdown waits for work in flight, in seconds."""
    lease_seconds: float = Field(default=30.0, ge=5, le=600)
    """Time after which the work of a silent worker is taken over by another, in seconds."""
    encryption_keys: Annotated[SecretStr, AfterValidator(_check_keys)] | None = None
    """Keys that encrypt stored secrets, such as `k2:<base64>,k1:<base64>`; the first one encrypts
    (`gateway keys generate` makes one). Unset: a key file in the data directory."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Least level that is logged."""
    log_format: Literal["json", "console"] = "json"
    """One JSON object a line, or text for people."""
    metrics: bool = True
    """Whether /metrics answers (Prometheus text format)."""
    http_allowed_hosts: Annotated[str, AfterValidator(_check_hosts)] = ""
    """Where flows may call beside the public Internet: host names, addresses and networks such as
    `crm.internal, 10.1.2.0/24`, separated by commas. Empty: nowhere else."""
    work_concurrency: int = Field(default=64, ge=1, le=1000)
    """HTTP calls and e-mails that one worker process has under way at most; 16 of them for one bot."""
    smtp_url: Annotated[SecretStr, AfterValidator(_check_smtp)] | None = None
    """The server that e-mails of flows are handed to: `smtp://user:password@host:587` (STARTTLS) or `smtps://…`.
    Unset: they are not sent."""
    smtp_from: Annotated[str, AfterValidator(_check_sender)] = ""
    """Sender of those e-mails: `bot@example.org` or `Example <bot@example.org>`. Needed with GATEWAY_SMTP_URL."""
    media_url: Annotated[SecretStr, AfterValidator(_check_media_url)] | None = None
    """Where files that customers send are kept: `file:///var/lib/gateway/media`, or a bucket of an S3-compatible
    service, `s3://KEY:SECRET@host/bucket?region=eu-central-1`. Unset: a folder in the data directory."""
    media_max_bytes: int = Field(default=100 * 1024 * 1024, ge=64 * 1024, le=4 * 1024**3)
    """Largest file that is kept, in bytes; a channel's own settings may say less."""
    media_link_hours: int = Field(default=168, ge=1, le=8760)
    """How long a link to a file opens it, in hours."""
    media_days: int = Field(default=90, ge=0, le=3650)
    """How long files are kept, in days; 0: for ever."""
    merge_verified: bool = True
    """Whether customers with the same verified phone number or e-mail address become one, whichever channels they
    write on. `gateway customer unmerge` takes a merge back."""
    telegram_api_base: Annotated[str, AfterValidator(_check_base_url)] = "https://api.telegram.org"
    """Address of the Bot API: Telegram's, or that of a Bot API server of your own."""
    telegram_uncertain_send: Literal["resend", "drop"] = "resend"
    """What becomes of a Telegram send whose outcome a crash left open: said twice at worst, or not at all."""
    whatsapp_api_base: Annotated[str, AfterValidator(_check_base_url)] = "https://graph.facebook.com"
    """Address of the Graph API: Meta's, or that of a proxy before it."""
    slack_api_base: Annotated[str, AfterValidator(_check_base_url)] = "https://slack.com/api"
    """Address of Slack's Web API: Slack's, or that of a proxy before it."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Put gateway.toml between .env and the secret files."""
        toml = TomlConfigSettingsSource(settings_cls, toml_file=config_file())
        return init_settings, env_settings, dotenv_settings, toml, file_secret_settings


def config_file() -> Path:
    """The TOML file that is read when it exists."""
    return Path(os.environ.get(CONFIG_VARIABLE) or DEFAULT_CONFIG)


def env_name(field: str) -> str:
    """The environment variable that sets `field`: `turn_lanes` → `GATEWAY_TURN_LANES`."""
    alias = Settings.model_fields[field].validation_alias
    return alias.upper() if isinstance(alias, str) else f"{PREFIX}{field.upper()}"


def load_settings(**overrides: Any) -> Settings:
    """Read the settings of this process; `overrides` come from the command line, None meaning not given.

    Raises ConfigurationError that names every wrong or unknown setting and its mend.
    """
    from gateway.settings_check import load_checked

    return load_checked({name: value for name, value in overrides.items() if value is not None})
