"""Templates: checked against the parameters of a call, listed in pages, and changed by Meta."""

from __future__ import annotations

import re
from typing import Any

from tests.platforms.whatsapp.checks import check_media, object_of
from tests.platforms.whatsapp.errors import GraphError
from tests.platforms.whatsapp.world import JSON, Number, Template, World

_PLACEHOLDER = re.compile(r"\{\{\s*(\w+)\s*\}\}")


def check_template(world: World, content: JSON) -> Template:
    """Refuse what Meta refuses; returns the template."""
    language = object_of(content, "language", "template.language").get("code")
    name = str(content.get("name"))
    template = world.templates.get((name, str(language)))
    if template is None or template.status in ("PENDING", "REJECTED"):
        raise GraphError(132001, f"template name ({name}) does not exist in {language}", status=404)
    if template.status in ("PAUSED", "DISABLED"):
        raise GraphError(132015 if template.status == "PAUSED" else 132016)
    given = {
        (str(part.get("type")).lower(), str(part.get("index", ""))): part.get("parameters", [])
        for part in content.get("components", [])
    }
    for component in template.components:
        _component(world, component, given)
    for (kind, index), parameters in given.items():
        if parameters and kind not in ("button",):
            raise GraphError(
                132000, f"{kind}: number of localizable_params ({len(parameters)}) does not match 0"
            )
        if parameters and index:
            raise GraphError(132000, f"button {index}: takes no parameters")
    return template


def _component(world: World, component: JSON, given: dict[tuple[Any, str], list[JSON]]) -> None:
    kind = component["type"].lower()
    if kind == "buttons":
        for index, button in enumerate(component.get("buttons", [])):
            parameters = given.pop(("button", str(index)), [])
            needed = len(_PLACEHOLDER.findall(button.get("url", "")))
            if button["type"] == "QUICK_REPLY" and parameters:
                needed = 1
            if len(parameters) != needed:
                raise GraphError(132000, f"button {index}: number of parameters does not match {needed}")
        return
    parameters = given.pop((kind, ""), [])
    form = component.get("format", "TEXT")
    if kind == "header" and form != "TEXT":
        if len(parameters) != 1 or parameters[0].get("type") != form.lower():
            raise GraphError(132012, f"header: Format mismatch, expected {form}, received other")
        check_media(world, form.lower(), object_of(parameters[0], form.lower()), captions=False)
        return
    names = list(dict.fromkeys(_PLACEHOLDER.findall(component.get("text", ""))))
    if len(parameters) != len(names):
        raise GraphError(
            132000,
            f"{kind}: number of localizable_params ({len(parameters)}) does not match the expected number of params"
            f" ({len(names)})",
        )
    for one in parameters:
        text = one.get("text")
        if (
            one.get("type") != "text"
            or not isinstance(text, str)
            or not text
            or re.search(r"[\n\t]| {5}", text)
        ):
            raise GraphError(132012, f"{kind}: Param text cannot have new-line/tab characters")
    if names and not names[0].isdecimal() and [one.get("parameter_name") for one in parameters] != names:
        raise GraphError(100, message="(#100) Invalid parameter: Parameter name is missing or empty")


def page_of(world: World, query: dict[str, str]) -> JSON:
    """GET /<account>/message_templates."""
    templates = list(world.templates.values())
    limit = min(int(query.get("limit", "25")), 100)
    start = int(query.get("after", "0"))
    page = templates[start : start + limit]
    paging: JSON = {"cursors": {"before": str(start), "after": str(start + len(page))}}
    if start + len(page) < len(templates):
        paging["next"] = "https://elsewhere.example/steals-tokens"
    data = [
        {
            "id": one.id,
            "name": one.name,
            "language": one.language,
            "category": one.category,
            "status": one.status,
            "rejected_reason": "NONE",
            "parameter_format": "NAMED",
            "components": one.components,
        }
        for one in page
    ]
    answer: JSON = {"data": data, "paging": paging} if page else {"data": []}
    if "summary" in query:
        answer["summary"] = {
            "total_count": len(templates),
            "message_template_count": len(templates),
            "message_template_limit": 250,
            "are_translations_complete": True,
        }
    return answer


def decide(number: Number, name: str, language: str, status: str, reason: str = "NONE") -> None:
    """Meta approves, rejects or pauses a template, and tells."""
    template = number.world.templates[(name, language)]
    template.status = status
    value = {
        "event": status,
        "message_template_id": int(template.id),
        "message_template_name": name,
        "message_template_language": language,
        "message_template_category": template.category,
        "reason": reason,
    }
    body = number.webhook("message_template_status_update", value)
    body["entry"][0]["time"] = int(number.world.now())
    number.world.on_webhook(number, "templates", body)
