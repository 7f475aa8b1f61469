"""Loading the settings so that everything that is wrong is said at once, by name, with its mend."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from dotenv import dotenv_values
from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from gateway.errors import ConfigurationError, Problem
from gateway.redaction import redact, redact_text
from gateway.settings import (
    CONFIG_VARIABLE,
    PREFIX,
    SECRETS_DIRECTORY,
    Settings,
    config_file,
    env_name,
)

DOTENV = ".env"
OTHER_VARIABLES = (
    CONFIG_VARIABLE,
    "GATEWAY_CRASH_AT",
    "GATEWAY_PAUSE_AT",
    "GATEWAY_WORKER",
    "GATEWAY_TEST_DATABASE_URL",
    "GATEWAY_TEST_REDIS_URL",
)
"""GATEWAY_ variables that are no settings."""

_KUBERNETES = re.compile(
    r"GATEWAY_(SERVICE_\w+|PORT_\d+_(TCP|UDP)(_\w+)?|\w+_SERVICE_\w+|\w+_PORT_\d+_(TCP|UDP)(_\w+)?)$"
)
"""Kubernetes puts these into the pods beside a Service named `gateway`: not ours to judge."""

_SECRET_FIELDS = frozenset({"database_url", "redis_url", "smtp_url", "media_url", "encryption_keys"})


def load_checked(overrides: Mapping[str, Any]) -> Settings:
    """See `gateway.settings.load_settings`."""
    if unknown := overrides.keys() - Settings.model_fields.keys():
        raise TypeError(f"no such settings: {', '.join(sorted(unknown))}")
    problems = [*_unknown_variables(os.environ, ""), *_unknown_variables(_dotenv(), f" in {DOTENV}")]
    toml, toml_problems = _read_toml()
    problems += [*toml_problems, *_unknown_keys(toml)]
    if toml_problems:
        raise ConfigurationError(problems)
    try:
        settings = Settings(**overrides, _env_file=_dotenv_file(), _secrets_dir=_secrets_directory())
    except ValidationError as error:
        problems += [_explain(detail, overrides, toml) for detail in error.errors()]
        raise ConfigurationError(problems) from None
    problems += _missing(settings)
    if problems:
        raise ConfigurationError(problems)
    _mask_secrets(settings)
    return settings


def _missing(settings: Settings) -> Iterable[Problem]:
    """Settings that another one needs."""
    if settings.smtp_url is not None and not settings.smtp_from:
        yield Problem(
            place=env_name("smtp_from"),
            message=f"is not set, but {env_name('smtp_url')} is",
            mend="Set it to the address that e-mails come from, such as bot@example.org",
        )


def _mask_secrets(settings: Settings) -> None:
    """From now on no log shows them, whatever a library puts into its errors."""
    for url in (settings.database_url, settings.redis_url, settings.smtp_url, settings.media_url):
        password = urlsplit(url.get_secret_value()).password if url is not None else None
        for form in {password, unquote(password)} if password else ():
            redact(form)
    if settings.encryption_keys is not None:
        for key in re.split(r"[,\n]", settings.encryption_keys.get_secret_value()):
            redact(key.partition(":")[2].strip())


def _dotenv_file() -> Path | None:
    return Path(DOTENV) if Path(DOTENV).is_file() else None


def _dotenv() -> dict[str, str | None]:
    path = _dotenv_file()
    return dict(dotenv_values(path)) if path else {}


def _secrets_directory() -> str | None:
    return SECRETS_DIRECTORY if Path(SECRETS_DIRECTORY).is_dir() else None


def _read_toml() -> tuple[dict[str, Any], list[Problem]]:
    path = config_file()
    if not path.is_file():
        if os.environ.get(CONFIG_VARIABLE):
            return {}, [
                Problem(
                    place=CONFIG_VARIABLE, message=f"there is no file {path}", mend="Name one, or unset it"
                )
            ]
        return {}, []
    try:
        return tomllib.loads(path.read_text(encoding="utf-8")), []
    except OSError as error:
        return {}, [
            Problem(
                place=str(path), message=f"can't be read ({error.strerror})", mend="Let this user read it"
            )
        ]
    except ValueError as error:  # TOML syntax or UTF-8
        return {}, [
            Problem(
                place=str(path),
                message=f"is no TOML: {error}",
                mend='Write lines such as port = 8080 or log_level = "info"',
            )
        ]


def _unknown_variables(variables: Mapping[str, str | None], where: str) -> Iterable[Problem]:
    known = {env_name(field) for field in Settings.model_fields}
    for name in sorted(variables):
        upper = name.upper()
        if (
            upper.startswith(PREFIX)
            and upper not in known | set(OTHER_VARIABLES)
            and not _KUBERNETES.match(upper)
        ):
            yield Problem(
                place=f"{name}{where}", message="there is no such setting", mend=_suggest(upper, known)
            )


def _unknown_keys(toml: Mapping[str, Any]) -> Iterable[Problem]:
    for key in toml:
        if key not in Settings.model_fields:
            yield Problem(
                place=f"{key} in {config_file()}",
                message="there is no such setting",
                mend=_suggest(key.lower().removeprefix(PREFIX.lower()), Settings.model_fields),
            )


def _suggest(name: str, known: Iterable[str]) -> str:
    names = list(known)
    plain = name.removeprefix(PREFIX)
    nearest = [plain] if plain in names else difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"Did you mean {nearest[0]}? " if nearest else ""
    return f"{hint}docs/settings.md lists them all; remove this one if it is not meant for the gateway"


def _explain(detail: ErrorDetails, overrides: Mapping[str, Any], toml: Mapping[str, Any]) -> Problem:
    field = str(detail["loc"][0])
    message = detail["msg"].removeprefix("Value error, ")
    message, _, mend = message.partition("; ")
    if field not in _SECRET_FIELDS:
        message = f"{message} (it is {_shorten(detail.get('input'))})"
    if field == "port" and str(detail.get("input")).startswith("tcp://"):
        mend = "Kubernetes sets it for a Service named gateway: set enableServiceLinks: false on the pod"
    return Problem(
        place=_origin(field, overrides, toml),
        message=message[:1].lower() + message[1:],
        mend=mend[:1].upper() + mend[1:] if mend else _mend(Settings.model_fields[field]),
    )


def _shorten(value: object) -> str:
    text = redact_text(repr(value))
    return text if len(text) <= 80 else f"{text[:77]}…"


def _origin(field: str, overrides: Mapping[str, Any], toml: Mapping[str, Any]) -> str:
    """Where the refused value stands, looking in the order of the sources."""
    name = env_name(field)
    if field in overrides:
        return f"--{field.replace('_', '-')} ({name})"
    if any(variable.upper() == name and value for variable, value in os.environ.items()):
        return name
    if any(variable.upper() == name and value for variable, value in _dotenv().items()):
        return f"{name} in {DOTENV}"
    if field in toml:
        return f"{field} in {config_file()} ({name})"
    return f"{name} in {SECRETS_DIRECTORY}"


def _mend(field: FieldInfo) -> str:
    limits = describe_values(field)
    return f"Set it to {limits}" if limits else "See docs/settings.md"


def describe_values(field: FieldInfo) -> str:
    """The values that a setting takes, in words; empty when its own check says it better."""
    kind = field.annotation
    if choices := getattr(kind, "__args__", None):
        texts = [str(choice) for choice in choices if isinstance(choice, str)]
        return " or ".join(texts)
    if kind is bool:
        return "true or false"
    low = next((m.ge for m in field.metadata if hasattr(m, "ge")), None)
    high = next((m.le for m in field.metadata if hasattr(m, "le")), None)
    if low is not None and high is not None:
        return f"{'a whole number' if kind is int else 'a number'} from {low} to {high}"
    return ""
