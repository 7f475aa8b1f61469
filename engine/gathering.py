"""What has to wait before it is read: texts of a burst, words during a call, and the pieces of an album.

An album's pieces are held until none has come for `album_window` milliseconds, ten seconds at most, and what the
customer writes meanwhile is read together with them.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from msgspec import structs

from engine.events import AlbumReceived, EventBody, MediaReceived, TextReceived
from engine.folding import readable
from engine.state import Album
from engine.turn import MAX_HELD, Turn
from engine.waits import cancel_timer, start_timer

MAX_PIECES: Final = 30
"""Of one album; what comes beyond is ignored."""
MAX_GATHERED: Final = timedelta(seconds=10)
"""From an album's first piece on."""
MAX_NAME: Final = 255
"""Code points of a file's name that are kept meanwhile."""


def gathers(turn: Turn, piece: MediaReceived) -> bool:
    """Whether the piece waits for the others of its album; it is held then.

    What comes while an album is gathered belongs to it, also a file that names no album or another.
    """
    album, waiting = turn.album, turn.waiting
    calls = waiting is not None and bool(waiting.call)
    if not turn.bot.album_ms or turn.control != "bot" or calls or not (piece.album or album is not None):
        return False
    items = album.items if album is not None else ()
    began_at = album.began_at if album is not None else turn.now
    left = max(0, MAX_HELD - sum(len(item.caption) for item in items))
    if len(items) < MAX_PIECES:
        caption, name = readable(piece.caption[:left]), readable(piece.name[:MAX_NAME])
        items = (*items, structs.replace(piece, caption=caption, name=name))
        turn.note("held", detail="a piece of an album; more may come", value=len(items))
    else:
        turn.note("limit", detail=f"an album of more than {MAX_PIECES} pieces")
    if album is not None:
        cancel_timer(turn, album.timer)
    due_at = min(turn.now + timedelta(milliseconds=turn.bot.album_ms), began_at + MAX_GATHERED)
    timer = start_timer(turn, "album", max(0.0, (due_at - turn.now).total_seconds()))
    turn.album = Album(timer=timer, began_at=began_at, items=items)
    turn.silence_lasts = True
    return True


def whole_album(album: Album) -> EventBody:
    """What the gathered pieces are together; one alone is what it was."""
    if len(album.items) == 1:
        return album.items[0]
    captions = (item.caption for item in album.items if item.caption)
    return AlbumReceived(items=album.items, caption="\n".join(captions))


def holds(turn: Turn, fresh: str) -> bool:
    """Whether the text has to wait: for the rest of an album or a burst, or for the result of a call."""
    waiting = turn.waiting
    if waiting is not None and waiting.call and not fresh:
        if turn.text:
            turn.hold(turn.text)
        turn.note("held" if turn.text else "ignored", waiting.node, "a call is running")
        return True
    if not isinstance(turn.event, TextReceived):
        return False
    if turn.album is not None:
        turn.hold(turn.text)
        turn.silence_lasts = True
        turn.note("held", detail="it is read with the album")
        return True
    if not turn.bot.burst_ms:
        return False
    turn.hold(turn.text)
    turn.silence_lasts = True
    if not turn.burst:
        turn.burst = start_timer(turn, "burst", turn.bot.burst_ms / 1000)
    turn.note("held", detail=f"more may come within {turn.bot.burst_ms} ms")
    return True


def stop_gathering(turn: Turn, *, kept: bool) -> None:
    """Something came that can't wait: what was held is read with it if `kept`, else it has been overtaken.

    An album that is `kept` is gathered on, and so are the texts that belong to it.
    """
    if kept and turn.album is not None:
        return
    if turn.burst:
        cancel_timer(turn, turn.burst)
        turn.burst = ""
    if kept:
        turn.read_held()
        return
    if turn.album is not None:
        cancel_timer(turn, turn.album.timer)
    if turn.held or turn.album is not None:
        turn.held, turn.album = "", None
        turn.note("ignored", detail="what was held; something else was chosen since")


def read_burst(turn: Turn, fresh: str) -> bool:
    """The window has closed: what was gathered is now one text, unless it is in vain or waits for more."""
    waiting = turn.waiting
    turn.burst = ""
    if turn.control != "bot":
        turn.held = ""
        turn.note("ignored", detail="a human answers")
        return False
    if turn.album is not None:
        turn.silence_lasts = True
        turn.note("held", detail="it is read with the album")
        return False
    if waiting is not None and waiting.call and not fresh:
        turn.note("held", waiting.node, "a call is running")
        return False
    turn.read_held()
    turn.event = TextReceived(text=turn.text)
    return True


def read_album(turn: Turn, fresh: str) -> bool:
    """No more pieces come: what was gathered is now what the customer sent, unless it is in vain.

    While a call is running its words are held, as any others are.
    """
    album = turn.album
    turn.album = None
    if album is None:
        return False
    event = whole_album(album)
    caption = event.caption if isinstance(event, MediaReceived | AlbumReceived) else ""
    if turn.control != "bot":
        turn.held = turn.held if turn.burst else ""
        turn.note("ignored", detail="a human answers")
        return False
    if turn.waiting is not None and turn.waiting.call and not fresh:
        if caption:
            turn.hold(caption)
        turn.note("held" if caption else "ignored", turn.node, "a call is running")
        return False
    turn.event = event
    turn.text = caption
    turn.unread = True
    turn.read_held()
    return True
