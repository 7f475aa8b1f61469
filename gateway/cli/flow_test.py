"""`gateway flow test|chat`: a flow's own tests, and a chat with it. Only `--replay-last` needs a database."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.options import Bot, Organization, utc_now
from gateway.cli.output import EXIT_FAILED, fail, say

if TYPE_CHECKING:
    from engine.bot import Bot as Compiled
    from engine.scenarios import Report
    from engine.scenarios.model import Settings, Stub

File = Annotated[Path, typer.Argument(help="A flow in JSON, or a bot's folder.", metavar="FILE_OR_FOLDER")]


def register(app: typer.Typer) -> None:
    """Add the commands to the group `flow`."""
    app.command("test")(test)
    app.command("chat")(chat)


def test(
    file: File,
    only: Annotated[
        list[str] | None, typer.Option("--only", help="Run this test alone; may be repeated.", metavar="NAME")
    ] = None,
    junit: Annotated[
        Path | None, typer.Option(help="Write the result as JUnit XML.", metavar="OUT.xml", dir_okay=False)
    ] = None,
    coverage: Annotated[bool, typer.Option(help="Show which nodes and ways no test reaches.")] = False,
    min_coverage: Annotated[
        float, typer.Option(help="Fail when less than this is reached, in percent.", min=0, max=100)
    ] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    load: Annotated[
        str, typer.Option(help="Run the load test instead, against this running server.", metavar="URL")
    ] = "",
    channel: Annotated[str, typer.Option(help="Widget id of the bot there.", metavar="WIDGET_ID")] = "",
    users: Annotated[int, typer.Option(help="Visitors, instead of the document's.", min=0)] = 0,
    seconds: Annotated[int, typer.Option(help="How long, instead of the document's.", min=0)] = 0,
    last: Annotated[
        int,
        typer.Option(
            "--replay-last",
            help="Instead, replay a bot's last conversations on it: which would go differently?",
            metavar="N",
            min=0,
            max=5_000,
        ),
    ] = 0,
    bot: Bot = None,
    organization: Organization = "default",
) -> None:
    """Run the tests that a document carries (test_scenarios). Exit code 1 when one fails."""
    if load:
        _load_test(file, load, channel, users, seconds, as_json=as_json)
        return
    if last:
        from gateway.cli.conversation import tell_last

        tell_last(_read(file), str(file), last, bot, organization, as_json=as_json)
        return
    from engine.scenarios import run_scenarios
    from gateway.flows.reports import as_json as to_json
    from gateway.flows.reports import as_junit
    from gateway.models import models_of

    document = _read(file)
    with _Refusing(file):
        report = run_scenarios(document, only=only or (), **models_of(document))
    if not report.tests:
        fail(f'{file} has no tests; add "test_scenarios": {{"unit_tests": […], "integration_tests": […]}}')
    if junit is not None:
        _write(junit, as_junit(report, file.stem))
    if as_json:
        say(json.dumps(to_json(report), ensure_ascii=False, indent=2))
    else:
        for line in report.lines():
            say(line)
    enough = _covered(report, min_coverage, shown=coverage and not as_json, told=not as_json)
    if not (report.passed and enough):
        raise typer.Exit(EXIT_FAILED)


def chat(
    file: File,
    trace: Annotated[bool, typer.Option(help="Show what happens inside.")] = False,
    language: Annotated[str, typer.Option(help="The customer's language.", metavar="TAG")] = "",
    customer: Annotated[
        str, typer.Option(help='Who is chatting, such as {"first_name": "Ana"}.', metavar="JSON")
    ] = "",
    at: Annotated[
        str, typer.Option(help="When it begins, such as 2026-01-14T22:00; otherwise now.", metavar="TIME")
    ] = "",
    delays: Annotated[bool, typer.Option(help="Wait before messages as the bot would.")] = False,
) -> None:
    """Chat with a flow here in the terminal. Nothing is sent, and no call is made."""
    from engine.compile import compile_flow
    from engine.document import definition_of
    from engine.scenarios import read_scenarios
    from engine.scenarios.world import Impossible
    from gateway.flows.chat import Chat
    from gateway.models import models_of

    document = _read(file)
    with _Refusing(file):
        definition = definition_of(document)
        bot = compile_flow(definition, flow_id="chat", **models_of(document))
        scenarios = read_scenarios(document.get("test_scenarios", {}), bot)
    stubs = {node: found for _, case in scenarios.tests for node, found in case.stubs.items()}
    settings = _settings(bot, language, customer, at, stubs)
    try:
        conversation = Chat(
            bot, definition, settings, show=say, ask=_ask, trace=trace, pause=time.sleep if delays else None
        )
    except Impossible as error:
        fail(str(error))
    say(f"{file.name}: write something, or /help.")
    while (line := _ask("> ")) is not None and conversation.take(line):
        pass


def _ask(prompt: str) -> str | None:
    """A line from the terminal, or from what is piped in; None at its end."""
    if sys.stdin.isatty():
        import readline  # noqa: F401 - gives `input` a history and the arrow keys
    try:
        return input(prompt if sys.stdin.isatty() else "")
    except EOFError:
        return None


def _settings(
    bot: Compiled, language: str, customer: str, at: str, stubs: Mapping[str, list[Stub]]
) -> Settings:
    """The circumstances of a chat, as a test has them."""
    from pydantic import ValidationError

    from engine.problems import findings_of, place_of
    from engine.scenarios.model import Settings
    from gateway.flows.chat import NAME

    given: dict[str, Any] = {"name": NAME, "start": at or utc_now().isoformat(timespec="seconds")}
    if language:
        given["language"] = language
    try:
        if customer:
            given["customer"] = json.loads(customer)
        settings = Settings.model_validate(given)
    except ValidationError as error:
        path, message, mend = next(findings_of(error, Settings))
        option = {"start": "--at", "language": "--language"}.get(str(path[0]), "--customer")
        fail(f"{option}: {place_of(path)}: {message}; {mend}")
    except ValueError as error:
        fail(f"--customer is no JSON: {error}")
    return settings.model_copy(
        update={"stubs": {node: stub for node, stub in stubs.items() if node in bot.nodes}}
    )


def _read(file: Path) -> dict[str, Any]:
    from gateway.flows.folder import read_source

    return read_source(file)


class _Refusing:
    """Turns what is wrong with a flow or its tests into problems of the file."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        from engine.problems import FlowInvalid
        from engine.scenarios import NoSuchTest
        from gateway.errors import ConfigurationError, NotFound, Problem

        if isinstance(error, NoSuchTest):
            raise NotFound(str(error)) from None
        if isinstance(error, FlowInvalid):
            raise ConfigurationError(
                [
                    Problem(
                        place=f"{self._file}: {found.place or 'flow'}", message=found.message, mend=found.mend
                    )
                    for found in error.problems
                ]
            ) from None


