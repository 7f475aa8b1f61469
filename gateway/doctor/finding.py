"""One finding of the doctor."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, TypeAlias

import msgspec

from gateway.redaction import redact_text

State: TypeAlias = Literal["ok", "warn", "fail"]
OK: State = "ok"
WARN: State = "warn"
FAIL: State = "fail"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """`{"check": "database", "state": "fail", "message": "can't be reached", "mend": "…"}`"""

    check: str
    state: State
    message: str
    mend: str = ""


class Report:
    """Collects findings. A check that raises becomes a finding itself, and the others go on."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []

    def ok(self, check: str, message: str) -> None:
        """All is well."""
        self._add(check, OK, message, "")

    def warn(self, check: str, message: str, mend: str) -> None:
        """It works, but something is amiss."""
        self._add(check, WARN, message, mend)

    def fail(self, check: str, message: str, mend: str) -> None:
        """It does not work."""
        self._add(check, FAIL, message, mend)

    @contextmanager
    def guard(self, check: str, mend: str) -> Iterator[None]:
        """Whatever the block raises is a failure of `check`."""
        try:
            yield
        except Exception as error:  # any failure is a finding here; the doctor has to reach its end
            self.fail(check, str(error) or type(error).__name__, mend)

    def _add(self, check: str, state: State, message: str, mend: str) -> None:
        finding = Finding(check=check, state=state, message=redact_text(message), mend=redact_text(mend))
        self.findings.append(finding)
