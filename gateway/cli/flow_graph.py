"""`gateway flow graph`: a flow as a picture, and what conversations did in it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.options import Organization, utc_now
from gateway.cli.output import fail, say

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.cli.session import Session
    from gateway.flows.document import Document
    from gateway.flows.drawing import NodeVisits

MAX_REPLAYED = 5_000


def register(app: typer.Typer) -> None:
    """Add the command to the group `flow`."""
    app.command("graph")(graph)


def graph(
    source: Annotated[
        Path | None, typer.Argument(help="A flow in JSON, or a bot's folder.", metavar="FILE_OR_FOLDER")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("-o", "--out", help="Default: named after the flow.", metavar="OUT.svg", dir_okay=False),
    ] = None,
    bot: Annotated[
        str | None, typer.Option("--bot", help="A stored flow, of this bot.", metavar="SLUG")
    ] = None,
    version: Annotated[
        str | None,
        typer.Option("--version", help="With --bot. Default: the published one.", metavar="VERSION"),
    ] = None,
    visits: Annotated[
        bool, typer.Option("--visits", help="With --bot: how many came to each node, and left there.")
    ] = False,
    last: Annotated[
        int, typer.Option("--last", help="From how many conversations, the newest.", min=1, max=MAX_REPLAYED)
    ] = 500,
    open_in: Annotated[
        str, typer.Option("--open-in", help="Where to show it: browser, or no.", metavar="browser|no")
    ] = "no",
    organization: Organization = "default",
) -> None:
    """Draw a flow as an SVG file that stands alone."""
    from gateway.flows.drawing import draw

    if open_in not in ("browser", "no"):
        fail(f"--open-in is browser or no, not {open_in!r}")
    if (source is None) == (bot is None):
        fail("name a file or folder, or a bot with --bot SLUG")
    counts: Mapping[str, NodeVisits] | None = None
    if source is not None:
        if visits or version is not None:
            fail("--visits and --version are about a stored flow: use --bot SLUG")
        document, name = _read(source), source.stem
    else:
        document, counts, name = _stored(str(bot), version, organization, last if visits else 0)
    target = out or Path(f"{name}.svg")
    picture = draw(_definition(document), title=_title(document, name), visits=counts)
    try:
        target.write_text(picture, encoding="utf-8")
    except OSError as error:
        fail(f"{target} can't be written: {error.strerror}")
    say(f"Wrote {target}.")
    if open_in == "browser":
        import webbrowser

        webbrowser.open(target.absolute().as_uri())


def _read(source: Path) -> Document:
    from gateway.flows.folder import read_source

    return read_source(source)


def _stored(
    slug: str, version: str | None, organization: str, last: int
) -> tuple[Document, Mapping[str, NodeVisits] | None, str]:
    """(what the version says, the visits when they are asked for, a name)"""
    from gateway.admin.bots import find_bot, require_organization
    from gateway.admin.flows import document_of_version
    from gateway.cli.session import run
    from gateway.replay.loading import open_last
    from gateway.replay.recorded import replay
    from gateway.replay.visits import visits

    async def work(session: Session) -> tuple[Document, Mapping[str, NodeVisits] | None]:
        owner = await require_organization(session.database, organization)
        bot = await find_bot(session.database, owner, slug)
        document = await document_of_version(session.database, owner, bot, version)
        if not last:
            return document, None
        now = utc_now()
        past = await open_last(session.database, owner.id, bot.id, last, now)
        replayed = replay(past).values()
        whole = [one for one in replayed if one.beginning is not None]
        differing = sum(one.difference is not None for one in whole)
        say(f"Visits of {len(whole)} conversation{'' if len(whole) == 1 else 's'}.")
        if len(whole) < len(replayed):
            say(f"{len(replayed) - len(whole)} more are too old: their beginning is not kept any more.")
        if past.left_out:
            say(f"{past.left_out} more have too many events together.")
        if differing:
            say(f"{differing} of them did not replay as they were; see: gateway conversation replay ID")
        return document, visits(whole, now)

    return *run(work), slug


def _definition(document: Document) -> dict[str, object]:
    from engine.document import definition_of

    return definition_of(document)


def _title(document: Document, name: str) -> str:
    version = document.get("version")
    return f"{name} {version}" if version else name
