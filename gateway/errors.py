"""The gateway's errors. The docstring of a class is its default message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class GatewayError(Exception):
    """The gateway could not do what it was asked."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (self.__doc__ or "").strip().splitlines()[0])


class Unavailable(GatewayError):
    """The database can't be reached; nothing was accepted."""

    def __init__(self, message: str | None = None, *, retry_after: int = 5) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds after which to ask again: the `Retry-After` of a 503."""


class ShuttingDown(Unavailable):
    """This process is shutting down and accepts nothing more."""


class NotFound(GatewayError):
    """There is no such thing."""


class Conflict(GatewayError):
    """The command does not fit what is stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong, in words that its reader can act on. Carries no secret."""

    place: str
    """Where: a setting's name, a file and key, a JSON path."""
    message: str
    mend: str

    def __str__(self) -> str:
        return f"{self.place}: {_sentence(self.message)} {_sentence(self.mend[:1].upper() + self.mend[1:])}".rstrip()


def _sentence(text: str) -> str:
    return text if not text or text[-1] in ".?!" else f"{text}."


class ConfigurationError(GatewayError):
    """The configuration is refused."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems) or None)
