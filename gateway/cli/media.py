"""`gateway media`: files that customers and bots sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from gateway.cli.options import Organization, utc_now
from gateway.cli.output import say, show_table

if TYPE_CHECKING:
    from gateway.cli.session import Session
    from storage.media import Media

app = typer.Typer(help="List, show and forget files that customers sent.", no_args_is_help=True)

File = Annotated[UUID, typer.Argument(help="The file's id.", metavar="ID")]
Limit = Annotated[int, typer.Option(min=1, max=10_000, help="At most so many, the newest first.")]


@app.command("list")
def list_(limit: Limit = 50, organization: Organization = "default") -> None:
    """List files: what they are and what became of them. Names and contents are not shown."""
    from gateway.admin.bots import require_organization
    from gateway.admin.media import list_media
    from gateway.cli.session import run

    async def work(session: Session) -> list[Media]:
        owner = await require_organization(session.database, organization)
        return await list_media(session.database, owner.id, limit)

    rows = [
        (
            str(media.id),
            f"{media.created_at:%Y-%m-%d %H:%M:%S}",
            media.direction,
            media.kind,
            media.mime_type,
            "" if media.size is None else str(media.size),
            media.status,
            media.reason or "",
        )
        for media in run(work)
    ]
    columns = ("file", "came (UTC)", "direction", "kind", "type", "bytes", "status", "reason")
    show_table(columns, rows, empty="There are no files.")


@app.command()
def show(file: File, organization: Organization = "default") -> None:
    """Show what is known of a file, with a link that opens it."""
    from gateway.admin.bots import require_organization
    from gateway.admin.media import find_media
    from gateway.cli.session import run
    from gateway.media.parts import links_of

    async def work(session: Session) -> tuple[Media, str]:
        owner = await require_organization(session.database, organization)
        media = await find_media(session.database, owner.id, file)
        links = links_of(session.settings, session.keyring, utc_now)
        return media, links.link(owner.id, media.id)

    media, link = run(work)
    for name, value in (
        ("file", media.id),
        ("name", media.name),
        ("kind", media.kind),
        ("type", media.mime_type),
        ("bytes", media.size),
        ("pixels", f"{media.width} x {media.height}" if media.width else None),
        ("sha256", media.sha256),
        ("conversation", media.conversation_id),
        ("status", media.status),
        ("reason", media.reason),
        ("kept until", f"{media.expires_at:%Y-%m-%d %H:%M:%S} UTC" if media.expires_at else "for ever"),
        ("link", link if media.status == "stored" else None),
    ):
        if value:
            say(f"{name}: {value}")


@app.command()
def forget(file: File, organization: Organization = "default") -> None:
    """Delete a file for good. Links to it lead nowhere from then on."""
    from gateway.admin.bots import require_organization
    from gateway.admin.media import find_media, forget_media
    from gateway.cli.session import run
    from gateway.media.places import open_store

    async def work(session: Session) -> None:
        owner = await require_organization(session.database, organization)
        media = await find_media(session.database, owner.id, file)
        url = session.settings.media_url
        store = open_store(url.get_secret_value() if url else None, session.settings.data_dir, utc_now)
        try:
            await forget_media(session.database, store, media, utc_now)
        finally:
            await store.close()

    run(work)
    say(f"{file} is forgotten.")
