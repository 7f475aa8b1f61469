"""Addresses of files of our own: signed links for whoever reads, sealed sources for adapters that upload. No I/O.

A flow names a file that the gateway keeps as `media:<id>`. Before a message goes to a platform, `resolve` puts in the
place of such a name either a link that expires, or, where the platform's adapter uploads files itself, a sealed
source `media:<token>`. Both say whose file is meant, under our signature: the organization is that of the channel
that sends, so a flow that names another tenant's file gets a name that leads nowhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from msgspec import structs

from adapters.capabilities import Capabilities
from adapters.fit import fit
from engine.messages import Card, InlineAnswer, InlineResult, Media, OutboundMessage, TemplateCall
from gateway.media.tokens import LINKS, SOURCES, Named, Tokens
from storage.keyring import Keyring

SCHEME: Final = "media:"
PATH: Final = "/media/"
SOURCE_LIFETIME: Final = timedelta(days=2)
"""Longer than a send is tried for (`gateway.delivery.attempt.GIVE_UP_AFTER`)."""

_OWN = re.compile(r"media:([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})\Z")


class MediaLinks:
    """Makes and reads the names of files. `base_url` is where this server is reached, without a slash at its end."""

    def __init__(
        self, keyring: Keyring, base_url: str, lifetime: timedelta, clock: Callable[[], datetime]
    ) -> None:
        self._links = Tokens(keyring, LINKS)
        self._sources = Tokens(keyring, SOURCES)
        self._base = f"{base_url}{PATH}"
        self._lifetime = lifetime
        self._clock = clock

    def link(self, organization_id: UUID, media_id: UUID, now: datetime | None = None) -> str:
        """The address at which anybody who has it may read the file, for the lifetime of links from `now` on."""
        expires_at = (now or self._clock()) + self._lifetime
        named = Named(organization_id=organization_id, media_id=media_id, expires_at=expires_at)
        return f"{self._base}{self._links.make(named)}"

    def read_link(self, token: str) -> Named | None:
        """What the end of a link names; None when it is not ours, or expired."""
        return self._links.read(token, self._clock())

    def source(self, organization_id: UUID, media_id: UUID) -> str:
        """A sealed source: what `Files.open` takes from an adapter."""
        expires_at = self._clock() + SOURCE_LIFETIME
        named = Named(organization_id=organization_id, media_id=media_id, expires_at=expires_at)
        return f"{SCHEME}{self._sources.make(named)}"

    def read_source(self, source: str) -> Named | None:
        """What a sealed source, or a link of ours, names; None for anything else."""
        if source.startswith(SCHEME):
            return self._sources.read(source.removeprefix(SCHEME), self._clock())
        return self.read_link(source.removeprefix(self._base)) if source.startswith(self._base) else None

    def public_link(self, source: str, organization_id: UUID | None = None) -> str | None:
        """A link for `source`: itself when it is http(s); one of ours for a sealed source, or for `media:<id>` when
        the organization is known; None for what names no file.
        """
        if not source.startswith(SCHEME):
            return source if source.startswith(("https://", "http://")) else None
        own = _OWN.match(source)
        if own is not None:
            return self.link(organization_id, UUID(own[1])) if organization_id is not None else None
        named = self._sources.read(source.removeprefix(SCHEME), self._clock())
        return None if named is None else self.link(named.organization_id, named.media_id)

    def resolve(
        self, message: OutboundMessage, organization_id: UUID, capabilities: Capabilities
    ) -> OutboundMessage:
        """`message` with every `media:<id>` replaced. What the platform can't show natively, and all that
        `capabilities.by_link` lists, becomes a link; the rest a sealed source, for the adapter to upload.
        """
        if not (message.media or message.cards or message.template or message.inline):
            return message

        def name(url: str, *, upload: bool) -> str:
            own = _OWN.match(url)
            if own is None:
                return url
            return (self.source if upload else self.link)(organization_id, UUID(own[1]))

        def media(one: Media) -> Media:
            uploaded = one.kind not in capabilities.by_link and _shown(capabilities, media=(one,))
            return structs.replace(one, url=name(one.url, upload=uploaded))

        def card(one: Card) -> Card:
            uploaded = "card" not in capabilities.by_link and _shown(capabilities, cards=(one,))
            return structs.replace(one, image=name(one.image, upload=uploaded)) if one.image else one

        return structs.replace(
            message,
            media=tuple(media(one) for one in message.media),
            cards=tuple(card(one) for one in message.cards),
            template=_template(message.template, media),
            inline=_inline(message.inline, lambda url: self.public_link(url, organization_id) or url),
        )


def _shown(capabilities: Capabilities, media: tuple[Media, ...] = (), cards: tuple[Card, ...] = ()) -> bool:
    """Whether the platform shows it in a form of its own; else its address is written out."""
    fitted = fit(OutboundMessage(media=media, cards=cards), capabilities)
    return fitted is not None and bool(fitted.media or fitted.cards)


def _template(template: TemplateCall | None, media: Callable[[Media], Media]) -> TemplateCall | None:
    if template is None or template.media is None:
        return template
    return structs.replace(template, media=media(template.media))


def _inline(inline: InlineAnswer | None, link: Callable[[str], str]) -> InlineAnswer | None:
    """Thumbnails are fetched by the platform itself."""
    if inline is None:
        return None

    def shown(result: InlineResult) -> InlineResult:
        return structs.replace(result, thumbnail=link(result.thumbnail)) if result.thumbnail else result

    return structs.replace(inline, results=tuple(shown(result) for result in inline.results))
