"""A neutral message as Slack calls: Block Kit throughout, with a plain text beside it for notifications.

`chat.postMessage`, `chat.update`, `reactions.add` are Slack's methods. Two are ours, each a few of Slack's that the
client carries out: `files.upload` (uploads, then shares them in one message) and `reactions.clear`.

https://docs.slack.dev/reference/methods/chat.postMessage
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from adapters.protocol import Call, Upload
from adapters.slack.address import Address, read_address
from adapters.slack.blocks import (
    DIVIDER,
    actions,
    card_blocks,
    choice_elements,
    image_block,
    link_elements,
)
from adapters.slack.capabilities import ALT_TEXT, BLOCK_TEXT, BLOCKS, BLOCKS_JSON, FALLBACK_TEXT, FILES
from adapters.slack.emojis import name_of
from adapters.slack.richtext import JSON, escape, is_web_address, json_size, rich_text, text_blocks
from adapters.text import clean, is_blank, shorten
from engine.messages import Media, OutboundMessage, Reaction, Span

UPLOAD: Final = "files.upload"
"""Ours: body {"channel", "thread_ts"?, "blocks", "files": [{"title"?, "alt"?}, …]}, with an upload for each file."""
CLEAR: Final = "reactions.clear"
"""Ours: body {"channel", "timestamp"}."""
POST: Final = "chat.postMessage"
UPDATE: Final = "chat.update"
BLANK: Final = "…"
"""What is sent in place of a message that has nothing to see."""

_encode = msgspec.json.Encoder().encode
Group = list[JSON]
"""Blocks that stay in one message."""


def render_message(recipient: str, message: OutboundMessage) -> list[Call]:
    """The calls for `message`, in order; never empty. Files go first, so that no text overtakes them."""
    to = read_address(recipient)
    if message.reaction is not None:
        return [_reaction(to, message.reaction)]
    target = _target(to, message)
    shown = [media for media in message.media if _is_public_image(media)]
    files = [media for media in message.media if not _is_public_image(media)]
    files += [
        Media(kind="image", url=card.image, alt=card.title)
        for card in message.cards
        if card.image and not is_web_address(card.image)
    ]
    groups = _groups(message, shown)
    caption = groups[0][0] if files and not shown and _is_caption(message, groups) else None
    calls = list(_uploads(target, files, caption))
    if caption is not None:
        return calls
    posts = list(_posts(target, message, groups, bool(calls)))
    if message.edits and posts:
        posts[0] = _update(to, message, posts[0])
    return [*calls, *(Call(method=method, body=_encode(body)) for method, body in posts)]


def _target(to: Address, message: OutboundMessage) -> JSON:
    """Where it goes. In a thread it stays there; elsewhere an answer goes into the thread of what it answers."""
    thread = to.thread or message.reply_to
    return {"channel": to.channel, "thread_ts": thread} if thread else {"channel": to.channel}


def _reaction(to: Address, reaction: Reaction) -> Call:
    item: JSON = {"channel": to.channel, "timestamp": reaction.message}
    if not reaction.emoji:
        return Call(method=CLEAR, body=_encode(item))
    return Call(method="reactions.add", body=_encode({**item, "name": name_of(reaction.emoji)}))


def _is_public_image(media: Media) -> bool:
    """Whether Slack can fetch it itself: a picture at a public address. Everything else is uploaded."""
    return media.kind == "image" and media.url.startswith("https://") and is_web_address(media.url)


def _groups(message: OutboundMessage, shown: Sequence[Media]) -> list[Group]:
    """All blocks in order, those that belong together in groups: a card, or the buttons with what they are for."""
    choices, written = choice_elements(message.choices)
    links, lines = link_elements(message.links)
    text, spans = _text(message, [*written, *lines])
    groups: list[Group] = [[image_block(media)] for media in shown]
    groups += [[block] for block in text_blocks(text, spans)]
    for number, card in enumerate(message.cards, 1):
        if blocks := card_blocks(card, number):
            groups.append([*([DIVIDER] if number > 1 else []), *blocks])
    if pressed := actions([*choices, *links]):
        if not groups:
            groups.append([rich_text(BLANK)])
        groups[-1] += pressed
    return groups


def _text(message: OutboundMessage, lines: Sequence[str]) -> tuple[str, tuple[Span, ...]]:
    """The text with the lines behind it that stand for what has no button. Cleaning changes no length."""
    text = clean(message.text)
    if lines:
        text = (text + "\n\n" if not is_blank(text) else "") + clean("\n".join(lines))
    return text, message.spans if not is_blank(clean(message.text)) else ()


def _is_caption(message: OutboundMessage, groups: Sequence[Group]) -> bool:
    """Whether all there is to say fits beside the files: one block of text."""
    return not message.edits and len(groups) == 1 and [block["type"] for block in groups[0]] == ["rich_text"]


def _uploads(target: JSON, files: Sequence[Media], caption: JSON | None) -> Iterable[Call]:
    """Files, as many in one message as Slack shows; the caption goes with the first."""
    for start in range(0, len(files), FILES):
        together = files[start : start + FILES]
        shown = caption if start == 0 else None
        # A caption's block is what a lost upload is found again by, so there is always one.
        label = shorten(clean(together[0].alt or together[0].name), BLOCK_TEXT.size)
        block = shown or rich_text(BLANK if is_blank(label) else label)
        uploads = tuple(
            Upload(field="file", source=media.url, kind=media.kind, name=media.name) for media in together
        )
        about = [
            {"title": clean(media.name), "alt": shorten(clean(media.alt), ALT_TEXT)} for media in together
        ]
        body = {**target, "blocks": [block], "files": about}
        yield Call(method=UPLOAD, body=_encode(body), uploads=uploads)


def _posts(
    target: JSON, message: OutboundMessage, groups: Sequence[Group], is_optional: bool
) -> Iterable[tuple[str, JSON]]:
    """The messages that carry the blocks. Without any there is still one, unless files say it all (`is_optional`)."""
    packed = list(_packed(groups))
    if not packed and not is_optional:
        packed = [[rich_text(BLANK)]]
    for number, blocks in enumerate(packed):
        said = message.text if number == 0 and not is_blank(message.text) else " ".join(_words(blocks))
        text = escape(shorten(clean(said).strip() or BLANK, FALLBACK_TEXT))
        yield POST, {**target, "text": text, "blocks": blocks, "mrkdwn": False}


def _packed(groups: Sequence[Group]) -> Iterable[list[JSON]]:
    """Blocks in messages, each within Slack's limits. A group that alone exceeds them is not kept together."""
    held: list[JSON] = []
    size = 0
    for group in groups:
        sizes = [json_size(block) for block in group]
        if held and (size + sum(sizes) > BLOCKS_JSON or len(held) + len(group) > BLOCKS):
            yield held
            held, size = [], 0
        for block, length in zip(group, sizes, strict=True):
            if held and (size + length > BLOCKS_JSON or len(held) == BLOCKS):
                yield held
                held, size = [], 0
            held.append(block)
            size += length
    if held:
        yield held


def _words(blocks: Iterable[JSON]) -> Iterable[str]:
    """What blocks say, for the text beside them."""
    for block in blocks:
        match block:
            case {"type": "rich_text", "elements": elements}:
                yield "".join(
                    part.get("text") or part.get("url", "") for one in elements for part in one["elements"]
                )
            case {"type": "section", "text": {"text": str(text)}}:
                yield text
            case {"type": "image", "alt_text": str(text)}:
                yield text


def _update(to: Address, message: OutboundMessage, post: tuple[str, JSON]) -> tuple[str, JSON]:
    """A post as the new face of an earlier message. What does not fit into it follows as messages of its own."""
    body = {key: value for key, value in post[1].items() if key not in ("thread_ts", "mrkdwn")}
    return UPDATE, {**body, "channel": to.channel, "ts": message.edits}
