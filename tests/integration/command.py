"""Runs the real command `gateway` in a process of its own, away from the checkout."""

from __future__ import annotations

import asyncio
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    def __str__(self) -> str:
        return f"exit {self.code}\n{self.out}\n{self.err}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Commander:
    """Runs commands in a folder with the settings given as variables."""

    folder: Path
    variables: dict[str, str] = field(default_factory=dict)

    def environment(self, **more: str) -> dict[str, str]:
        """The environment of a command: this one's without the gateway's variables, and those given."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("GATEWAY_")
            and name not in ("DATABASE_URL", "REDIS_URL", "TELEGRAM_BOT_TOKEN", "PYTHONPATH")
        }
        return kept | {"COLUMNS": "200", "NO_COLOR": "1"} | self.variables | more

    async def __call__(self, *arguments: str | Path, typed: str = "", **variables: str) -> Done:
        """Run `gateway ARGUMENTS`, typing `typed` at its prompts."""
        process = await asyncio.create_subprocess_exec(
            Path(sys.executable).with_name("gateway"),
            *map(str, arguments),
            cwd=self.folder,
            env=self.environment(**variables),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(SECONDS):
                out, err = await process.communicate(typed.encode())
        except TimeoutError:
            process.kill()
            await process.wait()
            raise
        return Done(code=process.returncode or 0, out=out.decode(), err=err.decode())
