"""WhatsApp's faults to order; the kinds are in `tests.platforms.common.faults`."""

from __future__ import annotations

from tests.platforms.common.faults import AnyFault, Whom
from tests.platforms.whatsapp.errors import GraphError, too_many


class Fault(AnyFault, kw_only=True):
    """One entry of the programme. Empty `path` (`messages`, `media`, …) and `to` match every call."""

    path: str = ""
    to: str = ""
    status: int = 400
    code: int = 131000
    subcode: int | None = None
    details: str = ""

    def concerns(self, method: str, whom: Whom) -> bool:
        """Whether it is meant for this call."""
        return self.path in ("", method) and self.to in ("", whom)

    def error(self) -> GraphError:
        """The refusal of a `rate_limit` or `error`."""
        if self.kind == "rate_limit":
            return too_many()
        return GraphError(self.code, self.details, status=self.status, subcode=self.subcode)
