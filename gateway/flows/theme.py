"""How a drawing looks: a colour and an icon for each type of node, and the styles for light and dark."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple
from zlib import crc32

SANS: Final = (
    "ui-sans-serif,system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue','Noto Sans',sans-serif"
)
MONO: Final = "ui-monospace,SFMono-Regular,Menlo,Consolas,'Noto Sans Mono',monospace"


class Colour(NamedTuple):
    """A colour for light and for dark backgrounds: (the line, the tint behind an icon) each."""

    line: str
    tint: str
    dark_line: str
    dark_tint: str


_BLUE: Final = Colour("#2f6fed", "#e8f0fe", "#7aa7ff", "#1b2b4d")
_VIOLET: Final = Colour("#8b46e3", "#f3eafe", "#bb93ff", "#30204d")
_TEAL: Final = Colour("#0c8f7f", "#def5f1", "#45cfbb", "#10352f")
_AMBER: Final = Colour("#b8720a", "#fdf1d9", "#eab04d", "#3b2b10")
_GREEN: Final = Colour("#3c8a2e", "#e7f6e2", "#84cc70", "#1d3518")
_SLATE: Final = Colour("#5b6b82", "#ecf0f5", "#a3b1c6", "#27303d")
_CYAN: Final = Colour("#0e86b4", "#def3fb", "#57c3ec", "#10323f")
_ROSE: Final = Colour("#d6336c", "#fde8ef", "#ff86b0", "#451c2c")
_INK: Final = Colour("#3f4654", "#e6e8ec", "#c4cad6", "#323844")
_ORANGE: Final = Colour("#c2410c", "#fdeadd", "#fb9a63", "#43230f")
_INDIGO: Final = Colour("#4f46e5", "#e9e8fd", "#a09bff", "#25234f")
_LIME: Final = Colour("#4d7c0f", "#edf6dc", "#a9d35c", "#27340f")
_SPARE: Final = (
    Colour("#a21caf", "#fae6fc", "#e486ef", "#3f1a44"),
    Colour("#9f5b1a", "#f7eadb", "#dba468", "#38260f"),
    Colour("#be123c", "#fde3e8", "#ff8098", "#441622"),
    Colour("#0369a1", "#dceefa", "#63b7ee", "#0f2c40"),
)

# Types that do the same sort of thing have the same colour; their icons tell them apart.
_FAMILIES: Final = (
    (_BLUE, ("message", "react", "email")),
    (_VIOLET, ("ai_intent", "ai_answer")),
    (_TEAL, ("quick_reply", "feedback")),
    (_AMBER, ("input", "consent")),
    (_GREEN, ("condition", "switch", "split")),
    (_SLATE, ("set_variable", "set_language", "track")),
    (_CYAN, ("jump",)),
    (_INDIGO, ("call", "return")),
    (_LIME, ("loop", "wait")),
    (_ORANGE, ("http", "knowledge")),
    (_ROSE, ("human_handoff",)),
    (_INK, ("end",)),
)
_COLOURS: Final = {type_: colour for colour, types in _FAMILIES for type_ in types}

# Each is drawn in a square of 16 pixels, without fill, in the colour of its type.
_ICONS: Final = {
    "message": "M2.5 3.5h11v7.5h-6l-3 2.8v-2.8h-2z",
    "ai_intent": "M7 2.5l1.2 3.3 3.3 1.2-3.3 1.2L7 11.5l-1.2-3.3L2.5 7l3.3-1.2zM12.2 10.5v3.5M10.5 12.2h3.5",
    "quick_reply": "M2.5 3.2h11v3.6h-11zM2.5 9.2h11v3.6h-11z",
    "input": "M3 13l.6-2.8 7-7 2.2 2.2-7 7zM9.3 13.2h4",
    "condition": "M8 2.2L13.8 8 8 13.8 2.2 8z",
    "set_variable": "M3 5.8h10M3 10.2h10",
    "jump": "M3 12.5V8.5a3 3 0 0 1 3-3h7M10.2 2.7L13 5.5l-2.8 2.8",
    "human_handoff": "M8 8a2.7 2.7 0 1 0 0-5.4A2.7 2.7 0 0 0 8 8zM2.8 13.8c.5-2.6 2.6-4 5.2-4s4.7 1.4 5.2 4",
    "end": "M4 14V2.5h8.5l-2 2.9 2 2.9H4",
    "call": "M2.5 2.5h7v7h-7zM6.5 12v1.5h7v-7H12",
    "loop": "M13 8a5 5 0 1 1-1.5-3.6M13 2.2v2.8h-2.8",
    "wait": "M8 2.3a5.7 5.7 0 1 0 0 11.4A5.7 5.7 0 0 0 8 2.3zM8 5v3.2l2.2 1.5",
    "api": "M5.5 4L2 8l3.5 4M10.5 4L14 8l-3.5 4",
    "search": "M7 2.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9zM10.3 10.3L14 14",
    "file": "M4 2.3h5.5L12.5 5.3v8.4H4zM9.3 2.5v3h3",
    "email": "M2 4h12v8.5h-12zM2 4.5l6 4.5 6-4.5",
    "feedback": "M8 2.2l1.8 3.7 4 .6-2.9 2.8.7 4L8 11.4l-3.6 1.9.7-4L2.2 6.5l4-.6z",
    "consent": "M3 3h10v10h-10zM5.5 8l2 2 3.5-4",
    "track": "M3 13.2V9M6.5 13.2V5M10 13.2V7.5M13.5 13.2V2.8",
    "react": "M8 2.3a5.7 5.7 0 1 0 0 11.4A5.7 5.7 0 0 0 8 2.3zM5.5 9.3c1.2 1.8 3.8 1.8 5 0M6 6.2v.6M10 6.2v.6",
    "return": "M13 4v3.5a3 3 0 0 1-3 3H3M5.8 7.7L3 10.5l2.8 2.8",
    "switch": "M2.5 8h4l6-4.5M6.5 8l6 4.5M6.5 8h7",
    "other": "M8 2.2l5 2.9v5.8l-5 2.9-5-2.9V5.1z",
}
_ICON_WORDS: Final = (
    ("loop", ("loop", "each", "repeat", "retry")),
    ("wait", ("wait", "delay", "schedule", "timer", "pause")),
    ("search", ("search", "knowledge", "retrieval")),
    ("api", ("api", "http", "request", "webhook", "integration", "code", "script")),
    ("call", ("call", "subflow")),
    ("file", ("form", "media", "image", "file", "upload", "document", "card", "carousel", "template")),
    ("switch", ("split", "branch", "random", "ab", "experiment", "router")),
    ("ai_intent", ("ai", "llm", "generate", "gpt", "prompt", "sentiment")),
    ("human_handoff", ("human", "agent", "ticket", "user", "customer")),
    ("set_variable", ("set", "assign", "increment", "variable", "variables")),
    ("feedback", ("rating", "survey", "review")),
    ("input", ("ask", "collect", "question", "date", "capture")),
    ("email", ("mail", "newsletter")),
    ("message", ("say", "text", "sms", "notify", "send")),
)


def icon(type_: str) -> str:
    """The outline of a type's icon."""
    if type_ in _ICONS:
        return _ICONS[type_]
    words = set(type_.lower().replace("-", "_").split("_"))
    return next((_ICONS[name] for name, of in _ICON_WORDS if not words.isdisjoint(of)), _ICONS["other"])


