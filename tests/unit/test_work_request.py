"""A call's request: secrets go where they belong, and nowhere else."""

from __future__ import annotations

from typing import Any

import pytest

from engine.effects import CallIntegration, Secret
from gateway.work.addresses import AddressPolicy
from gateway.work.errors import Refused
from gateway.work.request import Request, prepare, redirected

KEY = "0198c0de-0000-7000-8000-000000000001"
SECRETS = {"token": "t0p/secret&more", "hook": "https://hooks.example.org/T/abc"}
TOKEN = Secret(name="token")
POLICY = AddressPolicy()


def request(**changes: Any) -> Request:
    effect = CallIntegration(
        **{"call": "c#1", "method": "GET", "url": ("https://api.example.org/v1",)} | changes
    )
    return prepare(effect, KEY, SECRETS, POLICY)


def header(request: Request, name: str) -> str | None:
    return next((header.value for header in request.headers if header.name == name), None)


def test_a_plain_call() -> None:
    made = request(method="post", headers=(("Content-Type", ("application/json",)),), body=('{"a": "ü"}',))
    assert (made.method, str(made.url), made.body) == (
        "POST",
        "https://api.example.org/v1",
        b'{"a": "\xc3\xbc"}',
    )
    assert header(made, "content-type") == "application/json"
    assert header(made, "idempotency-key") == KEY


def test_secrets_are_filled_in() -> None:
    made = request(
        url=("https://api.example.org/v1?key=", TOKEN),
        headers=(("Authorization", ("Bearer ", TOKEN)),),
        body=("key=", TOKEN),
    )
    assert dict(made.url.query) == {"key": "t0p/secret&more"}
    assert header(made, "authorization") == "Bearer t0p/secret&more"
    assert made.body == b"key=t0p/secret&more"


def test_a_secret_may_be_the_address_itself() -> None:
    assert str(request(url=(Secret(name="hook"), "?x=1")).url) == "https://hooks.example.org/T/abc?x=1"


def test_a_secret_can_not_change_where_an_address_leads() -> None:
    effect = CallIntegration(call="c", method="GET", url=("https://api.example.org", Secret(name="s"), "/x"))
    with pytest.raises(Refused):
        prepare(effect, KEY, {"s": "@evil.example.org"}, POLICY)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("application/json; charset=utf-8", rb'{"k": "a\"b\\c&d"}'),
        ("application/vnd.api+json", rb'{"k": "a\"b\\c&d"}'),
        ("application/x-www-form-urlencoded", b'{"k": "a%22b%5Cc%26d"}'),
        ("text/plain", b'{"k": "a"b\\c&d"}'),
    ],
)
def test_a_secret_is_escaped_as_its_body_wants_it(kind: str, expected: bytes) -> None:
    body = ('{"k": "', Secret(name="s"), '"}')
    headers = (("Content-Type", (kind,)),)
    effect = CallIntegration(
        call="c", method="POST", url=("https://a.example.org",), headers=headers, body=body
    )
    assert prepare(effect, KEY, {"s": 'a"b\\c&d'}, POLICY).body == expected


@pytest.mark.parametrize("word", ["..", ".", "%2e%2e", ".%2E", "%2E"])
@pytest.mark.parametrize("rest", ["", "/x", "?a=b", "#c"])
def test_a_word_can_not_climb_to_another_path(word: str, rest: str) -> None:
    with pytest.raises(Refused, match="the path holds"):
        request(url=("https://api.example.org/orders/", word + rest))


@pytest.mark.parametrize("path", ["/a..b/...", "/.well-known/x", "/a?next=/../b", "/a#/../b"])
def test_other_dots_are_fine(path: str) -> None:
    assert request(url=("https://api.example.org", path)).url.host == "api.example.org"


def test_a_missing_secret_is_named_and_nothing_else() -> None:
    with pytest.raises(Refused) as caught:
        request(headers=(("x-key", (Secret(name="absent"), TOKEN)),))
    assert str(caught.value) == 'refused: the secret "absent" is not set'


