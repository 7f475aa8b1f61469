"""The Slack adapter against the mock: what is sent arrives as meant, and every failure has its name."""

from __future__ import annotations

import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from adapters.errors import CustomerGone, Misconfigured, Refused, SendFailed, TryLater, Uncertain
from adapters.protocol import Call, ChannelAccess, Content, Envelope, ProfileSource, Receipt
from adapters.slack import manage
from adapters.slack.adapter import SlackAdapter
from adapters.slack.client import SlackClient
from engine.messages import Card, CardButton, Choice, Link, Media, OutboundMessage, Reaction
from tests.channels import calls_for
from tests.platforms.slack import APP_TOKEN, BOT_TOKEN, BOT_USER, TEAM, Fault, MockSlack, people
from tests.platforms.slack.world import BOT_ID

ADA = "U0AKADA001"
KEY = f"{TEAM}:{ADA}"
ENVELOPE = Envelope(key=UUID(int=2), conversation_id=UUID(int=3), seq=1, at=datetime.now(UTC))
TEXT = OutboundMessage(text="x")


class Shelf:
    """Files by their address, with or without a size."""

    def __init__(self) -> None:
        self.kept: dict[str, tuple[bytes, bool]] = {
            "media:plan": (b"%PDF-1.7 " * 9000, True),
            "media:clip": (b"clip" * 100, False),
            "media:empty": (b"", True),
        }

    @asynccontextmanager
    async def open(self, source: str) -> AsyncIterator[Content]:
        data, sized = self.kept[source]

        async def chunks() -> AsyncIterator[bytes]:
            for start in range(0, len(data), 8192):
                yield data[start : start + 8192]

        yield Content(chunks=chunks(), mime_type="application/pdf", size=len(data) if sized else None)


@pytest.fixture
async def mock() -> AsyncIterator[MockSlack]:
    async with MockSlack().running() as server:
        server.world.person(ADA, email="ada@moorland.example")
        yield server


@pytest.fixture
async def adapter() -> AsyncIterator[SlackAdapter]:
    one = SlackAdapter(files=Shelf())
    yield one
    await one.close()


def access_to(mock: MockSlack, base: str = "", **secrets: str) -> ChannelAccess:
    return ChannelAccess(
        channel_id=UUID(int=1),
        secrets={"bot_token": BOT_TOKEN, "app_token": APP_TOKEN} | secrets,
        settings={"api_base": base or f"{mock.api}/", "workspace": {"team_id": TEAM}},
    )


async def send(
    adapter: SlackAdapter,
    mock: MockSlack,
    message: OutboundMessage,
    to: str = KEY,
    envelope: Envelope = ENVELOPE,
) -> list[Receipt]:
    """Every call of a message, with the numbers that a delivery would give them."""
    return [
        await adapter.send(call, access_to(mock), numbered(envelope, number))
        for number, call in enumerate(calls_for(adapter, to, message))
    ]


def numbered(envelope: Envelope, number: int) -> Envelope:
    return Envelope(
        key=envelope.key,
        conversation_id=envelope.conversation_id,
        seq=envelope.seq,
        at=envelope.at,
        call=number,
    )


async def outcome(
    adapter: SlackAdapter, mock: MockSlack, message: OutboundMessage = TEXT, to: str = KEY
) -> SendFailed:
    """The failure of a send; nothing of it may tell a token or an address."""
    with pytest.raises(SendFailed) as caught:
        await send(adapter, mock, message, to)
    failure = caught.value
    told = "".join(traceback.format_exception(failure)) + repr(failure) + failure.reason
    assert BOT_TOKEN not in told and "http://127" not in told
    assert failure.__cause__ is None and failure.__context__ is None
    return failure


