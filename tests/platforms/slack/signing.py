"""Slack's signature, made independently of the adapter: what is signed must not be checked by the same lines."""

from __future__ import annotations

import hashlib
import hmac


def signature(body: bytes, timestamp: str, secret: str) -> str:
    """The value of X-Slack-Signature."""
    mac = hmac.new(secret.encode(), f"v0:{timestamp}:".encode(), hashlib.sha256)
    mac.update(body)
    return f"v0={mac.hexdigest()}"
