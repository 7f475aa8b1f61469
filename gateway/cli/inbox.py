"""`gateway inbox`: events that were stored but could not be handled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.options import Organization, utc_now
from gateway.cli.output import EXIT_FAILED, say, show_table

if TYPE_CHECKING:
    from gateway.admin.inbox import Retried
    from gateway.cli.session import Session
    from storage.inbox import ParkedEvent

app = typer.Typer(help="List and retry parked events.", no_args_is_help=True)

Limit = Annotated[int, typer.Option(min=1, max=10_000, help="At most so many, the oldest first.")]

_RESULTS = {
    "done": "done",
    "parked": "parked again",
    "unreadable": "still unreadable",
    "closed": "its channel is closed",
}


@app.command()
def parked(limit: Limit = 100, organization: Organization = "default") -> None:
    """List parked events with the reason. What customers wrote is not shown."""
    from gateway.admin.inbox import preview
    from gateway.cli.session import run

    async def work(session: Session) -> list[ParkedEvent]:
        return await _parked(session, organization, limit)

    rows = [
        (
            str(event.id),
            f"{event.received_at:%Y-%m-%d %H:%M:%S}",
            event.channel,
            preview(event.raw),
            event.error,
        )
        for event in run(work)
    ]
    columns = ("event", "received (UTC)", "channel", "kind", "reason")
    show_table(columns, rows, empty="Nothing is parked.")


@app.command()
def retry(
    event: Annotated[list[str] | None, typer.Argument(help="Ids, or their beginnings. Default: all.")] = None,
    limit: Limit = 1000,
    organization: Organization = "default",
) -> None:
    """Give parked events their turn after all, for example after a mended flow was published."""
    from gateway.admin.inbox import Retrier
    from gateway.cli.session import run
    from gateway.media.parts import links_of, marks_of

    async def work(session: Session) -> list[Retried]:
        found = await _parked(session, organization, limit)
        wanted = [one for one in found if not event or str(one.id).startswith(tuple(event))]
        links = links_of(session.settings, session.keyring, utc_now)
        marks = marks_of(session.settings, links)
        retrier = Retrier(session.database, session.keyring, utc_now, marks)
        try:
            return [await retrier.retry(one) for one in wanted]
        finally:
            await retrier.close()

    results = run(work)
    rows = [(str(one.event.id), _RESULTS[one.result], one.reason) for one in results]
    show_table(("event", "result", "reason"), rows, empty="Nothing is parked.")
    done = sum(one.result == "done" for one in results)
    if results:
        say(f"{done} of {len(results)} done.")
    if done < len(results):
        raise typer.Exit(EXIT_FAILED)


async def _parked(session: Session, organization: str, limit: int) -> list[ParkedEvent]:
    from gateway.admin.bots import require_organization
    from storage.inbox import list_parked

    owner = await require_organization(session.database, organization)
    async with session.database.transaction([owner.id]) as connection:
        return await list_parked(connection, limit)
