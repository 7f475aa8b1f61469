"""`gateway customer`: list and show customers, make one of two and two of one, link channels."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.options import Organization, utc_now
from gateway.cli.output import say, show_table

if TYPE_CHECKING:
    from gateway.admin.customers import Linking
    from gateway.cli.session import Session
    from storage.customers import CustomerLine, Portrait, Profile
    from storage.merges import Merge, Unmerged

app = typer.Typer(help="List, show, merge and link customers.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(help="Id of the customer, or its beginning.", metavar="ID")]


@app.command("list")
def list_(
    search: Annotated[
        str | None,
        typer.Option(help="Part of a name, an address, a number or an id on a channel.", metavar="TEXT"),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=5_000, help="At most so many.")] = 50,
    organization: Organization = "default",
) -> None:
    """List customers, those with the newest messages first."""
    from gateway.admin.bots import require_organization
    from gateway.cli.session import run
    from storage.customers import list_customers

    async def work(session: Session) -> list[CustomerLine]:
        owner = await require_organization(session.database, organization)
        return await list_customers(session.database, owner.id, search, limit)

    rows = [
        (str(one.id), one.name, one.email, one.phone, one.channels, _moment(one.last_message_at))
        for one in run(work)
    ]
    columns = ("customer", "name", "e-mail", "phone", "channels", "last message (UTC)")
    show_table(columns, rows, empty="There is no such customer.")


@app.command()
def show(customer: Id, organization: Organization = "default") -> None:
    """Show what is known of a customer: profile, ids on channels, conversations, merges."""
    from gateway.admin.bots import require_organization
    from gateway.admin.customers import find_customer
    from gateway.cli.session import run
    from storage.customers import portray

    async def work(session: Session) -> Portrait:
        owner = await require_organization(session.database, organization)
        id = await find_customer(session.database, owner, customer)
        return await portray(session.database, owner.id, id)

    found = run(work)
    show_table(("", ""), _profile_rows(found.profile), empty="")
    say()
    rows = [
        (one.channel, one.external_id, "beside another" if one.is_alias else "") for one in found.identities
    ]
    show_table(("channel", "known as", ""), rows, empty="Known on no channel.")
    say()
    talks = [
        (str(one.id), one.channel, one.status, str(one.message_count), _moment(one.last_message_at))
        for one in found.conversations
    ]
    show_table(
        ("conversation", "channel", "status", "messages", "last message (UTC)"),
        talks,
        empty="No conversation.",
    )
    if found.merges:
        say()
        merges = [
            (str(one.id), str(one.kept_id), str(one.merged_id), one.reason, _moment(one.merged_at))
            + (_moment(one.undone_at),)
            for one in found.merges
        ]
        show_table(("merge", "kept", "merged into it", "because of", "at (UTC)", "undone"), merges, empty="")


@app.command()
def merge(
    kept: Annotated[
        str, typer.Argument(help="Id of the customer who stays, or its beginning.", metavar="KEPT")
    ],
    merged: Annotated[
        str, typer.Argument(help="Id of the customer who becomes part of the other.", metavar="MERGED")
    ],
    organization: Organization = "default",
) -> None:
    """Make one customer of two: identities and conversations move, the profile is filled in."""
    from gateway.admin import customers
    from gateway.admin.bots import require_organization
    from gateway.cli.session import run

    async def work(session: Session) -> Merge:
        owner = await require_organization(session.database, organization)
        first = await customers.find_customer(session.database, owner, kept)
        second = await customers.find_customer(session.database, owner, merged)
        return await customers.merge(session.database, owner, first, second, utc_now())

    done = run(work)
    say(f"Merged {done.merged_id} into {done.kept_id}.")
    say(
        f"Moved:    {len(done.before.identities)} identities, {len(done.before.conversations)} conversations"
        f"{_carried(done)}"
    )
    say(f"Undo it:  gateway customer unmerge {done.id}")


@app.command()
def unmerge(
    merge: Annotated[str, typer.Argument(help="Id of the merge, or its beginning.", metavar="MERGE")],
    organization: Organization = "default",
) -> None:
    """Take a merge back; what was changed since stays, and is told."""
    from gateway.admin import customers
    from gateway.admin.bots import require_organization
    from gateway.cli.session import run

    async def work(session: Session) -> Unmerged:
        owner = await require_organization(session.database, organization)
        id = await customers.find_merge(session.database, owner, merge)
        return await customers.unmerge(session.database, owner, id, utc_now())

    undone = run(work)
    say(f"Customer {undone.merge.merged_id} is one of their own again.")
    say(f"Given back: {undone.identities} identities, {undone.conversations} conversations")
    for left in undone.left:
        say(f"Left as it is: {left}")


@app.command()
def link(customer: Id, organization: Organization = "default") -> None:
    """Print a code that makes whoever shows it on another channel the same customer."""
    from gateway.admin import customers
    from gateway.admin.bots import require_organization
    from gateway.cli.session import run

    async def work(session: Session) -> Linking:
        owner = await require_organization(session.database, organization)
        id = await customers.find_customer(session.database, owner, customer)
        return await customers.link(session.database, session.keyring, session.settings, owner, id, utc_now())

    made = run(work)
    say(f"Code:  {made.code}")
    say(f"Valid until {_moment(made.expires_at)} UTC. Give it to nobody but this customer.")
    say()
    show_table(("channel", "where to show it"), [(one.channel, one.place) for one in made.links], empty="")


def _profile_rows(profile: Profile) -> list[tuple[str, str]]:
    name = " ".join(filter(None, (profile.first_name, profile.last_name)))
    rows = [
        ("customer", str(profile.id)),
        ("name", name),
        ("e-mail", _verified(profile.email, profile.email_verified_at)),
        ("phone", _verified(profile.phone, profile.phone_verified_at)),
        ("language", profile.language or ""),
        ("timezone", profile.timezone or ""),
        ("your number", profile.external_id or ""),
        ("known since", _moment(profile.created_at)),
        ("opted out", _moment(profile.opted_out_at)),
        ("reachable", "" if profile.reachable else "no: blocked the bot"),
        ("merged into", str(profile.merged_into or "")),
    ]
    return [row for row in rows if row[1]]


def _verified(value: str | None, at: datetime | None) -> str:
    return f"{value} (verified {at:%Y-%m-%d})" if value and at else value or ""


def _carried(done: Merge) -> str:
    given = done.before.given
    names = [name for name in given.fields if not name.endswith("verified_at")]
    names += [f"variable {name}" for name in given.variables] + [
        f"metadata {name}" for name in given.metadata
    ]
    return f"; carried along: {', '.join(names)}" if names else ""


def _moment(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M}" if at else ""
