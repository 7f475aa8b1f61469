"""Every command in the documentation's `sh` blocks is run as it stands, or is listed here with the reason why not."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import sys
import textwrap
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.integration.command import Commander
from tests.platforms.slack import APP_TOKEN, BOT_TOKEN, SIGNING_SECRET, MockSlack
from tests.platforms.telegram import DEFAULT_TOKEN, MockTelegram
from tests.platforms.whatsapp import APP_SECRET, TOKEN, MockWhatsApp

REPOSITORY = Path(__file__).parents[2]
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]
START_SECONDS = 60.0
STOP_SECONDS = 40.0
COMMAND_SECONDS = 60.0
WRITTEN_NUMBER = "106540352242922"
WRITTEN_ACCOUNT = "102290129340398"
"""The ids of a WhatsApp number and of its business account, as the pages write them."""

NOT_RUN = {
    "make run": "installs and serves until it is stopped; the acceptance tests start the same server",
    "make test": "is what runs this test",
    "make bench": "takes ten minutes of a quiet machine; its parts are imported and typed like everything else",
    "gateway serve": "serves until it is stopped; the server beside these commands was started so",
    "gateway secret set SHOP_KEY --bot demo": "asks for a value; the page pipes another one in, and test_secrets too",
    "docker compose up --detach --wait": "needs a Docker engine; test_packaging checks the files",
    "python3 -m venv /opt/gateway": "writes outside of the checkout; test_packaging installs the wheel",
    "/opt/gateway/bin/pip install .": "writes outside of the checkout; test_packaging installs the wheel",
    "/opt/gateway/bin/gateway doctor": "is `gateway doctor` of the environment above",
}

_BLOCK = re.compile(r"^( *)```sh\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


def commands_of(page: Path) -> Iterator[str]:
    """The commands of a page's `sh` blocks, in order; continued lines are joined."""
    for _, block in _BLOCK.findall(page.read_text(encoding="utf-8")):
        for line in textwrap.dedent(block).replace("\\\n", " ").splitlines():
            command = line.strip()
            if command and not command.startswith("#"):
                yield command


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that looks like the checkout to the commands and keeps what they write to itself."""
    folder = tmp_path_factory.mktemp("d")
    (folder / ".venv").symlink_to(sys.prefix)
    (folder / "docs").symlink_to(REPOSITORY / "docs")
    return folder


@pytest.fixture(scope="module")
async def shell(sandbox: Path) -> AsyncIterator[Commander]:
    """The sandbox with a running demo server and a mock of each platform."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    async with (
        MockTelegram().running() as telegram,
        MockWhatsApp().running() as whatsapp,
        MockSlack().running() as slack,
    ):
        whatsapp.world.add_number(WRITTEN_NUMBER)
        whatsapp.world.account = WRITTEN_ACCOUNT
        variables = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "GATEWAY_PORT": str(port),
            "GATEWAY_PUBLIC_URL": f"http://127.0.0.1:{port}",
            "GATEWAY_TELEGRAM_API_BASE": telegram.url,
            "TELEGRAM_BOT_TOKEN": DEFAULT_TOKEN,
            "GATEWAY_WHATSAPP_API_BASE": whatsapp.url,
            "WHATSAPP_ACCESS_TOKEN": TOKEN,
            "WHATSAPP_APP_SECRET": APP_SECRET,
            "GATEWAY_SLACK_API_BASE": slack.api,
            "SLACK_BOT_TOKEN": BOT_TOKEN,
            "SLACK_APP_TOKEN": APP_TOKEN,
            "SLACK_SIGNING_SECRET": SIGNING_SECRET,
        }
        commander = Commander(folder=sandbox, variables=variables)
        server = await asyncio.create_subprocess_exec(
            "gateway", "serve", "--demo",
            cwd=sandbox, env=commander.environment(), stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            assert server.stdout is not None
            async with asyncio.timeout(START_SECONDS):
                assert b"http://" in await server.stdout.readline()
            yield commander
        finally:
            if server.returncode is None:
                server.terminate()
            async with asyncio.timeout(STOP_SECONDS):
                await server.wait()


async def run(command: str, shell: Commander) -> str:
    """Run one command line; what it said when it failed, else nothing."""
    process = await asyncio.create_subprocess_exec(
        "bash", "-euo", "pipefail", "-c", command,
        cwd=shell.folder,
        env=shell.environment(),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        async with asyncio.timeout(COMMAND_SECONDS):
            out, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        return f"{command}: not done after {COMMAND_SECONDS:.0f} s"
    return "" if process.returncode == 0 else f"{command}: exit {process.returncode}\n{out.decode()}"


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if any(command not in NOT_RUN for command in commands_of(page))],
    ids=lambda page: str(page.relative_to(REPOSITORY)),
)
async def test_the_commands_of_a_page_work(page: Path, shell: Commander) -> None:
    failed = [await run(command, shell) for command in commands_of(page) if command not in NOT_RUN]
    assert not any(failed), "\n".join(failed)


def test_what_is_not_run_still_stands_in_the_documentation() -> None:
    written = {command for page in PAGES for command in commands_of(page)}
    assert set(NOT_RUN) <= written


def test_every_link_to_a_file_leads_somewhere() -> None:
    dead = []
    for page in PAGES:
        for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", page.read_text(encoding="utf-8")):
            if not (page.parent / target).exists():
                dead.append(f"{page.relative_to(REPOSITORY)} → {target}")
    assert dead == []


def test_every_decision_stands_in_the_list() -> None:
    folder = REPOSITORY / "docs" / "decisions"
    listed = re.findall(r"\]\((\d{4}-[^)]+\.md)\)", (folder / "README.md").read_text(encoding="utf-8"))
    assert listed == sorted(page.name for page in folder.glob("[0-9]*.md"))


def test_make_targets_that_are_named_exist() -> None:
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    named = {
        name for page in PAGES for name in re.findall(r"`make ([a-z]+)`", page.read_text(encoding="utf-8"))
    }
    assert named
    assert all(re.search(rf"^{name}:", makefile, re.MULTILINE) for name in named)
