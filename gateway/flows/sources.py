"""The files that a flow is written in, one or a bot's folder: what they say together, and where each part of it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from engine.document import DEFINITION, SECTIONS
from engine.problems import Path as Steps
from engine.problems import Severity
from gateway.errors import ConfigurationError
from gateway.flows.document import Document
from gateway.flows.files import MAX_FILE_BYTES, parse_json
from gateway.flows.folder import BOT_FILE, MAIN_FILE, MAX_FILES, TESTS_FILE
from gateway.flows.source import Source, SourceError, parse

TESTS: Final = "test_scenarios"
_LIFTED: Final = ("$schema", "flow_id", "version", "flow_metadata", *SECTIONS, TESTS)
"""Sections that are the document's own also where they stand beside the nodes of a bare definition."""
_SPLIT: Final[tuple[tuple[Steps, str], ...]] = (
    ((DEFINITION, "flows"), "flows"),
    (("translations",), "translations"),
)
"""Parts of a document whose members may have files of their own, and the files' directory."""


class Located(msgspec.Struct, frozen=True, kw_only=True):
    """A problem in a file. `str` gives `flow.json:12:7: error: nodes[2].id: …; …`."""

    file: str
    line: int
    """From 1."""
    column: int
    """From 1, in code points."""
    place: str
    """Where in the flow, such as `nodes[2].config.options[0].target`; empty for what concerns a whole file."""
    message: str
    mend: str
    severity: Severity = "error"

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place else ""
        return f"{self.file}:{self.line}:{self.column}: {self.severity}: {where}{self.message}; {self.mend}"


class Sources:
    """Files by their keys: paths within the folder, or nothing for a single file."""

    def __init__(self) -> None:
        self.problems: list[Located] = []
        """What is wrong with the files themselves."""
        self.names: dict[str, str] = {}
        """How each file is shown, in the order in which they are told of."""
        self.sources: dict[str, Source] = {}
        """Those that could be read."""

    def add(self, name: str, key: str, text: str) -> None:
        """Take a file's text."""
        self.names[key] = name
        try:
            source = parse(text)
            parse_json(text, name)
        except SourceError as error:
            self.refuse(key, error.message, error.mend, line=error.line, column=error.column)
        except ConfigurationError as error:
            problem = error.problems[0]
            at = source.position(_unstorable(source.data))
            mend = problem.mend[:1].lower() + problem.mend[1:]
            self.refuse(key, problem.message, mend, line=at.line, column=at.column)
        else:
            self.sources[key] = source

    def read(self, path: Path, key: str) -> None:
        """Read a file."""
        self.names[key] = str(path)
        try:
            if path.stat().st_size > MAX_FILE_BYTES:
                self.refuse(key, f"the file is larger than {MAX_FILE_BYTES // 1024**2} MiB", "split the flow")
                return
            text = path.read_text(encoding="utf-8-sig")
        except OSError as error:
            self.refuse(key, f"the file can't be read: {error.strerror}", "name a readable JSON file")
        except UnicodeDecodeError:
            self.refuse(key, "the file is not UTF-8", "save it as UTF-8")
        else:
            self.add(str(path), key, text)

    def refuse(self, key: str, message: str, mend: str, *, line: int = 1, column: int = 1) -> None:
        """Note a problem of a file itself."""
        file = self.names[key]
        self.problems.append(
            Located(file=file, line=line, column=column, place="", message=message, mend=mend)
        )

    def document(self) -> Document | None:
        """What the files say together; None when that is no object. Notes what is said twice."""
        main = self.sources.get("") or self.sources.get(MAIN_FILE)
        if main is None or not isinstance(main.data, dict):
            return None
        document = dict(main.data) if DEFINITION in main.data else _wrapped(main.data)
        for holder, directory in _SPLIT:
            if members := self._members(directory):
                self._join(document, holder, members)
        if TESTS_FILE in self.sources:
            if TESTS in document:
                self.refuse(TESTS_FILE, f"the tests are in {MAIN_FILE} too", "keep one of them")
            document[TESTS] = self.sources[TESTS_FILE].data
        return document

    def locate(self, path: Steps, *, key: bool = False) -> tuple[str, int, int]:
        """(file, line, column) of a place in the document, or of its key; of its holder where it is not there."""
        file, steps = self._file_of(path)
        source = self.sources[file]
        position = source.key_position(steps) if key else source.position(steps)
        return self.names[file], position.line, position.column

    def _members(self, directory: str) -> dict[str, str]:
        """The files of a directory: name -> key."""
        keys = [key for key in self.sources if key.startswith(f"{directory}/") and key != MAIN_FILE]
        return {key.removeprefix(f"{directory}/").removesuffix(".json"): key for key in keys}

    def _join(self, document: Document, holder: Steps, members: Mapping[str, str]) -> None:
        parent: Any = document
        for step in holder[:-1]:
            parent[step] = dict(parent[step]) if isinstance(parent.get(step), dict) else {}
            parent = parent[step]
        inner = parent.get(holder[-1], {})
        if not isinstance(inner, dict):
            return  # the check says that it is no object
        for name in members:
            if name in inner:
                self.refuse(members[name], f'"{name}" is in {MAIN_FILE} too', "keep one of them")
        parent[holder[-1]] = {**inner, **{name: self.sources[key].data for name, key in members.items()}}

    def _file_of(self, path: Steps) -> tuple[str, Steps]:
        """The file that a place of the document is in, and the place there."""
        if "" not in self.sources:
            for holder, directory in _SPLIT:
                if path[: len(holder)] == holder and len(path) > len(holder):
                    key = f"{directory}/{path[len(holder)]}.json"
                    if key in self.sources and key != MAIN_FILE:
                        return key, path[len(holder) + 1 :]
            if path[:1] == (TESTS,) and TESTS_FILE in self.sources:
                return TESTS_FILE, path[1:]
        main = "" if "" in self.sources else MAIN_FILE
        data = self.sources[main].data
        bare = isinstance(data, dict) and DEFINITION not in data
        return main, path[1:] if bare and path[:1] == (DEFINITION,) else path


def read_sources(source: Path | str, name: str) -> Sources:
    """The files of a flow: of a text, shown as `name`, of a file, or of a bot's folder. What is wrong is noted."""
    found = Sources()
    if isinstance(source, str):
        found.add(name, "", source)
    elif not source.is_dir():
        found.read(source, "")
    else:
        parts = [*source.glob("flows/*.json"), *source.glob("translations/*.json"), *source.glob(TESTS_FILE)]
        keys = sorted({path.relative_to(source).as_posix() for path in parts} - {MAIN_FILE})
        for key in [BOT_FILE, MAIN_FILE, *keys][:MAX_FILES]:
            found.read(source / key, key)
    return found


def _unstorable(value: Any, path: Steps = ()) -> Steps:
    """Where the first value is that can't be stored."""
    members = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, member in members:
        try:
            parse_json(json.dumps({key: member} if isinstance(key, str) else member), "")
        except ConfigurationError:
            return _unstorable(member, (*path, key))
    return path


def _wrapped(bare: Mapping[str, Any]) -> Document:
    lifted = {name: bare[name] for name in _LIFTED if name in bare}
    return {DEFINITION: {name: value for name, value in bare.items() if name not in lifted}, **lifted}