def colours(types: Iterable[str]) -> dict[str, Colour]:
    """A colour for each type, in the order given; types that nobody thought of share the spare ones evenly."""
    chosen: dict[str, Colour] = {}
    spare = list(_SPARE)
    for type_ in types:
        if type_ in _COLOURS:
            chosen[type_] = _COLOURS[type_]
        elif type_ not in chosen:
            spare = spare or list(_SPARE)
            chosen[type_] = spare.pop(crc32(type_.encode(errors="replace")) % len(spare))
    return chosen


def styles(palette: Iterable[Colour]) -> str:
    """The style sheet; the nth colour is the classes `tn` (its icon) and `an` (arrows in it)."""
    listed = list(palette)
    dark = "".join(_typed(number, each.dark_line, each.dark_tint) for number, each in enumerate(listed))
    light = "".join(_typed(number, each.line, each.tint) for number, each in enumerate(listed))
    return f"{_SHAPES}{light}@media (prefers-color-scheme:dark){{{_DARK}{dark}}}"


def _typed(number: int, line: str, tint: str) -> str:
    return (
        f".flow .t{number} .tile{{fill:{tint}}}.flow .t{number} .icon{{stroke:{line}}}"
        f".flow .t{number} .edge{{fill:{line}}}.flow .t{number} .tone{{fill:{line}}}"
        f".flow .a{number} .line{{stroke:{line}}}.flow .a{number} .tip{{fill:{line}}}"
    )


