"""Replays of stored conversations: equal where nothing changed, and telling where something did."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args
from uuid import UUID

import msgspec
import pytest

from engine.document import definition_of
from engine.events import ChoiceMade, CommandReceived, EventBody, TextReceived, TimerFired
from engine.nodes.base import choice_id
from engine.scenarios import run_scenarios
from gateway.demo import demo_definition
from gateway.embedding import shared_embedder
from gateway.errors import NotFound
from gateway.flows.document import as_document
from gateway.replay.beginning import beginning_of
from gateway.replay.candidate import try_out
from gateway.replay.last import compare_last, compile_candidate
from gateway.replay.loading import find_conversation, open_last, open_past
from gateway.replay.memory import Memory
from gateway.replay.past import Past, Turned
from gateway.replay.recorded import Replayed, replay
from gateway.replay.scenario import as_scenario
from gateway.replay.visits import visits
from gateway.replay.words import replayed_lines, tried_lines
from storage.database import Database
from storage.deliveries import expire_inbox
from storage.keyring import Keyring
from tests.integration.command import Commander, Done
from tests.integration.town import REMEMBERING, Town, found_town, reworded

CHATS = [f"w{number}" if number % 2 else f"t{number}" for number in range(50)]
"""Half of them on the web channel, half on Telegram."""


@pytest.fixture
async def town(database: Database, database_url: str, tmp_path: Path) -> AsyncIterator[Town]:
    town = await found_town(database, database_url, Keyring.open(tmp_path / "keys"))
    yield town
    await town.observer.close()


async def past_of(town: Town, *ids: UUID) -> Past:
    return await open_past(town.database, town.ids.organization, ids or await town.conversations(), town.now)


async def replayed(town: Town, id: UUID) -> Replayed:
    return replay(await past_of(town, id))[id]


def differing(found: dict[UUID, Replayed]) -> list[str]:
    """What is wrong, in words; nothing when everything is as it was."""
    return [
        "\n".join(replayed_lines(one, trace=True))
        for one in found.values()
        if one.difference is not None or one.beginning is None
    ]


def kinds(past: Past) -> set[type]:
    return {type(event.body) for one in past.conversations.values() for event in one.events}


# As it was


async def test_fifty_random_conversations_replay_equal_and_twice_the_same(town: Town) -> None:
    await town.publish(demo_definition())
    await town.live(CHATS, 10)
    past = await past_of(town)
    assert kinds(past) == set(get_args(EventBody))
    assert {one.stored.platform for one in past.conversations.values()} == {"web", "telegram"}
    assert len(past.wanted) == 50
    found = replay(past)
    assert differing(found) == []
    assert all(not one.guessed for one in found.values())
    assert msgspec.json.encode(replay(past)) == msgspec.json.encode(found)
    # Each by itself, as the command asks for it.
    for id in past.wanted[:5]:
        alone = await replayed(town, id)
        assert "\n".join(replayed_lines(alone)).endswith(f"{len(alone.turns)} events: everything as it was.")


async def test_what_is_remembered_called_gathered_and_timed_replays_equal(town: Town) -> None:
    await town.publish(REMEMBERING)
    await town.live(CHATS[:20], 12)
    past = await past_of(town)
    assert differing(replay(past)) == []
    said = Counter(
        said.text for one in past.conversations.values() for event in one.events for said in event.said
    )
    # What the test is about has happened.
    assert {"Are you there?", "Welche?", "Which one?"} <= said.keys()
    assert any("1.5" in text and " of " in text for text in said)
    # One of them alone takes the others' visits with it.
    assert differing({past.wanted[-1]: await replayed(town, past.wanted[-1])}) == []


async def test_versions_change_under_way_and_each_turn_runs_on_its_own(town: Town) -> None:
    await town.publish(demo_definition())
    await town.live(CHATS[:16], 5)
    await town.publish(reworded(demo_definition(), "product category", "KIND"))
    await town.live(CHATS[:20], 5)
    await town.publish(reworded(demo_definition(), "product category", "SORT", live_conversations="migrate"))
    await town.live(CHATS[:24], 5)
    past = await past_of(town)
    found = replay(past)
    assert differing(found) == []
    flows = {turned.outcome.state.flow for one in found.values() for turned in one.turns}
    assert len(flows - {""}) == 3


async def test_a_server_that_hears_of_a_publication_late_is_believed(town: Town) -> None:
    await town.publish(demo_definition())
    await town.say("w1", "hello")
    channels = dict(town._channels)
    await town.publish(reworded(demo_definition(), "What can", "WHAT CAN"))
    town._channels = channels
    await town.say("t2", "hello", seconds=2)
    await town.say("t2", CommandReceived(command="start"), seconds=1)
    await town.hear()
    await town.say("t2", CommandReceived(command="start"), seconds=1)
    found = replay(await past_of(town))
    assert differing(found) == []
    flows = [turned.outcome.state.flow for turned in found[await town.conversation("t2")].turns]
    assert flows[0] == flows[1] != flows[2]


async def test_what_a_bot_remembers_is_taken_as_it_is_when_not_all_is_kept(town: Town) -> None:
    await town.publish(REMEMBERING)
    await town.say("w1", "hello", "two", seconds=20)
    await town.wait(60)
    await town.say("t2", "hello", "two", seconds=20)
    await town.wait(60)
    first, second = await town.conversation("w1"), await town.conversation("t2")
    alone = await replayed(town, second)
    assert (alone.difference, alone.remembered) == (None, False)
    await town.observer.execute("DELETE FROM inbox WHERE conversation_id = $1", first)
    one = await replayed(town, second)
    assert one.remembered
    assert one.difference is not None  # a count is lost with the events that counted
    assert any("remembers for all begins as it is now" in line for line in replayed_lines(one))


# What is not as it was


async def test_a_message_that_was_changed_is_told(town: Town) -> None:
    await town.publish(demo_definition())
    await town.say("t2", "hello", "tell me about products", "1")
    id = await town.conversation("t2")
    assert (await replayed(town, id)).difference is None
    await town.observer.execute(
        "UPDATE messages SET content = content || ' (forged)' WHERE conversation_id = $1 AND payload ? 'choices'",
        id,
    )
    one = await replayed(town, id)
    assert one.difference is not None
    assert one.difference.then[-1].text == one.difference.now[-1].text + " (forged)"
    lines = list(replayed_lines(one))
    assert lines[0] == f"Event {one.difference.number} is not as it was:"
    assert any("product_flow" in line for line in lines)  # why, from the trace


async def test_a_message_or_a_choice_that_is_missing_is_told(town: Town) -> None:
    await town.publish(demo_definition())
    await town.say("t2", "hello", "tell me about products")
    id = await town.conversation("t2")
    await town.observer.execute(
        "UPDATE messages SET payload = payload #- '{choices,0}' WHERE payload ? 'choices'"
    )
    one = await replayed(town, id)
    assert one.difference is not None
    assert len(one.difference.then[-1].parts["choices"]) + 1 == len(one.difference.now[-1].parts["choices"])
    await town.observer.execute("DELETE FROM messages WHERE payload ? 'choices'")
    assert (await replayed(town, id)).difference is not None


async def test_a_state_that_was_changed_is_told(town: Town) -> None:
    await town.publish(demo_definition())
    await town.say("t2", "hello", "tell me about products")
    id = await town.conversation("t2")
    await town.observer.execute(
        """UPDATE conversations SET state = state || '{"turns": 17}' WHERE id = $1""", id
    )
    one = await replayed(town, id)
    assert one.difference is not None
    assert [(name, then) for name, then, _ in one.difference.fields] == [("turns", 17)]
    assert any("turns: then 17, now" in line for line in replayed_lines(one))


async def test_a_turn_that_is_missing_is_told(town: Town) -> None:
    """An event that the inbox lost is no difference of the replay: it can't begin."""
    await town.publish(demo_definition())
    await town.say("t2", "hello", "tell me about products", "1")
    id = await town.conversation("t2")
    await town.observer.execute(
        "DELETE FROM inbox WHERE id = (SELECT id FROM inbox WHERE conversation_id = $1 ORDER BY received_at LIMIT 1)",
        id,
    )
    one = await replayed(town, id)
    assert one.beginning is None
    assert "It can't be replayed" in list(replayed_lines(one))[-1]