async def test_a_message_arrives_with_our_key_and_gives_slacks_id(
    mock: MockSlack, adapter: SlackAdapter
) -> None:
    (receipt,) = await send(
        adapter, mock, OutboundMessage(text="Hello", choices=(Choice(id="x:1", title="One"),))
    )
    (sent,) = mock.sent(mock.world.private(ADA).id)
    assert receipt == Receipt(message=sent.ts)
    assert sent.metadata == {
        "event_type": "gateway_message",
        "event_payload": {"key": str(ENVELOPE.key), "call": 0},
    }
    assert [block["type"] for block in sent.blocks] == ["rich_text", "actions"]


async def test_a_message_of_every_kind_is_taken(mock: MockSlack, adapter: SlackAdapter) -> None:
    message = OutboundMessage(
        text="All of it: *<@U1>* " + "long " * 3000,
        media=(
            Media(kind="image", url="https://pictures.example/a.png"),
            Media(kind="document", url="media:plan", name="plan.pdf", alt="the plan"),
            Media(kind="audio", url="media:clip"),
        ),
        cards=tuple(
            Card(title=f"c{n}", subtitle="s", buttons=(CardButton(title="b", id="c:1"),)) for n in range(12)
        ),
        links=(Link(title="Map", url="https://m.example"),),
        choices=tuple(Choice(id=f"c:{n}", title=f"Choice {n}") for n in range(40)),
    )
    receipts = await send(adapter, mock, message)
    assert len(receipts) == len(mock.world.log) > 3
    assert [entry.method for entry in mock.world.log][:2] == [
        "files.completeUploadExternal",
        "chat.postMessage",
    ]


async def test_files_arrive_whole_in_one_message_with_their_words(
    mock: MockSlack, adapter: SlackAdapter
) -> None:
    media = (
        Media(kind="document", url="media:plan", name="plan.pdf", alt="the plan"),
        Media(kind="voice", url="media:clip"),
    )
    (receipt,) = await send(adapter, mock, OutboundMessage(text="here", media=media))
    (shared,) = mock.sent(mock.world.private(ADA).id, "files.completeUploadExternal")
    files = [mock.world.files[id] for id in shared.files]
    assert [(file.name, file.alt, file.data) for file in files] == [
        ("plan.pdf", "the plan", b"%PDF-1.7 " * 9000),
        ("voice.pdf", "", b"clip" * 100),
    ]
    assert shared.blocks[0]["elements"][0]["elements"] == [{"type": "text", "text": "here"}]
    assert receipt.message == files[0].id


async def test_an_empty_file_or_none_to_read_from_is_told(mock: MockSlack, adapter: SlackAdapter) -> None:
    message = OutboundMessage(media=(Media(kind="document", url="media:empty"),))
    assert type(await outcome(adapter, mock, message)) is Refused
    bare = SlackAdapter()
    assert type(await outcome(bare, mock, message)) is Misconfigured
    await bare.close()
    assert mock.world.log == []


async def test_threads_edits_and_reactions(mock: MockSlack, adapter: SlackAdapter) -> None:
    private = mock.world.private(ADA).id
    theirs = people.say(mock, ADA, "hello")
    (first,) = await send(adapter, mock, OutboundMessage(text="hi", reply_to=theirs))
    assert mock.sent()[0].thread == theirs
    await send(adapter, mock, OutboundMessage(text="hi again", edits=first.message))
    assert mock.world.private(ADA).messages[first.message]["text"] == "hi again"
    for _ in range(2):  # twice is as once
        await send(adapter, mock, OutboundMessage(reaction=Reaction(message=theirs, emoji="👍🏽")))
    assert [one.text for one in mock.sent(private, "reactions.add")] == ["thumbsup::skin-tone-4"]
    for _ in range(2):
        await send(adapter, mock, OutboundMessage(reaction=Reaction(message=theirs, emoji="")))
    assert [one.text for one in mock.sent(private, "reactions.remove")] == ["thumbsup::skin-tone-4"]
    people.say(mock, ADA, f"<@{BOT_USER}>", channel="C0AKGENERAL")
    await send(adapter, mock, TEXT, f"{TEAM}:C0AKGENERAL:{theirs}")
    assert (mock.sent()[-1].channel, mock.sent()[-1].thread) == ("C0AKGENERAL", theirs)


