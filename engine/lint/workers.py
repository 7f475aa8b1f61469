"""Nodes whose work nobody does yet, whose failure nobody has thought of, or whose work can't succeed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from engine.answers import read_email
from engine.fields import EACH, marked, select
from engine.known import text
from engine.lint.flow import Flow, Remark
from engine.nodes.base import ERROR
from engine.nodes.http import HttpConfig
from engine.problems import shortened
from engine.templates import SecretName, TemplateSyntaxError, split_secrets

_NOT_YET: Final = {
    "knowledge": "the bot's knowledge can't be searched yet",
    "ai_answer": "no language model answers yet",
}
_ERROR_WAY: Final = 'add a connection with the condition "error"'


def remarks(flow: Flow) -> Iterator[Remark]:
    """All of them."""
    for id in flow.nodes:
        yield from _calls(flow, id)
        yield from _recipients(flow, id)
        yield from _media(flow, id)
        yield from _plain_http(flow, id)
        yield from _language(flow, id)


def _calls(flow: Flow, id: str) -> Iterator[Remark]:
    type_, place = flow.type_of(id), (*flow.nodes[id].path, "type")
    has_way = any(condition == ERROR for _, condition in flow.connections_of(id))
    if type_ in _NOT_YET:
        mend = "until then its error way is taken" if has_way else f"{_ERROR_WAY}, which is taken until then"
        yield Remark(place, f"{_NOT_YET[type_]}: this node always fails", mend)
    elif not has_way and (type_ == "http" or (type_ == "email" and not _constant(flow, id))):
        settings = flow.definition.get("global_settings")
        fallback = text(settings.get("fallback_node")) if isinstance(settings, dict) else ""
        where = f'the conversation goes to "{fallback}"' if fallback else "the conversation stands still"
        yield Remark(place, f'when "{id}" fails, {where}', _ERROR_WAY)


def _constant(flow: Flow, id: str) -> bool:
    """Whether an e-mail has a recipient whose address is written out."""
    found = select(flow.config_of(id), ("to", EACH))
    return any(isinstance(to, str) and "{{" not in to and read_email(to) for _, to in found)


def _recipients(flow: Flow, id: str) -> Iterator[Remark]:
    if flow.type_of(id) != "email":
        return
    for path, to in select(flow.config_of(id), ("to", EACH), (*flow.nodes[id].path, "config")):
        if isinstance(to, str) and to and "{{" not in to and not read_email(to):
            yield Remark(path, f'"{shortened(to)}" is no e-mail address', "write it like info@example.org")


def _media(flow: Flow, id: str) -> Iterator[Remark]:
    """Addresses of pictures, files and pages, which are fetched over the web, but for what the gateway keeps."""
    if flow.type_of(id) != "message":
        return
    config, place = flow.config_of(id), (*flow.nodes[id].path, "config")
    for setting in (
        ("media", EACH, "url"),
        ("template", "media", "url"),
        ("cards", EACH, "image"),
        ("links", EACH, "url"),
    ):
        begins = ("http://", "https://", "{{", *(("media:",) if "media" in setting else ()))
        for path, url in select(config, setting, place):
            if isinstance(url, str) and url and not url.strip().startswith(begins):
                yield Remark(path, f'"{shortened(url)}" is no address', "begin it with https://", "error")


def _plain_http(flow: Flow, id: str) -> Iterator[Remark]:
    """A secret that anybody on the way can read."""
    url = text(flow.config_of(id).get("url"))
    if flow.type_of(id) != "http" or not url.startswith("http://"):
        return
    config, here = flow.config_of(id), flow.nodes[id].path
    texts = (value for path, _ in marked(HttpConfig) for _, value in select(config, path))
    sends = any(
        isinstance(piece, SecretName) for text in texts if isinstance(text, str) for piece in _pieces(text)
    )
    if sends:
        message = "the call sends a secret over an address that is not encrypted"
        yield Remark((*here, "config", "url"), message, "begin it with https://")


def _pieces(source: str) -> list[str | SecretName]:
    try:
        return list(split_secrets(source))
    except TemplateSyntaxError:
        return []


def _language(flow: Flow, id: str) -> Iterator[Remark]:
    """A language that the flow does not speak."""
    tag, spoken = text(flow.config_of(id).get("language")), flow.languages
    if flow.type_of(id) == "set_language" and tag and not spoken.resolve(tag):
        mend = flow.suggest(tag, spoken.supported, 'add it to "supported_languages"')
        path = (*flow.nodes[id].path, "config", "language")
        yield Remark(path, f'the flow does not speak "{shortened(tag)}": this changes nothing', mend)