async def test_parked_events_are_skipped_and_told(town: Town) -> None:
    await town.publish(demo_definition())
    await town.say("t2", "hello")
    id = await town.conversation("t2")
    await town.observer.execute(
        "INSERT INTO inbox (id, organization_id, channel_id, external_id, conversation_id, status, raw, error,"
        " expires_at) SELECT gen_random_uuid(), organization_id, channel_id, 'bad', id, 'parked', '\\x00', 'why',"
        " now() + interval '8 days' FROM conversations WHERE id = $1",
        id,
    )
    one = await replayed(town, id)
    assert one.difference is None
    assert next(iter(replayed_lines(one))).startswith("1 parked event was skipped")


# What is not kept any more


async def test_without_its_beginning_it_is_compared_from_the_next_session_on(town: Town) -> None:
    await town.publish(reworded(REMEMBERING, " {{mine}} of {{visits}}", ""))  # those are lost with the events
    await town.say("w1", "hello", "one", "Ada", seconds=20)
    await town.wait(86_400 * 9 - 3_600)
    await town.say("w1", "hello", "one", "Bea", CommandReceived(command="start"), "asdf", seconds=20)
    id = await town.conversation("w1")
    whole = await replayed(town, id)
    assert (whole.difference, whole.conversation.gone) == (None, 0)
    async with town.database.raw() as connection:
        await connection.execute(
            "SELECT set_config('app.organization_ids', $1, false)", f"{{{town.ids.organization}}}"
        )
        gone = await expire_inbox(connection, town.now, 1_000)
    assert gone > 3
    one = await replayed(town, id)
    assert one.conversation.gone == gone
    assert one.beginning is not None
    assert not one.beginning.whole
    assert one.difference is None
    assert isinstance(one.turns[0].event.body, CommandReceived | TextReceived)
    lines = list(replayed_lines(one))
    assert lines[0] == f"{gone} events of its beginning are not kept any more (8 days are)."
    assert lines[1].startswith(f"It was compared from event {gone + one.beginning.index + 1} on")
    # And what goes wrong in the rest is still found.
    await town.observer.execute(
        "UPDATE messages SET content = 'forged' WHERE seq = (SELECT max(seq) FROM messages WHERE sender_type = 'bot')"
    )
    assert (await replayed(town, id)).difference is not None


