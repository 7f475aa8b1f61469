"""The emoji that a bot can react with; Telegram refuses any other (`ReactionTypeEmoji`, Bot API 10).

https://core.telegram.org/bots/api#reactiontypeemoji
"""

from __future__ import annotations

from typing import Any, Final

from adapters.protocol import Call
from adapters.telegram.wire import encode
from engine.messages import Reaction

REACTIONS: Final = tuple(
    "👍 👎 ❤ 🔥 🥰 👏 😁 🤔 🤯 😱 🤬 😢 🎉 🤩 🤮 💩 🙏 👌 🕊 🤡 🥱 🥴 😍 🐳 ❤\ufe0f\u200d🔥 🌚 🌭 💯 🤣 ⚡ 🍌 🏆 💔 🤨"  # noqa: SIM905
    " 😐 🍓 🍾 💋 🖕 😈 😴 😭 🤓 👻 👨\u200d💻 👀 🎃 🙈 😇 😨 🤝 ✍ 🤗 🫡 🎅 🎄 ☃ 💅 🤪 🗿 🆒 💘 🙉 🦄 😘 💊 🙊 😎 👾"
    " 🤷\u200d♂\ufe0f 🤷 🤷\u200d♀\ufe0f 😡".split()
)
"""As the Bot API writes them: most without a variation selector, which keyboards add."""
_SELECTOR: Final = "\ufe0f"
_CUSTOM: Final = "custom_emoji:"
_KNOWN: Final = {emoji.replace(_SELECTOR, ""): emoji for emoji in REACTIONS}


def render_reaction(target: dict[str, Any], reaction: Reaction) -> list[Call]:
    """setMessageReaction; an emoji that is no reaction is said as an answer to the message instead.

    Nothing at all for taking one back where there can be none: in a business account's chat.
    """
    emoji = reaction.emoji.replace(_SELECTOR, "")
    reactable = reaction.message.isdecimal() and "business_connection_id" not in target
    chosen: list[dict[str, str]] | None = None
    if not emoji:
        chosen = []
    elif emoji in _KNOWN:
        chosen = [{"type": "emoji", "emoji": _KNOWN[emoji]}]
    elif reaction.emoji.startswith(_CUSTOM):
        chosen = [{"type": "custom_emoji", "custom_emoji_id": reaction.emoji.removeprefix(_CUSTOM)}]
    if chosen is None or (chosen and not reactable):
        return [said_instead(target, reaction.emoji, reaction.message)]
    if not reactable:
        return []
    body = {"chat_id": target["chat_id"], "message_id": int(reaction.message), "reaction": chosen}
    return [Call(method="setMessageReaction", body=encode(body))]


def said_instead(target: dict[str, Any], emoji: str, message: str) -> Call:
    """The emoji as a message that answers the one it is about."""
    body: dict[str, Any] = {**target, "text": emoji}
    if message.isdecimal():
        body["reply_parameters"] = {"message_id": int(message), "allow_sending_without_reply": True}
    return Call(method="sendMessage", body=encode(body))
