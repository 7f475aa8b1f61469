"""`gateway deliveries`: messages that did not go out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from gateway.cli.options import Organization, utc_now
from gateway.cli.output import EXIT_FAILED, fail, say, show_table

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gateway.admin.deliveries import Desk, Shown
    from gateway.cli.session import Session
    from storage.letters import Letter, State

T = TypeVar("T")

app = typer.Typer(help="List, replay and drop messages that did not go out.", no_args_is_help=True)

Ids = Annotated[list[str] | None, typer.Argument(help="Ids, or their beginnings.", metavar="ID…")]
Id = Annotated[str, typer.Argument(help="An id, or its beginning.", metavar="ID")]
Channel = Annotated[str | None, typer.Option(help="Only of this channel: its name, id or type.")]
Since = Annotated[str, typer.Option(help="Only since then: 12h, 7d, 2026-11-01.", metavar="TIME")]
Error = Annotated[
    str, typer.Option(help="Only with this code, or kind of trouble, such as window.", metavar="CODE")
]
Limit = Annotated[int, typer.Option(min=1, max=100_000, help="At most so many, the oldest first.")]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]


@app.command("list")
def list_(
    held: Annotated[bool, typer.Option("--held", help="Those that may not go out now.")] = False,
    failed: Annotated[bool, typer.Option("--failed", help="Those that were given up.")] = False,
    waiting: Annotated[bool, typer.Option("--waiting", help="Those that wait to be sent.")] = False,
    channel: Channel = None,
    since: Since = "30d",
    error: Error = "",
    limit: Limit = 100,
    as_json: AsJson = False,
    organization: Organization = "default",
) -> None:
    """List messages that did not go out, with the reason; without an option, the held and the failed ones."""
    from gateway.admin.deliveries import as_json as letter_json
    from gateway.admin.deliveries import read_since

    states = _states(held=held, failed=failed, waiting=waiting)
    began = read_since(since, utc_now())

    async def work(desk: Desk) -> list[Letter]:
        return await desk.find(states, channel=channel, since=began, error=error, limit=limit)

    letters = _run(organization, work)
    if as_json:
        say(json.dumps([letter_json(letter) for letter in letters], indent=2, ensure_ascii=False))
        return
    columns = ("message", "since (UTC)", "channel", "recipient", "state", "kind", "reason")
    show_table(columns, map(_row, letters), empty="Everything went out.")
    if len(letters) == limit:
        say(f"These are the oldest {limit}; --limit shows more.")


@app.command()
def show(id: Id, as_json: AsJson = False, organization: Organization = "default") -> None:
    """Show one message whole: its words, why it did not go out, and what to do about it."""
    from gateway.admin.deliveries import as_json as letter_json

    async def work(desk: Desk) -> Shown:
        (letter,) = await desk.named([id], ("failed", "held", "waiting"))
        return await desk.show(letter)

    shown = _run(organization, work)
    if as_json:
        content: dict[str, Any] = {}
        if shown.content is not None:
            content = {"text": shown.content.text, "parts": shown.content.parts}
        say(json.dumps({**letter_json(shown.letter), **content}, indent=2, ensure_ascii=False))
        return
    for line in _lines(shown):
        say(line)


@app.command()
def replay(
    ids: Ids = None,
    all_: Annotated[bool, typer.Option("--all", help="All that were given up or are held.")] = False,
    channel: Channel = None,
    error: Error = "",
    since: Since = "30d",
    organization: Organization = "default",
) -> None:
    """Send messages anew, behind what waits for the same customer by now."""
    from gateway.admin.deliveries import read_since

    if bool(ids) == all_:
        fail("name the messages by their ids, or all of them with --all")
    if ids and (channel is not None or error):
        fail("--channel and --error choose among all; leave the ids out and write --all")
    began, now = read_since(since, utc_now()), utc_now()

    async def work(desk: Desk) -> tuple[int, int]:
        states: tuple[State, ...] = ("failed", "held")
        if ids:
            letters = await desk.named(ids, states)
        else:
            letters = await desk.find(states, channel=channel, since=began, error=error, limit=100_000)
        return len(letters), len(await desk.replay(letters, now))

    _tell("replayed", *_run(organization, work))


@app.command()
def drop(
    ids: Annotated[list[str], typer.Argument(help="Ids, or their beginnings.", metavar="ID…")],
    organization: Organization = "default",
) -> None:
    """Give messages up for good; they stay in the transcript as failed."""
    now = utc_now()

    async def work(desk: Desk) -> tuple[int, int]:
        letters = await desk.named(ids, ("failed", "held"))
        return len(letters), len(await desk.drop(letters, now))

    _tell("dropped", *_run(organization, work))


def _run(organization: str, work: Callable[[Desk], Awaitable[T]]) -> T:
    from gateway.admin.bots import require_organization
    from gateway.admin.deliveries import Desk
    from gateway.cli.session import run

    async def with_desk(session: Session) -> T:
        owner = await require_organization(session.database, organization)
        return await work(Desk(session.database, owner))

    return run(with_desk)


def _states(*, held: bool, failed: bool, waiting: bool) -> tuple[State, ...]:
    chosen: list[State] = []
    chosen += ["held"] if held else []
    chosen += ["failed"] if failed else []
    chosen += ["waiting"] if waiting else []
    return tuple(chosen) or ("held", "failed")


def _row(letter: Letter) -> tuple[str, ...]:
    return (
        str(letter.id),
        f"{letter.created_at:%Y-%m-%d %H:%M:%S}",
        letter.channel,
        letter.recipient,
        letter.state,
        letter.trouble,
        letter.error,
    )


def _lines(shown: Shown) -> list[str]:
    letter, content = shown.letter, shown.content
    lines = [
        f"message    {letter.id}",
        f"since      {letter.created_at:%Y-%m-%d %H:%M:%S} UTC",
        f"channel    {letter.channel}",
        f"recipient  {letter.recipient}",
        f"state      {letter.state}" + (f" ({letter.trouble})" if letter.trouble else ""),
        f"attempts   {letter.attempts}",
        f"reason     {letter.error or 'none'}",
        f"meaning    {shown.meaning}",
        f"advice     {shown.advice}",
    ]
    if content is not None:
        lines += ["", content.text] if content.text else []
        lines += [json.dumps(content.parts, ensure_ascii=False)] if content.parts else []
    return lines


def _tell(what: str, wanted: int, done: int) -> None:
    if not wanted:
        say("There is nothing of that kind.")
        return
    say(f"{done} of {wanted} {what}.")
    if done < wanted:
        say("The rest was dealt with meanwhile.")
        raise typer.Exit(EXIT_FAILED)