# On another version


@pytest.mark.parametrize("definition", [demo_definition(), REMEMBERING], ids=["demo", "remembering"])
async def test_on_the_same_flow_nothing_differs(town: Town, definition: dict[str, Any]) -> None:
    """Its own timers fire when they did, and its calls come to what they came to."""
    await town.publish(definition)
    await town.live(CHATS[:20], 8)
    tried = try_out(await past_of(town), compile_candidate(as_document(definition, "flow")), town.now)
    assert len(tried) == 20
    for one in tried.values():
        if not one.same:
            print(*tried_lines(one, trace=True), sep="\n")
    assert [list(tried_lines(one)) for one in tried.values() if not one.same] == []


async def test_on_another_flow_the_difference_is_told_with_its_reason(town: Town) -> None:
    await town.publish(demo_definition())
    await town.say("t2", "hello", "tell me about products")
    id = await town.conversation("t2")
    changed = reworded(demo_definition(), "Which product category", "What")
    tried = try_out(await past_of(town, id), compile_candidate(as_document(changed, "flow")), town.now)[id]
    assert not tried.same
    lines = list(tried_lines(tried))
    assert any(line.strip().startswith("- Which product category interests you?") for line in lines)
    assert any(line.strip().startswith("+ What interests you?") for line in lines)
    assert any("because:" in line and "product_flow" in line for line in lines)


