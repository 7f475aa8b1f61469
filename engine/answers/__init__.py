"""What a typed answer means: numbers, dates, addresses, choices, yes and no, as people write them.

    read_date("next monday", Reading(language="en", today=date(2026, 1, 31)))    # "2026-02-02"
    read_number("1.234", Reading(language="de"))                                 # 1234

Each reader takes the text as it came and returns the value to store, or None when the text is no such thing.
They are checks of form and never raise; texts longer than a reader's bound are no answer. Large libraries are
imported when the first text needs them.
"""

from __future__ import annotations

from engine.answers.choices import Option, read_choice
from engine.answers.dates import read_date
from engine.answers.emails import read_email
from engine.answers.locations import read_location
from engine.answers.numbers import read_integer, read_number
from engine.answers.phones import read_phone
from engine.answers.reading import Reading
from engine.answers.times import read_time
from engine.answers.urls import read_url
from engine.answers.yes_no import read_yes_no

__all__ = [
    "Option",
    "Reading",
    "read_choice",
    "read_date",
    "read_email",
    "read_integer",
    "read_location",
    "read_number",
    "read_phone",
    "read_time",
    "read_url",
    "read_yes_no",
]
