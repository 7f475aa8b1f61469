"""A bot as a folder, for version control and for editors: one file for the bot, each flow, language and its tests.

    bot.json                     slug, name, description, settings
    flows/main.json              the document of the flow
    flows/<name>.json            a sub-flow, `flow_definition.flows.<name>` of the document
    translations/<language>.json
    tests/main.json              `test_scenarios`

What can't be a file's name stays within flows/main.json, so that nothing is lost either way.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Final

import msgspec

from engine.document import DEFINITION
from gateway.errors import ConfigurationError, Conflict, Problem
from gateway.flows.document import Document, as_document, read_document
from gateway.flows.files import format_json, read_json, unreadable

BOT_FILE: Final = "bot.json"
MAIN_FILE: Final = "flows/main.json"
TESTS_FILE: Final = "tests/main.json"
MAX_FILES: Final = 300
"""Files in one folder of a bot."""

SLUG: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,50}")
_NO_FILE: Final = frozenset(
    ("con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(1, 10)))
)
"""Names that Windows keeps for itself."""
_BOT_KEYS: Final = ("slug", "name", "description", "settings")


class BotFolder(msgspec.Struct, frozen=True, kw_only=True):
    """What a folder says."""

    slug: str
    name: str
    description: str = ""
    settings: dict[str, Any] = {}
    document: Document


def read_source(path: Path) -> Document:
    """The document in a file, or in the folder of a bot. Raises ConfigurationError."""
    return read_folder(path).document if path.is_dir() else read_document(path)


def split(document: Mapping[str, Any]) -> dict[str, Any]:
    """A document as files: relative path → JSON value."""
    main = dict(document)
    files: dict[str, Any] = {MAIN_FILE: main}
    flows = document[DEFINITION].get("flows")
    if _are_names(flows, "main"):
        main[DEFINITION] = {name: value for name, value in document[DEFINITION].items() if name != "flows"}
        files |= {f"flows/{name}.json": flows[name] for name in sorted(flows)}
    if _are_names(document.get("translations")):
        translations = main.pop("translations")
        files |= {f"translations/{name}.json": translations[name] for name in sorted(translations)}
    if "test_scenarios" in main:
        files[TESTS_FILE] = main.pop("test_scenarios")
    return files


def join(files: Mapping[str, Any], place: str = "") -> Document:
    """A document from its files, the reverse of `split`. Raises ConfigurationError."""
    document = dict(as_document(files[MAIN_FILE], f"{place}{MAIN_FILE}"))
    flows = _named(files, "flows", without="main")
    if flows:
        definition = document[DEFINITION]
        inner = _added(definition.get("flows", {}), flows, f"{place}flows")
        document[DEFINITION] = {**definition, "flows": inner}
    translations = _named(files, "translations")
    if translations:
        document["translations"] = _added(
            document.get("translations", {}), translations, f"{place}translations"
        )
    if TESTS_FILE in files:
        if "test_scenarios" in document:
            raise _twice(f"{place}{TESTS_FILE}")
        document["test_scenarios"] = files[TESTS_FILE]
    return as_document(document, f"{place}{MAIN_FILE}")


def read_folder(folder: Path) -> BotFolder:
    """The bot in a folder. Raises ConfigurationError."""
    paths = [folder / MAIN_FILE, *_parts(folder)]
    if len(paths) > MAX_FILES:
        raise unreadable(folder, f"holds more than {MAX_FILES} files", "Name the folder of one bot")
    problems = [
        Problem(
            place=str(path), message="its name does not do", mend="Use letters, digits, _ and -, 50 at most"
        )
        for path in paths
        if not _is_file_name(path.stem)
    ]
    if problems:
        raise ConfigurationError(problems)
    bot = _read_bot(folder / BOT_FILE)
    files = {path.relative_to(folder).as_posix(): read_json(path) for path in paths}
    return BotFolder(document=join(files, f"{folder}/"), **bot)


def files_of(bot: BotFolder) -> dict[str, str]:
    """A bot as files: relative path → content. The same bot always makes the same bytes."""
    about = {"slug": bot.slug, "name": bot.name, "description": bot.description}
    settings: Any = _sorted(bot.settings)
    parts = {BOT_FILE: {**about, "settings": settings}, **split(bot.document)}
    return {path: format_json(value) for path, value in parts.items()}


def write_folder(folder: Path, bot: BotFolder, *, force: bool = False) -> list[Path]:
    """Write a bot into a folder; the files that changed.

    Files that are there with another content, or that would be read as part of the bot, are overwritten and
    removed with `force` only. Raises Conflict naming them, and ConfigurationError when the folder can't be
    written.
    """
    wanted = {folder / path: text for path, text in files_of(bot).items()}
    present = [path for path in (folder / BOT_FILE, *_parts(folder), folder / MAIN_FILE) if _is_there(path)]
    foreign = [path for path in present if path not in wanted]
    changed = [path for path, text in wanted.items() if not _says(path, text)]
    lost = sorted({*foreign, *(path for path in changed if _is_there(path))})
    if lost and not force:
        shown = ", ".join(str(path) for path in lost[:5]) + (" …" if len(lost) > 5 else "")
        raise Conflict(f"{shown} would be overwritten or removed; to do so, add --force")
    try:
        for path in foreign:
            path.unlink()
        for path in changed:
            _write(path, wanted[path])
    except OSError as error:
        raise unreadable(
            error.filename or folder, f"can't be written: {error.strerror}", "Make it writable"
        ) from None
    return changed


def _parts(folder: Path) -> list[Path]:
    """The files beside the main ones that belong to a bot."""
    main = folder / MAIN_FILE
    found = [*folder.glob("flows/*.json"), *folder.glob("translations/*.json"), folder / TESTS_FILE]
    return sorted(path for path in found if path != main and _is_there(path))


def _read_bot(path: Path) -> dict[str, Any]:
    value = read_json(path)
    if not isinstance(value, dict):
        raise unreadable(path, "holds no JSON object", 'Write { "slug": …, "name": … }')
    problems = [
        Problem(
            place=f"{path}: {key}", message="there is no such setting", mend=f"Use {', '.join(_BOT_KEYS)}"
        )
        for key in value
        if key not in _BOT_KEYS
    ]
    texts = {"name": "", "description": "", **value}
    for key in ("slug", "name", "description"):
        if not isinstance(texts.get(key), str):
            problems.append(Problem(place=f"{path}: {key}", message="this is no text", mend="Write a text"))
    slug = value.get("slug")
    if isinstance(slug, str) and not SLUG.fullmatch(slug):
        message = f'"{slug[:80]}" is no slug'
        mend = "Use small letters, digits and -, 63 at most"
        problems.append(Problem(place=f"{path}: slug", message=message, mend=mend))
    if not isinstance(value.get("settings", {}), dict):
        problems.append(Problem(place=f"{path}: settings", message="this is no object", mend="Write { … }"))
    if problems:
        raise ConfigurationError(problems)
    name = texts["name"] or texts["slug"].replace("-", " ").title()
    return {
        "slug": texts["slug"],
        "name": name,
        "description": texts["description"],
        "settings": value.get("settings", {}),
    }


def _named(files: Mapping[str, Any], directory: str, without: str = "") -> dict[str, Any]:
    """The values of the files in a directory by their names."""
    paths = {path: PurePosixPath(path) for path in files}
    return {
        paths[path].stem: value
        for path, value in files.items()
        if paths[path].parent.name == directory and paths[path].stem != without
    }


def _added(inner: Any, files: Mapping[str, Any], place: str) -> dict[str, Any]:
    if not isinstance(inner, dict):
        raise unreadable(place, "are files, and no object in flows/main.json", "Keep one of them")
    for name in files:
        if name in inner:
            raise _twice(f"{place}/{name}.json")
    return {**inner, **files}


def _twice(place: str) -> ConfigurationError:
    return unreadable(place, "is in flows/main.json too", "Keep one of them")


def _are_names(section: Any, reserved: str = "") -> bool:
    """Whether a section can be files: an object with members whose names make different files everywhere."""
    if not isinstance(section, dict) or not section:
        return False
    folded = {name.casefold() for name in section}
    return len(folded) == len(section) and reserved not in folded and all(map(_is_file_name, section))


def _is_file_name(name: str) -> bool:
    return _NAME.fullmatch(name) is not None and name.casefold() not in _NO_FILE


def _is_there(path: Path) -> bool:
    return path.is_symlink() or path.exists()


def _says(path: Path, text: str) -> bool:
    return path.is_file() and not path.is_symlink() and path.read_bytes() == text.encode()


def _write(path: Path, text: str) -> None:
    """Write a file of its own: a link is replaced, not followed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_symlink():
        path.unlink()
    path.write_bytes(text.encode())


def _sorted(value: Any) -> Any:
    """Settings come from jsonb, which keeps no order: the alphabet's is as good as any."""
    if isinstance(value, dict):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value