async def test_a_timer_of_the_other_flow_fires_when_it_would(town: Town) -> None:
    await town.publish(reworded(REMEMBERING, '"timeout":60', '"timeout":0'))
    await town.say("w1", "hello", seconds=20)
    await town.wait(120)
    id = await town.conversation("w1")
    past = await past_of(town, id)
    assert not any(
        isinstance(event.body, TimerFired) and event.body.timer.startswith("ask")
        for event in past.conversations[id].events
    )
    tried = try_out(past, compile_candidate(as_document(REMEMBERING, "flow")), town.now)[id]
    assert [(step.number, [said.text for said in step.now]) for step in tried.differences] == [
        (0, ["Are you there?", "?"])
    ]


async def test_the_last_conversations_are_grouped_by_their_first_difference(town: Town) -> None:
    await town.publish(demo_definition())
    for chat in CHATS[:6]:
        await town.say(chat, "hello", "tell me about products", "1")
    for chat in CHATS[6:9]:
        await town.say(chat, "hello", "asdf")
    changed = compile_candidate(
        as_document(reworded(demo_definition(), "Which product category", "What"), "flow")
    )
    past = await open_last(town.database, town.ids.organization, town.ids.bot, 100, town.now)
    report = compare_last(past, changed, town.now)
    assert (report.replayed, report.same, report.different) == (9, 3, 6)
    assert [len(group.conversations) for group in report.groups] == [6]
    group = report.groups[0]
    assert group.nodes_then == group.nodes_now
    assert "Replayed 9 conversations: 3 as they were, 6 different." in list(report.lines())
    json.dumps(report.as_json())
    unchanged = compile_candidate(as_document(demo_definition(), "flow"))
    assert compare_last(past, unchanged, town.now).different == 0
    fewer = await open_last(town.database, town.ids.organization, town.ids.bot, 2, town.now)
    assert compare_last(fewer, changed, town.now).replayed == 2


# As a test


def heard(turned: Turned) -> bool:
    """Whether a test can say it: what changes nothing but the time of the last event has no step."""
    return any(entry.kind != "ignored" for entry in turned.outcome.trace)


@pytest.mark.parametrize("definition", [demo_definition(), REMEMBERING], ids=["demo", "remembering"])
async def test_a_conversation_as_a_test_passes(town: Town, definition: dict[str, Any]) -> None:
    await town.publish(definition)
    await town.live(CHATS[:20], 8)
    past = await past_of(town)
    document = as_document(definition, "flow")
    bot = compile_candidate(document)
    memory = Memory(past)
    recorded = replay(past)
    tests, strayed = [], 0
    for id in past.wanted:
        one = past.conversations[id]
        begin = beginning_of(past, one)
        assert begin is not None
        scenario = as_scenario(one, begin.index, bot, definition_of(document), memory.customer(one))
        tests.append(scenario.test)
        if all(heard(turned) for turned in recorded[id].turns):
            strayed += any("elsewhere" in remark for remark in scenario.remarks)
        assert not any("ends before" in remark for remark in scenario.remarks)
    report = run_scenarios(
        {**document, "test_scenarios": {"integration_tests": tests}}, embed=shared_embedder()
    )
    assert report.passed, "\n".join(report.lines())
    kinds = {key for test in tests for step in test["steps"] for key in step}
    assert {"input", "click", "command", "wait", "timeout", "expected_node"} <= kinds
    if definition is not REMEMBERING:  # there, the visits of all are counted in one variable
        assert strayed == 0


# Visits


