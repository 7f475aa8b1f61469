"""What can go wrong with a file. No text holds a secret, an address or a customer's word."""

from __future__ import annotations


class MediaError(Exception):
    """A file can't be kept or shown."""


class NotAllowed(MediaError):
    """The file is not kept. The message says why, in words for whoever sent it."""


class TooLarge(NotAllowed):
    """The file is not kept: it has more bytes than are taken."""


class StoreAway(MediaError):
    """The media store does not answer, or can't take anything right now: it may later."""


class StoreMisconfigured(MediaError):
    """The media store refuses us: its address, keys or bucket are wrong. The message says what it said."""


class NotThere(MediaError):
    """The store has no such file."""
