"""JSON files as people write them: read with the place of what is wrong, written in one stable form."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any, Final

from gateway.errors import ConfigurationError, Problem
from gateway.flows.source import SourceError, parse

MAX_FILE_BYTES: Final = 16 * 1024 * 1024
MAX_INTEGER: Final = 2**63 - 1
_HALF: Final = re.compile("[\x00\ud800-\udfff]")


def read_json(path: Path) -> Any:
    """The value in a JSON file. Raises ConfigurationError."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise unreadable(path, f"is larger than {MAX_FILE_BYTES // 1024**2} MiB", "Split the flow")
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise unreadable(path, f"can't be read: {error.strerror}", "Name a readable JSON file") from None
    except UnicodeDecodeError:
        raise unreadable(path, "is not UTF-8", "Save it as UTF-8") from None
    return parse_json(text, str(path))


def parse_json(text: str, place: str) -> Any:
    """The value in a text; `place` names it in a problem. Raises ConfigurationError."""
    try:
        value = parse(text).data
    except SourceError as error:
        where = f"{place}, line {error.line}, column {error.column}"
        problem = Problem(place=where, message=error.message, mend=error.mend)
        raise ConfigurationError([problem]) from None
    refusal = _unstorable(value)
    if refusal:
        raise unreadable(place, refusal, "Write something else there")
    return value


def format_json(value: Any) -> str:
    """A value as a file holds it: two spaces, keys in their order, letters as they are, a line break at the end."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, indent=2) + "\n"


def unreadable(path: Path | str, message: str, mend: str) -> ConfigurationError:
    """One problem of a whole file."""
    return ConfigurationError([Problem(place=str(path), message=message, mend=mend)])


def _unstorable(value: Any) -> str:
    """What of a value JSON can say and PostgreSQL can't store; empty when there is nothing."""
    waiting = [value]
    while waiting:
        found = waiting.pop()
        if isinstance(found, str):
            if _HALF.search(found):
                return "a text in it holds NUL or half a surrogate pair, which can't be stored"
        elif isinstance(found, dict):
            waiting += found.keys()
            waiting += found.values()
        elif isinstance(found, list):
            waiting += found
        elif isinstance(found, int):
            if abs(found) > MAX_INTEGER:
                return f"the whole number {str(found)[:20]}… is too large to be stored"
        elif isinstance(found, float) and not math.isfinite(found):
            return "a number in it is too large to be stored"
    return ""
