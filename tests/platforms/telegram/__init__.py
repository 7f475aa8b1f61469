"""A mock Telegram Bot API over real HTTP, as strict as the real one, with faults to order.

In a test: `async with MockTelegram().running() as mock`. In a process of its own:
`python -m tests.platforms.telegram --port 8081`, driven by JSON under `/_control/` (see `control`).
"""

from tests.platforms.telegram.faults import Fault
from tests.platforms.telegram.server import MockTelegram
from tests.platforms.telegram.world import DEFAULT_TOKEN, Bot, Person, Sent

__all__ = ["DEFAULT_TOKEN", "Bot", "Fault", "MockTelegram", "Person", "Sent"]
