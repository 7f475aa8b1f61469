"""What can keep a message from going out, by kind: what it means, and what an operator does about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

from adapters.errors import CustomerGone, Misconfigured, Refused, SendFailed, Uncertain, WindowClosed

Trouble: TypeAlias = Literal[
    "gone", "refused", "expired", "expired_config", "expired_doubt", "reported", "unreadable",
    "window", "template", "limit", "consent", "hours",
]  # fmt: skip

WORDS: Final[Mapping[Trouble, tuple[str, str]]] = {
    "gone": (
        "The customer can't be reached on this channel any more: blocked the bot, left, or deleted the account.",
        "Nothing helps before the customer writes again; drop it, or replay it then.",
    ),
    "refused": (
        "The platform will never take this message as it is.",
        "Mend the flow, the template or the file that the reason names; then replay it, or drop it.",
    ),
    "expired": (
        "It was tried for 24 hours, and the platform never took it.",
        "Look whether the platform is up (gateway doctor), then replay it.",
    ),
    "expired_config": (
        "The platform refused the channel's credentials or settings for 24 hours.",
        "Mend them (gateway channel verify says what is wrong), then replay it.",
    ),
    "expired_doubt": (
        "It was tried for 24 hours, and each time the answer was lost. The customer may have it, more than once.",
        "Ask the customer, or look into the chat, before it is replayed.",
    ),
    "reported": (
        "The platform took the message and reported later that it could not be delivered.",
        "See the reason; replay sends it once more.",
    ),
    "unreadable": (
        "The stored message can't be read by this version of the gateway.",
        "Drop it; if a newer version wrote it, update this one and replay it.",
    ),
    "window": (
        "The customer wrote too long ago: until the next message only approved templates may be sent.",
        "Replay it when the customer has written, or name a template in window.template of the channel.",
    ),
    "template": (
        "The template is not there, or not approved.",
        "Mend message_templates of the channel or wait for the approval, then replay it.",
    ),
    "limit": (
        "As many templates of this category went out today as compliance.rate_limiting allows.",
        "Replay it on another day (UTC), or raise the limit.",
    ),
    "consent": (
        "The customer does not want marketing messages, or has not agreed to them (compliance.opt_in_required).",
        "Replay it when the customer has agreed, or drop it.",
    ),
    "hours": (
        "compliance.business_hours_only is set, and it was outside of business hours.",
        "Replay it within business hours.",
    ),
}


def trouble_of(error: SendFailed) -> Trouble:
    """The kind of an error that ended a send for good."""
    match error:
        case CustomerGone():
            return "gone"
        case WindowClosed():
            return "window"
        case Refused():
            return "refused"
        case Misconfigured():
            return "expired_config"
        case Uncertain():
            return "expired_doubt"
    return "expired" if error.retryable else "refused"


def explain(trouble: str) -> tuple[str, str]:
    """What a kind means and what to do; plain words for one that is not known (of another version)."""
    for kind, words in WORDS.items():
        if kind == trouble:
            return words
    return "It could not be sent.", "See the reason; replay sends it once more."
