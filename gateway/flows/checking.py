"""The check of a flow's file or a bot's folder: every problem with its file, line and column.

While a flow does not compile, its errors are told alone: remarks on it would mostly be about the same mistakes. Of the
remarks only those that are errors themselves, such as a secret in plain text, are told with them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from adapters.capabilities import Capabilities
from adapters.slack.capabilities import CAPABILITIES as SLACK
from adapters.telegram.capabilities import CAPABILITIES as TELEGRAM
from adapters.web.capabilities import CAPABILITIES as WEB
from adapters.whatsapp.capabilities import CAPABILITIES as WHATSAPP
from engine.bot import Bot
from engine.check import measure
from engine.compile import compile_flow
from engine.document import DEFINITION, SECTIONS, definition_of
from engine.lint import Channel, lint
from engine.problems import FlowInvalid, Problem
from engine.problems import Path as Steps
from engine.scenarios import read_scenarios
from gateway.errors import ConfigurationError
from gateway.flows.document import as_document
from gateway.flows.folder import BOT_FILE, read_folder
from gateway.flows.source import path_of
from gateway.flows.sources import TESTS, Located, Sources, read_sources

__all__ = ["CHANNELS", "Located", "check_file"]

CHANNELS: Final[Mapping[str, Capabilities]] = {
    "telegram": TELEGRAM, "web": WEB, "whatsapp": WHATSAPP, "slack": SLACK,
}  # fmt: skip
"""The channels by whose limits texts can be measured."""
UNNAMED: Final = "flow.json"
"""How a flow is shown that was given as a text."""
_ABOUT_KEYS: Final = ("there is no such", "no text of the flow")


def check_file(source: Path | str, *, channels: Iterable[str] = ()) -> list[Located]:
    """Every problem of a flow's file, of a bot's folder, or of a text, by their files, lines and columns.

    `channels` are names in CHANNELS; raises KeyError for any other.
    """
    on: list[Channel] = [(name, CHANNELS[name]) for name in channels]
    sources = read_sources(source, UNNAMED)
    found = [*sources.problems]
    if not found:
        if isinstance(source, Path) and source.is_dir():
            found += _of_bot_file(source, sources)
        found += _of_document(sources, on)
        found += sources.problems
    files = list(sources.names.values())
    return sorted(dict.fromkeys(found), key=lambda each: (files.index(each.file), each.line, each.column))


def _of_document(sources: Sources, on: Iterable[Channel]) -> Iterator[Located]:
    document = sources.document()
    if document is None:
        file, line, column = sources.locate(())
        message, mend = "a flow is an object", "write it as { … }"
        yield Located(file=file, line=line, column=column, place="", message=message, mend=mend)
        return
    told: set[Steps] = set()
    for path, problem in _misshapen(document):
        told.add(path)
        yield _located(sources, document, path, problem)
    if not isinstance(document[DEFINITION], dict):
        return
    bot, problems = _compiled(definition_of(document), on)
    for problem in problems:
        path = problem.path
        if path[:1] not in [(name,) for name in SECTIONS if name in document]:
            path = (DEFINITION, *path)
        if path not in told:
            yield _located(sources, document, path, problem)
    if bot is not None and TESTS in document:
        for problem in _of_tests(document[TESTS], bot):
            yield _located(sources, document, path_of(problem.place), problem)


def _compiled(definition: dict[str, Any], on: Iterable[Channel]) -> tuple[Bot | None, list[Problem]]:
    try:
        bot = compile_flow(definition, flow_id="check")
    except FlowInvalid as error:
        remarks = lint(definition, on=on) if measure(definition) is None else []
        return None, [*error.problems, *(remark for remark in remarks if remark.severity == "error")]
    return bot, lint(definition, on=on)


def _of_tests(raw: Any, bot: Bot) -> tuple[Problem, ...]:
    try:
        read_scenarios(raw, bot)
    except FlowInvalid as error:
        return error.problems
    return ()


def _misshapen(document: dict[str, Any]) -> Iterator[tuple[Steps, Problem]]:
    """What is wrong with the document around the definition."""
    try:
        as_document(document, "")
    except ConfigurationError as error:
        for problem in error.problems:
            place = problem.place.removeprefix(": ")
            section, dot, member = place.partition(".")
            path = (place,) if place in document or not dot else (section, member)
            yield path, Problem(place=place, message=problem.message, mend=problem.mend, path=path)


def _of_bot_file(folder: Path, sources: Sources) -> Iterator[Located]:
    """What is wrong with bot.json, and with the names of files."""
    try:
        read_folder(folder)
    except ConfigurationError as error:
        keys = {name: key for key, name in sources.names.items()}
        for problem in error.problems:
            name, _, setting = problem.place.partition(": ")
            mend = problem.mend[:1].lower() + problem.mend[1:]
            if name == str(folder / BOT_FILE):
                path: Steps = (setting,) if setting else ()
                at = sources.sources[BOT_FILE].key_position(path)
                yield Located(
                    file=name,
                    line=at.line,
                    column=at.column,
                    place=setting,
                    message=problem.message,
                    mend=mend,
                )
            elif name in keys and problem.message.startswith("its name"):
                yield Located(file=name, line=1, column=1, place="", message=problem.message, mend=mend)


def _located(sources: Sources, document: Any, path: Steps, problem: Problem) -> Located:
    file, line, column = sources.locate(path, key=_is_about_the_key(document, path, problem))
    return Located(
        file=file,
        line=line,
        column=column,
        place=problem.place,
        message=problem.message,
        mend=problem.mend,
        severity=problem.severity,
    )


def _is_about_the_key(value: Any, path: Steps, problem: Problem) -> bool:
    """A setting that does not exist, and a whole object or list, are shown by their keys; all else by its value."""
    for step in path:
        inside = isinstance(value, dict) or (isinstance(value, list) and isinstance(step, int))
        try:
            value = value[step] if inside else None
        except LookupError:
            return False
    return isinstance(value, dict | list) or problem.message.startswith(_ABOUT_KEYS)
