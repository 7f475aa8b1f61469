"""The vertical pieces of arrows, in the channels between layers: each net on a track, so that few of them cross."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

PITCH: Final = 9.0
"""Between tracks, in pixels; less in a channel of many."""
MARGIN: Final = 24.0
_MOST: Final = 420.0
"""Width of all tracks of a channel."""
_CELL: Final = 6.0


@dataclass(slots=True)
class Net:
    """All arrows to one box where they run through a channel: one line with many ends."""

    left: set[float] = field(default_factory=set)
    """Heights at which it touches the layer before the channel."""
    right: set[float] = field(default_factory=set)
    end: float = 0.0
    """The height at which it goes on towards the box."""
    x: float = 0.0

    @property
    def span(self) -> tuple[float, float]:
        """Its uppermost and its lowest end."""
        return min((*self.left, *self.right)), max((*self.left, *self.right))


class Channel:
    """The room between two layers."""

    __slots__ = ("_from_left", "_from_right", "_tracks", "nets")

    def __init__(self) -> None:
        self.nets: dict[int, Net] = {}
        """Box -> the net of the arrows to it."""
        self._from_left: list[tuple[Net, int]] = []
        self._from_right: list[tuple[Net, int]] = []
        self._tracks = (0, 0)

    def net(self, box: int) -> Net:
        """The net of the arrows to `box`."""
        return self.nets.setdefault(box, Net())

    def assign(self) -> None:
        """Give each net that is not level a track.

        Turns back to the same side nest at that side, the short ones inside. Between the two sides, of two nets
        that rise the upper one runs further left, and of two that fall the upper one further right: then they
        do not cross.
        """
        bent = [net for net in self.nets.values() if net.span[0] != net.span[1]]
        left = sorted((net for net in bent if not net.right), key=_length)
        right = sorted((net for net in bent if not net.left), key=_length)
        across = [net for net in bent if net.left and net.right]
        rising = sorted((net for net in across if not _falls(net)), key=lambda net: net.span)
        falling = sorted((net for net in across if _falls(net)), key=lambda net: net.span, reverse=True)
        self._from_left = _tracks([*left, *rising, *falling])
        self._from_right = _tracks(right)
        self._tracks = (_number(self._from_left), _number(self._from_right))

    def place(self, x: float) -> float:
        """Place the tracks in a channel that begins at `x`; returns where it ends."""
        tracks = sum(self._tracks)
        if not self.nets:
            return x
        pitch = min(PITCH, _MOST / max(1, tracks))
        for net, track in self._from_left:
            net.x = x + MARGIN + pitch * track
        end = x + 2 * MARGIN + pitch * max(0, tracks - 1) + 8
        for net, track in self._from_right:
            net.x = end - MARGIN - 8 - pitch * track
        return end


def _length(net: Net) -> float:
    top, bottom = net.span
    return bottom - top


def _falls(net: Net) -> bool:
    return net.end > sum(net.left) / len(net.left)


def _number(tracks: list[tuple[Net, int]]) -> int:
    return max((track + 1 for _, track in tracks), default=0)


def _tracks(nets: list[Net]) -> list[tuple[Net, int]]:
    """Each net on the first track beyond all that overlap it and come before."""
    if not nets:
        return []
    least = min(net.span[0] for net in nets)
    cells = int((max(net.span[1] for net in nets) - least) / _CELL) + 3
    free = [0] * cells
    assigned: list[tuple[Net, int]] = []
    for net in nets:
        top, bottom = net.span
        first, last = int((top - least) / _CELL), int((bottom - least) / _CELL) + 2
        track = max(free[first:last])
        free[first:last] = [track + 1] * (last - first)
        assigned.append((net, track))
    return assigned
