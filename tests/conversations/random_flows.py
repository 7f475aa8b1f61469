"""Flows made at random over every type of node: all of them compile, and many of them make no sense."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any, Final

from engine.nodes import KINDS

CONDITIONS: Final = (
    "open_now", "always", "else", "is_german", "n > 3", "items.length > 2", "conversation_history.length > 2",
    "answer.nothing.at.all", "response.error", "hour < 12", "text.length > 5", "channel == 'web'",
)  # fmt: skip
EXPRESSIONS: Final = (
    "n + 1", "text", "items", "items.concat([text])", "user.first_name", "answer", "missing.very.deep", "items[0].name",
    "total * 2", "shared_count + 1", "text.split('')", "kept", "response.body", "language", "null", "answer + answer",
    "ring", "day",
)  # fmt: skip
TEXTS: Final = (
    "Hello {{user.first_name}}", "You wrote {{text}}", "{{answer}}", "{{n | number}} of {{total}}", "Plain words",
    "{{missing.very.deep}}", "{{items}}", "{{response.body.name}}{{response.text}}", "{{text | truncate: 20}}",
    "{{kept}} {{shared_count}}", "{{ring}}", "**Bold {{text}}** [a](https://example.com/{{text}})", "*{{answer}}*",
    "{{event}}{{form.name}}{{message_context.quote}}", "{{day | date: \"long\"}}",
)  # fmt: skip
VARIABLES: Final = ("answer",) * 4 + ("kept", "kept", "agreed", "n", "items", "shared_count", "day", "code")
WORDS: Final = ("human", "stop", "subscribe", "menu", "hilfe", "support team", "مساعدة")
LANGUAGES: Final = ("en", "de", "ar")
FALLBACK: Final = "sorry"
"""Only the step itself leads here, so that a test can count how often."""
MAX_NODES: Final = 12
TYPES: Final = (*sorted(KINDS), *sorted(type for type, kind in KINDS.items() if kind.waits))
"""Those that wait are more likely: a flow that never waits soon ends."""

Config = dict[str, Any]


class FlowMaker:
    """Makes one flow; every choice is drawn from `random`."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._flows: list[str] = []
        self._ids: list[str] = []
        self._messages: list[str] = []

    def definition(self) -> Config:
        """A flow definition."""
        random = self._random
        self._flows = [f"sub{index}" for index in range(random.randint(0, 2))]
        spoken = LANGUAGES[: random.choice((1, 1, 2, 3))]
        main = self._part(random.randint(2, MAX_NODES))
        main["nodes"].append(self._node(FALLBACK, "message"))
        actions = self._actions()
        return {
            "global_settings": self._settings(),
            **main,
            "global_actions": actions,
            "inline_answers": [{"title": "Hours", "text": self.text(), "keywords": ["open"]}]
            * random.choice((0, 3)),
            "flows": {name: self._part(random.randint(1, 5)) for name in self._flows},
            "conditions": {
                "open_now": {"expression": "hour >= 9 && hour < 17", "timezone": "Europe/Berlin"},
                "is_german": {"expression": "language == 'de'"},
            },
            "variables": _variables(),
            "supported_languages": list(spoken),
            "translations": {
                tag: {"Plain words": f"Worte ({tag})", "Yes, please": f"Ja ({tag})", "menu": f"menü{tag}"}
                for tag in spoken[1:]
            },
        }

    def _settings(self) -> Config:
        pick = self._random.choice
        settings: Config = {
            "fallback_node": pick((FALLBACK, None)),
            "max_turns": pick((0, 0, 3, 10)),
            "max_steps": pick((10, 40, 100)),
            "timeout": pick((0, 600)),
            "burst_window": pick((0, 0, 2000)),
            "timezone": pick(("", "Asia/Kolkata")),
            "album_window": pick((0, 800)),
            "groups": pick(("all", "mentioned")),
            "echo_takes_over": pick((True, True, False)),
            "format": pick(("plain", "markdown")),
        }
        if pick((True, False)):
            settings["quiet_hours"] = {"start": "21:00", "end": "08:00"}
        if pick((True, False)):
            settings["opt_out"] = {"message": "Goodbye {{user.first_name}}"}
        return settings

    def _actions(self) -> Config:
        return {
            "escalation": {
                "keywords": ["human", "support team"],
                "target": self._id(),
                "conditions": ["open_now"],
                "otherwise_target": self._random.choice((None, self._id())),
                "priority": self._random.choice(("normal", "high")),
            },
            "main_menu": {
                "keywords": {"en": ["menu"], "de": ["hilfe"]},
                "target": self._id(),
                "clear_context": self._random.choice((True, False)),
            },
            "occasions": {
                "events": ["reaction", "form", "order", "members"],
                "target": self._id(),
                "conditions": self._random.choice(([], ["open_now"], ["event.emoji.length > 0"])),
            },
        }

    def _part(self, count: int) -> Config:
        """The flow itself, or a sub-flow; `_ids` are then its nodes."""
        self._ids = [f"n{index}" for index in range(count)]
        types = [self._random.choice(TYPES) for _ in self._ids]
        self._messages = [id for id, type in zip(self._ids, types, strict=True) if type == "message"]
        nodes = [self._node(id, type) for id, type in zip(self._ids, types, strict=True)]
        return {"start_node": "n0", "nodes": nodes}

    def _id(self) -> str:
        return self._random.choice(self._ids)

    def _node(self, id: str, type: str) -> Config:
        if type == "call" and not self._flows:
            type = "message"
        config = _CONFIGS[type](self)
        if type in _SPEAKING:
            config |= self._random.choice(({}, {}, {"delay": 500, "typing_indicator": True}))
        ways = [
            {"target": self._id(), "condition": self._random.choice(CONDITIONS)}
            for _ in range(self._random.randint(0, 2))
        ]
        if self._random.random() < 0.6:
            ways.append({"target": self._id()})
        if self._random.random() < 0.3:
            ways.append({"target": self._id(), "condition": "error"})
        return {"id": id, "type": type, "config": config, "connections": ways}

    def text(self) -> str:
        return self._random.choice(TEXTS)

    def expression(self) -> str:
        return self._random.choice(EXPRESSIONS)

    def variable(self) -> str:
        return self._random.choice(VARIABLES)

    def some(self, **settings: Callable[[], Any]) -> Config:
        """Each setting or not."""
        return {name: make() for name, make in settings.items() if self._random.random() < 0.5}

    def target(self) -> str:
        return self._id()

    def pick(self, *values: Any) -> Any:
        return self._random.choice(values)

    def message(self) -> str | None:
        """A message in the same part of the flow, which another may replace."""
        return self._random.choice(self._messages) if self._messages else None

    def flow(self) -> str:
        return self._random.choice(self._flows)


