"""The command `gateway`: one file a group of commands. Nothing heavy is imported before a command runs."""

from __future__ import annotations

import os
import sys
import traceback
from typing import Annotated

import typer

from gateway import __version__
from gateway.cli.output import EXIT_CONFIGURATION, EXIT_FAILED, complain
from gateway.errors import ConfigurationError, GatewayError
from gateway.packages import check_packages

app = typer.Typer(
    name="gateway",
    help="One server between chat platforms and a bot.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # they print local variables, secrets among them
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Run the command line; every foreseen error ends in one clear message."""
    # The vectors are short: one thread is faster than several, and none of them meets a fork.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        check_packages()
        _commands()
        app()
    except ConfigurationError as error:
        for problem in error.problems:
            complain(f"Error: {problem}")
        sys.exit(EXIT_CONFIGURATION)
    except GatewayError as error:
        complain(f"Error: {error}")
        sys.exit(EXIT_FAILED)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        sys.exit(_explain(error))


def _commands() -> None:
    """Import the groups; only after `check_packages`, so that a wrong package is named, not tripped over."""
    from gateway.cli.bot import app as bot
    from gateway.cli.channel import app as channel
    from gateway.cli.conversation import app as conversation
    from gateway.cli.customer import app as customer
    from gateway.cli.deliveries import app as deliveries
    from gateway.cli.docs import app as docs
    from gateway.cli.flow import app as flow
    from gateway.cli.flow_check import register as register_flow_check
    from gateway.cli.flow_graph import register as register_flow_graph
    from gateway.cli.flow_test import register as register_flow_tests
    from gateway.cli.inbox import app as inbox
    from gateway.cli.keys import app as keys
    from gateway.cli.media import app as media
    from gateway.cli.secret import app as secret
    from gateway.cli.server import register

    register(app)
    register_flow_check(flow)
    register_flow_tests(flow)
    register_flow_graph(flow)
    app.add_typer(bot, name="bot")
    app.add_typer(flow, name="flow")
    app.add_typer(channel, name="channel")
    app.add_typer(conversation, name="conversation")
    app.add_typer(customer, name="customer")
    app.add_typer(inbox, name="inbox")
    app.add_typer(deliveries, name="deliveries")
    app.add_typer(media, name="media")
    app.add_typer(keys, name="keys")
    app.add_typer(secret, name="secret")
    app.add_typer(docs, name="docs")


def _explain(error: Exception) -> int:
    """Errors of the other packages are imported only here: --help has no time for them."""
    from adapters.errors import AdapterError
    from engine.errors import EngineError
    from storage.errors import StorageError

    if isinstance(error, AdapterError | EngineError | StorageError):
        complain(f"Error: {error}")
    elif isinstance(error, ConnectionError | TimeoutError):
        complain(f"Error: the database or the bus can't be reached ({error}). See: gateway doctor")
    else:
        complain("".join(traceback.format_exception(error)).rstrip())
        complain("Error: this was not foreseen; please report it with the lines above")
    return EXIT_FAILED


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"channel-gateway {__version__}")
        raise typer.Exit


@app.callback()
def _gateway(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """One server between chat platforms and a bot."""
