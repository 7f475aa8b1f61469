"""A bot's last conversations on a flow that is not published yet: which of them would go differently, and how."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import msgspec

from engine.bot import Bot
from engine.compile import compile_flow
from engine.document import DEFINITION, definition_of
from engine.problems import FlowInvalid
from engine.scenarios import narrate
from engine.state import TraceEntry
from gateway.embedding import shared_embedder
from gateway.errors import ConfigurationError, Problem
from gateway.flows.document import understands_intents
from gateway.replay.candidate import Step, Tried, try_out
from gateway.replay.loading import open_last
from gateway.replay.past import Past, Said
from gateway.replay.recorded import replay
from gateway.replay.words import counted
from storage.bots import Chatbot
from storage.database import Database
from storage.organizations import Organization

SHOWN_CONVERSATIONS: Final = 5
"""Ids of conversations that a group names in words; the JSON has all of them."""
CANDIDATE: Final = "candidate"


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Conversations whose first difference is the same."""

    did: str
    """What kind of event it is that now has another outcome, such as `text_received`."""
    nodes_then: tuple[str, ...]
    nodes_now: tuple[str, ...]
    story: tuple[str, ...]
    """Why it goes so now: the trace in words."""
    then: tuple[Said, ...]
    now: tuple[Said, ...]
    """What was said in the first of them, and what would be."""
    conversations: tuple[UUID, ...]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """How a bot's last conversations go on a candidate."""

    replayed: int
    same: int
    not_replayed: int
    """Too old to have a beginning, or too many events together."""
    groups: tuple[Group, ...]
    """The most frequent difference first."""

    @property
    def different(self) -> int:
        """Conversations that would go differently."""
        return self.replayed - self.same

    def lines(self) -> Iterator[str]:
        """In words."""
        for number, group in enumerate(self.groups, 1):
            yield from _group_lines(number, group)
        told = f"{self.same} as they were, {self.different} different"
        yield f"Replayed {counted(self.replayed, 'conversation')}: {told}."
        if self.not_replayed:
            yield f"{counted(self.not_replayed, 'conversation')} could not be replayed: too old, or too long."

    def as_json(self) -> dict[str, Any]:
        """The same as JSON data."""
        found: dict[str, Any] = msgspec.to_builtins(self)
        return found


async def replay_last(
    database: Database,
    organization: Organization,
    bot: Chatbot,
    number: int,
    candidate: Mapping[str, Any],
    now: datetime,
) -> Report:
    """Replay the `number` conversations of a bot with the newest messages on a document.

    Raises ConfigurationError with every problem when the document does not compile.
    """
    compiled = compile_candidate(candidate)
    past = await open_last(database, organization.id, bot.id, number, now)
    return compare_last(past, compiled, now)


def compile_candidate(document: Mapping[str, Any], place: str = "flow") -> Bot:
    """The document as a bot. Raises ConfigurationError."""
    embed = shared_embedder() if understands_intents(document[DEFINITION]) else None
    try:
        return compile_flow(definition_of(document), flow_id=CANDIDATE, embed=embed)
    except FlowInvalid as error:
        raise ConfigurationError(
            [
                Problem(place=f"{place}: {found.place or 'flow'}", message=found.message, mend=found.mend)
                for found in error.problems
            ]
        ) from None


def compare_last(past: Past, candidate: Bot, now: datetime) -> Report:
    """Group the conversations that are asked about by their first difference on the candidate."""
    tried = try_out(past, candidate, now)
    recorded = replay(past)
    groups: dict[Any, list[Group]] = {}
    replayed = [one for one in tried.values() if one.skipped is not None and one.steps]
    for one in replayed:
        if not one.same:
            then = {turned.event.at: turned.outcome.trace for turned in recorded[one.conversation.id].turns}
            group = _alone(one, then)
            key = (group.did, group.nodes_then, group.nodes_now, group.story)
            groups.setdefault(key, []).append(group)
    found = [
        msgspec.structs.replace(
            alike[0], conversations=tuple(id for one in alike for id in one.conversations)
        )
        for alike in groups.values()
    ]
    return Report(
        replayed=len(replayed),
        same=sum(one.same for one in replayed),
        not_replayed=len(tried) - len(replayed) + past.left_out,
        groups=tuple(sorted(found, key=lambda group: -len(group.conversations))),
    )


def _alone(one: Tried, then: Mapping[datetime, tuple[TraceEntry, ...]]) -> Group:
    """The first difference of one conversation."""
    step = next(iter(one.differences), None) or one.steps[-1]
    story = _story(one, step)
    return Group(
        did=str(type(step.body).__struct_config__.tag),
        nodes_then=_nodes(then.get(step.at, ())) if step.number else (),
        nodes_now=_nodes(step.trace),
        story=tuple(story),
        then=step.then,
        now=step.now,
        conversations=(one.conversation.id,),
    )


def _story(one: Tried, step: Step) -> list[str]:
    if step.same:
        return [
            f"what is said is the same, but in the end {one.control[1]} has the conversation, not {one.control[0]}"
        ]
    if not step.trace:
        return ["nothing waits for it"]
    return narrate(step.trace)


def _nodes(trace: tuple[TraceEntry, ...]) -> tuple[str, ...]:
    return tuple(entry.at for entry in trace if entry.kind == "node")


def _group_lines(number: int, group: Group) -> Iterator[str]:
    yield f"{number}. {counted(len(group.conversations), 'conversation')}, first at {group.did.replace('_', ' ')}:"
    yield f"      then: {' → '.join(group.nodes_then) or 'no node'}"
    yield f"      now:  {' → '.join(group.nodes_now) or 'no node'}"
    yield from (f"      because: {line}" for line in group.story)
    yield from (f"      - {line}" for said in group.then for line in said.line().splitlines())
    yield from (f"      + {line}" for said in group.now for line in said.line().splitlines())
    shown = ", ".join(str(id) for id in group.conversations[:SHOWN_CONVERSATIONS])
    more = len(group.conversations) - SHOWN_CONVERSATIONS
    yield f"      {shown}{f' and {more} more' if more > 0 else ''}"
