"""One log: structlog and the standard library through one root handler, secrets redacted last.

Every line carries `timestamp`, `level`, `event` and `logger`, and what `context` has bound: `organization`,
`conversation`, `trace`. Logs go to standard error, so that standard output stays a command's own.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Literal, TextIO, cast

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from gateway.redaction import redact, redact_text, redact_value

__all__ = ["configure_logging", "context", "get_logger", "loop_exception_handler", "redact"]

LogFormat = Literal["json", "console"]

QUIET = {"aiohttp.access": logging.CRITICAL, "aiogram": logging.WARNING, "sqlalchemy": logging.WARNING,
         "alembic": logging.WARNING, "asyncio": logging.WARNING}  # fmt: skip
"""Loggers of libraries and the level below which they are not heard. The metrics replace the access log."""


_FIRST = ("timestamp", "level", "event", "logger", "organization", "conversation", "trace")


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """A logger: `get_logger(__name__).info("turn committed", events=12)`."""
    return cast(structlog.stdlib.BoundLogger, structlog.get_logger(name))


@contextmanager
def context(
    *, organization: object = None, conversation: object = None, trace: str | None = None
) -> Iterator[None]:
    """Bind ids to every line that is logged inside, in this task and the tasks that it starts."""
    bound = {"organization": organization, "conversation": conversation, "trace": trace}
    with structlog.contextvars.bound_contextvars(**{k: str(v) for k, v in bound.items() if v is not None}):
        yield


def configure_logging(*, level: str = "info", form: LogFormat = "json", stream: TextIO | None = None) -> None:
    """Send everything that is logged to `stream` (standard error) and catch what nobody catches."""
    handler = _Handler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_finishing(form)],
            foreign_pre_chain=[*_shared(), structlog.stdlib.ExtraAdder()],
        )
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_shared(),
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name, quiet_level in QUIET.items():
        logging.getLogger(name).setLevel(max(quiet_level, root.level))
    logging.captureWarnings(True)
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_uncaught_in_thread


def loop_exception_handler(loop: asyncio.AbstractEventLoop, details: dict[str, Any]) -> None:
    """For `loop.set_exception_handler`: an exception that no task awaited is an error in the log."""
    del loop
    error = details.get("exception")
    subject = (
        details.get("task") or details.get("future") or details.get("handle") or details.get("transport")
    )
    get_logger("asyncio").error(
        details.get("message", "unhandled exception in the event loop"),
        exc_info=error if isinstance(error, BaseException) else None,
        subject=repr(subject) if subject is not None else None,
    )


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


def _finishing(form: LogFormat) -> list[Processor]:
    """Tracebacks become text before the redaction, and nothing is added after it."""
    text: list[Processor] = [
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        _redact,
    ]
    if form == "console":
        return [*text, structlog.dev.ConsoleRenderer(colors=False)]
    return [*text, structlog.processors.JSONRenderer(_dumps)]


def _redact(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    del logger, name
    first = {key: event[key] for key in _FIRST if key in event}
    return cast(EventDict, redact_value(first | dict(event)))


def _dumps(value: Any, **_: Any) -> str:
    return json.dumps(
        value, ensure_ascii=False, separators=(",", ":"), default=lambda odd: redact_text(repr(odd))
    )


class _Handler(logging.StreamHandler[TextIO]):
    """A root handler that does not print a record's raw arguments when the record can't be formatted."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  (the base class's name)
        error = sys.exc_info()[1]
        line = {"level": "error", "logger": record.name, "event": "a log record could not be written",
                "error": redact_text(repr(error)), "where": f"{record.pathname}:{record.lineno}"}  # fmt: skip
        if not isinstance(error, BrokenPipeError | ValueError):  # the stream itself is gone or closed
            self.stream.write(_dumps(line) + self.terminator)


def _log_uncaught(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, traceback)
        return
    get_logger("gateway").critical("uncaught exception", exc_info=(kind, error, traceback))


def _log_uncaught_in_thread(details: threading.ExceptHookArgs) -> None:
    error = details.exc_value or details.exc_type()
    get_logger("gateway").critical(
        "uncaught exception in a thread",
        exc_info=(details.exc_type, error, details.exc_traceback),
        thread=details.thread.name if details.thread else None,
    )
