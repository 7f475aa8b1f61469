"""The engine's errors. The docstring of a class is its default message."""


class EngineError(Exception):
    """The engine could not do what it was asked."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (self.__doc__ or "").strip())