@pytest.mark.parametrize(
    ("fault", "kind", "accepted"),
    [
        (Fault(kind="rate_limit", seconds=7), TryLater, 0),
        (Fault(kind="error", code="ratelimited"), TryLater, 0),
        (Fault(kind="error", code="service_unavailable"), TryLater, 0),
        (Fault(kind="error", code="request_timeout"), TryLater, 0),
        (Fault(kind="error", status=503, html=True), TryLater, 0),
        (Fault(kind="error", code="internal_error"), Uncertain, 0),
        (Fault(kind="error", code="fatal_error", status=500), Uncertain, 0),
        (Fault(kind="error", status=502, html=True), Uncertain, 0),
        (Fault(kind="error", status=200, html=True), Uncertain, 0),
        (Fault(kind="error", code="channel_not_found"), CustomerGone, 0),
        (Fault(kind="error", code="is_archived"), CustomerGone, 0),
        (Fault(kind="error", code="user_disabled"), CustomerGone, 0),
        (Fault(kind="error", code="not_in_channel"), Refused, 0),
        (Fault(kind="error", code="msg_too_long"), Refused, 0),
        (Fault(kind="error", code="invalid_blocks"), Refused, 0),
        (Fault(kind="error", code="code_of_the_future"), Refused, 0),
        (Fault(kind="error", code="invalid_auth"), Misconfigured, 0),
        (Fault(kind="error", code="token_revoked"), Misconfigured, 0),
        (Fault(kind="error", code="account_inactive"), Misconfigured, 0),
        (Fault(kind="error", code="missing_scope", needed="chat:write"), Misconfigured, 0),
        (Fault(kind="error", code="messages_tab_disabled"), Misconfigured, 0),
        (Fault(kind="error", status=302, html=True), Misconfigured, 0),
        (Fault(kind="refuse"), Uncertain, 0),
        (Fault(kind="cut"), Uncertain, 1),
        (Fault(kind="cut_body"), Uncertain, 1),
    ],
    ids=lambda value: f"{value.kind}-{value.code}-{value.status}" if isinstance(value, Fault) else "",
)
async def test_faults_have_their_names(
    mock: MockSlack, adapter: SlackAdapter, fault: Fault, kind: type[SendFailed], accepted: int
) -> None:
    mock.faults.add(fault)
    failure = await outcome(adapter, mock)
    assert type(failure) is kind
    assert failure.code and failure.reason
    assert len(mock.sent()) == accepted
    mock.faults.clear()
    await send(adapter, mock, OutboundMessage(text="after it"))
    assert mock.sent()[-1].text == "after it"


async def test_failures_say_what_an_operator_needs(mock: MockSlack, adapter: SlackAdapter) -> None:
    mock.faults.add(Fault(kind="rate_limit", seconds=7, times=1))
    failure = await outcome(adapter, mock)
    assert isinstance(failure, TryLater) and failure.retry_after == 7.0
    mock.faults.add(Fault(kind="error", code="missing_scope", needed="chat:write", times=1))
    assert "needed: chat:write" in (await outcome(adapter, mock)).reason
    image = OutboundMessage(media=(Media(kind="image", url="https://x.unreachable.example/a.png"),))
    refused = await outcome(adapter, mock, image)
    assert refused.code == "invalid_blocks" and "downloading image failed" in refused.reason


async def test_an_unknown_person_is_gone(mock: MockSlack, adapter: SlackAdapter) -> None:
    assert type(await outcome(adapter, mock, to=f"{TEAM}:U0AKNOBODY")) is CustomerGone
    message = OutboundMessage(reaction=Reaction(message="17.1", emoji="👍"))
    assert type(await outcome(adapter, mock, message, to=f"{TEAM}:U0AKNOBODY")) is CustomerGone


