"""Reads a platform's document, checks it whole, and says everything that is wrong with it at once."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from adapters.errors import Misconfigured
from gateway.deployments.base import Document, secret_paths, without
from gateway.deployments.slack import SlackDocument
from gateway.deployments.telegram import TelegramDocument
from gateway.deployments.web import WebDocument
from gateway.deployments.whatsapp import WhatsAppDocument
from gateway.errors import ConfigurationError, Problem
from gateway.redaction import redact
from gateway.web.appearance import WebSettings
from storage.encryption import PREFIX

PLATFORMS: Final[Mapping[str, type[Document]]] = {
    document.platform: document
    for document in (WebDocument, TelegramDocument, WhatsAppDocument, SlackDocument)
}
ENVIRONMENT: Final = "env:"
"""A secret written as `env:NAME` is read from that variable."""


class Deployment(msgspec.Struct, frozen=True, kw_only=True):
    """A checked document, with its secrets in it. The repr shows none."""

    platform: str
    config: dict[str, Any]
    """What is stored; plain, to be encrypted at `secret_paths`."""
    secret_paths: tuple[str, ...]

    def at(self, path: str) -> Any:
        """The value at a path such as `/authentication/access_token`; None where there is none."""
        return _at(self.config, path)

    def __repr__(self) -> str:
        return f"Deployment(platform={self.platform})"


def read_deployment(
    platform: str, document: Mapping[str, Any], secrets: Mapping[str, str], *, place: str = ""
) -> Deployment:
    """Check `document` and put `secrets` (by their last key, such as `access_token`) into it.

    A secret of the document itself may be plain or `env:NAME`; one that is encrypted already belongs to another
    channel and is left out, so that it has to come by `secrets`. Raises ConfigurationError with every problem;
    `place` names the file.
    """
    model = PLATFORMS[platform]
    problems: list[Problem] = []
    filled = _filled(model, dict(document), secrets, problems, place)
    try:
        checked = model.model_validate(filled)
    except ValidationError as error:
        problems += [_problem(model, details, place) for details in error.errors(include_url=False)]
        raise ConfigurationError(problems) from None
    if platform == "web":
        problems += _web_problems(filled, place)
    paths = secret_paths(model)
    config = without(checked.model_dump(mode="json", exclude_none=True), (*paths, "/api_base"))
    problems += _missing(model, config, place)
    if problems:
        raise ConfigurationError(problems)
    return Deployment(
        platform=platform, config=config, secret_paths=tuple(path for path in paths if _at(config, path))
    )


def _filled(
    model: type[Document],
    document: dict[str, Any],
    secrets: Mapping[str, str],
    problems: list[Problem],
    place: str,
) -> dict[str, Any]:
    """The document with its secrets read, on a copy of what it holds."""
    document = msgspec.json.decode(msgspec.json.encode(document))
    for path in secret_paths(model):
        *parents, last = path.strip("/").split("/")
        where: Any = document
        for key in parents:
            where = where.setdefault(key, {}) if isinstance(where, dict) else None
        if not isinstance(where, dict):
            continue  # told by the check of its type
        value = secrets.get(last) or where.get(last)
        if isinstance(value, str) and value.startswith(ENVIRONMENT):
            name = value.removeprefix(ENVIRONMENT)
            value = os.environ.get(name, "")
            if not value:
                problems.append(
                    Problem(
                        place=_pointer(place, path),
                        message=f"the variable {name} is not set",
                        mend=f"set {name}",
                    )
                )
        if isinstance(value, str) and value.startswith(PREFIX):
            value = None
        if isinstance(value, str):
            value = value.strip()
            redact(value)
        where.pop(last, None)
        if value:
            where[last] = value
    return document


def _missing(model: type[Document], config: Mapping[str, Any], place: str) -> Iterator[Problem]:
    for path in secret_paths(model):
        name = path.rpartition("/")[2]
        if name in model.required_secrets and not _at(config, path):
            yield Problem(
                place=_pointer(place, path),
                message="it is needed and not there (an encrypted one belongs to another channel)",
                mend="give it by its option, its variable, or as env:NAME in the document",
            )


def _web_problems(document: Mapping[str, Any], place: str) -> Iterator[Problem]:
    sections = {key: value for key, value in document.items() if key != "session_secret"}
    try:
        WebSettings.read(sections)
    except Misconfigured as error:
        where, _, what = error.reason.partition(": ")
        yield Problem(place=_pointer(place, "/" + where.replace(".", "/")), message=what, mend="correct it")


def _problem(model: type[BaseModel], details: ErrorDetails, place: str) -> Problem:
    path = "/" + "/".join(str(part) for part in details["loc"])
    if details["type"] == "extra_forbidden":
        known = _fields_at(model, details["loc"][:-1])
        close = difflib.get_close_matches(str(details["loc"][-1]), known, 1)
        mend = f"did you mean {close[0]}?" if close else f"remove it; known here: {', '.join(known)}"
        return Problem(place=_pointer(place, path), message="there is no such setting", mend=mend)
    message = details["msg"].removeprefix("Value error, ")
    return Problem(place=_pointer(place, path), message=message[:1].lower() + message[1:], mend="correct it")


def _fields_at(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    """The names that a section knows, as far as the way to it leads through sections."""
    for part in location:
        field = model.model_fields.get(str(part))
        annotation = field.annotation if field is not None else None
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return []
        model = annotation
    return list(model.model_fields)


def _at(document: Mapping[str, Any], path: str) -> Any:
    where: Any = document
    for key in path.strip("/").split("/"):
        where = where.get(key) if isinstance(where, dict) else None
    return where


def _pointer(place: str, path: str) -> str:
    return f"{place}{path}" if place else path
