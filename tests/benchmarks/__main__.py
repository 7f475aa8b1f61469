"""`make bench`: every figure that the project claims, in one go, on the machine at hand.

`python -m tests.benchmarks [micro|platforms|road|sockets|history …]`; without a name, all of them.
"""

from __future__ import annotations

import subprocess
import sys
import time

from tests.benchmarks import microbench_expressions, microbench_step
from tests.benchmarks.road import history, sockets
from tests.benchmarks.road.place import place
from tests.benchmarks.road.throughput import Bench, bot_api, report

PARTS = ("micro", "platforms", "road", "sockets", "history")
PLATFORMS = ("telegram", "whatsapp", "slack")
ROUNDS = 3
SECONDS = 6.0


def main(parts: list[str]) -> None:
    """Run the named parts in turn."""
    unknown = set(parts) - set(PARTS)
    if unknown:
        raise SystemExit(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    started = time.monotonic()
    if "micro" in parts:
        print("== the step and the expressions")
        microbench_step.main()
        microbench_expressions.main()
    if "platforms" in parts:
        print("\n== a message on each platform: ours, and the bare libraries")
        for platform in PLATFORMS:
            print(f"\n-- {platform}", flush=True)
            command = [sys.executable, "-m", f"tests.benchmarks.microbench_{platform}", "--scale", "0.5"]
            subprocess.run(command, check=False)
    if not {"road", "sockets", "history"} & set(parts):
        print(f"\nmeasured in {time.monotonic() - started:.0f} s")
        return
    with place() as here:
        if "road" in parts:
            print("\n== the road: 500 Telegram chats, servers interleaved")
            with bot_api() as (port, pid):
                report(Bench(here, port, pid).run(["a", "b", "c", "c2", "d"], ROUNDS, SECONDS))
        if "sockets" in parts:
            print("\n== widget sockets")
            sockets.run(here)
        if "history" in parts:
            print("\n== a turn, and the size of the past")
            history.run(here)
    print(f"\nmeasured in {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main(sys.argv[1:] or list(PARTS))
