"""`email`: sends an e-mail; the conversation goes on at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from engine.answers import read_email
from engine.effects import SendEmail
from engine.fields import TemplateText
from engine.nodes.base import Connection, Next, Node, NodeConfig
from engine.nodes.texts import Text
from engine.nodes.tools import Tools

if TYPE_CHECKING:
    from engine.flow import NodeDefinition
    from engine.turn import Turn

MAX_RECIPIENTS = 10


class EmailConfig(NodeConfig):
    """Sends plain text. The error way is taken when no recipient has an address."""

    to: list[TemplateText] = Field(
        min_length=1, max_length=MAX_RECIPIENTS, description="Addresses, each a template."
    )
    subject: TemplateText = Field(description="A template.")
    body: TemplateText = Field(description="A template.")
    reply_to: TemplateText | None = Field(None, description="Where answers go, a template.")


class EmailNode(Node):
    """A compiled `email`."""

    __slots__ = ("_body", "_reply_to", "_subject", "_to")

    def __init__(
        self,
        id: str,
        connections: tuple[Connection, ...],
        to: tuple[Text, ...],
        subject: Text,
        body: Text,
        reply_to: Text | None,
    ) -> None:
        super().__init__(id, connections)
        self._to = to
        self._subject = subject
        self._body = body
        self._reply_to = reply_to

    def enter(self, turn: Turn) -> Next:
        addresses = tuple(dict.fromkeys(filter(None, (read_email(to(turn)) for to in self._to))))
        if not addresses:
            return turn.fail_with("no recipient has an e-mail address")
        subject = " ".join(self._subject(turn).split())
        reply_to = (read_email(self._reply_to(turn)) or "") if self._reply_to is not None else ""
        turn.effects.append(
            SendEmail(to=addresses, subject=subject, body=self._body(turn), reply_to=reply_to)
        )
        turn.note("email", self.id, "queued", len(addresses))
        return self.follow(turn)


def build(definition: NodeDefinition, config: EmailConfig, tools: Tools) -> EmailNode:
    """Compile."""
    return EmailNode(
        definition.id,
        tools.connections(definition),
        tuple(tools.template(to) for to in config.to),
        tools.template(config.subject),
        tools.template(config.body),
        tools.template(config.reply_to) if config.reply_to is not None else None,
    )
