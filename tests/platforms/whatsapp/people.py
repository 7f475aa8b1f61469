"""What customers do (and the business's own people in the app), and the webhooks that come of it."""

from __future__ import annotations

import json
from typing import Any

from tests.platforms.whatsapp.world import JSON, Customer, Number


def send(number: Number, customer_id: str, kind: str, content: Any, **more: Any) -> str:
    """A customer sends a message of any type; opens the window. Returns the message's id."""
    message, body = message_body(number, customer_id, kind, content, **more)
    number.world.on_webhook(number, customer_id, body)
    return message


def message_body(number: Number, customer_id: str, kind: str, content: Any, **more: Any) -> tuple[str, JSON]:
    """The id and the webhook's body of a message; `more` are fields beside the content, such as `context`."""
    customer = number.customer(customer_id)
    customer.heard_at = number.world.now()
    message = _message(number, customer, kind, content, **more)
    if not number.world.bench:
        number.messages[message["id"]] = {"kind": kind, "content": content, "from": customer_id}
    return message["id"], number.webhook("messages", _value(number, [customer], [message]))


def _message(number: Number, customer: Customer, kind: str, content: Any, **more: Any) -> JSON:
    return {
        **customer.origin(),
        "id": number.world.message_id(),
        "timestamp": str(int(number.world.now())),
        "type": kind,
        kind: content,
        **more,
    }


def _value(number: Number, customers: list[Customer], messages: list[JSON]) -> JSON:
    return {
        "messaging_product": "whatsapp",
        "metadata": number.metadata(),
        "contacts": [customer.contact() for customer in customers],
        "messages": messages,
    }


def say(number: Number, customer_id: str, text: str, *, reply_to: str = "") -> str:
    """A customer writes."""
    more = {"context": {"from": number.display, "id": reply_to}} if reply_to else {}
    return send(number, customer_id, "text", {"body": text}, **more)


def say_many(number: Number, texts: list[tuple[str, str]]) -> list[str]:
    """Several customers' texts in one body, as Meta batches them under load."""
    customers: dict[str, Customer] = {}
    messages = []
    for customer_id, text in texts:
        customer = customers.setdefault(customer_id, number.customer(customer_id))
        customer.heard_at = number.world.now()
        messages.append(_message(number, customer, "text", {"body": text}))
    body = number.webhook("messages", _value(number, list(customers.values()), messages))
    number.world.on_webhook(number, "batch", body)
    return [message["id"] for message in messages]


def press(number: Number, customer_id: str, message: str, choice: str) -> str:
    """A customer presses a button, or picks a row, of one of our messages. KeyError if it has none of that id."""
    context = {"from": number.display, "id": message}
    sent = number.messages[message]
    if sent["kind"] == "template":
        return send(number, customer_id, "button", _template_button(sent["content"], choice), context=context)
    action = sent["content"]["action"]
    replies = [button["reply"] for button in action.get("buttons", [])]
    for card in action.get("cards", []):
        replies += [button["quick_reply"] for button in card["action"].get("buttons", [])]
    rows = [row for section in action.get("sections", []) for row in section["rows"]]
    for kind, offered in (("button_reply", replies), ("list_reply", rows)):
        for one in offered:
            if one["id"] == choice:
                content = {"type": kind, kind: one}
                return send(number, customer_id, "interactive", content, context=context)
    raise KeyError(choice)


def _template_button(content: JSON, payload: str) -> JSON:
    for part in content.get("components", []):
        if part.get("sub_type") == "quick_reply" and part["parameters"][0]["payload"] == payload:
            return {"payload": payload, "text": "Yes"}
    raise KeyError(payload)


def submit(number: Number, customer_id: str, message: str, values: JSON) -> str:
    """A customer fills in the form (Flow) that one of our messages opened."""
    parameters = number.messages[message]["content"]["action"]["parameters"]
    answers = {**values, "flow_token": parameters["flow_token"]}
    content = {
        "type": "nfm_reply",
        "nfm_reply": {"name": "flow", "body": "Sent", "response_json": json.dumps(answers)},
    }
    return send(number, customer_id, "interactive", content, context={"from": number.display, "id": message})


def send_file(
    number: Number, customer_id: str, kind: str, content: bytes, mime_type: str, **more: Any
) -> str:
    """A customer sends a file; `more` is `caption`, `filename`, `voice`."""
    media = number.world.add_media(content, mime_type)
    return send(number, customer_id, kind, {"id": media.id, "mime_type": mime_type, "sha256": "x", **more})


def react(number: Number, customer_id: str, message: str, emoji: str) -> str:
    """A customer reacts to a message; an empty emoji takes it back."""
    content = {"message_id": message, **({"emoji": emoji} if emoji else {})}
    return send(number, customer_id, "reaction", content)


def edit(number: Number, customer_id: str, message: str, text: str) -> str:
    """A customer edits one of their messages."""
    inner = {"type": "text", "text": {"body": text}}
    return send(number, customer_id, "edit", {"original_message_id": message, "message": inner})


def delete(number: Number, customer_id: str, message: str) -> str:
    """A customer deletes one of their messages."""
    return send(number, customer_id, "revoke", {"original_message_id": message})


def change_number(number: Number, customer_id: str, new: str) -> str:
    """A customer moves to another phone number."""
    customer = number.customer(customer_id)
    content = {
        "body": f"{customer.name} changed from {customer_id} to {new}",
        "wa_id": new,
        "type": "user_changed_number",
    }
    message = send(number, customer_id, "system", content)
    customer.wa_id = new
    return message


def echo(number: Number, customer_id: str, text: str) -> str:
    """Somebody of the business writes to the customer in the WhatsApp Business app."""
    customer = number.customer(customer_id)
    id = number.world.message_id()
    message = {
        "from": number.display,
        "to": customer_id,
        "id": id,
        "timestamp": str(int(number.world.now())),
        "type": "text",
        "text": {"body": text},
    }
    value = {
        "messaging_product": "whatsapp",
        "metadata": number.metadata(),
        "contacts": [customer.contact()],
        "message_echoes": [message],
    }
    number.world.on_webhook(number, customer_id, number.webhook("smb_message_echoes", value))
    return id
