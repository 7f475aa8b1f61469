"""A place on the map, written as two numbers."""

from __future__ import annotations

import re

from engine.answers.reading import UNKNOWN, Reading, tidy

MAX_LOCATION = 80
"""Characters of a location."""

_DEGREES = r"([+-]?\d{1,3}(?:\.\d{1,15})?) ?°? ?"
_POINT = re.compile(
    rf"(?:geo:)?\(? ?{_DEGREES}([NS]?)(?: ?[,;] ?| ){_DEGREES}([EW]?) ?\)?", re.IGNORECASE | re.ASCII
)
_COMMAS = re.compile(r"([+-]?\d{1,3}),(\d{1,15})( ?[;/] ?| )([+-]?\d{1,3}),(\d{1,15})", re.ASCII)


def read_location(text: str, reading: Reading = UNKNOWN) -> tuple[float, float] | None:
    """(latitude, longitude) in degrees: `52.5, 13.4`, `52,5; 13,4`, `33.9° S 18.4° E`, `geo:52.5,13.4`."""
    text = tidy(text, MAX_LOCATION).replace("−", "-")
    text = _COMMAS.sub(r"\1.\2;\4.\5", text)
    found = _POINT.fullmatch(text)
    if found is None:
        return None
    latitude = _signed(found[1], found[2], "S")
    longitude = _signed(found[3], found[4], "W")
    if latitude is None or longitude is None or abs(latitude) > 90 or abs(longitude) > 180:
        return None
    return latitude, longitude


def _signed(degrees: str, side: str, negative_side: str) -> float | None:
    """The degrees, negative on that side; None when both a sign and a side are written."""
    if side and degrees[0] in "+-":
        return None
    value = float(degrees)
    return -value if side.upper() == negative_side else value
