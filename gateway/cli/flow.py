"""`gateway flow`: publish, revert and compare the versions of a bot's flow."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.options import Bot, Organization, utc_now
from gateway.cli.output import complain, say, show_table

if TYPE_CHECKING:
    from gateway.admin.flows import Published
    from gateway.cli.session import Session
    from gateway.flows.document import Document
    from storage.versions import VersionHistory

MAX_WARNINGS = 20

app = typer.Typer(help="Check, test, try out, draw, publish, revert and compare flows.", no_args_is_help=True)

Source = Annotated[Path, typer.Argument(help="A flow in JSON, or a bot's folder.", metavar="FILE_OR_FOLDER")]
Version = Annotated[
    str | None,
    typer.Option(
        help="Version, such as 2.0.0. Default: the document's own, or the next one.", metavar="VERSION"
    ),
]
Force = Annotated[
    bool,
    typer.Option("--force", help="Even if the check finds likely mistakes or the flow's own tests fail."),
]


@app.command()
def publish(
    source: Source,
    bot: Annotated[
        str | None,
        typer.Option(
            "--bot", help="Slug of the bot, made if it is new; a folder names its own.", metavar="SLUG"
        ),
    ] = None,
    name: Annotated[str, typer.Option(help="What customers see, for a new bot.")] = "",
    version: Version = None,
    staged: Annotated[
        bool, typer.Option("--staged", help="Store it for testing; customers stay on the published version.")
    ] = False,
    force: Force = False,
    organization: Organization = "default",
) -> None:
    """Check and test a flow, store it as a version and publish it. Conversations under way stay on theirs."""
    publish_source(
        source, bot=bot, name=name, version=version, staged=staged, force=force, organization=organization
    )


def publish_source(
    source: Path,
    *,
    bot: str | None,
    name: str,
    version: str | None,
    staged: bool = False,
    force: bool,
    organization: str,
) -> None:
    """What `gateway flow publish` and `gateway bot publish` do."""
    from gateway.admin.tests_gate import pass_gate
    from gateway.errors import NotFound
    from gateway.flows.document import read_document
    from gateway.flows.folder import read_folder

    if source.is_dir():
        folder = read_folder(source)
        slug, name, document = bot or folder.slug, name or folder.name, folder.document
    elif bot is None:
        raise NotFound("say which bot with --bot SLUG")
    else:
        slug, document = bot, read_document(source)
    passed = pass_gate(document, str(source), force=force)  # refused before anything is started
    warn(passed.warnings)
    from gateway.admin.flows import publish_document
    from gateway.cli.session import run
    from storage.organizations import ensure_organization

    async def work(session: Session) -> Published:
        owner = await ensure_organization(
            session.database, slug=organization, name=organization.title(), actor="cli", now=utc_now()
        )
        return await publish_document(
            session.database,
            owner,
            document,
            slug=slug,
            name=name,
            version=version,
            now=utc_now(),
            staged=staged,
        )

    done = run(work)
    told = f"{done.bot.slug} {done.flow.version}"
    if not done.changed:
        say(
            f"Nothing has changed: {told} is {'published' if done.flow.status == 'active' else done.flow.status}."
        )
    elif staged:
        say(f"Stored {told} for testing ({passed.nodes} nodes).")
    else:
        say(f"Published {told} ({passed.nodes} nodes).")


def warn(warnings: Sequence[str]) -> None:
    """Tell what the author of a flow should look at."""
    for warning in warnings[:MAX_WARNINGS]:
        complain(f"Warning: {warning}")
    if len(warnings) > MAX_WARNINGS:
        complain(f"… and {len(warnings) - MAX_WARNINGS} more")


@app.command()
def revert(
    version: Annotated[
        str | None, typer.Argument(help="Default: the one before the published one.", metavar="VERSION")
    ] = None,
    bot: Bot = None,
    organization: Organization = "default",
) -> None:
    """Publish an earlier version again. Conversations under way stay on theirs."""
    from gateway.admin.bots import find_bot, require_organization
    from gateway.admin.flows import revert_flow
    from gateway.cli.session import run

    async def work(session: Session) -> Published:
        owner = await require_organization(session.database, organization)
        found = await find_bot(session.database, owner, bot)
        return await revert_flow(session.database, owner, found, version, utc_now())

    done = run(work)
    told = f"{done.bot.slug} {done.flow.version}"
    say(f"Published {told} again." if done.changed else f"Nothing has changed: {told} is published.")


@app.command()
def versions(bot: Bot = None, organization: Organization = "default") -> None:
    """List the versions of a bot's flow with who made and published them, the newest first."""
    from gateway.admin.bots import find_bot, require_organization
    from gateway.admin.flows import versions_of
    from gateway.cli.session import run

    async def work(session: Session) -> list[VersionHistory]:
        owner = await require_organization(session.database, organization)
        found = await find_bot(session.database, owner, bot)
        return await versions_of(session.database, owner, found)

    rows = [
        (
            line.flow.version,
            line.flow.flow_id,
            line.flow.status,
            f"{line.flow.created_at:%Y-%m-%d %H:%M}",
            line.created_by or "",
            f"{line.flow.published_at:%Y-%m-%d %H:%M}" if line.flow.published_at else "",
            line.published_by or "",
        )
        for line in run(work)
    ]
    columns = ("version", "flow", "status", "made (UTC)", "by", "published (UTC)", "by")
    show_table(columns, rows, empty="There is no version yet.")


@app.command()
def diff(
    old: Annotated[str, typer.Argument(help="A file, a folder or a version.", metavar="FILE_OR_VERSION")],
    new: Annotated[
        str | None,
        typer.Argument(
            help="What to compare with it. One alone is compared with the published version.", metavar="OTHER"
        ),
    ] = None,
    bot: Bot = None,
    positions: Annotated[
        bool, typer.Option("--positions", help="Tell of nodes that were only moved too.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The changes as JSON.")] = False,
    organization: Organization = "default",
) -> None:
    """Tell what changed between two versions, or between the published one and a file."""
    import json

    import msgspec

    from gateway.cli.changes import show_changes
    from gateway.flows.diff import diff as compare
    from gateway.flows.folder import read_source

    wanted: list[str | None] = [None, old] if new is None else [old, new]
    files = {name: read_source(Path(name)) for name in wanted if name is not None and Path(name).exists()}
    if None not in wanted and all(name in files for name in wanted):
        documents = [files[str(name)] for name in wanted]
    else:
        documents = _documents(wanted, files, bot, organization)
    changes = compare(*documents, positions=positions)
    if as_json:
        typer.echo(json.dumps(msgspec.to_builtins(changes), ensure_ascii=False, indent=2))
    else:
        show_changes(changes)


def _documents(
    wanted: list[str | None], files: dict[str, Document], bot: str | None, organization: str
) -> list[Document]:
    """Each from its file, or as that version of the bot says it; None is the published version."""
    from gateway.admin.bots import find_bot, require_organization
    from gateway.admin.flows import document_of_version
    from gateway.cli.session import run

    async def work(session: Session) -> list[Document]:
        owner = await require_organization(session.database, organization)
        found = await find_bot(session.database, owner, bot)
        return [
            files[name] if name in files else await document_of_version(session.database, owner, found, name)
            for name in wanted
        ]

    return run(work)