async def test_visits_count_who_came_and_who_left(town: Town) -> None:
    await town.publish(demo_definition())
    for chat in CHATS[:4]:
        await town.say(chat, "hello", "tell me about products")
    await town.say("w1", ChoiceMade(choice=choice_id("product_flow", 0), title="🚀 AI Tools"))
    found = replay(await past_of(town)).values()
    counts = visits(found, town.now)
    assert counts["welcome"].entered == 4
    assert counts["product_flow"].entered == 4
    assert counts["product_flow"].left_here == 0  # they have not been silent for long
    assert counts["ai_tools_detail"].entered == 1
    later = visits(found, town.now + timedelta(hours=1))
    assert later["product_flow"].left_here == 3
    assert sum(count.left_here for count in later.values()) == 4
    assert all(count.left_here <= count.entered for count in later.values())


# The commands


@pytest.fixture
def gateway(tmp_path: Path, database_url: str, redis_url: str) -> Commander:
    return Commander(folder=tmp_path, variables={"DATABASE_URL": database_url, "REDIS_URL": redis_url})


def ok(done: Done) -> str:
    assert done.code == 0, done
    return done.out


async def test_the_commands_list_show_and_replay(town: Town, gateway: Commander) -> None:
    here = ("--organization", "road")
    town.now = datetime.now(UTC)
    await town.publish({**demo_definition()})
    await town.say("t2", "hello", "tell me about [red]products[/red]", "1", seconds=1)
    id = str(await town.conversation("t2"))
    assert id in ok(await gateway("conversation", "list", "--bot", "road", *here))
    shown = ok(await gateway("conversation", "show", id, *here))
    assert "tell me about [red]products[/red]" in shown
    assert "product_inquiry (" in shown
    assert "[🚀 AI Tools | 💼 Business Solutions | 🎓 Educational]" in shown
    traced = ok(await gateway("conversation", "replay", id[:-4], "--trace", *here))
    assert "Replayed 3 events: everything as it was." in traced
    assert "the flow begins: a new session → welcome" in traced
    as_json = json.loads(ok(await gateway("conversation", "replay", id, "--json", "--trace", *here)))
    assert (as_json["equal"], len(as_json["turns"])) == (True, 3)

    changed = gateway.folder / "changed.json"
    changed.write_text(json.dumps(reworded(demo_definition(), "Which product category", "What")))
    on_it = ("conversation", "replay", id, "--flow", changed)
    done = await gateway(*on_it, "--fail-on-difference", *here)
    assert (done.code, "+ What interests you?" in done.out) == (1, True), done
    assert json.loads(ok(await gateway(*on_it, "--json", *here)))["equal"] is False
    own = ("conversation", "replay", id, "--flow", "1.0.1", "--fail-on-difference")
    assert "nothing differs." in ok(await gateway(*own, *here))

    printed = await gateway("conversation", "replay", id, "--as-test", *here)
    test = json.loads(ok(printed))
    assert "look it over" in printed.err
    document = {"flow_definition": demo_definition(), "test_scenarios": {"integration_tests": [test]}}
    flow = gateway.folder / "flow.json"
    flow.write_text(json.dumps(document))
    assert "1 test passed." in ok(await gateway("flow", "test", flow))

    last = ("flow", "test", changed, "--replay-last", "10", "--bot", "road")
    compared = ok(await gateway(*last, *here))
    assert "Replayed 1 conversation: 0 as they were, 1 different." in compared
    assert id in compared

    await town.observer.execute("UPDATE messages SET content = 'forged' WHERE seq = 2")
    done = await gateway("conversation", "replay", id, *here)
    assert (done.code, "- forged" in done.out) == (1, True), done
    done = await gateway("conversation", "replay", "nothing", *here)
    assert (done.code, "no conversation begins with" in done.err) == (1, True), done


async def test_ids_are_found_by_their_beginning(town: Town) -> None:
    await town.publish(demo_definition())
    await town.say("t2", "hello")
    await town.say("t4", "hello")
    id = await town.conversation("t2")
    assert await find_conversation(town.database, town.ids.organization, str(id)[:-1].upper()) == id
    for beginning in ("", "%", "0", "zz", "'"):
        with pytest.raises(NotFound):
            await find_conversation(town.database, town.ids.organization, beginning)