def _message(make: FlowMaker) -> Config:
    card = {"title": "Card", "buttons": [{"text": "Take it", "target": make.target()}]}
    return {
        "message": make.text(),
        **make.some(
            variations=lambda: [make.text()],
            media=lambda: [{"url": "https://example.com/{{text}}.png", "alt": make.text()}],
            cards=lambda: [card] * make.pick(1, 3),
            personalization=lambda: {"use_name": True, "greeting_time": make.pick(True, False)},
            links=lambda: [{"text": "Open", "url": "https://example.com/{{text}}"}],
            location=lambda: {"latitude": make.pick(52.5, "{{n}}"), "longitude": 13.4, "name": make.text()},
            contact=lambda: {"name": "Desk {{text}}", "phone": make.pick("+49301234567", "{{answer}}")},
            template=lambda: {"key": "welcome", "parameters": {"name": make.text()}},
            edit=make.message,
            format=lambda: "markdown",
        ),
    }


def _quick_reply(make: FlowMaker) -> Config:
    more = [{"text": f"Option {number}", "value": number} for number in range(3, make.pick(3, 15))]
    options = [{"text": "Yes, please", "target": make.target()}, {"text": "No", "value": 2}, *more]
    return {
        "message": make.text(),
        "options": options,
        **make.some(
            timeout=lambda: make.pick(30, 600),
            allow_free_text=lambda: False,
            retries=lambda: make.pick(0, 1),
            variable=make.variable,
            fallback_action=lambda: make.pick("restart", "repeat"),
        ),
    }


def _input(make: FlowMaker) -> Config:
    type = make.pick(
        "text", "number", "integer", "email", "phone", "url", "date", "time", "file", "location", "contact",
        "choice", "yes_no", "form", "order",
    )  # fmt: skip
    colours = [{"text": "Red"}, {"text": "Blue", "value": 7}] * make.pick(1, 4)
    options = (
        {"options": colours}
        if type == "choice"
        else {"multiple": make.pick(True, False)}
        if type == "file"
        else {}
    )
    return {
        "message": make.text(),
        "type": type,
        "variable": make.variable(),
        **options,
        **make.some(
            timeout=lambda: make.pick(30, 600),
            timeout_target=make.target,
            fallback_target=make.target,
            retries=lambda: make.pick(0, 1),
            skip_text=lambda: "Leave it out",
            validation=lambda: {"max_length": 5, "maximum": 3, "earliest": "today"},
            error_messages=lambda: {"too_long": make.text()},
        ),
    }


def _http(make: FlowMaker) -> Config:
    return {
        "method": "POST",
        "url": "https://example.com/{{text}}?key={{secret.KEY}}",
        "json": {"text": "{{text}}", "n": "{{n}}", "deep": ["{{answer}}"]},
        "headers": {"X-Name": "{{user.first_name}}"},
        "save": {make.variable(): make.pick("response.body", "response.body.name", "response.headers.etag")},
        **make.some(
            error_variable=lambda: "code",
            accept_statuses=lambda: [404],
            attempts=lambda: 2,
        ),
    }