def _covered(report: Report, minimum: float, *, shown: bool, told: bool) -> bool:
    """Whether enough was reached; says so."""
    enough = report.coverage.percent >= minimum
    lines = report.coverage.lines()
    for line in lines if shown or not enough else ():
        if told:
            say(line)
    if not enough and told:
        say(f"That is less than the {minimum:g} % that are wanted.")
    return enough


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        fail(f"{path} can't be written: {error.strerror}")


def _load_test(file: Path, url: str, channel: str, users: int, seconds: int, *, as_json: bool) -> None:
    """Drive the server that was named, and say how it did."""
    import asyncio

    from engine.compile import compile_flow
    from engine.document import definition_of
    from engine.scenarios import read_scenarios
    from gateway.flows.load import Plan, drive
    from gateway.models import models_of

    if not channel:
        fail("say which bot: --channel WIDGET_ID")
    document = _read(file)
    with _Refusing(file):
        definition = definition_of(document)
        bot = compile_flow(definition, flow_id="load", **models_of(document))
        scenarios = read_scenarios(document.get("test_scenarios", {}), bot)
        plan = Plan.of(scenarios, bot, definition, users=users, seconds=seconds)
    result = asyncio.run(drive(url, channel, plan, tell=say if not as_json else lambda line: None))
    if as_json:
        say(json.dumps(result.as_json(), indent=2))
    else:
        for line in result.lines():
            say(line)
    if not result.passed:
        raise typer.Exit(EXIT_FAILED)
