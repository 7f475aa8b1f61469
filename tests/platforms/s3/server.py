"""The mock over HTTP: objects, ranges and multipart uploads of one bucket, path-style or virtual-host."""

from __future__ import annotations

import hashlib
import re
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Final
from urllib.parse import parse_qsl, unquote

from aiohttp import web

from tests.platforms.s3.signature import BadSignature, check

KEY_ID: Final = "AKIDEXAMPLE0000"
SECRET: Final = "s3+cret/of@the-mock=="
REGION: Final = "eu-central-1"
BUCKET: Final = "files"
LEAST_PART: Final = 5 * 1024 * 1024
_PART = re.compile(r"<Part><PartNumber>(\d+)</PartNumber><ETag>([^<]+)</ETag></Part>")


class _Error(Exception):
    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code


class MockS3:
    """`async with MockS3().running() as mock: … mock.url() …`"""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.uploads: dict[str, tuple[str, dict[int, bytes]]] = {}
        self.requests: list[str] = []
        """`METHOD /path?query` of each, in order."""
        self.refused: list[str] = []
        """Codes of what was answered with an error."""
        self.faults: deque[str] = deque()
        """What happens to the next requests: `503`, `cut` (done, the answer lost), `late_error`, `redirect`, ``."""
        self.elsewhere = ""
        """Where a `redirect` leads."""
        self.largest_body = 0
        self.host = ""
        self._ids = 0

    def url(
        self, *, prefix: str = "", style: str = "path", secret: str = "s3%2Bcret%2Fof%40the-mock%3D%3D"
    ) -> str:
        """What GATEWAY_MEDIA_URL would say."""
        return f"s3://{KEY_ID}:{secret}@{self.host}/{BUCKET}{prefix}?region={REGION}&style={style}&tls=off"

    @asynccontextmanager
    async def running(self) -> AsyncIterator[MockS3]:
        """Started, and stopped in the end."""
        runner = web.ServerRunner(web.Server(self._handle, access_log=None), shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.host = f"localhost:{runner.addresses[0][1]}"
        try:
            yield self
        finally:
            await runner.cleanup()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.content.read()  # `request.read` has a limit of its own
        self.largest_body = max(self.largest_body, len(body))
        self.requests.append(f"{request.method} {request.raw_path}")
        fault = self.faults.popleft() if self.faults else ""
        if fault == "503":
            return _failure(503, "SlowDown")
        if fault == "redirect":
            return web.Response(status=307, headers={"Location": self.elsewhere})
        try:
            self._check(request, body)
            answer = self._answer(request, body)
        except BadSignature as error:
            self.refused.append(str(error))
            return _failure(403, str(error))
        except _Error as error:
            self.refused.append(error.code)
            return _failure(error.status, error.code, silent=request.method == "HEAD")
        if fault == "cut":
            assert request.transport is not None
            request.transport.abort()
        if fault == "late_error":
            return web.Response(
                text="<Error><Code>InternalError</Code></Error>", content_type="application/xml"
            )
        return answer

    def _check(self, request: web.BaseRequest, body: bytes) -> None:
        headers = {name.lower(): value for name, value in request.headers.items()}
        url = f"http://{request.headers['Host']}{request.raw_path}"
        check(
            request.method, url, headers, body,
            key_id=KEY_ID, secret=SECRET, region=REGION, now=datetime.now(UTC),
        )  # fmt: skip

    def _key(self, request: web.BaseRequest) -> str:
        path = unquote(request.raw_path.partition("?")[0]).removeprefix("/")
        if request.headers["Host"] == f"{BUCKET}.{self.host}":
            return path
        bucket, _, key = path.partition("/")
        if bucket != BUCKET or request.headers["Host"] != self.host:
            raise _Error(404, "NoSuchBucket")
        return key

    def _answer(self, request: web.BaseRequest, body: bytes) -> web.Response:
        key = self._key(request)
        query = dict(parse_qsl(request.raw_path.partition("?")[2], keep_blank_values=True))
        if "uploads" in query or "uploadId" in query:
            return self._multipart(request.method, key, query, body)
        match request.method:
            case "PUT":
                self.objects[key] = body
                return web.Response(headers={"ETag": _tag(body)})
            case "GET" | "HEAD":
                return self._read(request, key)
            case "DELETE":
                self.objects.pop(key, None)
                return web.Response(status=204)
        raise _Error(405, "MethodNotAllowed")

    def _read(self, request: web.BaseRequest, key: str) -> web.Response:
        if key not in self.objects:
            raise _Error(404, "NoSuchKey")
        data = self.objects[key]
        if request.method == "HEAD":
            return web.Response(headers={"Content-Length": str(len(data))})
        wanted = request.http_range
        if wanted.start is None and wanted.stop is None:
            return web.Response(body=data)
        start, stop = wanted.start or 0, wanted.stop or len(data)
        if start >= len(data):
            raise _Error(416, "InvalidRange")
        part = data[start:stop]
        return web.Response(
            status=206,
            body=part,
            headers={"Content-Range": f"bytes {start}-{start + len(part) - 1}/{len(data)}"},
        )

    def _multipart(self, method: str, key: str, query: dict[str, str], body: bytes) -> web.Response:
        if method == "POST" and "uploads" in query:
            self._ids += 1
            id = f"upload/{self._ids}+&amp;=="
            self.uploads[id.replace("&amp;", "&")] = (key, {})
            return _xml(
                f"<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"
            )
        known, parts = self.uploads.get(query["uploadId"], ("", {}))
        if known != key:
            raise _Error(404, "NoSuchUpload")
        match method:
            case "PUT":
                parts[int(query["partNumber"])] = body
                return web.Response(headers={"ETag": _tag(body)})
            case "DELETE":
                del self.uploads[query["uploadId"]]
                return web.Response(status=204)
            case "POST":
                self.objects[key] = _joined(parts, body.decode())
                del self.uploads[query["uploadId"]]
                return _xml("<CompleteMultipartUploadResult></CompleteMultipartUploadResult>")
        raise _Error(405, "MethodNotAllowed")


def _joined(parts: dict[int, bytes], order: str) -> bytes:
    named = [(int(number), tag.replace("&quot;", '"')) for number, tag in _PART.findall(order)]
    if not named or [number for number, _ in named] != sorted({number for number, _ in named}):
        raise _Error(400, "InvalidPartOrder")
    if any(number not in parts or _tag(parts[number]) != tag for number, tag in named):
        raise _Error(400, "InvalidPart")
    if any(len(parts[number]) < LEAST_PART for number, _ in named[:-1]):
        raise _Error(400, "EntityTooSmall")
    return b"".join(parts[number] for number, _ in named)


def _tag(data: bytes) -> str:
    return f'"{hashlib.md5(data).hexdigest()}"'


def _xml(text: str) -> web.Response:
    return web.Response(text=f'<?xml version="1.0" encoding="UTF-8"?>{text}', content_type="application/xml")


def _failure(status: int, code: str, *, silent: bool = False) -> web.Response:
    return (
        web.Response(status=status)
        if silent
        else _with_status(_xml(f"<Error><Code>{code}</Code></Error>"), status)
    )


def _with_status(response: web.Response, status: int) -> web.Response:
    response.set_status(status)
    return response