def _knowledge(make: FlowMaker) -> Config:
    return make.some(
        query=make.text,
        message=lambda: "{{response.passages}}",
        variable=lambda: make.pick("items", "answer"),
        not_found_target=make.target,
    )


def _ai_answer(make: FlowMaker) -> Config:
    return make.some(
        prompt=make.text, instructions=make.text, message=make.text, variable=lambda: "answer"
    ) | {"silent": make.pick(True, False)}


def _wait(make: FlowMaker) -> Config:
    end = make.pick(
        {"seconds": 60}, {"seconds": 0}, {"until_time": "09:00"}, {"until": "day"}, {"until_condition": "open_now"}
    )  # fmt: skip
    meanwhile = make.pick(
        {}, {"on_message": "ignore"}, {"on_message": "target", "message_target": make.target()}
    )
    return {**end, **meanwhile}


def _feedback(make: FlowMaker) -> Config:
    return {"message": make.text()} | make.some(
        comment_message=make.text, skip_text=lambda: "Skip it", variable=lambda: "n",
        comment_variable=make.variable, retries=lambda: 0,
    )  # fmt: skip


def _intent(make: FlowMaker) -> Config:
    return {
        "intents": [
            {
                "name": "order",
                "target_node": make.target(),
                "examples": ["where is my order", "track my parcel"],
            },
            {"name": "bill", "target_node": make.target(), "examples": ["a question about my bill"]},
        ],
        **make.some(fallback_intent=lambda: make.pick("bill", "none such")),
    }


_SPEAKING: Final = frozenset(
    {"message", "quick_reply", "input", "feedback", "consent", "human_handoff", "end"}
)
_CONFIGS: Final[Mapping[str, Callable[[FlowMaker], Config]]] = {
    "message": _message,
    "react": lambda make: {"emoji": make.pick("👍", "", "{{text}}")},
    "quick_reply": _quick_reply,
    "ai_intent": _intent,
    "input": _input,
    "condition": lambda make: {
        "cases": [{"condition": make.pick(*CONDITIONS), "target": make.target()}],
        **make.some(**{"else": make.target}),
    },
    "switch": lambda make: {
        "value": make.expression(),
        "cases": [{"values": ["a", 1, None], "target": make.target()}],
        **make.some(**{"else": make.target}),
    },
    "split": lambda make: {
        "branches": [{"target": make.target()}, {"target": make.target(), "weight": 3}],
        "sticky": make.pick(True, False),
    },
    "set_variable": lambda make: {
        "variable": make.variable(),
        **make.pick(
            {"expression": make.expression()}, {"value": {"all": ["{{text}}", make.text()]}},
            {"value": "{{text}}" + make.text()},
        ),
    },
    "jump": lambda make: {"target": make.target()},
    "call": lambda make: {"flow": make.flow(), **make.some(arguments=lambda: {make.variable(): make.text()})},
    "return": lambda make: {},
    "loop": lambda make: {
        "items": make.pick("items", "items.concat([text])", "[1, 2, text]", make.expression()),
        "as": make.pick("answer", make.variable()),
        "body": make.target(),
        **make.some(index_as=lambda: "n", max_items=lambda: 3),
    },
    "wait": _wait,
    "http": _http,
    "knowledge": _knowledge,
    "ai_answer": _ai_answer,
    "human_handoff": lambda make: make.some(message=make.text),
    "feedback": _feedback,
    "email": lambda make: {
        "to": [make.pick("desk@example.com", "{{answer}}")],
        "subject": make.text(),
        "body": make.text(),
    },
    "track": lambda make: {"event": "seen", "properties": {"text": make.text(), "n": [1, make.text()]}},
    "set_language": lambda make: make.pick({"language": "de"}, {"expression": make.expression()}),
    "consent": lambda make: {"message": make.text(), "purpose": "news"}
    | make.some(variable=lambda: "agreed", granted_target=make.target, refused_target=make.target),
    "end": lambda make: make.some(message=make.text),
}  # fmt: skip


def _variables() -> Config:
    return {
        "answer": {"type": "any"},
        "n": {"type": "number", "default": 0, "validation": {"maximum": 50}},
        "items": {"type": "array", "default": ["one", {"name": "two"}]},
        "day": {"type": "string", "default": "2026-01-15T18:00"},
        "kept": {"type": "any", "scope": "customer", "default": "new"},
        "shared_count": {"type": "number", "scope": "bot", "default": 0},
        "code": {"type": "string", "persistence": True},
        "total": {"type": "number", "computed": True, "expression": "n + 100"},
        "ring": {"type": "any", "computed": True, "expression": "knot"},
        "knot": {"type": "any", "computed": True, "expression": "ring"},
    }