_SHAPES: Final = (
    f".flow text{{font-family:{SANS};fill:#1c2430}}"
    f".flow .mono{{font-family:{MONO}}}"
    ".flow .paper{fill:#f6f7f9}"
    ".flow .title{font-size:22px;font-weight:650;letter-spacing:-.2px}"
    ".flow .muted{fill:#66707f}.flow .small{font-size:11px}.flow .tiny{font-size:10.5px}"
    ".flow .name{font-size:13px;font-weight:620}.flow .body{font-size:12px}"
    ".flow .card{fill:#fff;stroke:#d5dae2}.flow .shade{fill:#1c2430;opacity:.06}"
    ".flow .rule{stroke:#e8ebf0}.flow .rowbox{fill:#f8f9fb}"
    ".flow .icon{fill:none;stroke-width:1.5;stroke-linecap:round;stroke-linejoin:round}"
    ".flow .port{fill:#fff;stroke:#8994a5;stroke-width:1.5}"
    ".flow .halo{fill:none;stroke:#f6f7f9;stroke-width:6}"
    ".flow .line{fill:none;stroke-width:1.6;stroke-linecap:round}"
    ".flow .soft{stroke-dasharray:1 5;stroke-width:2}.flow .late{stroke-dasharray:7 4}"
    ".flow .way:hover .line{stroke-width:3.4}.flow .cold{opacity:.28}"
    ".flow .away{opacity:.5}.flow .away .card{stroke-dasharray:4 3}"
    ".flow .chip{fill:#fff;stroke:#d5dae2}.flow .frame{fill:#eef0f4;stroke:#c3cad5;stroke-dasharray:6 4}"
    ".flow .start{fill:#1f9d55;stroke:none}.flow .onfull{fill:#fff}"
    ".flow .wrong{fill:#c81e3a}.flow a{cursor:pointer}"
    ".flow .heat0{fill:#e3f4e8}.flow .heat1{fill:#fdf0cf}.flow .heat2{fill:#fddcc4}.flow .heat3{fill:#f9c6c6}"
    ".flow .badge{stroke:#f6f7f9;stroke-width:2}.flow .bolt{fill:#e0a100}.flow .sample{stroke:#66707f}"
)
_DARK: Final = (
    ".flow text{fill:#e6e9ef}.flow .paper{fill:#12151a}.flow .muted{fill:#98a2b3}"
    ".flow .card{fill:#1b2027;stroke:#343c48}.flow .shade{fill:#000;opacity:.35}"
    ".flow .rule{stroke:#2a313b}.flow .rowbox{fill:#20262e}.flow .port{fill:#1b2027;stroke:#8590a2}"
    ".flow .halo{stroke:#12151a}.flow .chip{fill:#1b2027;stroke:#343c48}"
    ".flow .frame{fill:#171b21;stroke:#3b4452}.flow .start{fill:#2fb36c}.flow .onfull{fill:#0c1a11}"
    ".flow .wrong{fill:#ff7a8d}"
    ".flow .heat0{fill:#1c3a28}.flow .heat1{fill:#453814}.flow .heat2{fill:#4d2d17}.flow .heat3{fill:#552026}"
    ".flow .badge{stroke:#12151a}.flow .bolt{fill:#f2c14b}.flow .sample{stroke:#98a2b3}"
)
