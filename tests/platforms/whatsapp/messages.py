"""POST /<phone number id>/messages: checks, acceptance, and the status reports that follow."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from tests.platforms.whatsapp import checks
from tests.platforms.whatsapp.errors import GraphError, parameter
from tests.platforms.whatsapp.templates import check_template
from tests.platforms.whatsapp.world import JSON, WINDOW_SECONDS, Customer, Number, World

MAX_KEY: Final = 512
UNREACHABLE: Final = "unreachable.example"
"""A host whose files Meta can't fetch: found out after the message was accepted."""

Check = Callable[[World, Any], Any]


def _media(kind: str) -> Check:
    return lambda world, content: checks.check_media(world, kind, content)


_CHECKS: Final[dict[str, Check]] = {
    "text": checks.check_text,
    **{kind: _media(kind) for kind in checks.MEDIA},
    "location": checks.check_location,
    "contacts": checks.check_contacts,
    "reaction": checks.check_reaction,
    "interactive": checks.check_interactive,
    "template": check_template,
}


def post(number: Number, given: JSON) -> JSON:
    """One call: a message, or a mark of one as read. Raises `GraphError`."""
    if given.get("messaging_product") != "whatsapp":
        raise parameter("The parameter messaging_product is required.")
    if given.get("status") == "read":
        return _read(number, given)
    target, id = _target(given)
    kind = given.get("type", "text")
    check = _CHECKS.get(kind)
    if check is None:
        raise parameter(f"Param type must be one of {{{', '.join(sorted(_CHECKS)).upper()}}} - got '{kind}'.")
    content = given.get(kind)
    if not isinstance(content, list if kind == "contacts" else dict):
        raise parameter(f"The parameter {kind} is required.")
    check(number.world, content)
    key = given.get("biz_opaque_callback_data", "")
    if not isinstance(key, str) or len(key) > MAX_KEY:
        raise parameter(f"Param biz_opaque_callback_data must be at most {MAX_KEY} characters long.")
    return _accept(number, target, id, kind, content, given, key)


def _target(given: JSON) -> tuple[str, str]:
    """The field that names the recipient, and the id in it: phone numbers in `to`, business-scoped ids elsewhere."""
    to, scoped = given.get("to"), given.get("recipient")
    if isinstance(scoped, str) and scoped and to is None:
        if "." not in scoped:
            raise parameter("Param recipient must be a business-scoped user id.")
        return "recipient", scoped
    if not isinstance(to, str) or not to:
        raise parameter("The parameter to is required.")
    if given.get("recipient_type", "individual") == "group":
        return "group", to
    digits = to.removeprefix("+")
    if not digits.isdigit():
        raise GraphError(131009, "Recipient is not a valid phone number")
    return "to", digits


def _accept(number: Number, target: str, id: str, kind: str, content: Any, given: JSON, key: str) -> JSON:
    world = number.world
    if world.rate_limits:
        number.limits.check(id, time.monotonic())
    if number.allowed is not None and id not in number.allowed:
        raise GraphError(131030, "Recipient phone number not in allowed list")
    customer = number.customer(id) if world.open_chats or target == "group" else number.find(id)
    trouble = _trouble(world, customer, kind, target)
    if trouble is not None and not world.refuse_late:
        raise trouble
    message = world.message_id()
    sent = world.record(
        number, id, kind, content=content, message=message, key=key,
        reply_to=str(given.get("context", {}).get("message_id", "")),
    )  # fmt: skip
    if not world.bench:
        number.messages[message] = {"kind": kind, "content": content, "to": id}
    link = content.get("link", "") if isinstance(content, dict) else ""
    if trouble is None and UNREACHABLE in str(link):
        trouble = GraphError(131053, "Media could not be downloaded from the link")
    report(number, sent.message, id, key, trouble)
    named = {"wa_id": id} if target == "to" else {"user_id": id}
    return {
        "messaging_product": "whatsapp",
        "contacts": [{"input": id, **named}],
        "messages": [{"id": message}],
    }


def _trouble(world: World, customer: Customer | None, kind: str, target: str) -> GraphError | None:
    """Why it would not arrive."""
    if world.open_chats or target == "group":
        return None
    if customer is None or not customer.reachable:
        return GraphError(131026, "Message Undeliverable.")
    heard = customer.heard_at
    if kind != "template" and (heard is None or world.now() - heard > WINDOW_SECONDS):
        return GraphError(
            131047,
            "Message failed to send because more than 24 hours have passed since the customer last replied to this"
            " number.",
        )
    return None


def _read(number: Number, given: JSON) -> JSON:
    message = given.get("message_id")
    known = number.messages.get(str(message))
    if known is None or "from" not in known:
        raise GraphError(100, message="(#100) Invalid parameter: message_id does not exist")
    typing = given.get("typing_indicator")
    if typing is not None and typing != {"type": "text"}:
        raise parameter("Param typing_indicator['type'] must be one of {TEXT}.")
    kind = "typing" if typing else "read"
    number.world.record(number, known["from"], kind, message=str(message))
    return {"success": True}


def report(number: Number, message: str, to: str, key: str, trouble: GraphError | None = None) -> None:
    """Tell the webhook how a message fares, as `world.statuses` says: in order, or shuffled and repeated."""
    world = number.world
    if trouble is None and world.statuses == "none":
        return
    states = ["failed"] if trouble is not None else ["sent", "delivered", "read"]
    states = [state for state in states for _ in range(max(1, world.repeats))]
    if world.statuses == "shuffled":
        world.random.shuffle(states)
    for state in states:
        body = status_body(number, message, to, state, key, trouble)
        world.on_webhook(number, f"status {message}", body)


def status_body(
    number: Number, message: str, to: str, state: str, key: str = "", trouble: GraphError | None = None
) -> JSON:
    """A webhook's body with one status report."""
    status: JSON = {
        "id": message,
        "status": state,
        "timestamp": str(int(number.world.now())),
        "recipient_id": to,
    }
    if key:
        status["biz_opaque_callback_data"] = key
    if trouble is not None:
        status["errors"] = [trouble.entry()]
    else:
        status["pricing"] = {
            "billable": False,
            "pricing_model": "PMP",
            "category": "service",
            "type": "regular",
        }
    customer = number.find(to)
    value: JSON = {"messaging_product": "whatsapp", "metadata": number.metadata(), "statuses": [status]}
    if customer is not None and trouble is None:
        value["contacts"] = [customer.contact()]
    return number.webhook("messages", value)
