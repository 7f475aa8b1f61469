"""Carries out one piece of work, whatever its kind, and says what is to be written down about it."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Final, TypeAlias, assert_never
from uuid import UUID

import msgspec

from engine.effects import CallIntegration, Generate, Search, SendEmail
from engine.events import AnswerGenerated, CallFinished, SearchFinished
from gateway.away import AWAY
from gateway.channel import Channel
from gateway.identity.effect import FetchProfile, UnifyCustomer
from gateway.identity.profiles import Profiles
from gateway.identity.unifying import Unifying
from gateway.logs import get_logger
from gateway.media.effect import FetchMedia
from gateway.media.fetching import Fetching
from gateway.redaction import redact
from gateway.work.email import Mailer, NotSent
from gateway.work.errors import Refused
from gateway.work.http import HttpClient
from gateway.work.request import secret_names
from gateway.work.verdict import Answer, Done, GivenUp, Later, Verdict
from storage.deliveries import ClaimedWork
from storage.errors import StorageError

MAX_CLAIMS: Final = 10
"""A call that was taken up this often and never came to an end has ended its workers, or will."""
FIRST_BACKOFF_SECONDS: Final = 10.0
MAX_BACKOFF_SECONDS: Final = 3_600.0
GIVE_UP_AFTER: Final = timedelta(hours=24)
"""A mail that could not be handed in for this long becomes a dead letter."""
UNREADABLE: Final = "the stored effect can't be read"

LoadSecrets: TypeAlias = Callable[[UUID, UUID], Awaitable[Mapping[str, str]]]
"""A bot's secrets by name: (organization id, chatbot id)."""

_log = get_logger(__name__)

_Work: TypeAlias = CallIntegration | Search | Generate | SendEmail | FetchMedia | UnifyCustomer | FetchProfile
_decode = msgspec.json.Decoder(_Work).decode
_ANSWERS: Final = {
    "call_integration": CallFinished,
    "search": SearchFinished,
    "generate": AnswerGenerated,
}


class Performer:
    """Performs for one worker. Raises only that the database is away (`gateway.away.AWAY`)."""

    def __init__(
        self,
        http: HttpClient,
        mailer: Mailer,
        load_secrets: LoadSecrets,
        fetching: Fetching,
        unifying: Unifying,
        profiles: Profiles,
        clock: Callable[[], datetime],
    ) -> None:
        self._http = http
        self._mailer = mailer
        self._load_secrets = load_secrets
        self._fetching = fetching
        self._unifying = unifying
        self._profiles = profiles
        self._clock = clock

    async def perform(self, work: ClaimedWork, channel: Channel) -> Verdict:
        """Do it."""
        try:
            effect = _decode(work.payload)
        except (msgspec.DecodeError, RecursionError):
            _log.error("effect can't be read", effect=str(work.id), kind=work.kind)
            return _failed(work, UNREADABLE)
        if work.attempts > MAX_CLAIMS and not isinstance(effect, SendEmail | FetchMedia | FetchProfile):
            return _failed(work, f"given up after {MAX_CLAIMS} tries")
        try:
            return await self._perform(effect, work, channel)
        except AWAY:
            raise
        except (
            Exception
        ):  # a bug: whoever waits for the call must not wait for ever, and a mail is tried again
            _log.exception("work failed", effect=str(work.id), kind=work.kind)
            if isinstance(effect, SendEmail | FetchMedia | UnifyCustomer | FetchProfile):
                return self._later(work, "internal error", {})
            return _failed(work, "internal error")

    async def _perform(self, effect: _Work, work: ClaimedWork, channel: Channel) -> Verdict:
        match effect:
            case CallIntegration():
                return Answer(await self._call(effect, work, channel))
            case Search():
                return Answer(SearchFinished(call=effect.call, error="not available: there is no search yet"))
            case Generate():
                error = "not available: there is no language model yet"
                return Answer(AnswerGenerated(call=effect.call, error=error))
            case SendEmail():
                return await self._mail(effect, work)
            case FetchMedia():
                return await self._fetching.perform(effect, work, channel)
            case UnifyCustomer():
                return await self._unifying.perform(effect, work)
            case FetchProfile():
                return await self._profiles.perform(effect, work, channel)
            case _:
                assert_never(effect)

    async def _call(self, effect: CallIntegration, work: ClaimedWork, channel: Channel) -> CallFinished:
        secrets: Mapping[str, str] = {}
        names = secret_names(effect)
        if names:
            try:
                secrets = await self._load_secrets(channel.organization_id, channel.chatbot_id)
            except StorageError as error:
                _log.error("secrets can't be read", bot=str(channel.chatbot_id), error=str(error))
                return CallFinished(call=effect.call, error="refused: the bot's secrets can't be read")
            for name in names & secrets.keys():
                redact(secrets[name])
        return await self._http.call(effect, work.id, secrets)

    async def _mail(self, effect: SendEmail, work: ClaimedWork) -> Verdict:
        try:
            return Done(await self._mailer.send(effect, work.id, work.created_at))
        except Refused as error:
            return GivenUp(str(error))
        except NotSent as error:
            if not error.left:
                return GivenUp(str(error))
            return self._later(work, str(error), {} if error.left == effect.to else {"to": error.left})

    def _later(self, work: ClaimedWork, reason: str, changes: Mapping[str, object]) -> Later | GivenUp:
        now = self._clock()
        if now - work.created_at > GIVE_UP_AFTER:
            return GivenUp(reason)
        exponential = FIRST_BACKOFF_SECONDS * float(2 ** min(work.attempts - 1, 20))
        seconds = min(exponential, MAX_BACKOFF_SECONDS) * random.uniform(0.8, 1.2)  # noqa: S311 - spreads, hides nothing
        return Later(due_at=now + timedelta(seconds=seconds), reason=reason, changes=changes)


def _failed(work: ClaimedWork, reason: str) -> Verdict:
    answer = _ANSWERS.get(work.kind)
    return (
        GivenUp(reason) if answer is None or work.key is None else Answer(answer(call=work.key, error=reason))
    )
