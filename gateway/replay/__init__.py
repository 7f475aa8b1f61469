"""Replays of stored conversations: the same step, the same versions, the clock of then. Reads, and changes nothing.

Servers keep every event for 8 days. Because a turn is a pure function of state, event, customer and time, what was
said can be worked out anew from them: on the version of then, to prove that nothing was lost and to see why; on
another, to see whom a change would reach.
"""
