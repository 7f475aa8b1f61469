"""Named SQL: the few statements of the hot road, kept as text and read once.

Figures behind the choice (one process, 500 chats): these statements by hand carry several times what
the same writes through an ORM do; see docs/decisions.
"""

import re
from functools import cache
from pathlib import Path

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


@cache
def load(file: str) -> dict[str, str]:
    """The statements of `storage/queries/<file>.sql` by name, each with its comments."""
    parts = _NAME.split((Path(__file__).parent / f"{file}.sql").read_text(encoding="utf-8"))
    return {name: statement.strip() for name, statement in zip(parts[1::2], parts[2::2], strict=True)}
