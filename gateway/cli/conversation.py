"""`gateway conversation`: list, read and replay what customers and bots have said."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from gateway.cli.options import Organization, utc_now
from gateway.cli.output import EXIT_FAILED, complain, fail, say, show_table

if TYPE_CHECKING:
    from uuid import UUID

    from gateway.cli.session import Session
    from gateway.flows.document import Document
    from gateway.replay.candidate import Tried
    from gateway.replay.past import Past
    from gateway.replay.recorded import Replayed
    from gateway.replay.scenario import Scenario
    from storage.organizations import Organization as Owner
    from storage.replays import ConversationLine, TranscriptLine

app = typer.Typer(help="List, read and replay conversations.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(help="Id of the conversation, or its beginning.", metavar="ID")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


@app.command("list")
def list_(
    bot: Annotated[
        str | None, typer.Option("--bot", help="Only of this bot. Default: of all.", metavar="SLUG")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=5_000, help="At most so many.")] = 50,
    organization: Organization = "default",
) -> None:
    """List conversations, those with the newest messages first."""
    from gateway.admin.bots import find_bot, require_organization
    from gateway.cli.session import run
    from storage.replays import list_conversations

    async def work(session: Session) -> list[ConversationLine]:
        owner = await require_organization(session.database, organization)
        chosen = None if bot is None else (await find_bot(session.database, owner, bot)).id
        return await list_conversations(session.database, owner.id, chosen, limit)

    rows = [
        (
            str(line.id),
            line.bot,
            line.platform,
            line.status,
            str(line.message_count),
            f"{line.created_at:%Y-%m-%d %H:%M}",
            f"{line.last_message_at:%Y-%m-%d %H:%M}" if line.last_message_at else "",
        )
        for line in run(work)
    ]
    columns = ("conversation", "bot", "channel", "status", "messages", "begun (UTC)", "last message")
    show_table(columns, rows, empty="There is no conversation yet.")


@app.command()
def show(
    conversation: Id,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="At most so many, the newest.")] = 1_000,
    organization: Organization = "default",
) -> None:
    """Show who said what and when, how far messages came, and which intents were understood."""
    from gateway.admin.bots import require_organization
    from gateway.cli.session import run
    from gateway.replay.loading import find_conversation
    from storage.replays import load_transcript

    async def work(session: Session) -> list[TranscriptLine]:
        owner = await require_organization(session.database, organization)
        found = await find_conversation(session.database, owner.id, conversation)
        return await load_transcript(session.database, owner.id, found, limit)

    rows = [
        (
            str(line.seq),
            f"{line.created_at:%Y-%m-%d %H:%M:%S}",
            line.sender_type,
            _said(line),
            f"{line.status}: {line.error}" if line.error else line.status,
            _understood(line),
        )
        for line in run(work)
    ]
    columns = ("", "when (UTC)", "who", "what", "status", "intent")
    show_table(columns, rows, empty="Nothing was said in it yet.")


@app.command()
def replay(
    conversation: Id,
    flow: Annotated[
        str | None,
        typer.Option(
            "--flow", help="On this instead: a version, a file or a folder.", metavar="VERSION_OR_FILE"
        ),
    ] = None,
    trace: Annotated[
        bool, typer.Option("--trace", help="Show what happened inside, event by event.")
    ] = False,
    as_test: Annotated[
        bool, typer.Option("--as-test", help="Print it as a test for the flow's test_scenarios.")
    ] = False,
    fail_on_difference: Annotated[
        bool, typer.Option("--fail-on-difference", help="With --flow: exit code 1 when something differs.")
    ] = False,
    as_json: AsJson = False,
    organization: Organization = "default",
) -> None:
    """Replay a conversation from its events, as it was or on another flow.

    As it was, every message and the final state must come out equal; exit code 1 when something does not.
    """
    if as_test:
        _print_test(conversation, flow, organization)
    elif flow is None:
        _as_it_was(conversation, organization, trace=trace, as_json=as_json)
    else:
        tried = _on(conversation, flow, organization)
        _tell_tried(tried, trace=trace, as_json=as_json)
        if tried.skipped is None or (fail_on_difference and not tried.same):
            raise typer.Exit(EXIT_FAILED)


def _as_it_was(conversation: str, organization: str, *, trace: bool, as_json: bool) -> None:
    from gateway.cli.session import run
    from gateway.replay.recorded import replay as replay_past
    from gateway.replay.words import replayed_json, replayed_lines

    async def work(session: Session) -> Replayed:
        _, past, id = await _past(session, conversation, organization)
        return replay_past(past).get(id) or _too_much()

    done = run(work)
    if as_json:
        _print_json(replayed_json(done, trace=trace))
    else:
        for line in replayed_lines(done, trace=trace):
            say(line)
    if done.beginning is None or done.difference is not None:
        raise typer.Exit(EXIT_FAILED)


def _on(conversation: str, flow: str, organization: str) -> Tried:
    from gateway.cli.session import run
    from gateway.replay.candidate import try_out
    from gateway.replay.last import compile_candidate

    given = _file(flow)

    async def work(session: Session) -> Tried:
        owner, past, id = await _past(session, conversation, organization)
        bot = compile_candidate(given or await _document(session, owner, past, id, flow), flow)
        return try_out(past, bot, utc_now()).get(id) or _too_much()

    return run(work)


def _tell_tried(tried: Tried, *, trace: bool, as_json: bool) -> None:
    from gateway.replay.words import tried_json, tried_lines

    if as_json:
        _print_json(tried_json(tried, trace=trace))
        return
    for line in tried_lines(tried, trace=trace):
        say(line)


def _print_test(conversation: str, flow: str | None, organization: str) -> None:
    """The test goes to standard output, what is to be known about it to standard error."""
    from engine.document import definition_of
    from gateway.cli.session import run
    from gateway.replay.beginning import beginning_of
    from gateway.replay.last import compile_candidate
    from gateway.replay.memory import Memory
    from gateway.replay.scenario import as_scenario

    given = _file(flow)

    async def work(session: Session) -> Scenario:
        owner, past, id = await _past(session, conversation, organization)
        found = past.conversations.get(id) or _too_much()
        begin = beginning_of(past, found)
        if begin is None or not found.events:
            fail("it can't be replayed: no event that is kept begins a session by itself")
        document = given or await _document(session, owner, past, id, flow)
        customer = Memory(past).customer(found)
        bot = compile_candidate(document, flow or "flow")
        return as_scenario(found, begin.index, bot, definition_of(document), customer)

    scenario = run(work)
    _print_json(scenario.test)
    complain("It holds what a customer wrote: look it over before you keep it.")
    for remark in scenario.remarks:
        complain(remark)


def tell_last(
    document: Document, place: str, number: int, bot: str | None, organization: str, *, as_json: bool
) -> None:
    """What `gateway flow test --replay-last` does."""
    from gateway.admin.bots import find_bot, require_organization
    from gateway.cli.session import run
    from gateway.replay.last import Report, compile_candidate, replay_last

    compile_candidate(document, place)  # refused before anything is started

    async def work(session: Session) -> Report:
        owner = await require_organization(session.database, organization)
        found = await find_bot(session.database, owner, bot)
        return await replay_last(session.database, owner, found, number, document, utc_now())

    report = run(work)
    if as_json:
        _print_json(report.as_json())
        return
    for line in report.lines():
        say(line)


async def _past(session: Session, conversation: str, organization: str) -> tuple[Owner, Past, UUID]:
    from gateway.admin.bots import require_organization
    from gateway.replay.loading import find_conversation, open_past

    owner = await require_organization(session.database, organization)
    id = await find_conversation(session.database, owner.id, conversation)
    return owner, await open_past(session.database, owner.id, [id], utc_now()), id


async def _document(session: Session, owner: Owner, past: Past, id: UUID, flow: str | None) -> Document:
    """What the version says; without one, the version that the conversation began on."""
    from gateway.admin.flows import document_of_version
    from gateway.flows.document import document_of
    from gateway.replay.beginning import beginning_of
    from storage.bots import list_chatbots
    from storage.flows import load_document

    found = past.conversations.get(id) or _too_much()
    chatbot = found.stored.chatbot_id
    if flow is not None:
        async with session.database.transaction([owner.id]) as connection:
            bots = await list_chatbots(connection)
        bot = next(bot for bot in bots if bot.id == chatbot)
        return await document_of_version(session.database, owner, bot, flow)
    begin = beginning_of(past, found)
    version = past.timelines[chatbot].at(found.events[begin.index if begin else 0].at)
    if version is None:
        fail("no flow was published when it began; name one with --flow")
    async with session.database.transaction([owner.id]) as connection:
        stored = await load_document(connection, version)
    return document_of(stored.definition, stored.parts, stored.flow)


def _file(flow: str | None) -> Document | None:
    """The document, if it is a file's or a folder's."""
    from gateway.flows.folder import read_source

    return read_source(Path(flow)) if flow is not None and Path(flow).exists() else None


def _too_much() -> NoReturn:
    fail("this conversation, and those that its replay needs, have too many events together")


def _said(line: TranscriptLine) -> str:
    """The text, and what it carries."""
    from gateway.replay.past import Said

    parts = json.loads(line.payload) if line.payload else {}
    if line.sender_type == "customer":
        return line.content or f"({line.message_type})"
    return Said(text=line.content, parts=parts).line()


def _understood(line: TranscriptLine) -> str:
    if line.intent is None:
        return ""
    return line.intent if line.confidence is None else f"{line.intent} ({line.confidence:.2f})"


def _print_json(value: Any) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))
