"""`gateway keys`: the keys that encrypt stored secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.output import EXIT_FAILED, complain, say, show_table

if TYPE_CHECKING:
    from gateway.cli.session import Session
    from storage.keys import Rotation

app = typer.Typer(help="List, rotate and make encryption keys.", no_args_is_help=True)


@app.command("list")
def list_() -> None:
    """List the known keys and how many stored secrets each one encrypts. Never shows a key."""
    from gateway.cli.session import run
    from storage.keys import count_by_key

    async def work(session: Session) -> list[tuple[str, str, str]]:
        counts = await count_by_key(session.database)
        active, _ = session.keyring.active
        known = session.keyring.ids
        rows = [(key, "active" if key == active else "known", str(counts.pop(key, 0))) for key in known]
        return rows + [(key, "missing", str(count)) for key, count in sorted(counts.items())]

    show_table(("key", "state", "secrets"), run(work), empty="")


@app.command()
def rotate() -> None:
    """Make a new active key and put every stored secret under it, while the server runs.

    With keys in GATEWAY_ENCRYPTION_KEYS no key is made: put a new one in front there first (gateway keys
    generate), restart every replica, then run this.
    """
    from gateway.cli.session import run
    from gateway.keyring import KEY_FILE
    from storage.keyring import add_key
    from storage.keys import rotate as reencrypt

    async def work(session: Session) -> tuple[str, bool, Rotation]:
        from_file = session.settings.encryption_keys is None
        if from_file:
            add_key(session.settings.data_dir / KEY_FILE)
        active, _ = session.keyring.active
        return active, from_file, await reencrypt(session.database, session.keyring)

    active, made, done = run(work)
    say(
        f"{'Made the key' if made else 'The active key is'} {active}; {done.changed} secrets were put under it."
    )
    for key, count in sorted(done.left.items()):
        complain(f"{count} secrets are still under the key {key}: keep it")
    for failure in done.failures:
        complain(f"Not decrypted: {failure}")
    if made:
        say("Back up the key file. Older keys stay in it, for backups of the database that need them.")
    if done.failures:
        raise typer.Exit(EXIT_FAILED)


@app.command()
def generate(
    key_id: Annotated[str, typer.Option("--id", help="The new key's id: letters, digits, - and _.")] = "k1",
) -> None:
    """Print a new key for GATEWAY_ENCRYPTION_KEYS. It is stored nowhere."""
    import base64
    import secrets

    from storage.keyring import KEY_BYTES, Keyring

    line = f"{key_id}:{base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()}"
    Keyring.parse(line)
    typer.echo(line)
