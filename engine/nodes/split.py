"""`split`: sends customers different ways by chance, for trying out which is better."""

from __future__ import annotations

from hashlib import blake2b
from itertools import accumulate
from typing import TYPE_CHECKING

from pydantic import Field

from engine.fields import Name, NodeRef, Part
from engine.nodes.base import Connection, Next, Node, NodeConfig
from engine.nodes.tools import Tools

if TYPE_CHECKING:
    from engine.flow import NodeDefinition
    from engine.turn import Turn

MAX_BRANCHES = 50
_BYTES = 8
_RANGE = 2 ** (8 * _BYTES)


class Branch(Part):
    """One way to go."""

    target: NodeRef = Field(description="Id of the node to go to.")
    weight: float = Field(1, gt=0, le=1_000_000, description="How often, compared with the other branches.")
    name: Name = Field("", description="What the trace and analytics call it; the target if empty.")


class SplitConfig(NodeConfig):
    """Picks a branch by the weights."""

    branches: list[Branch] = Field(min_length=2, max_length=MAX_BRANCHES)
    sticky: bool = Field(
        True,
        description="Whether a customer always goes the same way here; otherwise each visit is another draw.",
    )
    seed: Name = Field(
        "", description="Splits with the same seed send a customer the same way; the node's id if empty."
    )


class SplitNode(Node):
    """A compiled `split`: a hash of the customer instead of dice, so that a replay goes the same way."""

    __slots__ = ("_branches", "_limits", "_seed", "_sticky")

    def __init__(self, id: str, connections: tuple[Connection, ...], config: SplitConfig) -> None:
        super().__init__(id, connections)
        self._seed = config.seed or id
        self._sticky = config.sticky
        self._branches = tuple(config.branches)
        total = sum(branch.weight for branch in config.branches)
        self._limits = tuple(
            limit / total for limit in accumulate(branch.weight for branch in config.branches)
        )

    def enter(self, turn: Turn) -> Next:
        draw = f"{self._seed} {turn.customer.id}"
        if not self._sticky:
            draw += f" {turn.history} {turn.timers} {len(turn.trace)}"
        share = _hash(draw) / _RANGE
        index = next((index for index, limit in enumerate(self._limits) if share < limit), -1)
        branch = self._branches[index]
        turn.note("split", self.id, branch.name or branch.target)
        return branch.target


def _hash(text: str) -> int:
    """A checksum would not do: it would send the customers of one seed the same ways as those of another."""
    digest = blake2b(text.encode("utf-8", "replace"), digest_size=_BYTES).digest()
    return int.from_bytes(digest, "big")


def build(definition: NodeDefinition, config: SplitConfig, tools: Tools) -> SplitNode:
    """Compile."""
    return SplitNode(definition.id, tools.connections(definition), config)
