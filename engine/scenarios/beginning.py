"""When a test begins, and with whom."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from engine.bot import Bot
from engine.environment import UTC, Environment, zone
from engine.errors import EngineError
from engine.expressions import compile_expression
from engine.known import text
from engine.scenarios.model import Settings
from engine.scenarios.world import START, Impossible, World
from engine.state import ConversationState, Customer
from engine.turn import Turn
from engine.variables import fit

CONDITION: Final = "business_hours"
"""The flow's own condition that says when the business is open."""
OTHERWISE: Final = "is_business_hours(current_time, timezone)"
"""What holds for a flow that has no such condition."""
SEARCHED: Final = timedelta(days=8)
STEP: Final = timedelta(minutes=15)


def begin(
    test: Settings, bot: Bot, definition: Mapping[str, Any], names: Mapping[str, tuple[str, ...]]
) -> World:
    """The world in which a test runs. Raises Impossible when no time is as it wants it."""
    scopes: dict[str, dict[str, Any]] = {"session": {}, "customer": {}, "bot": {}}
    for name, value in test.variables.items():
        declared = bot.variables.get(name)
        scope = declared.scope if declared is not None else "session"
        scopes[scope][name] = fit(value, declared.type) if declared is not None else value
    customer = customer_of(test, scopes["customer"])
    now = _start(test, bot)
    if test.business_hours is not None:
        now = hours(bot, definition, customer, scopes["bot"], now, open=test.business_hours)
    return World(
        bot,
        now=now,
        customer=customer,
        channel=test.channel,
        session=scopes["session"],
        shared=scopes["bot"],
        stubs=test.stubs,
        names=names,
    )


def customer_of(test: Settings, variables: Mapping[str, Any]) -> Customer:
    """The customer of a test."""
    given = test.customer
    return Customer(
        id=given.id,
        first_name=given.first_name,
        last_name=given.last_name,
        email=given.email,
        phone=given.phone,
        language=test.language or given.language,
        timezone=test.timezone or given.timezone or "",
        opted_out=given.opted_out,
        attributes=given.attributes,
        variables=dict(variables),
    )


def hours(
    bot: Bot,
    definition: Mapping[str, Any],
    customer: Customer,
    shared: Mapping[str, Any],
    now: datetime,
    *,
    open: bool,
) -> datetime:
    """The first time from `now` on, by quarters of an hour, when the business is open or not. Raises Impossible."""
    conditions = definition.get("conditions")
    own = conditions.get(CONDITION) if isinstance(conditions, dict) else None
    source, timezone = OTHERWISE, ""
    if isinstance(own, dict):
        source, timezone = text(own.get("expression")), text(own.get("timezone"))
    expression = compile_expression(source)
    environment = Environment(expression.names, timezone)
    for number in range(SEARCHED // STEP):
        moment = now + number * STEP
        turn = Turn(bot, ConversationState(), customer, moment, shared, "")
        try:
            holds = expression.truthy(environment(turn))
        except EngineError:
            holds = False
        if holds == open:
            return moment
    raise Impossible(
        f"within {SEARCHED.days} days from {now:%Y-%m-%d %H:%M} UTC there is no time when the business is "
        f"{'open' if open else 'closed'}"
    )


def moment_of(written: str, timezone: str) -> datetime:
    """An ISO 8601 time, without an offset in that zone (UTC when it is empty), in UTC. Raises ValueError."""
    moment = datetime.fromisoformat(written)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone(timezone) or UTC)
    return moment.astimezone(START.tzinfo)


def _start(test: Settings, bot: Bot) -> datetime:
    if test.start is None:
        return START
    return moment_of(test.start, test.timezone or test.customer.timezone or bot.timezone)