@pytest.mark.parametrize(
    "secrets",
    [{"bot_token": ""}, {"bot_token": "xoxb-\nx"}, {"bot_token": "ünïcode"}, {"bot_token": "xoxb-wrong"}],
)
async def test_a_token_that_is_none_is_told_before_or_by_slack(
    mock: MockSlack, adapter: SlackAdapter, secrets: dict[str, str]
) -> None:
    (call,) = calls_for(adapter, KEY, TEXT)
    with pytest.raises(Misconfigured):
        await adapter.send(call, access_to(mock, **secrets), ENVELOPE)


@pytest.mark.parametrize("base", ["ftp://x", "nonsense", "http://[::1", "http://127.0.0.1:1/api"])
async def test_an_address_that_is_none_is_told(mock: MockSlack, adapter: SlackAdapter, base: str) -> None:
    (call,) = calls_for(adapter, KEY, TEXT)
    with pytest.raises((Misconfigured, TryLater)) as caught:
        await adapter.send(call, access_to(mock, base), ENVELOPE)
    assert "127.0.0.1" not in str(caught.value)


async def test_a_redirect_takes_the_token_nowhere(mock: MockSlack, adapter: SlackAdapter) -> None:
    async with MockSlack(bench=True).running() as elsewhere:
        mock.faults.add(
            Fault(kind="error", status=307, html=True, location=f"{elsewhere.api}/chat.postMessage")
        )
        assert type(await outcome(adapter, mock)) is Misconfigured
        assert elsewhere.world.log == []


async def test_after_closing_nothing_is_sent(mock: MockSlack) -> None:
    closed = SlackAdapter(SlackClient())
    await closed.close()
    assert type(await outcome(closed, mock)) is TryLater
    assert mock.world.log == []


# Looking for what may have been sent


def call_of(adapter: SlackAdapter, message: OutboundMessage, to: str = KEY, number: int = 0) -> Call:
    return calls_for(adapter, to, message)[number]


@pytest.mark.parametrize("kind", ["cut", "cut_body"])
async def test_a_message_whose_answer_was_cut_is_found(
    mock: MockSlack, adapter: SlackAdapter, kind: Any
) -> None:
    mock.faults.add(Fault(kind=kind, method="chat.postMessage", times=1))
    assert type(await outcome(adapter, mock)) is Uncertain
    found = await adapter.find(call_of(adapter, TEXT), access_to(mock), ENVELOPE)
    assert found == Receipt(message=mock.sent()[0].ts)


async def test_a_message_that_was_never_taken_is_not_found(mock: MockSlack, adapter: SlackAdapter) -> None:
    await send(adapter, mock, TEXT)
    access, call = access_to(mock), call_of(adapter, TEXT)
    assert await adapter.find(call, access, numbered(ENVELOPE, 1)) is None
    other = Envelope(key=UUID(int=9), conversation_id=UUID(int=3), seq=1, at=ENVELOPE.at)
    assert await adapter.find(call, access, other) is None
    assert await adapter.find(call, access, ENVELOPE) is not None, "the control"


async def test_a_message_in_a_thread_is_found_there(mock: MockSlack, adapter: SlackAdapter) -> None:
    root = people.say(mock, ADA, f"<@{BOT_USER}> hi", channel="C0AKGENERAL")
    key = f"{TEAM}:C0AKGENERAL:{root}"
    (receipt,) = await send(adapter, mock, TEXT, key)
    assert await adapter.find(call_of(adapter, TEXT, key), access_to(mock), ENVELOPE) == receipt


async def test_files_whose_answer_was_cut_are_found_and_not_shared_twice(
    mock: MockSlack, adapter: SlackAdapter
) -> None:
    message = OutboundMessage(text="plan", media=(Media(kind="document", url="media:plan"),))
    mock.faults.add(Fault(kind="cut", method="files.completeUploadExternal", times=1))
    assert type(await outcome(adapter, mock, message)) is Uncertain
    found = await adapter.find(call_of(adapter, message), access_to(mock), ENVELOPE)
    assert found == Receipt(message=mock.sent(method="files.completeUploadExternal")[0].ts)


