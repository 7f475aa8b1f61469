"""What stands in the way of a call. The texts are fit for a trace: no address, no secret, no customer's word."""

from __future__ import annotations


class Refused(Exception):
    """This is not called, however often it is tried. The message says why."""

    def __str__(self) -> str:
        return f"refused: {self.args[0]}"


class Failed(Exception):
    """There was no usable response. `sent` says whether the server may have seen the request."""

    def __init__(self, reason: str, *, sent: bool) -> None:
        super().__init__(reason)
        self.sent = sent
