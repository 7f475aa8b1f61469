"""The part that decides. Pure: no I/O, no clock, no randomness of its own, and no import of our other packages."""
