"""`http`: calls an integration over HTTP and keeps what its response says."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeAlias
from urllib.parse import quote

import msgspec
from pydantic import AfterValidator, Field, model_validator

from engine.effects import CallIntegration, Piece, Pieces, Secret
from engine.events import CallFinished
from engine.fields import ExpressionText, JsonRequest, RequestText, VariableName
from engine.nodes.base import Connection, Next, NodeConfig, Result
from engine.nodes.calling import MARGIN_S, CallingNode, Saves
from engine.nodes.texts import RequestTemplate
from engine.nodes.tools import Tools
from engine.scopes import keep
from engine.waits import wait_for

if TYPE_CHECKING:
    from engine.flow import NodeDefinition
    from engine.turn import Turn

MAX_BYTES: Final = 1_048_576
MAX_TIMEOUT_S: Final = 60
MAX_ATTEMPTS: Final = 5
MAX_PARTS: Final = 50
"""Headers, query parameters, saved variables."""
_PLACEHOLDER: Final = re.compile(r"\{\{.*?\}\}", re.DOTALL)
BACKOFF_S: Final = 30
"""Seconds allowed for the pauses between attempts."""

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_JSON: Final = "application/json"
_FORM: Final = "application/x-www-form-urlencoded"

Build: TypeAlias = "Callable[[Turn], Pieces]"


def _address(text: str) -> str:
    """The host is written out, so that no value of a variable can send the call (and its secrets) elsewhere."""
    scheme, _, rest = text.partition("://")
    if scheme not in ("http", "https") or not rest:
        raise ValueError("this is no address; write one that begins with https://")
    host = rest.partition("/")[0].partition("?")[0]
    if "{{" in host:
        raise ValueError("the host is not written out; use {{…}} only behind it, in the path and the query")
    if "#" in _PLACEHOLDER.sub("", text):
        raise ValueError("a fragment, from # on, is never sent; remove it")
    return text


class HttpConfig(NodeConfig):
    """Makes a request, and goes on when the response is there.

    `response` has `status`, `body` (decoded JSON, or text), `headers` and `error`.
    """

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = Field(
        "GET", description="The request's method."
    )
    url: Annotated[RequestText, AfterValidator(_address)] = Field(
        description="A template; values in it are escaped. {{secret.NAME}} is a secret of the bot."
    )
    query: dict[str, RequestText] = Field(
        default_factory=dict, max_length=MAX_PARTS, description="Parameters for the address, each a template."
    )
    headers: dict[str, RequestText] = Field(
        default_factory=dict, max_length=MAX_PARTS, description="Headers, each a template."
    )
    json_: JsonRequest = Field(
        None,
        alias="json",
        description="What is sent as JSON; texts are templates, and {{name}} alone keeps its type.",
    )
    form: dict[str, RequestText] | None = Field(
        None, max_length=MAX_PARTS, description="What is sent as a form, instead of JSON."
    )
    timeout: int = Field(10, ge=1, le=MAX_TIMEOUT_S, description="Seconds for each attempt.")
    attempts: int = Field(
        1, ge=1, le=MAX_ATTEMPTS, description="How often it is tried when it can't be reached."
    )
    max_bytes: int = Field(262_144, ge=1, le=MAX_BYTES, description="A larger response is an error.")
    accept_statuses: list[Annotated[int, Field(ge=100, le=599)]] = Field(
        default_factory=list,
        max_length=MAX_PARTS,
        description="Statuses besides 200 to 299 that are no error.",
    )
    save: dict[VariableName, ExpressionText] = Field(
        default_factory=dict,
        max_length=MAX_PARTS,
        description="Variables to set, each from an expression such as response.body.items[0].price.",
    )
    error_variable: VariableName | None = Field(
        None, description="Where the reason is stored when the call fails."
    )

    @model_validator(mode="after")
    def _consistent(self) -> HttpConfig:
        if self.json_ is not None and self.form is not None:
            raise ValueError('there are a "json" and a "form"; keep one of them')
        if self.method == "GET" and (self.json_ is not None or self.form is not None):
            raise ValueError('a GET sends no body; use "query", or another "method"')
        for name in self.headers:
            if (
                not name
                or not all(letter.isalnum() or letter in "-_" for letter in name)
                or not name.isascii()
            ):
                raise ValueError(f'"{name[:40]}" is no header; use letters, digits and "-"')
        return self


class HttpNode(CallingNode):
    """A compiled `http`."""

    __slots__ = ("_body", "_config", "_headers", "_query", "_save", "_separator", "_url")

    def __init__(
        self,
        id: str,
        connections: tuple[Connection, ...],
        config: HttpConfig,
        tools: Tools,
    ) -> None:
        super().__init__(id, connections)
        self._config = config
        self._url = tools.request(config.url)
        self._separator = "&" if "?" in _PLACEHOLDER.sub("", config.url) else "?"
        self._query = [(quote(name, safe=""), tools.request(text)) for name, text in config.query.items()]
        self._headers = [(name.lower(), tools.request(text)) for name, text in config.headers.items()]
        self._body = _body(config, tools)
        self._save = Saves(config.save, tools)

    def enter(self, turn: Turn) -> Next:
        config = self._config
        url = list(self._url(turn, _escaped))
        separator = self._separator
        for name, value in self._query:
            url += [f"{separator}{name}=", *value(turn, _escaped)]
            separator = "&"
        headers = {name: value(turn, _in_a_line) for name, value in self._headers}
        if self._body is not None:
            headers.setdefault("content-type", (_JSON if config.form is None else _FORM,))
        wait_for(
            turn,
            self.id,
            lambda call: CallIntegration(
                call=call,
                method=config.method,
                url=_joined(url),
                headers=tuple(headers.items()),
                body=self._body(turn) if self._body is not None else (),
                timeout_ms=config.timeout * 1000,
                attempts=config.attempts,
                max_bytes=config.max_bytes,
            ),
            config.timeout * config.attempts + BACKOFF_S * (config.attempts > 1) + MARGIN_S,
        )
        return None

    def response(self, result: Result) -> dict[str, Any]:
        if not isinstance(result, CallFinished):
            return {"status": 0, "body": None, "headers": {}, "error": result.error}
        return {
            "status": result.status,
            "body": result.body,
            "headers": result.headers,
            "error": "" if self.accepts(result) else result.error,
        }

    def accepts(self, result: Result) -> bool:
        return isinstance(result, CallFinished) and result.status in self._config.accept_statuses

    def missed(self, turn: Turn, error: str) -> None:
        if self._config.error_variable is not None:
            keep(turn, self._config.error_variable, error)

    def use(self, turn: Turn, result: Result) -> Next:
        self._save(turn)
        return self.follow(turn)


def _escaped(text: str) -> str:
    return quote(text, safe="")


def _in_a_line(text: str) -> str:
    return " ".join(_CONTROL.sub(" ", text).split())


def _in_json(text: str) -> str:
    return msgspec.json.encode(text).decode()[1:-1]


def _body(config: HttpConfig, tools: Tools) -> Build | None:
    if config.form is not None:
        return _form([(quote(name, safe=""), tools.request(text)) for name, text in config.form.items()])
    if config.json_ is not None:
        parts = list(_json(config.json_, tools))
        return lambda turn: _joined([piece for part in parts for piece in part(turn)])
    return None


def _form(fields: list[tuple[str, RequestTemplate]]) -> Build:
    def build(turn: Turn) -> Pieces:
        pieces: list[Piece] = []
        for name, value in fields:
            pieces += ["&" if pieces else "", f"{name}=", *value(turn, _escaped)]
        return _joined(pieces)

    return build


def _json(value: Any, tools: Tools) -> list[Build]:
    """What writes the value as JSON, piece by piece: a secret within a text stays a reference."""
    if isinstance(value, str):
        return [_json_text(value, tools)]
    if isinstance(value, list | dict):
        members = value.items() if isinstance(value, dict) else ((None, item) for item in value)
        parts: list[Build] = [_constant("{" if isinstance(value, dict) else "[")]
        for position, (key, member) in enumerate(members):
            comma = "," if position else ""
            parts.append(_constant(comma if key is None else f'{comma}"{_in_json(key)}":'))
            parts += _json(member, tools)
        return [*parts, _constant("}" if isinstance(value, dict) else "]")]
    return [_constant(msgspec.json.encode(value).decode())]


def _json_text(text: str, tools: Tools) -> Build:
    alone = tools.placeholder(text)
    if alone is not None:
        value_of = alone
        return lambda turn: (msgspec.json.encode(value_of(turn)).decode(),)
    template = tools.request(text)
    return lambda turn: ('"', *template(turn, _in_json), '"')


def _constant(text: str) -> Build:
    return lambda turn: (text,)


def _joined(pieces: list[Piece]) -> Pieces:
    """Neighbouring texts as one."""
    joined: list[Piece] = []
    for piece in pieces:
        if isinstance(piece, str) and joined and isinstance(last := joined[-1], str):
            joined[-1] = last + piece
        elif isinstance(piece, Secret) or piece:
            joined.append(piece)
    return tuple(joined)


def build(definition: NodeDefinition, config: HttpConfig, tools: Tools) -> HttpNode:
    """Compile."""
    return HttpNode(definition.id, tools.connections(definition), config, tools)
