"""Reports on sent messages, and on templates.

https://developers.facebook.com/docs/whatsapp/cloud-api/webhooks/reference/messages/status
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from adapters.protocol import DeliveryState, StatusUpdate, TemplateChanged
from adapters.reading import MAX_INTEGER, Object, Unhandled, moment, needed_string, string
from adapters.whatsapp.failures import describe_error

_STATES: Final[Mapping[str, DeliveryState]] = {
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "played": "read",  # a voice message that was listened to
    "failed": "failed",
}
_KEY = re.compile(r"([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}):(\d{1,4})")


def callback_data(key: UUID, call: int) -> str:
    """What goes with a call as `biz_opaque_callback_data` and comes back with its reports: `<uuid>:<call>`."""
    return f"{key}:{call}"


def status_of(status: Object, now: datetime) -> StatusUpdate:
    """One report. Raises `Unhandled`."""
    message = needed_string(status, "id", "status")
    name = needed_string(status, "status", "status")
    state = _STATES.get(name)
    if state is None:
        raise Unhandled(f"status not handled: {name[:64]}")
    match = _KEY.fullmatch(string(status, "biz_opaque_callback_data"))
    return StatusUpdate(
        message=message,
        state=state,
        occurred_at=time_of(status, now),
        error=_error(status) if state == "failed" else "",
        key=UUID(match[1]) if match else None,
        call=int(match[2]) if match else 0,
    )


def template_of(value: Object) -> TemplateChanged:
    """`message_template_status_update`: what Meta decided about a template. Raises `Unhandled`."""
    reasons = [string(value, "reason")]
    for key, field in (
        ("rejection_info", "reason"),
        ("other_info", "description"),
        ("disable_info", "disable_date"),
    ):
        info = value.get(key)
        reasons.append(string(info, field) if type(info) is dict else "")
    return TemplateChanged(
        name=needed_string(value, "message_template_name", "template report"),
        language=needed_string(value, "message_template_language", "template report"),
        status=needed_string(value, "event", "template report"),
        reason=": ".join(dict.fromkeys(reason for reason in reasons if reason and reason != "NONE"))[:400],
        category=string(value, "message_template_category"),
    )


def time_of(piece: Object, now: datetime) -> datetime:
    """`timestamp` (Unix seconds, as a number or in digits); `now` when it says nothing."""
    value: Any = piece.get("timestamp")
    if type(value) is str and value.isascii() and value.isdigit() and len(value) <= len(str(MAX_INTEGER)):
        value = int(value)
    return moment(value, now)


def _error(status: Object) -> str:
    errors = status.get("errors")
    if type(errors) is not list or not errors:
        return "0: WhatsApp says that it failed and gives no reason"
    return describe_error(errors[0])
