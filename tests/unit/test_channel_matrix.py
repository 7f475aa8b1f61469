"""The capability tables say what the adapters really do, and `docs/channels.md` is made from what is seen here.

For everything that can be said, a message is fitted and rendered: its calls must hold the platform's own form where
the table says `native`, must not where it says `fallback`, and must hold the message's essence in both cases. For
everything that can be heard, a real body of the platform goes through `parse`.

REFRESH_DOCS=1 writes the page anew.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, get_args

import pytest

from adapters.capabilities import Capabilities, Inbound, Outbound, dropped
from adapters.protocol import Adapter
from gateway.capabilities import TABLES
from tests.channels import calls_for
from tests.hearing import Heard, hearings
from tests.kinds import ESSENCE, EVERY_KIND
from tests.speaking import ANNOUNCED, NATIVE, adapter_of, said_by

PAGE: Final = Path("docs/channels.md")
PLATFORMS: Final = ("web", "whatsapp", "telegram", "slack")
MARKS: Final = {"native": "●", "fallback": "○", "dropped": "–"}


def observed(platform: str, kind: Outbound) -> str:
    """How the platform says it, by its calls alone."""
    if kind in ("typing", "mark_as_read"):
        adapter, recipient, access = adapter_of(platform)
        call = adapter.announce(recipient, "17", access, typing=kind == "typing")
        told = "" if call is None else f"{call.method} {call.body.decode()}"
        return "native" if ANNOUNCED[platform].get(kind, "\0") in told else "dropped"
    told = said_by(platform, EVERY_KIND[kind])
    if not told:
        return "dropped"
    missing = [words for words in ESSENCE[kind] if not any(word in told for word in words.split("|"))]
    assert not missing, f"{platform} loses {missing} of {kind}: {told}"
    return "native" if NATIVE[platform].get(kind, "\0") in told else "fallback"


@pytest.mark.parametrize("kind", get_args(Outbound))
@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_platform_says_it_as_its_table_tells(platform: str, kind: Outbound) -> None:
    feature = TABLES[platform].sends[kind]
    assert observed(platform, kind) == feature.level
    assert feature.note or feature.level == "native", "another form has to be named"


@pytest.mark.parametrize("kind", get_args(Inbound))
@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_platform_hears_it_as_its_table_tells(platform: str, kind: Inbound) -> None:
    feature = TABLES[platform].hears[kind]
    heard = [one for one in hearings(platform) if one.kind == kind]
    levels = {one.level for one in heard}
    if feature.level == "dropped":
        assert feature.note, "what is not heard has to be explained"
        assert levels <= {"dropped"}, f"{[one.source for one in heard]} is heard after all"
    else:
        assert levels == {feature.level}, f"no body shows it: {[one.source for one in heard]}"


@pytest.mark.parametrize("platform", PLATFORMS)
def test_whatever_is_not_heard_is_parked_with_a_reason(platform: str) -> None:
    for one in hearings(platform):
        assert one.level != "dropped" or one.reason, f"{one.source} of {platform} is dropped in silence"


@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_table_is_whole(platform: str) -> None:
    table = TABLES[platform]
    assert table.platform == platform
    assert set(table.sends) == set(get_args(Outbound))
    assert set(table.hears) == set(get_args(Inbound))
    assert table.choice_page <= table.choice_count
    assert {rate.scope for rate in table.rates} <= {"channel", "recipient"}


def test_a_table_that_lies_is_found_out() -> None:
    """The checks above can fail: an adapter that says less than a table promises is seen."""
    honest = TABLES["telegram"]
    liar = Capabilities(**{**_fields(honest), "sends": {**honest.sends, "form": dropped("")}})
    assert liar.sends["form"].level != observed("telegram", "form")
    adapter: Adapter = adapter_of("telegram")[0]
    calls = calls_for(adapter, "42", EVERY_KIND["text"])
    assert not any(word in calls[0].body.decode() for word in ESSENCE["location"][:1])


def _fields(table: Capabilities) -> dict[str, Any]:
    return {name: getattr(table, name) for name in Capabilities.__struct_fields__}


# The page


def test_the_page_is_what_was_seen() -> None:
    page = "\n".join(_page()) + "\n"
    if os.environ.get("REFRESH_DOCS"):
        PAGE.write_text(page)
    assert PAGE.read_text() == page, "REFRESH_DOCS=1 python -m pytest tests/unit/test_channel_matrix.py"


def _page() -> Iterator[str]:
    yield "# What each platform can do"
    yield ""
    yield "<!-- Made by tests/unit/test_channel_matrix.py from what it saw; REFRESH_DOCS=1 writes it. -->"
    yield ""
    yield "● in the platform's own form, ○ in another form that loses nothing that matters, – not there. Nothing is"
    yield "dropped in silence: what a platform can't show is written out, what it sends and no flow can use is stored"
    yield "with its reason (`gateway inbox parked`). `gateway channel capabilities` prints these tables, too."
    for title, kinds, tables in (
        ("What the bot says", get_args(Outbound), "sends"),
        ("What customers send", get_args(Inbound), "hears"),
    ):
        yield ""
        yield f"## {title}"
        yield ""
        yield "| | Web | WhatsApp | Telegram | Slack |"
        yield "|---|---|---|---|---|"
        for kind in kinds:
            cells = [_cell(platform, kind, tables) for platform in PLATFORMS]
            yield f"| {kind.replace('_', ' ')} | {' | '.join(cells)} |"
    yield ""
    yield "## Limits"
    yield ""
    yield "| | Web | WhatsApp | Telegram | Slack |"
    yield "|---|---|---|---|---|"
    from gateway.capabilities import limit_rows

    for name, *cells in limit_rows([TABLES[platform] for platform in PLATFORMS]):
        yield f"| {name} | {' | '.join(cells)} |"


def _cell(platform: str, kind: Any, tables: str) -> str:
    """The level as it was seen, and what the table says of it."""
    table = getattr(TABLES[platform], tables)[kind]
    level = observed(platform, kind) if tables == "sends" else _heard_level(platform, kind)
    return f"{MARKS[level]} {table.note}".rstrip().replace("|", "\\|")


def _heard_level(platform: str, kind: Inbound) -> str:
    seen: list[Heard] = [one for one in hearings(platform) if one.kind == kind]
    return seen[0].level if seen else "dropped"