def test_no_repr_shows_a_secret() -> None:
    made = request(headers=(("x-key", (TOKEN,)),), body=(TOKEN,), url=("https://a.example.org/?k=", TOKEN))
    assert "t0p" not in repr(made) + repr(made.headers)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"method": "TRACE"}, "method"),
        ({"method": "CONNECT"}, "method"),
        ({"method": "GET\r\nx: y"}, "method"),
        ({"headers": (("Host", ("other.example.org",)),)}, "host"),
        ({"headers": (("Transfer-Encoding", ("chunked",)),)}, "transfer-encoding"),
        ({"headers": (("Connection", ("keep-alive",)),)}, "connection"),
        ({"headers": (("x\r\ny", ("z",)),)}, "malformed"),
        ({"headers": (("x y", ("z",)),)}, "malformed"),
        ({"headers": (("", ("z",)),)}, "malformed"),
        ({"headers": (("x", ("a\r\nEvil: b",)),)}, "control character"),
        ({"headers": (("x", ("a\x00b",)),)}, "control character"),
        ({"headers": (("x", ("a" * 20_000,)),)}, "too large"),
        ({"headers": tuple((f"x-{n}", ("a",)) for n in range(70))}, "too large"),
    ],
)
def test_what_can_not_be_sent_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        request(**changes)


def test_what_the_client_knows_better_is_left_out() -> None:
    made = request(headers=(("Content-Length", ("7",)), ("Accept-Encoding", ("br",))))
    assert header(made, "content-length") is None
    assert header(made, "accept-encoding") == "gzip, deflate"


@pytest.mark.parametrize(
    ("method", "headers", "repeatable"),
    [
        ("GET", (), True),
        ("PUT", (), True),
        ("DELETE", (), True),
        ("POST", (), False),
        ("PATCH", (), False),
        ("POST", (("Idempotency-Key", ("order-17",)),), True),
    ],
)
def test_what_may_be_repeated(method: str, headers: Any, repeatable: bool) -> None:
    made = request(method=method, headers=headers)
    assert made.repeatable is repeatable
    assert header(made, "idempotency-key") == ("order-17" if headers else KEY)


# Redirects

PERSONAL = (
    ("Authorization", ("Basic abc",)),
    ("Cookie", ("a=b",)),
    ("X-Api-Key", ("k-", TOKEN)),
    ("X-Plain", ("p",)),
)


@pytest.mark.parametrize(
    "location",
    [
        "https://other.example.org/",
        "https://api.example.org:8443/",
        "//other.example.org/v1",
        "https://api.example.org.evil.example/",
    ],
)
def test_another_origin_gets_nothing_personal(location: str) -> None:
    followed = redirected(request(headers=PERSONAL), 302, location, POLICY)
    names = {header.name for header in followed.headers}
    assert names & {"authorization", "cookie", "x-api-key"} == set()
    assert "x-plain" in names


def test_the_same_origin_gets_all_of_it() -> None:
    followed = redirected(request(headers=PERSONAL), 302, "/v2?x=1", POLICY)
    assert str(followed.url) == "https://api.example.org/v2?x=1"
    assert header(followed, "x-api-key") == "k-t0p/secret&more"


def test_what_was_dropped_does_not_come_back_at_home() -> None:
    away = redirected(request(headers=PERSONAL), 302, "https://other.example.org/", POLICY)
    home = redirected(away, 302, "https://api.example.org/v1", POLICY)
    assert header(home, "authorization") is None


@pytest.mark.parametrize("status", [307, 308, 301, 302])
def test_a_body_with_a_secret_does_not_leave_its_origin(status: int) -> None:
    made = request(method="PUT", body=("k=", TOKEN))
    assert redirected(made, status, "/v2", POLICY).body == b"k=t0p/secret&more"
    with pytest.raises(Refused, match="secret"):
        redirected(made, status, "https://other.example.org/", POLICY)


@pytest.mark.parametrize(
    ("method", "status", "expected"),
    [
        ("POST", 301, "GET"),
        ("POST", 302, "GET"),
        ("POST", 303, "GET"),
        ("PUT", 303, "GET"),
        ("HEAD", 303, "HEAD"),
        ("POST", 307, "POST"),
        ("POST", 308, "POST"),
        ("PUT", 302, "PUT"),
        ("GET", 302, "GET"),
    ],
)
def test_the_method_after_a_redirect(method: str, status: int, expected: str) -> None:
    made = request(method=method, body=("x",), headers=(("Content-Type", ("text/plain",)),))
    followed = redirected(made, status, "/v2", POLICY)
    assert followed.method == expected
    assert followed.body == (b"" if (method, expected) in {("POST", "GET"), ("PUT", "GET")} else b"x")
    if not followed.body:
        assert header(followed, "content-type") is None


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("http://api.example.org/v1", "https to http"),
        ("http://127.0.0.1/", "not public"),
        ("https://169.254.169.254/", "not public"),
        ("https://u:p@api.example.org/", "user or password"),
        ("file:///etc/passwd", "only http"),
        ("https://[::1", "malformed"),
    ],
)
def test_a_redirect_that_is_not_followed(location: str, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        redirected(request(), 302, location, POLICY)
