"""What is wrong with a flow: every problem with its place and its mend, all of them at once."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Final, Literal, TypeAlias, get_args, get_origin

import msgspec
from pydantic import BaseModel, ValidationError

from engine.errors import EngineError

Path: TypeAlias = tuple[str | int, ...]
Finding: TypeAlias = tuple[Path, str, str]
"""A problem on its way: (path, message, mend)."""

MAX_SHOWN = 50
MAX_QUOTED = 80
MAX_COMPARISONS = 10_000
"""Of words, in search of the ones that were meant: a quarter of a second."""

_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")

_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "string_type": ("this is no text", "write a text in quotes"),
    "int_type": ("this is no whole number", "write a whole number without quotes"),
    "float_type": ("this is no valid number", "write a number without quotes"),
    "bool_type": ("this is neither true nor false", "write true or false without quotes"),
    "list_type": ("this is no list", "write a list: [ … ]"),
    "dict_type": ("this is no object", "write an object: { … }"),
    "model_type": ("this is no object", "write an object: { … }"),
    "model_attributes_type": ("this is no object", "write an object: { … }"),
}
_MENDS: Final[Mapping[str, str]] = {
    "string_too_long": "make it shorter",
    "too_long": "have fewer of them",
    "literal_error": "use one of these words",
}

_PATTERNS: Final[Mapping[str, tuple[str, str]]] = {
    r"^([01]\d|2[0-3]):[0-5]\d$": ("this is no time of day", "write it like 09:00 or 21:30"),
    r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$": ("this is no language's tag", "write it like en or pt-BR"),
    r"^[A-Za-z0-9_-]{1,50}$": ("this is no name for a sub-flow", "use letters, digits, _ and -, 50 at most"),
}
"""What is wrong with a text that does not match, and the mend."""
_KEY: Final = "[key]"
_BRANCHES: Final[tuple[tuple[type, tuple[str, ...]], ...]] = (
    (dict, ("dict",)),
    (list, ("list",)),
    (str, ("str", "constrained-str")),
)
_TYPE: Final = re.compile(r"(list|dict|str|int|float|bool|literal|constrained-str|function-\w+)(\[|$)")
_QUOTED: Final = re.compile(r"'([^']*)'")

Severity: TypeAlias = Literal["error", "warning"]


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One problem. `{"place": "start_node", "message": "there is no node \\"hi\\"", "mend": "add it, …"}`"""

    place: str
    """Where in the definition, such as `nodes[2].config.options[0].target`; empty for the definition itself."""
    message: str
    mend: str
    severity: Severity = "error"
    """An error keeps the flow from being published; a warning is for the builder to judge."""
    path: Path = ()
    """The place as its steps, of which `place` shortens long ones."""

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


class Suggestions:
    """`suggestion` for a whole flow: after MAX_COMPARISONS it guesses no more, for a draft may have many mistakes."""

    __slots__ = ("_left",)

    def __init__(self) -> None:
        self._left = MAX_COMPARISONS

    def __call__(self, word: str, known: Collection[str], otherwise: str) -> str:
        self._left -= len(known)
        return suggestion(word, known, otherwise) if self._left >= 0 else otherwise


def findings_of(
    error: ValidationError, model: type[BaseModel], prefix: Path = (), raw: Any = None
) -> Iterator[Finding]:
    """pydantic's errors, their paths below `prefix`.

    `raw` is what was validated: with it the paths are those of the data, without pydantic's own steps, and of the
    types that a value may have only the one that was meant is spoken of.
    """
    details = [(_place(tuple(detail["loc"]), raw), detail) for detail in error.errors(include_url=False)]
    branches: dict[Path, list[str]] = {}
    for place, _ in details:
        if place.branch:
            branches.setdefault(place.union, []).append(place.branch)
    told: set[Path] = set()
    for place, detail in details:
        if place.branch:
            meant = _meant(branches[place.union], _member(raw, place.union))
            if meant is None and place.union not in told:
                told.add(place.union)
                yield (*prefix, *place.union), *_none_of(branches[place.union])
            if meant != place.branch:
                continue
        message, mend = _words(detail, model, place.path)
        yield (*prefix, *place.path), message, mend


