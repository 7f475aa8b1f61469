"""The visitor's token: only ours, only for its channel, only for a while."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import jwt
import pytest

from adapters.errors import Misconfigured
from adapters.web.token import LIFETIME, issue, session_secret, verify
from tests.unit.web_doubles import NOW, SECRET

CHANNEL = uuid4()
VISITOR = uuid4()


def forged(secret: str = SECRET, algorithm: str = "HS256", **claims: object) -> str:
    good = {
        "ch": str(CHANNEL),
        "sub": str(VISITOR),
        "iat": int(NOW.timestamp()),
        "exp": int(NOW.timestamp()) + 60,
    }
    left = {name: value for name, value in (good | claims).items() if value is not None}
    return jwt.encode(left, secret, algorithm=algorithm)


def test_names_the_visitor_until_it_expires() -> None:
    token = issue(SECRET, CHANNEL, VISITOR, NOW)
    assert verify(token, SECRET, CHANNEL, NOW) == VISITOR
    assert verify(token, SECRET, CHANNEL, NOW + LIFETIME - timedelta(seconds=1)) == VISITOR
    assert verify(token, SECRET, CHANNEL, NOW + LIFETIME) is None


def test_is_good_for_its_own_channel_and_secret_only() -> None:
    token = issue(SECRET, CHANNEL, VISITOR, NOW)
    assert verify(token, SECRET, uuid4(), NOW) is None
    assert verify(token, "another-secret-of-thirty-two-bytes!!", CHANNEL, NOW) is None


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "a.b.c",
        "é" * 30,
        "a" * 5_000,
        forged(sub="not-a-uuid"),
        forged(sub=None),
        forged(ch=None),
        forged(exp=None),
        forged(iat=None),
        forged(exp="never"),
        forged(secret=SECRET * 2, algorithm="HS512"),
        forged(secret=SECRET * 2, algorithm="HS384"),
        forged(secret="", algorithm="none"),
    ],
)
def test_anything_else_is_nobody(token: str) -> None:
    assert verify(token, SECRET, CHANNEL, NOW) is None


def test_a_channel_without_a_proper_secret_is_misconfigured() -> None:
    assert session_secret({"session_secret": SECRET}) == SECRET
    for secrets in ({}, {"session_secret": ""}, {"session_secret": "short"}):
        with pytest.raises(Misconfigured) as caught:
            session_secret(secrets)
        assert "session_secret" in caught.value.reason
        assert "short" not in caught.value.reason.replace("shorter", "")
