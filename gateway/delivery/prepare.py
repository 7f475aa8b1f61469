"""Makes a send ready for its platform: what it replaces, whether it may go out now, and the calls that say it.

The usual message asks nobody: only an edit, a template, and a message outside the customer's window look into the
database. Limits of a day and consents concern templates, the window everything else.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from msgspec import structs

from adapters.errors import TryLater
from adapters.fit import fit
from engine.expressions.functions.times import is_business_hours
from gateway.away import AWAY
from gateway.connections import Connections
from gateway.delivery import window
from gateway.delivery.outgoing import Outgoing
from gateway.delivery.tables import Tables
from gateway.delivery.window import Obstacle, Template
from gateway.identity.filling import CodeFiller
from storage import deliveries, reports
from storage import window as rows

AWAY_SECONDS = 1.0


class Preparer:
    """Prepares sends for one worker."""

    def __init__(
        self, connections: Connections, clock: Callable[[], datetime], codes: CodeFiller | None = None
    ) -> None:
        """Without `codes` a message that carries a link code goes out without one."""
        self._codes = codes or CodeFiller(connections, None, clock)
        self._connections = connections
        self._clock = clock
        self._tables = Tables()

    async def prepare(self, send: Outgoing) -> Obstacle | None:
        """Render a send's calls, once for a recipient; or say why it may not go out now. Raises `SendFailed`."""
        if send.calls is not None and send.addressed == send.recipient:
            return None
        note = send.note
        try:
            obstacle = await self._decide(send)
            if obstacle is None:
                await self._render(send)
            else:
                send.note = note
        except AWAY as error:
            raise TryLater("the database is away", retry_after=AWAY_SECONDS) from error
        return obstacle

    async def _decide(self, send: Outgoing) -> Obstacle | None:
        """What is said in the end (`send.message`), and whether it may be said now."""
        table = self._tables.of(send.channel)
        send.message = send.send.message
        if send.send.replaces and not send.new and table.sends_natively("edit"):
            await self._edit(send)
        if window.is_free_form(send.message) and table.window_hours:
            obstacle = await self._look_out(send)
            if obstacle is not None:
                return obstacle
        if send.message.template is not None and table.sends_natively("template"):
            return await self._check_template(send, send.message.template.key)
        return None

    async def _render(self, send: Outgoing) -> None:
        channel = send.channel
        send.addressed = recipient = send.recipient
        table = self._tables.of(channel)
        said = await self._codes.fill(channel.organization_id, send.conversation_id, send.message)
        if channel.links is not None:
            # Files of our own get names that the platform, or its adapter, can read.
            said = channel.links.resolve(said, channel.organization_id, table)
        message = fit(said, table)
        if message is None:
            send.remark(f"dropped: nothing of it can be said on {channel.platform}")
            send.calls = []
            return
        calls = channel.adapter.render(recipient, message, channel.access)
        if len(calls) > 1 and table.certainty == "status" and send.calls_known != len(calls):
            async with self._transaction(send) as connection:
                await reports.note_calls(connection, send.id, send.created_at, len(calls))
        send.calls = calls

    async def _edit(self, send: Outgoing) -> None:
        async with self._transaction(send) as connection:
            external_id = await rows.earlier_message(
                connection, send.conversation_id, send.seq, send.send.replaces
            )
        if external_id:
            send.message = structs.replace(send.message, edits=external_id)

    async def _look_out(self, send: Outgoing) -> Obstacle | None:
        """Outside of the customer's window the template that the channel names is said instead."""
        table = send.channel.adapter.capabilities
        if not send.closed:
            if window.is_open(send.heard_at, self._clock(), table):
                return None
            async with self._transaction(send) as connection:  # the customer may have written since
                send.heard_at = await rows.heard_at(connection, send.conversation_id)
            if window.is_open(send.heard_at, self._clock(), table):
                return None
        reason = window.closed(send.heard_at, table, said_so=send.closed)
        if send.calls_done:
            return Obstacle(trouble="window", reason=f"{reason}; a part of the message went out before")
        instead = window.stand_in(send.message, send.channel.settings)
        if instead is None or instead.template is None:
            return Obstacle(trouble="window", reason=reason)
        send.message = instead
        send.remark(f"template {instead.template.key} instead of the message: {reason}")
        return None

    async def _check_template(self, send: Outgoing, key: str) -> Obstacle | None:
        if send.calls_done:
            return None
        channel = send.channel
        template = window.template_of(key, channel.settings)
        if template is None:
            return Obstacle(
                trouble="template", reason=f"message_templates of the channel has no template {key}"
            )
        async with self._transaction(send) as connection:
            known = await rows.find_template(connection, channel.id, template.name, template.language)
            status = known.status if known is not None else template.status
            category = (known.category.lower() if known is not None else "") or template.category
            if status and status.upper() not in window.SENDABLE:
                why = f" ({known.reason})" if known is not None and known.reason else ""
                return Obstacle(trouble="template", reason=f"the template {key} is {status.upper()}{why}")
            return await self._check_category(connection, send, template, category)

    async def _check_category(
        self, connection: Any, send: Outgoing, template: Template, category: str
    ) -> Obstacle | None:
        settings = send.channel.settings
        if category == rows.MARKETING:
            reason = window.unwanted(await rows.find_consent(connection, send.conversation_id), settings)
            if reason:
                return Obstacle(trouble="consent", reason=reason)
        if window.keeps_hours(category, settings):
            opens, closes, timezone = window.hours_of(settings)
            if not is_business_hours(self._clock(), timezone, opens, closes):
                return Obstacle(trouble="hours", reason=f"outside of business hours ({timezone})")
        if category in window.CATEGORIES and not send.counted:
            return await self._count(connection, send, category)
        return None

    async def _count(self, connection: Any, send: Outgoing, category: str) -> Obstacle | None:
        channel = send.channel
        most = window.most_a_day(category, channel.settings)
        today = self._clock().date()
        send.counted = await rows.count_template(
            connection, channel.organization_id, channel.id, category, today, most
        )
        if send.counted:
            return None
        return Obstacle(
            trouble="limit", reason=f"{most} {category} templates have gone out on {today} (UTC) already"
        )

    @asynccontextmanager
    async def _transaction(self, send: Outgoing) -> AsyncIterator[Any]:
        async with self._connections.raw() as connection:
            async with deliveries.transaction(connection, {send.channel.organization_id}):
                yield connection
