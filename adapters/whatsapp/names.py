"""Webhook fields that WhatsApp documents and that have no meaning for a conversation with a bot.

They only word the reason that is stored with a parked change; nothing is refused for not being listed.
https://developers.facebook.com/docs/graph-api/webhooks/reference/whatsapp-business-account
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_FIELDS: Final[Mapping[str, str]] = {
    "account_alerts": "a notice on the account's limits or profile",
    "account_review_update": "Meta reviewed the account",
    "account_settings_update": "settings of the number changed",
    "account_update": "the account changed, such as its verification or a ban",
    "automatic_events": "an ad's conversion that Meta detected",
    "business_capability_update": "the account's limits changed",
    "business_status_update": "the business's status changed",
    "calls": "a voice call",
    "flows": "a form (Flow) changed or has errors",
    "group_lifecycle_update": "a group was made or ended",
    "group_participants_update": "members of a group changed",
    "group_settings_update": "settings of a group changed",
    "group_status_update": "a group was suspended or freed",
    "history": "messages from before the number was connected",
    "message_template_components_update": "a template's text changed",
    "message_template_quality_update": "a template's quality changed",
    "phone_number_name_update": "Meta reviewed the number's display name",
    "phone_number_quality_update": "the number's messaging limit changed",
    "security": "the number's two-step verification changed",
    "smb_app_state_sync": "contacts of the WhatsApp Business app",
    "standby": "another app has control of the conversation",
    "template_category_update": "a template's category changed",
    "tracking_events": "an ad's click",
}
MAX_SHOWN: Final = 64


def unhandled(field: str) -> str:
    """Why a change of this field runs no turn."""
    words = _FIELDS.get(field, "unknown to this version")
    return f"field not handled: {field[:MAX_SHOWN]} ({words})"
