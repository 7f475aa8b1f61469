"""Templates: the approved message of a key in the channel's `message_templates`, filled in.

The settings keep the document's shape: `{"welcome": {"name", "language", "category", "status", "components"}}`, its
components as Meta lists them, with `{{name}}` or `{{1}}` for parameters.

https://developers.facebook.com/docs/whatsapp/cloud-api/messages/template-messages
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from adapters.errors import Refused
from adapters.protocol import ChannelAccess, Upload
from adapters.reading import Object, string
from adapters.text import clean
from adapters.whatsapp.marks import mark
from adapters.whatsapp.media import media_object, type_of
from engine.messages import TemplateCall

CODE: Final = "template"
SENDABLE: Final = frozenset({"", "APPROVED", "REINSTATED", "FLAGGED"})
"""Statuses under which Meta sends a template; a flagged one is at risk, and goes out."""
MAX_PARAMETER: Final = 1024

_PLACEHOLDER = re.compile(r"\{\{\s*([A-Za-z0-9_]+)\s*\}\}")
_HEADER_MEDIA: Final = frozenset({"IMAGE", "VIDEO", "DOCUMENT"})


def template_content(call: TemplateCall, access: ChannelAccess) -> tuple[Object, tuple[Upload, ...]]:
    """The `template` object of a call, and what is uploaded for its header. Raises `Refused`, saying what to mend."""
    spec = _spec(call.key, access)
    filled = _Filled(call, spec)
    components = filled.components()
    content: Object = {"name": filled.name, "language": {"code": string(spec, "language") or "en_US"}}
    if components:
        content["components"] = components
    return content, filled.uploads


def _spec(key: str, access: ChannelAccess) -> Object:
    templates = access.settings.get("message_templates")
    spec = templates.get(key) if isinstance(templates, Mapping) else None
    if not isinstance(spec, dict) or not string(spec, "name"):
        raise Refused(
            f"this channel has no message template {key!r}; add it to message_templates in its configuration",
            code=CODE,
        )
    status = string(spec, "status").upper()
    if status not in SENDABLE:
        raise Refused(
            f"the template {string(spec, 'name')!r} ({key}) has the status {status}; Meta sends only approved ones",
            code=CODE,
        )
    return spec


class _Filled:
    """One template being filled in. Each parameter has to be given, and each that is given has to have a place."""

    def __init__(self, call: TemplateCall, spec: Object) -> None:
        self.name = string(spec, "name")
        self.uploads: tuple[Upload, ...] = ()
        self._call = call
        self._spec = spec
        self._given = dict(call.parameters)
        self._used: set[str] = set()
        self._shows_file = False

    def components(self) -> list[Object]:
        """The components with their parameters in order, those without parameters left out."""
        given = self._spec.get("components")
        if not isinstance(given, list) or not given:
            return self._unknown()
        found: list[Object] = []
        for component in given:
            if not isinstance(component, dict):
                continue
            match string(component, "type").upper():
                case "HEADER":
                    found += self._header(component, len(found))
                case "BODY":
                    found += self._texts("body", string(component, "text"))
                case "BUTTONS":
                    found += self._buttons(component.get("buttons"))
        unused = [name for name in self._given if name not in self._used]
        if unused:
            raise self._refused(f"has no place for the parameter {unused[0]!r}")
        if self._call.media is not None and not self._shows_file:
            raise self._refused("has no header that shows a file")
        return found

    def _unknown(self) -> list[Object]:
        """The components are not known here: what is given goes into the body, in its order."""
        names = list(self._given)
        named = not all(name.isdecimal() for name in names)
        if self._call.media is not None:
            raise self._refused("is configured without components, so it is not known to show a file")
        return [self._component("body", names, named)] if names else []

    def _header(self, component: Object, index: int) -> list[Object]:
        form = string(component, "format").upper()
        if form not in _HEADER_MEDIA:
            if form == "LOCATION":
                raise self._refused("has a header that shows a place, which can't be filled in")
            return self._texts("header", string(component, "text"))
        media = self._call.media
        if media is None:
            raise self._refused(f"needs a file for its header ({form.lower()})")
        kind = type_of(media)
        if kind.upper() != form:
            raise self._refused(f"shows a file of the kind {form.lower()} in its header, not {kind}")
        self._shows_file = True
        content, self.uploads = media_object(media, f"template.components.{index}.parameters.0.{kind}")
        if kind == "document" and media.name:
            content["filename"] = media.name
        return [{"type": "header", "parameters": [{"type": kind, kind: content}]}]

    def _texts(self, place: str, text: str) -> list[Object]:
        names = list(dict.fromkeys(_PLACEHOLDER.findall(text)))
        named = not all(name.isdecimal() for name in names)
        if not named:
            names.sort(key=int)
        return [self._component(place, names, named)] if names else []

    def _component(self, place: str, names: list[str], named: bool) -> Object:
        parameters = []
        for name in names:
            parameter = {"type": "text", "text": self._value(f"{place}_{name}", name)}
            parameters.append({**parameter, "parameter_name": name} if named else parameter)
        return {"type": place, "parameters": parameters}

    def _buttons(self, buttons: Any) -> list[Object]:
        found: list[Object] = []
        for index, button in enumerate(buttons if isinstance(buttons, list) else ()):
            if isinstance(button, dict) and (filled := self._button(button, index)) is not None:
                sub_type, parameter = filled
                found.append(
                    {"type": "button", "sub_type": sub_type, "index": str(index), "parameters": [parameter]}
                )
        return found

    def _button(self, button: Object, index: int) -> tuple[str, Object] | None:
        """A button's sub-type and its one parameter; None for one that takes none."""
        own = f"button_{index}"
        match string(button, "type").upper():
            case "URL":
                names = _PLACEHOLDER.findall(string(button, "url"))
                if not names:
                    return None
                other = own if names[0].isdecimal() else names[0]
                return "url", {"type": "text", "text": self._value(own, other, raw=True)}
            case "OTP":
                return "url", {"type": "text", "text": self._value(own, "1", raw=True)}
            case "COPY_CODE":
                return "copy_code", {
                    "type": "coupon_code",
                    "coupon_code": self._value(own, "coupon_code", raw=True),
                }
            case "QUICK_REPLY" if own in self._given:
                return "quick_reply", {"type": "payload", "payload": self._value(own, own, raw=True)}
            case "FLOW":
                token = self._value(own, own, raw=True) if own in self._given else "unused"
                return "flow", {"type": "action", "action": {"flow_token": token}}
        return None

    def _value(self, own: str, name: str, *, raw: bool = False) -> str:
        """A parameter by the name of its place, else by its own; fit for Meta, which refuses line breaks in it."""
        found = own if own in self._given else name
        value = " ".join(clean(self._given.get(found, "")).split())
        if not value:
            raise self._refused(f"needs the parameter {name!r}")
        self._used.add(found)
        return value[:MAX_PARAMETER] if raw else mark(value)[:MAX_PARAMETER]

    def _refused(self, what: str) -> Refused:
        return Refused(f"the template {self.name!r} ({self._call.key}) {what}", code=CODE)
