"""Checks a request's signature by another reading of the specification: botocore's signer."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

MAX_SKEW_SECONDS: Final = 900
STAMP: Final = "%Y%m%dT%H%M%SZ"
_HEADER = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/]+)/(?P<day>\d{8})/(?P<region>[a-z0-9-]+)/s3/aws4_request, "
    r"SignedHeaders=(?P<names>[a-z0-9;-]+), Signature=(?P<signature>[0-9a-f]{64})\Z"
)
_NEEDED: Final = {"host", "x-amz-content-sha256", "x-amz-date"}


class BadSignature(Exception):
    """The S3 error code."""


def signature_of(
    method: str, url: str, headers: Mapping[str, str], *, key_id: str, secret: str, region: str
) -> str:
    """The signature (hex) of a request as botocore computes it. `headers` are those that are signed, but `host`,
    which it takes from the URL; `x-amz-date` and `x-amz-content-sha256` are among them.
    """
    request = AWSRequest(method=method, url=url, headers=dict(headers))
    request.context["timestamp"] = headers["x-amz-date"]
    signer = S3SigV4Auth(Credentials(key_id, secret), "s3", region)
    to_sign = signer.string_to_sign(request, signer.canonical_request(request))
    return str(signer.signature(to_sign, request))


def check(
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    key_id: str,
    secret: str,
    region: str,
    now: datetime,
) -> None:
    """Raises `BadSignature`. `headers` have names in lower case; `url` is as it came, still encoded."""
    found = _HEADER.match(headers.get("authorization", ""))
    if found is None:
        raise BadSignature("AccessDenied")
    names = set(found["names"].split(";"))
    if found["key"] != key_id:
        raise BadSignature("InvalidAccessKeyId")
    if found["region"] != region:
        raise BadSignature("AuthorizationHeaderMalformed")
    amz = {name for name in headers if name.startswith("x-amz-")}
    if not names >= _NEEDED | amz or ("range" in headers and "range" not in names):
        raise BadSignature("AccessDenied")
    at = datetime.strptime(headers["x-amz-date"], STAMP).replace(tzinfo=UTC)
    if abs((now - at).total_seconds()) > MAX_SKEW_SECONDS or not headers["x-amz-date"].startswith(
        found["day"]
    ):
        raise BadSignature("RequestTimeTooSkewed")
    if headers["x-amz-content-sha256"] != hashlib.sha256(body).hexdigest():
        raise BadSignature("XAmzContentSHA256Mismatch")
    signed = {name: headers[name] for name in names if name != "host"}
    if signature_of(method, url, signed, key_id=key_id, secret=secret, region=region) != found["signature"]:
        raise BadSignature("SignatureDoesNotMatch")
