"""Field names of the Bot API 10, for telling what a payload holds that no bot acts on.

They only word the reason that is stored with a parked piece; nothing is refused for not being listed.
"""

from __future__ import annotations

from typing import Final

UNHANDLED_KINDS: Final = frozenset(
    {
        "business_connection",
        "chat_boost",
        "chat_join_request",
        "chosen_inline_result",
        "guest_message",
        "managed_bot",
        "message_reaction_count",
        "poll",
        "pre_checkout_query",
        "purchased_paid_media",
        "removed_chat_boost",
        "shipping_query",
        "stopped_message_generation",
        "subscription",
    }
)
"""Kinds of update that Telegram documents and that have no meaning for a conversation with a bot."""

ENVELOPE: Final = frozenset(
    {
        "author_signature",
        "business_connection_id",
        "caption",
        "caption_entities",
        "chat",
        "date",
        "direct_messages_topic",
        "edit_date",
        "effect_id",
        "entities",
        "ephemeral_message_id",
        "external_reply",
        "forward_date",
        "forward_from",
        "forward_from_chat",
        "forward_from_message_id",
        "forward_origin",
        "forward_sender_name",
        "forward_signature",
        "from",
        "has_media_spoiler",
        "has_protected_content",
        "is_automatic_forward",
        "is_from_offline",
        "is_paid_post",
        "is_topic_message",
        "link_preview_options",
        "media_group_id",
        "message_id",
        "message_thread_id",
        "paid_star_count",
        "quote",
        "receiver_user",
        "reply_markup",
        "reply_to_checklist_task_id",
        "reply_to_message",
        "reply_to_poll_option_id",
        "reply_to_story",
        "sender_boost_count",
        "sender_business_bot",
        "sender_chat",
        "sender_tag",
        "show_caption_above_media",
        "suggested_post_info",
        "via_bot",
    }
)
"""Fields of a message that are not its content."""
