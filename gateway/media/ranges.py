"""Which part of a file a request asks for. Pure. RFC 9110, section 14."""

from __future__ import annotations

import re
from collections.abc import Mapping

from aiohttp import hdrs

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})\Z")


class Unsatisfiable(Exception):
    """No byte of the file is in the range."""


def wanted(headers: Mapping[str, str], size: int, tag: str) -> tuple[int, int] | None:
    """From which byte to before which; None for the whole file. Raises `Unsatisfiable`.

    What is malformed, several ranges, and a range for another version of the file (`If-Range`) ask for the whole.
    """
    found = _RANGE.match(headers.get(hdrs.RANGE, "").strip())
    if found is None or headers.get(hdrs.IF_RANGE, tag).strip() != tag:
        return None
    first, last = found[1], found[2]
    if not first:
        if not last:
            return None
        if int(last) == 0 or size == 0:
            raise Unsatisfiable
        return max(0, size - int(last)), size
    start = int(first)
    if last and int(last) < start:
        return None
    if start >= size:
        raise Unsatisfiable
    return start, min(size, int(last) + 1) if last else size