@pytest.mark.parametrize("method", ["files.getUploadURLExternal", "conversations.open"])
async def test_what_was_lost_before_anything_shows_is_in_no_doubt(
    mock: MockSlack, adapter: SlackAdapter, method: str
) -> None:
    message = OutboundMessage(text="plan", media=(Media(kind="document", url="media:plan"),))
    mock.faults.add(Fault(kind="cut", method=method, times=1))
    assert type(await outcome(adapter, mock, message)) is TryLater
    assert mock.world.log == []


async def test_a_message_is_found_behind_many_others(mock: MockSlack, adapter: SlackAdapter) -> None:
    (receipt,) = await send(adapter, mock, TEXT)
    for number in range(450):
        people.say(mock, ADA, f"and {number}")
    assert await adapter.find(call_of(adapter, TEXT), access_to(mock), ENVELOPE) == receipt


async def test_only_messages_since_the_decision_are_looked_at(mock: MockSlack, adapter: SlackAdapter) -> None:
    await send(adapter, mock, TEXT)
    later = Envelope(
        key=ENVELOPE.key, conversation_id=UUID(int=3), seq=1, at=datetime.now(UTC) + timedelta(minutes=5)
    )
    assert await adapter.find(call_of(adapter, TEXT), access_to(mock), later) is None


async def test_a_look_that_slack_limits_waits(mock: MockSlack, adapter: SlackAdapter) -> None:
    mock.world.rate_limits = mock.world.commercial = True
    await adapter.find(call_of(adapter, TEXT), access_to(mock), ENVELOPE)
    with pytest.raises(TryLater) as caught:
        await adapter.find(call_of(adapter, TEXT), access_to(mock), ENVELOPE)
    assert caught.value.retry_after is not None and caught.value.retry_after > 50


async def test_edits_and_reactions_need_no_look(mock: MockSlack, adapter: SlackAdapter) -> None:
    for message in (
        OutboundMessage(text="x", edits="17.1"),
        OutboundMessage(reaction=Reaction(message="1.1", emoji="👍")),
    ):
        assert await adapter.find(call_of(adapter, message), access_to(mock), ENVELOPE) is None
    assert mock.world.log == []


# Files of customers


async def read(adapter: SlackAdapter, file: str, access: ChannelAccess) -> tuple[bytes, Content]:
    async with adapter.fetch(file, access) as content:
        return b"".join([chunk async for chunk in content.chunks]), content


async def test_a_customers_file_is_read_by_address_or_id(mock: MockSlack, adapter: SlackAdapter) -> None:
    id = people.attach(mock, "bed.png", b"\x89PNG" * 50_000, "image/png")
    access = access_to(mock)
    for reference in (f"{mock.url}/files-pri/{id}/bed.png", id):
        data, content = await read(adapter, reference, access)
        assert data == b"\x89PNG" * 50_000
        assert (content.mime_type, content.size) == ("image/png", 200_000)


async def test_the_token_is_shown_to_slack_alone(mock: MockSlack, adapter: SlackAdapter) -> None:
    async with MockSlack().running() as elsewhere:
        id = people.attach(elsewhere, "x.png", b"x", "image/png")
        for foreign in (
            f"{elsewhere.url}/files-pri/{id}/x.png",
            "https://files.slack.com.evil.example/x",
            "https://slack.com@evil.example/x",
            "http://files.slack.com/x",
            "https://files.slack.com:8443/x",
            "https://[broken/x",
        ):
            with pytest.raises(Refused):
                await read(adapter, foreign, access_to(mock))


async def test_a_page_for_signing_in_is_no_file(mock: MockSlack, adapter: SlackAdapter) -> None:
    id = people.attach(mock, "bed.png", b"x", "image/png")
    with pytest.raises(Misconfigured, match="files:read"):
        await read(adapter, f"{mock.url}/files-pri/{id}/bed.png", access_to(mock, bot_token="xoxb-other"))
    with pytest.raises(Refused):
        await read(adapter, f"{mock.url}/files-pri/F0NOWHERE/bed.png", access_to(mock))
    with pytest.raises(Refused):
        await read(adapter, "F0NOWHERE", access_to(mock))


