"""What secrets look like: the tokens that services hand out, and passwords in addresses."""

from __future__ import annotations

import re
from typing import Final

SHAPES: Final[tuple[tuple[str, str], ...]] = (
    ("a private key", r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY"),
    ("a Telegram bot's token", r"(?<![\w:])[0-9]{8,10}:[A-Za-z0-9_-]{35}(?![\w-])"),
    ("an Anthropic key", r"\bsk-ant-[A-Za-z0-9_-]{20,200}"),
    (
        "an OpenAI key",
        r"\bsk-(?:proj|svcacct|admin)-[A-Za-z0-9_-]{20,250}|\bsk-(?=[A-Za-z]*[0-9])[A-Za-z0-9]{32,100}",
    ),
    ("a Stripe key", r"\b(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{16,200}|\bwhsec_[A-Za-z0-9]{24,100}"),
    ("a Slack token", r"\bxox[abeprs]-[A-Za-z0-9-]{10,200}"),
    ("a Slack webhook", r"hooks\.slack\.com/services/[A-Za-z0-9]{6,20}/[A-Za-z0-9]{6,20}/[A-Za-z0-9]{16,40}"),
    ("a GitHub token", r"\bgh[pousr]_[A-Za-z0-9]{36,255}|\bgithub_pat_[A-Za-z0-9_]{40,255}"),
    ("a GitLab token", r"\bglpat-[A-Za-z0-9_-]{20,64}"),
    ("an AWS key", r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    ("a Google key", r"\bAIza[0-9A-Za-z_-]{35}(?![\w-])|\bya29\.[0-9A-Za-z_-]{40,300}"),
    ("a Meta token", r"\bEAA[0-9A-Za-z]{60,400}"),
    ("a SendGrid key", r"\bSG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{32,64}"),
    ("a Twilio key", r"\bSK[0-9a-f]{32}\b"),
    ("a Shopify token", r"\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}\b"),
    (
        "a HubSpot token",
        r"\bpat-(?:na|eu)[0-9]-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b",
    ),
    ("a JSON web token", r"\beyJ[A-Za-z0-9_-]{10,2000}\.eyJ[A-Za-z0-9_-]{10,2000}\.[A-Za-z0-9_-]{10,500}"),
    ("a password in an address", r"://[^/\s:@{}]{1,100}:[^/\s:@{}]{1,200}@"),
    (
        "a password",
        r"(?:\bBearer|(?:^|[:=]\s{0,3})Basic) (?=[A-Za-z._~+/=-]{0,400}[0-9])[A-Za-z0-9._~+/=-]{16,2000}",
    ),
)
"""(what it is, regular expression). Every repetition is bounded: the texts are customers'."""

_ANY: Final = re.compile("|".join(f"(?P<s{index}>{pattern})" for index, (_, pattern) in enumerate(SHAPES)))
MOST: Final = 20_000
"""Characters of one text that are looked at."""


def secret_in(text: str) -> str:
    """What kind of secret a text holds; empty for none."""
    found = _ANY.search(text[:MOST])
    return SHAPES[int(str(found.lastgroup)[1:])][0] if found is not None else ""


def without_secrets(text: str) -> str:
    """`text` with each secret in it replaced by `…`."""
    return _ANY.sub("…", text)
