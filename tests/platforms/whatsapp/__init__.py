"""A mock Graph API for WhatsApp over real HTTP, as strict as the real one, with faults to order.

In a test: `async with MockWhatsApp().running() as mock`. In a process of its own:
`python -m tests.platforms.whatsapp --port 8082`, driven by JSON under `/_control/` (see `control`).
"""

from tests.platforms.whatsapp.faults import Fault
from tests.platforms.whatsapp.server import MockWhatsApp
from tests.platforms.whatsapp.world import (
    ACCOUNT,
    APP_SECRET,
    NUMBER,
    TOKEN,
    Customer,
    Number,
    Sent,
    Template,
)

__all__ = [
    "ACCOUNT",
    "APP_SECRET",
    "NUMBER",
    "TOKEN",
    "Customer",
    "Fault",
    "MockWhatsApp",
    "Number",
    "Sent",
    "Template",
]