# Setting up


async def test_the_token_tells_whose_it_is_and_what_it_lacks(mock: MockSlack) -> None:
    mock.world.scopes = "chat:write, im:history"
    workspace = await manage.identify(access_to(mock))
    assert (workspace.team_id, workspace.bot_user_id, workspace.bot_id) == (TEAM, BOT_USER, BOT_ID)
    assert workspace.scopes == ("chat:write", "im:history")
    assert "files:read" in workspace.missing_scopes and "chat:write" not in workspace.missing_scopes
    mock.world.scopes = ",".join(manage.SCOPES)
    assert (await manage.identify(access_to(mock))).missing_scopes == ()
    with pytest.raises(Misconfigured, match="copy it anew"):
        await manage.identify(access_to(mock, bot_token="xoxb-wrong"))


# Who people are


async def test_a_person_has_a_name_a_language_and_a_time_zone(mock: MockSlack, adapter: SlackAdapter) -> None:
    assert isinstance(adapter, ProfileSource)
    person = await adapter.profile(access_to(mock), KEY)
    assert (person.external_id, person.first_name, person.last_name) == (KEY, "Ada", "Quist")
    assert (person.language, person.timezone, person.email) == (
        "en-GB",
        "Europe/London",
        "ada@moorland.example",
    )
    for nobody in (f"{TEAM}:U0AKNOBODY", f"{TEAM}:C0AKGENERAL", "nothing"):
        with pytest.raises(CustomerGone):
            await adapter.profile(access_to(mock), nobody)


async def test_without_its_scope_a_person_has_no_email(mock: MockSlack, adapter: SlackAdapter) -> None:
    mock.world.scopes = "chat:write,users:read"
    person = await adapter.profile(access_to(mock), KEY)
    assert (person.email, person.language, person.timezone) == ("", "en-GB", "Europe/London")
    mock.world.scopes = "chat:write"
    with pytest.raises(Misconfigured, match="lacks a scope"):
        await adapter.profile(access_to(mock), KEY)


async def test_another_workspaces_word_on_an_email_is_not_taken(
    mock: MockSlack, adapter: SlackAdapter
) -> None:
    """In a channel that is shared, whoever runs the other workspace could call themselves by anybody's address."""
    mock.world.person("U0AKEVE001", real_name="Eve", email="ada@moorland.example", team="T0AKOTHER1")
    person = await adapter.profile(access_to(mock), f"{TEAM}:U0AKEVE001")
    assert (person.first_name, person.language, person.email) == ("Eve", "en-GB", "")


async def test_who_may_not_be_looked_at_is_nobody(mock: MockSlack, adapter: SlackAdapter) -> None:
    mock.faults.add(Fault(kind="error", code="user_not_visible", method="users.info", times=1))
    with pytest.raises(CustomerGone, match="does not show"):
        await adapter.profile(access_to(mock), KEY)


async def test_a_limit_on_looking_people_up_names_the_wait(mock: MockSlack, adapter: SlackAdapter) -> None:
    mock.faults.add(Fault(kind="rate_limit", method="users.info", seconds=7, times=1))
    with pytest.raises(TryLater) as caught:
        await adapter.profile(access_to(mock), KEY)
    assert caught.value.retry_after == 7.0


# Socket Mode


async def test_socket_mode_is_tried_out(mock: MockSlack) -> None:
    mock.world.sockets_allowed = False
    with pytest.raises(Misconfigured, match="Socket Mode is off"):
        await manage.check_socket(access_to(mock))
    mock.world.sockets_allowed = True
    await manage.check_socket(access_to(mock))
    with pytest.raises(Misconfigured, match="kind of token"):
        await manage.check_socket(access_to(mock, app_token=BOT_TOKEN))
    with pytest.raises(Misconfigured, match="no app token"):
        await manage.check_socket(access_to(mock, app_token=""))
