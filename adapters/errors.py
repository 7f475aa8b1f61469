"""The adapters' errors. None of them carries a secret, a URL or a request body."""

from __future__ import annotations


class AdapterError(Exception):
    """A platform's adapter could not do what it was asked."""


class Unverified(AdapterError):
    """The request does not come from the platform: its secret or signature is missing or wrong."""

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason or (self.__doc__ or ""))


class SendFailed(AdapterError):
    """A call was not carried out. Says whether to try again, and what an operator reads."""

    retryable = False

    def __init__(self, reason: str, *, code: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code


class TryLater(SendFailed):
    """Nothing was sent and it may work later: rate limit, outage, refused connection."""

    retryable = True

    def __init__(
        self,
        reason: str,
        *,
        code: str = "",
        retry_after: float | None = None,
        whole_channel: bool = False,
        backoff_base: float | None = None,
    ) -> None:
        super().__init__(reason, code=code)
        self.retry_after = retry_after
        """Seconds that the platform asked to wait; never try earlier. None: back off as you see fit."""
        self.whole_channel = whole_channel
        """The limit holds for the channel, not only for this recipient."""
        self.backoff_base = backoff_base
        """Where the platform asks for waits that grow: the n-th failure waits this to the power of n, in seconds."""


class Uncertain(SendFailed):
    """The call may or may not have been carried out: the answer was cut off."""

    retryable = True


class CustomerGone(SendFailed):
    """The customer can't be reached any more: blocked the bot, left, or deleted the account."""


class Refused(SendFailed):
    """The platform will never take this call as it is."""


class Misconfigured(SendFailed):
    """The channel's own credentials or settings are refused; an operator has to mend them."""

    retryable = True


class WindowClosed(SendFailed):
    """The platform takes only approved templates now: the customer wrote too long ago."""
