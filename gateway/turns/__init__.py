"""The turn: what waits together is locked, decided, written and committed together."""

from gateway.turns.arrival import Accepted, Arrival
from gateway.turns.loop import TurnLoop

__all__ = ["Accepted", "Arrival", "TurnLoop"]
