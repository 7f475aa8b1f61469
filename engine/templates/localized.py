"""The filters that depend on the language. Only this package's parts that it imports need Babel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from engine.templates.decimals import currency, number, percent
from engine.templates.filters import Localized
from engine.templates.lists import sentence_list
from engine.templates.moments import date_filter, datetime_filter, time_filter
from engine.templates.plurals import plural

BINDINGS: Final[Mapping[str, Callable[..., Localized]]] = {
    "currency": currency,
    "date": date_filter,
    "datetime": datetime_filter,
    "list": sentence_list,
    "number": number,
    "percent": percent,
    "plural": plural,
    "time": time_filter,
}
