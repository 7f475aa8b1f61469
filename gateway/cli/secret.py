"""`gateway secret`: the secrets that a bot's flow refers to by name, such as the keys of the services it calls."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.options import Bot, Organization, utc_now
from gateway.cli.output import say, show_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.cli.session import Session
    from storage.bots import Chatbot
    from storage.organizations import Organization as Owner
    from storage.secrets import StoredSecret

app = typer.Typer(help="Set, list and remove the secrets of a bot.", no_args_is_help=True)

Secret = Annotated[str, typer.Argument(metavar="NAME", help="Letters, digits and _, such as CRM_KEY.")]


@app.command("set")
def set_(name: Secret, bot: Bot = None, organization: Organization = "default") -> None:
    """Store a secret, or replace it. The value comes from a prompt or from standard input, never as an argument."""
    from storage.secrets import check_name

    check_name(name)  # a wrong name is refused before anybody types a value
    value = _entered(name)
    from gateway.redaction import redact

    redact(value)
    from gateway.admin.secrets import set_secret
    from gateway.cli.session import run

    async def work(session: Session) -> Chatbot:
        owner, chosen = await _bot(session, organization, bot)
        await set_secret(
            session.database, session.keyring, owner, chosen, name=name, value=value, now=utc_now()
        )
        return chosen

    say(f"Stored the secret {name} of {run(work).slug}, encrypted.")


@app.command("list")
def list_(bot: Bot = None, organization: Organization = "default") -> None:
    """List the secrets of a bot by name. Never shows a value."""
    from gateway.admin.secrets import secrets_of
    from gateway.cli.session import run

    async def work(session: Session) -> Sequence[StoredSecret]:
        return await secrets_of(session.database, *await _bot(session, organization, bot))

    rows = [
        (secret.name, f"{secret.created_at:%Y-%m-%d %H:%M}", f"{secret.updated_at:%Y-%m-%d %H:%M}")
        for secret in run(work)
    ]
    show_table(("secret", "made (UTC)", "changed (UTC)"), rows, empty="There is no secret yet.")


@app.command()
def remove(name: Secret, bot: Bot = None, organization: Organization = "default") -> None:
    """Remove a secret. Calls of the flow that need it fail from then on."""
    from gateway.admin.secrets import remove_secret
    from gateway.cli.session import run

    async def work(session: Session) -> Chatbot:
        owner, chosen = await _bot(session, organization, bot)
        await remove_secret(session.database, owner, chosen, name=name, now=utc_now())
        return chosen

    say(f"Removed the secret {name} of {run(work).slug}.")


def _entered(name: str) -> str:
    """The value: hidden at a terminal; otherwise what is piped in, without the line's end."""
    if sys.stdin.isatty():
        value: str = typer.prompt(f"Value of {name}", hide_input=True, err=True)
        return value
    return sys.stdin.read().removesuffix("\n").removesuffix("\r")


async def _bot(session: Session, organization: str, slug: str | None) -> tuple[Owner, Chatbot]:
    from gateway.admin.bots import find_bot, require_organization

    owner = await require_organization(session.database, organization)
    return owner, await find_bot(session.database, owner, slug)
