"""`docs/flow-reference.md`, made from the models of a flow and the tables of its little languages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from babel.core import Locale

from engine.answers.sentences import DEFAULT_LANGUAGE, SENTENCES, sentence
from engine.answers.translations import TRANSLATIONS
from engine.expressions import reference as functions
from engine.expressions.methods import METHODS
from engine.nodes import KINDS
from engine.scenarios.model import Expectations, FoundPassage, IntegrationTest, Step, Stub, UnitTest
from engine.scenarios.model import Settings as Circumstances
from engine.templates import reference as filters
from gateway.flows.schema import models
from gateway.flows.settings_table import Settings, code, table

BUILTIN_NAMES: Final[Mapping[str, str]] = {
    "hour": "The hour now, 0 to 23. Like all names of the clock: in the condition's `timezone`, else the "
    "customer's, else the flow's, else UTC.",
    "minute": "The minute now, 0 to 59.",
    "day_of_week": "The day of the week, 1 (Monday) to 7 (Sunday).",
    "current_time": "Now, such as `2026-01-14T10:00:00-05:00`.",
    "timezone": "The time zone of the names above, such as `America/New_York`.",
    "user": "The customer: `name`, `first_name`, `last_name`, `email`, `phone`, `language`, `timezone`, `id`, the "
    "attributes that the channel gave, and the variables of scope `customer`; `link_code` links their channels, and "
    "is empty in a group.",
    "customer_name": "The customer's first name; empty when it is not known.",
    "channel": "The platform, such as `telegram` or `web`.",
    "language": "The conversation's language, such as `en`.",
    "conversation_history": "`conversation_history.length` is how many messages the customer ever sent "
    "before this one.",
    "event": "What happened: `type`, such as `text_received` or `reaction_received`, and the event's own fields, such "
    "as `event.emoji`, `event.items`, `event.entities`.",
    "form": "The values of the form that was just sent, by the names of its fields.",
    "message_context": "How the message came: `id`, `reply_to`, `quote`, `forwarded`, `forwarded_from`, `place` "
    "(`private`, `group`, `channel`), `title`, `mentioned`, `overheard`, and `referral`, null or with `source`, `id`, "
    "`url`, `headline`, `text` and `payload`.",
    "message": "What the customer just wrote, or the title of what they pressed.",
    "text": "Another name of `message`.",
    "response": "The result of the call that just ended, in the node that made it.",
}
"""What each name that the engine gives stands for (`engine.environment.BUILTINS`)."""

_HEAD: Final = """# Flow reference

<!-- Made from the code by `make docs`; change it there. -->

Every setting, function, filter and name of a flow. [Flows](flows.md) explains them with examples. A setting that
is **needed** has no default; one without a default can be left out. The same as a JSON Schema for editors:
`gateway docs flow-schema`.

"""
_SUBJECTS: Final = {
    "times": "Times",
    "texts": "Texts",
    "numbers": "Numbers",
    "lists": "Lists",
    "data": "Objects and other values",
}
_KINDS_OF_VALUES: Final = {"string": "texts", "array": "lists", "number": "numbers"}


def flow_reference_markdown() -> str:
    """The whole page."""
    names, definitions = models()
    settings = Settings(definitions)
    sections = [
        _contents(),
        "## The flow\n",
        *settings.tables(names["flow"]),
        "## Nodes\n",
        "Every node has `id`, `type` and `connections` (see [The flow](#the-flow)); these are the settings in "
        "its `config`.\n",
        *(part for type_ in KINDS for part in _node(settings, type_, names[type_])),
        *_rules(settings),
        *_expressions(),
        "## Filters of templates\n",
        "What is in square brackets can be left out.\n",
        table(
            ("Filter", "What it makes of the value"), ((code(name), summary) for name, summary in filters())
        ),
        *_names(),
        *_sentences(),
        *_tests(settings, names["tests"]),
    ]
    return _HEAD + "\n".join(sections)


def _contents() -> str:
    """The types of nodes as links: the page is long."""
    nodes = ", ".join(f"[{type_}](#{type_})" for type_ in KINDS)
    return (
        f"[The flow](#the-flow) · Nodes: {nodes} · [Rules](#rules) · [Expressions](#expressions) · "
        "[Filters](#filters-of-templates) · [Names](#names) · [Sentences](#sentences) · [Tests](#tests)\n"
    )


def _node(settings: Settings, type_: str, name: str) -> Iterable[str]:
    yield f"### {type_}\n"
    yield from settings.tables(name)


def _rules(settings: Settings) -> Iterable[str]:
    yield "## Rules\n"
    yield from settings.tables("Rules", shared=())


def _expressions() -> Iterable[str]:
    yield "## Expressions\n"
    yield "Functions. `?` marks what can be left out, `...` stands for any number of values.\n"
    for subject, title in _SUBJECTS.items():
        yield f"### {title}\n"
        rows = ((code(signature), summary) for of, signature, summary in functions() if of == subject)
        yield table(("Function", "Value"), rows)
    yield "### Methods\n"
    for kind, title in _KINDS_OF_VALUES.items():
        known = ", ".join(code(f".{name}()") for name, method in METHODS.items() if kind in method.by_kind)
        yield f"Of {title}: {known}.\n"
    yield "They do what they do in JavaScript. `.length` is how long a text or a list is.\n"


def _names() -> Iterable[str]:
    yield "## Names\n"
    yield "What expressions and templates know besides the flow's variables. No variable can have one of them.\n"
    yield table(("Name", "Value"), ((code(name), meaning) for name, meaning in BUILTIN_NAMES.items()))


def _sentences() -> Iterable[str]:
    yield "## Sentences\n"
    languages = ", ".join(f"{_english(tag)} (`{tag}`)" for tag in TRANSLATIONS)
    yield f"What the bot says where a flow gives no text of its own: in {languages}; in English elsewhere.\n"
    rows = ((code(name), sentence(name, DEFAULT_LANGUAGE)) for name in SENTENCES)
    yield table(("Sentence", "In English"), rows)


def _english(tag: str) -> str:
    """What a language is called in English."""
    return str(Locale.parse(tag, sep="-").english_name)


def _tests(settings: Settings, name: str) -> Iterable[str]:
    yield "## Tests\n"
    yield "What `test_scenarios` holds; [Testing flows](testing-flows.md) explains it.\n"
    yield from settings.tables(name, shared=(UnitTest.__name__, IntegrationTest.__name__))
    happens = [key for key in Step.model_fields if key not in Expectations.model_fields]
    shared: tuple[str, ...] = ()
    for title, keys in (
        ("Circumstances of a test", Circumstances.model_fields),
        ("What happens in a step", happens),
        ("What is expected", Expectations.model_fields),
    ):
        yield f"### {title}\n"
        yield from settings.tables(UnitTest.__name__, only=keys, shared=shared)
        shared = (*shared, Stub.__name__, FoundPassage.__name__)
