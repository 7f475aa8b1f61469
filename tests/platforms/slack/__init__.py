"""A mock Slack over real HTTP and real sockets, as strict as the real one, with faults to order.

In a test: `async with MockSlack().running() as mock`. In a process of its own:
`python -m tests.platforms.slack --port 8082`, driven by JSON under `/_control/` (see `control`).
"""

from tests.platforms.slack.faults import Fault
from tests.platforms.slack.server import MockSlack
from tests.platforms.slack.world import APP, APP_TOKEN, BOT_TOKEN, BOT_USER, SIGNING_SECRET, TEAM, Sent

__all__ = [
    "APP",
    "APP_TOKEN",
    "BOT_TOKEN",
    "BOT_USER",
    "SIGNING_SECRET",
    "TEAM",
    "Fault",
    "MockSlack",
    "Sent",
]
