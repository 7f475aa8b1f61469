"""Golden conversations: what a customer does and what came of it, as data. See `chat` and `tests/unit`."""
