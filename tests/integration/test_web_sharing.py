"""The web channel over real sockets: what visitors share, what a hello tells, what the channel's document says."""

from __future__ import annotations

from collections.abc import AsyncIterator
from hashlib import sha256
from uuid import UUID, uuid4

import pytest

from adapters.web import token
from engine.events import Context, MediaReceived, Referral
from gateway.web.service import WRONG_SITE
from tests.integration.web_site import Site, Widget, running_site
from tests.unit.web_doubles import NOW


@pytest.fixture
async def site(redis_url: str) -> AsyncIterator[Site]:
    async with running_site(redis_url) as made:
        yield made


async def a_visitor(site: Site) -> tuple[Widget, UUID]:
    """A socket after its hello, and whose it is."""
    widget = await site.visitor()
    secret = site.channels["demo"].access.secrets["session_secret"]
    visitor = token.verify(widget.token, secret, site.channels["demo"].id, NOW)
    assert visitor is not None
    return widget, visitor


async def test_a_file_counts_only_for_the_visitor_who_uploaded_it(site: Site) -> None:
    ana, her = await a_visitor(site)
    ben, _ = await a_visitor(site)
    media = uuid4()
    site.shelf.owners[media] = (site.channels["demo"].id, her)
    frame = {"type": "file", "files": [{"media": str(media), "kind": "image"}]}
    stolen = str(uuid4())
    await ben.send(id=stolen, **frame)
    refused = await ben.get("error")
    assert (refused["code"], refused["id"], refused["retry"]) == ("unknown_file", stolen, False)
    assert site.turns.events == []
    await ana.send(id=str(uuid4()), **frame)
    await ana.get("ack")
    (event,) = site.turns.events
    assert isinstance(event.body, MediaReceived)
    assert event.body.media == str(media)


async def test_one_foreign_file_refuses_the_whole_album(site: Site) -> None:
    widget, visitor = await a_visitor(site)
    own = uuid4()
    site.shelf.owners[own] = (site.channels["demo"].id, visitor)
    files = [{"media": str(own), "kind": "image"}, {"media": str(uuid4()), "kind": "image"}]
    await widget.send(type="file", id=str(uuid4()), files=files)
    assert (await widget.get("error"))["code"] == "unknown_file"
    assert site.turns.events == []


async def test_no_file_is_taken_where_uploads_are_off(site: Site) -> None:
    site.configure({"behavior": {"file_upload": {"enabled": False}}})
    widget, visitor = await a_visitor(site)
    media = uuid4()
    site.shelf.owners[media] = (site.channels["demo"].id, visitor)
    await widget.send(type="file", id=str(uuid4()), files=[{"media": str(media), "kind": "image"}])
    assert (await widget.get("error"))["code"] == "no_files"


async def test_what_the_hello_tells_goes_with_the_first_event(site: Site) -> None:
    widget = await site.visitor(
        language="de-AT", timezone="Europe/Vienna", page="https://a.example/p", title="Shop", payload="ref42"
    )
    await widget.say("hello")
    await widget.say("again")
    first, second = site.turns.events
    assert (first.sender.language, first.sender.timezone) == ("de-AT", "Europe/Vienna")
    assert first.context == Context(
        referral=Referral(source="page", url="https://a.example/p", headline="Shop", payload="ref42")
    )
    assert (second.sender.timezone, second.context) == ("Europe/Vienna", None)


async def test_what_makes_no_sense_in_a_hello_is_left_out(site: Site) -> None:
    widget = await site.visitor(language="<b>", timezone="Mars; DROP", page="javascript:alert(1)")
    await widget.say("hello")
    (event,) = site.turns.events
    assert (event.sender.language, event.sender.timezone, event.context) == ("", "", None)


async def test_an_older_widgets_hello_is_understood(site: Site) -> None:
    widget = await site.widget()
    await widget.send(type="hello", conversation="", seq=0, language="en", page="https://a.example/")
    welcome = await widget.get("welcome")
    assert {"token", "conversation", "seq", "bot", "appearance"} <= welcome.keys()


async def test_a_reaction_has_no_place_in_the_transcript(site: Site) -> None:
    widget, _ = await a_visitor(site)
    await widget.say("hello")
    await widget.send(type="reaction", id=str(uuid4()), message="m1", emoji=["👍"])
    ack = await widget.get("ack")
    assert "seq" not in ack


async def test_history_is_read_in_batches_of_the_configured_size(site: Site) -> None:
    site.configure({"performance": {"message_batch_size": 2}})
    widget = await site.visitor()
    await widget.say("hello")
    (conversation,) = site.transcript.contacts.values()
    for number in range(5):
        site.transcript.add(conversation, str(number))
    site.transcript.reads = 0
    back = await site.widget()
    await back.hello(token=widget.token)
    assert [(await back.get("message"))["text"] for _ in range(6)] == ["hello", "0", "1", "2", "3", "4"]
    assert site.transcript.reads >= 3


@pytest.mark.parametrize(
    ("strategy", "header"),
    [
        ("aggressive", "public, max-age=3600, stale-while-revalidate=86400"),
        ("normal", "public, max-age=60"),
        ("none", "no-store"),
    ],
)
async def test_the_configuration_is_cached_as_the_channel_says(
    site: Site, strategy: str, header: str
) -> None:
    site.configure({"performance": {"cache_strategy": strategy}})
    async with site.client.get(site.server.make_url("/widget/demo/config")) as response:
        assert response.headers["Cache-Control"] == header


async def test_the_configuration_speaks_the_visitors_language(site: Site) -> None:
    url = site.server.make_url("/widget/demo/config")
    async with site.client.get(url.with_query(language="de-AT")) as response:
        told = await response.json()
    assert (told["language"], told["words"]["send"]) == ("de", "Senden")
    async with site.client.get(url) as response:
        assert "words" not in await response.json()


async def test_a_page_without_tls_gets_no_widget_where_it_is_required(site: Site) -> None:
    site.configure({"security": {"ssl_required": True}})
    url = site.server.make_url("/widget/demo/config")
    async with site.client.get(url, headers={"Origin": "http://shop.example"}) as response:
        assert response.status == 403
    widget = await site.widget(Origin="http://shop.example")
    assert await widget.closed() == WRONG_SITE


async def test_the_second_script_is_kept_for_good_by_its_digest(site: Site) -> None:
    url = site.server.make_url("/widget-parts.js")
    async with site.client.get(url) as response:
        digest = response.headers["ETag"].strip('"')
        assert "immutable" not in response.headers["Cache-Control"]
    async with site.client.get(url.with_query(v=digest[:12])) as response:
        assert "immutable" in response.headers["Cache-Control"]
        body = await response.read()
    async with site.client.get(url.with_query(v="0" * 12)) as response:
        assert "immutable" not in response.headers["Cache-Control"]
    async with site.client.get(site.server.make_url("/widget.js")) as response:
        assert f"v={digest[:12]}" in await response.text()
    assert sha256(body).hexdigest().startswith(digest)


async def test_the_demo_page_may_be_framed_by_those_that_the_channel_names(site: Site) -> None:
    url = site.server.make_url("/")
    async with site.client.get(url) as response:
        assert "frame-ancestors 'self'" in response.headers["Content-Security-Policy"]
    site.configure({"security": {"csp_directives": {"frame-ancestors": "'self' https://example.com"}}})
    async with site.client.get(url) as response:
        policy = response.headers["Content-Security-Policy"]
    assert "frame-ancestors 'self' https://example.com" in policy
