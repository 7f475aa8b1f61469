"""What is wrong with a flow: every problem with its place and its mend, all of them at once."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

import msgspec
from pydantic import BaseModel, ValidationError

from engine.errors import EngineError

Path: TypeAlias = tuple[str | int, ...]
Finding: TypeAlias = tuple[Path, str, str]
"""A problem on its way: (path, message, mend)."""

MAX_SHOWN = 50
MAX_QUOTED = 80

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")

_MENDS = {
    "string_type": "write a text in quotes",
    "int_type": "write a whole number without quotes",
    "float_type": "write a number without quotes",
    "bool_type": "write true or false without quotes",
    "list_type": "write a list: [ … ]",
    "dict_type": "write an object: { … }",
    "model_type": "write an object: { … }",
    "model_attributes_type": "write an object: { … }",
    "too_short": "add at least one",
    "string_too_short": "write at least one character",
    "string_too_long": "make it shorter",
    "too_long": "have fewer of them",
    "literal_error": "use one of these words",
}


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One problem. `{"place": "start_node", "message": "there is no node \\"hi\\"", "mend": "add it, …"}`"""

    place: str
    """Where in the definition, such as `nodes[2].config.options[0].target`; empty for the definition itself."""
    message: str
    mend: str

    def __str__(self) -> str:
        return f"{self.place or 'flow'}: {self.message}; {self.mend}"


class FlowInvalid(EngineError):
    """The flow has problems."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        lines = [str(problem) for problem in self.problems[:MAX_SHOWN]]
        if len(self.problems) > MAX_SHOWN:
            lines.append(f"… and {len(self.problems) - MAX_SHOWN} more")
        super().__init__("\n".join(lines))


def place_of(path: Sequence[str | int]) -> str:
    """A path as it is written: `("nodes", 2, "config")` is `nodes[2].config`."""
    parts: list[str] = []
    for step in path:
        if isinstance(step, int):
            parts.append(f"[{step}]")
        elif _PLAIN_KEY.fullmatch(step):
            parts.append(f".{step}" if parts else step)
        else:
            parts.append(f'["{shortened(step)}"]')
    return "".join(parts)


def shortened(text: str) -> str:
    """`text` in one line and at most MAX_QUOTED characters, for showing in a message."""
    text = " ".join(text.split())
    return text if len(text) <= MAX_QUOTED else f"{text[: MAX_QUOTED - 1]}…"


def suggestion(word: str, known: Iterable[str], otherwise: str) -> str:
    """A mend: the known word that was probably meant, or else `otherwise`."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.75)
    return f'did you mean "{close[0]}"?' if close else otherwise


def findings_of(error: ValidationError, model: type[BaseModel], prefix: Path = ()) -> Iterator[Finding]:
    """pydantic's errors, their paths below `prefix`."""
    for detail in error.errors(include_url=False, include_input=False):
        kind, path = detail["type"], tuple(detail["loc"])
        if kind == "missing":
            message, mend = "this is missing", f'add "{path[-1]}"'
        elif kind == "extra_forbidden":
            message = "there is no such setting"
            mend = suggestion(str(path[-1]), _known_keys(model, path), "remove it")
        else:
            message, _, mend = detail["msg"].removeprefix("Value error, ").partition("; ")
            mend = mend or _MENDS.get(kind, "correct it")
        yield (*prefix, *path), message[:1].lower() + message[1:], mend


def _known_keys(model: type[BaseModel], path: Sequence[str | int]) -> list[str]:
    """The keys that `model` knows at the top level; deeper ones are not guessed."""
    if len(path) != 1:
        return []
    return [field.alias or name for name, field in model.model_fields.items()]
