"""What the widget can show, as data. It is our own, so these are decisions, not a platform's limits."""

from __future__ import annotations

from typing import Final

from adapters.capabilities import Capabilities, Limit

TEXT: Final = Limit(16_000, "code_points")
"""What one bubble carries; a longer text is split."""
TITLE: Final = Limit(200, "code_points")
CHOICES: Final = 30
"""More chips than this are no longer a choice but a list to be searched."""

CAPABILITIES: Final = Capabilities(
    text=TEXT, choices="native", choice_title=TITLE, choice_count=CHOICES, typing="native"
)
