"""A channel's document as a file, and secrets that are in none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer


def read_document(config: Path | None) -> tuple[dict[str, Any], str]:
    """A document and what to call it in messages. Raises ConfigurationError."""
    import msgspec

    from gateway.errors import ConfigurationError, Problem

    if config is None:
        return {}, ""
    try:
        document = msgspec.json.decode(config.read_bytes())
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        problem = Problem(place=str(config), message=f"it is no JSON ({error})", mend="correct it")
        raise ConfigurationError([problem]) from None
    if not isinstance(document, dict):
        raise ConfigurationError([Problem(place=str(config), message="it is no object", mend="write {…}")])
    return document, str(config)


def ask_secrets(asked: dict[str, tuple[str | None, str]], document: dict[str, Any]) -> dict[str, str]:
    """What the options and variables gave; what is needed, in none of them and not in the document is asked for.

    `asked`: name -> (what was given, the prompt; empty for what need not be there).
    """
    from gateway.redaction import redact

    found: dict[str, str] = {}
    for name, (value, prompt) in asked.items():
        if value is None and prompt and not _has(document, name):
            value = typer.prompt(prompt, hide_input=True, err=True)
        if value:
            redact(value.strip())
            found[name] = value.strip()
    return found


def _has(document: Any, name: str) -> bool:
    """Whether a document has a secret that can be used: plain, or from the environment."""
    if not isinstance(document, dict):
        return False
    value = document.get(name)
    if isinstance(value, str) and value and not value.startswith("encrypted:"):
        return True
    return any(_has(part, name) for part in document.values())
