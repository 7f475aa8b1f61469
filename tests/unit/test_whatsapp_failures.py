"""What Meta's errors mean for a delivery, and that a status report is worded from the same table."""

from __future__ import annotations

import json
from typing import Any

import pytest

from adapters.errors import (
    CustomerGone,
    Misconfigured,
    Refused,
    SendFailed,
    TryLater,
    Uncertain,
    WindowClosed,
)
from adapters.whatsapp.failures import VERDICTS, describe_error, refusal, verdict_of

TOKEN = "EAAGsecret-part-of-the-token"


def answer(code: int, details: str = "", **more: Any) -> bytes:
    error: dict[str, Any] = {
        "message": f"(#{code}) Something",
        "type": "OAuthException",
        "code": code,
        **more,
    }
    if details:
        error["error_data"] = {"messaging_product": "whatsapp", "details": details}
    return json.dumps({"error": error}).encode()


KINDS: dict[type[SendFailed], list[int]] = {
    TryLater: [
        1, 2, 4, 613, 80007, 130429, 131000, 131016, 131048, 131056, 131057, 131064, 132069, 133004,
    ],
    CustomerGone: [131026, 131041],
    WindowClosed: [131047],
    Misconfigured: [
        0, 3, 10, 33, 190, 200, 210, 299, 368, 131005, 131030, 131031, 131037, 131042, 131044, 131045, 131063,
        133000, 133005, 133006, 133008, 133009, 133010, 133015, 133016, 134011,
    ],
    Refused: [
        100, 130472, 130497, 131008, 131009, 131020, 131021, 131049, 131050, 131051, 131052, 131053, 131055, 131062,
        132000, 132001, 132005, 132007, 132008, 132012, 132015, 132016, 132018, 132068, 135000, 137000, 999999,
    ],
}  # fmt: skip


def test_every_code_of_the_table_is_expected_here() -> None:
    assert VERDICTS.keys() <= {code for codes in KINDS.values() for code in codes}


@pytest.mark.parametrize(("code", "kind"), [(code, kind) for kind, codes in KINDS.items() for code in codes])
def test_a_code_means(code: int, kind: type[SendFailed]) -> None:
    failure = refusal(400, answer(code, "as Meta says"), TOKEN)
    assert type(failure) is kind
    assert failure.code == str(code)
    assert failure.reason.startswith("WhatsApp: ") and failure.reason.endswith("(as Meta says)")
    known = verdict_of(code)
    if known is not None:
        assert describe_error({"code": code, "title": "x"}) == f"{code}: {known.words} (x)"


@pytest.mark.parametrize(
    ("code", "wait", "whole_channel", "base"),
    [
        (130429, 2.0, True, None),
        (131056, 4.0, False, 4.0),
        (80007, 60.0, True, None),
        (4, 60.0, True, None),
        (131048, 900.0, False, None),
        (131000, None, False, None),
    ],
)
def test_how_long_to_wait_and_who(
    code: int, wait: float | None, whole_channel: bool, base: float | None
) -> None:
    failure = refusal(429, answer(code), TOKEN)
    assert isinstance(failure, TryLater)
    assert (failure.retry_after, failure.whole_channel, failure.backoff_base) == (wait, whole_channel, base)


def test_a_number_that_the_token_does_not_see_is_a_matter_of_settings() -> None:
    failure = refusal(400, answer(100, error_subcode=33), TOKEN)
    assert isinstance(failure, Misconfigured)
    assert "phone number's id" in failure.reason


@pytest.mark.parametrize(
    ("status", "transient", "kind"),
    [(400, False, Refused), (400, True, TryLater), (500, False, TryLater), (429, False, TryLater)],
)
def test_an_unknown_code_is_judged_by_what_meta_says_of_it(
    status: int, transient: bool, kind: type[SendFailed]
) -> None:
    assert type(refusal(status, answer(777777, is_transient=transient), TOKEN)) is kind


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (302, Misconfigured),
        (400, Refused),
        (401, Misconfigured),
        (403, Misconfigured),
        (404, Misconfigured),
        (413, Refused),
        (429, TryLater),
        (500, Uncertain),
        (502, Uncertain),
        (503, TryLater),
        (504, Uncertain),
    ],
)
def test_a_page_that_is_no_graph_api_is_read_by_its_status(status: int, kind: type[SendFailed]) -> None:
    assert type(refusal(status, b"<html>proxy</html>", TOKEN)) is kind


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"messages":[', b"[]", b'{"error":"no"}', b"\xff"])
def test_a_success_that_is_no_answer_is_no_refusal(body: bytes) -> None:
    assert refusal(200, body, TOKEN) is None


def test_metas_words_never_repeat_the_token_nor_what_can_not_be_stored() -> None:
    failure = refusal(400, answer(131009, f"Bad\x00 {TOKEN}\n" + "x" * 5000), TOKEN)
    assert isinstance(failure, Refused)
    assert "Bad\ufffd [token] xxx" in failure.reason
    assert len(failure.reason) < 400 and failure.reason.isprintable()


@pytest.mark.parametrize("error", [None, [], "x", {"code": "131026"}, {"code": True}, {"error_data": []}])
def test_a_report_with_an_unreadable_error_still_says_something(error: Any) -> None:
    assert describe_error(error)
