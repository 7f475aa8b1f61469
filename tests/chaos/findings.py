"""What the checker can find, and the history in the shape in which it looks things up."""

from __future__ import annotations

from collections import defaultdict
from enum import StrEnum

import msgspec

from tests.chaos.history import Conversation, Event, History, Inbox, Message


class Fault(StrEnum):
    """The ways in which a history breaks a guarantee."""

    NOT_ACCEPTED = "event never accepted"
    EVENT_LOST = "accepted event lost"
    EVENT_PARKED = "event parked"
    DOUBLE_TURN = "double turn"
    REPLY_LOST = "reply lost"
    ORDER_BREAK = "order break"
    DUPLICATE_SEND = "unexplained duplicate send"
    SEND_WITHOUT_TURN = "send without a turn"
    SEQUENCE_GAP = "sequence gap"
    STATUS_FELL = "status fell"
    EFFECT_LEFT = "effect left"
    TIMER_TWICE = "timer fired twice"
    TIMER_NEVER = "timer never fired"
    CALL_LOST = "call lost"
    CALL_WITHOUT_TURN = "call without a turn"
    CALL_REKEYED = "call under another key"
    DUPLICATE_CALL = "unexplained duplicate call"
    RESULT_LOST = "result lost"
    RESULT_TWICE = "result taken twice"
    CONVERSATION_SPLIT = "conversation split"
    WRONG_ANSWER = "wrong answer"


class Violation(msgspec.Struct, frozen=True, kw_only=True):
    """One breach."""

    fault: Fault
    chat: str
    detail: str

    def __str__(self) -> str:
        return f"{self.fault} [{self.chat}]: {self.detail}"


class Findings:
    """A history indexed for the checks, and what they have found so far."""

    def __init__(self, history: History) -> None:
        self.history = history
        self.violations: list[Violation] = []
        self.duplicates = 0
        """Repeated sends that a disturbance explains."""
        self.repeated_calls = 0
        """Repeated calls that a disturbance explains."""
        self.held = 0
        """What customers said during a call."""
        self.events = {event.name: event for event in history.events}
        self.events_of: defaultdict[str, list[Event]] = defaultdict(list)
        for event in history.events:
            self.events_of[event.chat].append(event)
        self.inbox: dict[str, Inbox] = {row.external_id: row for row in history.inbox}
        self.turns: defaultdict[str, int] = defaultdict(int)
        """Events with a turn, by conversation."""
        for row in history.inbox:
            if row.status == "done" and row.conversation:
                self.turns[row.conversation] += 1
        self.conversations: defaultdict[str, list[Conversation]] = defaultdict(list)
        for conversation in history.conversations:
            self.conversations[conversation.chat].append(conversation)
        self._messages: defaultdict[str, list[Message]] = defaultdict(list)
        for message in sorted(history.messages, key=lambda message: message.seq):
            self._messages[message.conversation].append(message)

    @property
    def chats(self) -> list[str]:
        """Every chat in which something was offered."""
        return list(self.events_of)

    def add(self, fault: Fault, chat: str, detail: str) -> None:
        """Note a breach."""
        self.violations.append(Violation(fault=fault, chat=chat, detail=detail))

    def transcript(self, chat: str) -> list[Message]:
        """The chat's messages in the database, by number."""
        return [
            message
            for conversation in self.conversations[chat]
            for message in self._messages[conversation.id]
        ]