class _Place(msgspec.Struct, frozen=True):
    """Where pydantic found something: the path in the data, and which of several types it had tried."""

    path: Path
    union: Path = ()
    """The value that may have several types."""
    branch: str = ""
    """The type that was tried; empty when there is only one."""


def _place(loc: tuple[str | int, ...], raw: Any) -> _Place:
    """pydantic adds steps of its own to a path: `[key]` for a key, `list[str]` for one of several types."""
    path: list[str | int] = []
    value, branch = raw, ""
    union: Path = ()
    for position, step in enumerate(loc):
        if _holds(value, step):
            value = value[step]
        elif raw is not None and step == _KEY:
            value = path[-1]
            continue
        elif raw is not None and (position < len(loc) - 1 or _TYPE.match(str(step))):
            if not branch:
                union, branch = tuple(path), str(step)
            continue
        path.append(step)
    return _Place(tuple(path), union, branch)


def _holds(value: Any, step: str | int) -> bool:
    if isinstance(value, dict):
        return step in value
    return isinstance(value, list) and isinstance(step, int) and step < len(value)


def _meant(branches: Sequence[str], value: Any) -> str | None:
    """The type that fits the value at least from outside."""
    for kind, names in _BRANCHES:
        if isinstance(value, kind):
            return next((branch for branch in branches if branch.startswith(names)), None)
    return None


def _none_of(branches: Sequence[str]) -> tuple[str, str]:
    words = list(dict.fromkeys(word for branch in branches for word in _QUOTED.findall(branch)))
    if words:
        return "there is no such word here", f"use one of {', '.join(word for word in words if word)}"
    kinds = dict.fromkeys(
        "a list" if branch.startswith("list") else "an object" if branch.startswith("dict") else "a text"
        for branch in branches
    )
    return f"this is neither {' nor '.join(kinds)}", "write one of them"


def _words(detail: Any, model: type[BaseModel], path: Path) -> tuple[str, str]:
    """(message, mend)."""
    kind = detail["type"]
    if kind == "missing":
        return "this is missing", f'add "{path[-1]}"'
    if kind == "extra_forbidden":
        return "there is no such setting", suggestion(str(path[-1]), _known_keys(model, path), "remove it")
    if kind == "string_pattern_mismatch":
        return _PATTERNS.get(
            detail["ctx"]["pattern"], (f"this is not of the form {detail['ctx']['pattern']}", "correct it")
        )
    if kind in _WORDS:
        return _WORDS[kind]
    if kind in ("too_short", "string_too_short"):
        return _too_short(detail["ctx"]["min_length"], text=kind == "string_too_short")
    message, _, mend = detail["msg"].removeprefix("Value error, ").partition("; ")
    mend = mend or _MENDS.get(kind, "correct it")
    message = message.replace("Input should be", "this should be")
    if kind == "literal_error" and isinstance(detail.get("input"), str):
        mend = suggestion(detail["input"], _QUOTED.findall(detail["ctx"]["expected"]), mend)
    return message[:1].lower() + message[1:], mend


def _too_short(least: int, *, text: bool) -> tuple[str, str]:
    one = "one" if least == 1 else str(least)
    several = "" if least == 1 else "s"
    if text:
        return (
            f"a text of at least {least} character{several} belongs here",
            f"write at least {one} character{several}",
        )
    return f"a list of at least {least} item{several} belongs here", f"add at least {one}"


def _known_keys(model: type[BaseModel], path: Path) -> list[str]:
    """The settings that there are beside the one at `path`."""
    holder: Any = model
    for step in path[:-1]:
        if isinstance(step, str) and isinstance(holder, type) and issubclass(holder, BaseModel):
            fields = {field.alias or name: field for name, field in holder.model_fields.items()}
            # A name of an object's own, such as a variable's, leads to what the object holds.
            holder = _inner(fields[step].annotation) if step in fields else holder
    if not (isinstance(holder, type) and issubclass(holder, BaseModel)):
        return []
    return [field.alias or name for name, field in holder.model_fields.items()]


def _inner(annotation: Any) -> Any:
    """The model that an annotation speaks of, itself or within lists and objects."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    members = get_args(annotation)
    if get_origin(annotation) is Annotated:
        members = members[:1]
    return next((found for member in members if (found := _inner(member)) is not None), None)


def _member(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return value
