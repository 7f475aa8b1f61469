"""Calls against a real server: what it sees, what comes back, and what it can't do to us."""

from __future__ import annotations

import asyncio
import datetime as dt
import gzip
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from engine.effects import CallIntegration, Secret
from engine.events import CallFinished
from gateway.work.addresses import AddressPolicy
from gateway.work.http import HttpClient
from gateway.worker import utc_now

ID = UUID("0198c0de-0000-7000-8000-000000000001")
SECRETS = {"token": "t0p-secret-t0p"}
TOKEN = Secret(name="token")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Names(AbstractResolver):
    """Every name is this machine, unless it was told otherwise; answers are taken in turn, the last one stays."""

    def __init__(self, **answers: list[str]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        self.asked.append(host)
        answers = self.answers.get(host.partition(".")[0], ["127.0.0.1"])
        address = answers.pop(0) if len(answers) > 1 else answers[0]
        return [ResolveResult(hostname=host, host=address, port=port, family=2, proto=6, flags=0)]

    async def close(self) -> None:
        pass


class Server:
    """Answers as the tests say, and remembers what it was asked."""

    def __init__(self) -> None:
        self.port = 0
        self.seen: list[tuple[str, str, dict[str, str], bytes]] = []
        self.handlers: dict[str, Handler] = {}

    def url(self, path: str, host: str = "api.example.org") -> str:
        return f"http://{host}:{self.port}{path}"

    async def answer(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.seen.append((request.method, request.host, headers, await request.read()))
        return await self.handlers[request.path](request)

    def answers(self, path: str, *answers: Callable[[], web.StreamResponse]) -> None:
        """In turn; the last one stays."""
        left = list(answers)

        async def handle(request: web.Request) -> web.StreamResponse:
            return (left.pop(0) if len(left) > 1 else left[0])()

        self.handlers[path] = handle


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    server = Server()
    app = web.Application(client_max_size=10_000_000)
    app.router.add_route("*", "/{path:.*}", server.answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.port = runner.addresses[0][1]
    yield server
    await runner.cleanup()


@pytest.fixture
def names() -> Names:
    return Names()


@pytest.fixture
async def client(names: Names) -> AsyncIterator[HttpClient]:
    """A client for which this machine is allowed and no wait takes long."""
    client = HttpClient(
        AddressPolicy(["127.0.0.1"]), utc_now, resolver=names, jitter=lambda low, high: low / 10
    )
    yield client
    await client.close()


async def call(client: HttpClient, url: Any, **changes: Any) -> CallFinished:
    pieces = (url,) if isinstance(url, str) else url
    given: dict[str, Any] = {"call": "c#1", "method": "GET", "url": pieces, "timeout_ms": 2_000}
    effect = CallIntegration(**given | changes)
    return await client.call(effect, ID, SECRETS)


def respond(status: int = 200, **options: Any) -> Callable[[], web.StreamResponse]:
    return lambda: web.Response(status=status, **options)


def redirect(location: str, status: int = 302) -> Callable[[], web.StreamResponse]:
    return respond(status, headers={"location": location})


async def test_a_call_and_its_answer(client: HttpClient, server: Server) -> None:
    server.answers(
        "/x", respond(201, text='{"a": "ü"}', content_type="application/json", headers={"etag": "e1"})
    )
    finished = await call(
        client, server.url("/x"), method="POST", body=("k=", TOKEN),
        headers=(("Authorization", ("Bearer ", TOKEN)), ("Content-Type", ("text/plain",))),
    )  # fmt: skip
    assert (finished.status, finished.body, finished.error) == (201, {"a": "ü"}, "")
    assert finished.headers == {"content-type": "application/json; charset=utf-8", "etag": "e1"}
    ((method, host, headers, body),) = server.seen
    assert (method, host, body) == ("POST", f"api.example.org:{server.port}", b"k=t0p-secret-t0p")
    assert headers["authorization"] == "Bearer t0p-secret-t0p"
    assert headers["idempotency-key"] == str(ID)
    assert headers["content-type"] == "text/plain"


@pytest.mark.parametrize("status", [400, 401, 404, 500])
async def test_a_status_that_is_no_success_is_an_error_with_its_body(
    client: HttpClient, server: Server, status: int
) -> None:
    server.answers("/x", respond(status, text='{"why": 1}'))
    finished = await call(client, server.url("/x"), attempts=3)
    assert (finished.status, finished.body, finished.error) == (status, {"why": 1}, f"status {status}")
    assert len(server.seen) == 1


async def test_a_secret_that_the_server_echoes_does_not_come_back(client: HttpClient, server: Server) -> None:
    async def echo(request: web.Request) -> web.Response:
        headers = {"x-request-id": request.headers["x-key"]}
        return web.json_response({"got": request.headers["x-key"]}, headers=headers)

    server.handlers["/x"] = echo
    finished = await call(client, server.url("/x"), headers=(("x-key", (TOKEN,)),))
    assert finished.body == {"got": "[redacted]"}
    assert "t0p" not in str(finished)


# Where it may go


async def test_a_name_that_is_closed_is_not_connected_to(server: Server) -> None:
    client = HttpClient(AddressPolicy(), utc_now, resolver=Names())
    finished = await call(client, server.url("/x"), attempts=3)
    await client.close()
    assert finished == CallFinished(call="c#1", error="refused: the address is not public")
    assert server.seen == []


async def test_the_systems_resolver_is_guarded_too(server: Server) -> None:
    client = HttpClient(AddressPolicy(), utc_now)
    finished = await call(client, server.url("/x", "localhost"))
    await client.close()
    assert finished.error == "refused: the address is not public"
    assert server.seen == []


async def test_a_name_that_changes_its_mind_gains_nothing(server: Server) -> None:
    """Public for a check before the call, this machine when it is connected to, and the other way round."""
    names = Names(rebind=["93.184.215.14", "127.0.0.1"])
    client = HttpClient(AddressPolicy(), utc_now, resolver=names)
    assert await names.resolve("rebind.example.org")  # whoever looked before
    finished = await call(client, server.url("/x", "rebind.example.org"))
    await client.close()
    assert finished.error == "refused: the address is not public"
    assert server.seen == []


async def test_each_call_and_each_redirect_is_resolved_and_checked_anew(server: Server) -> None:
    names = Names(rebind=["127.0.0.1", "127.0.0.1", "127.0.0.2"])
    client = HttpClient(AddressPolicy(["127.0.0.1"]), utc_now, resolver=names)
    server.answers("/ok", respond(text="ok"))
    server.answers("/on", redirect("/ok"))
    assert (await call(client, server.url("/ok", "rebind.example.org"))).body == "ok"
    finished = await call(client, server.url("/on", "rebind.example.org"))
    await client.close()
    assert finished.error == "refused: the address is not public"
    assert [host for _, host, _, _ in server.seen] == [f"rebind.example.org:{server.port}"] * 2
    assert len(names.asked) == 3


@pytest.mark.parametrize(
    "host", ["127.0.0.2", "[::1]", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "0.0.0.0"]
)
async def test_an_address_in_the_url_is_checked(client: HttpClient, server: Server, host: str) -> None:
    assert (await call(client, server.url("/x", host))).error.startswith("refused: the address is")
    assert server.seen == []


async def test_an_allowed_name_is_called_where_it_leads(server: Server) -> None:
    client = HttpClient(AddressPolicy(["crm.internal"]), utc_now, resolver=Names())
    server.answers("/x", respond(text="ok"))
    assert (await call(client, server.url("/x", "crm.internal"))).body == "ok"
    assert (await call(client, server.url("/x", "other.internal"))).error.startswith("refused")
    await client.close()


# Redirects


async def test_redirects_are_followed_and_secrets_stay_at_home(client: HttpClient, server: Server) -> None:
    server.answers("/a", redirect("/b"))
    server.answers("/b", redirect(server.url("/c", "other.example.org")))
    server.answers("/c", redirect(server.url("/d")))
    server.answers("/d", respond(text="done"))
    headers = (("Authorization", ("x",)), ("Cookie", ("y",)), ("X-Key", (TOKEN,)), ("X-Plain", ("z",)))
    finished = await call(client, server.url("/a"), headers=headers)
    assert finished.body == "done"
    personal = [
        sorted(set(seen) & {"authorization", "cookie", "x-key", "x-plain"}) for _, _, seen, _ in server.seen
    ]
    everything = ["authorization", "cookie", "x-key", "x-plain"]
    assert personal == [everything, everything, ["x-plain"], ["x-plain"]]
    assert "t0p" not in str(server.seen[2:])


async def test_cookies_are_not_kept(client: HttpClient, server: Server) -> None:
    server.answers("/a", respond(302, headers={"location": "/b", "set-cookie": "s=1; Path=/"}))
    server.answers("/b", respond(text="done"))
    await call(client, server.url("/a"))
    assert all("cookie" not in headers for _, _, headers, _ in server.seen)


async def test_a_post_becomes_a_get_by_303_and_not_by_307(client: HttpClient, server: Server) -> None:
    server.answers("/303", redirect("/x", 303))
    server.answers("/307", redirect("/x", 307))
    server.answers("/x", respond(text="done"))
    for path in ("/303", "/307"):
        await call(client, server.url(path), method="POST", body=("b",))
    assert [(method, body) for method, _, _, body in server.seen] == [
        ("POST", b"b"), ("GET", b""), ("POST", b"b"), ("POST", b"b"),
    ]  # fmt: skip


async def test_there_are_at_most_five_redirects(client: HttpClient, server: Server) -> None:
    server.answers("/x", redirect("/x"))
    finished = await call(client, server.url("/x"), attempts=3)
    assert finished.error == "refused: more than 5 redirects"
    assert len(server.seen) == 6


@pytest.mark.parametrize(
    "location", ["http://169.254.169.254/latest", "http://[::1]/", "http://2130706433/", "file:///etc/passwd"]
)
async def test_a_redirect_to_a_closed_address_is_refused(
    client: HttpClient, server: Server, location: str
) -> None:
    server.answers("/x", redirect(location))
    assert (await call(client, server.url("/x"))).error.startswith("refused: ")


async def test_a_redirect_without_a_location_is_an_answer(client: HttpClient, server: Server) -> None:
    server.answers("/x", respond(302, text="hm"))
    finished = await call(client, server.url("/x"))
    assert (finished.status, finished.body, finished.error) == (302, "hm", "status 302")


# Bounds


@pytest.mark.parametrize("packed", [False, True])
async def test_a_large_response_is_an_error(client: HttpClient, server: Server, packed: bool) -> None:
    body = b"0" * 2_000_000
    options = (
        {"body": gzip.compress(body), "headers": {"content-encoding": "gzip"}} if packed else {"body": body}
    )
    server.answers("/x", respond(**options))
    finished = await call(client, server.url("/x"), max_bytes=100_000)
    assert (finished.status, finished.body) == (200, None)
    assert finished.error == "the response has more than 100000 bytes"


async def test_an_endless_response_is_cut(client: HttpClient, server: Server) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x" * 10_000)

    server.handlers["/x"] = endless
    assert (await call(client, server.url("/x"))).error == "the response has more than 262144 bytes"


async def test_a_packed_response_is_unpacked(client: HttpClient, server: Server) -> None:
    server.answers("/x", respond(body=gzip.compress(b"[1]"), headers={"content-encoding": "gzip"}))
    assert (await call(client, server.url("/x"))).body == [1]


async def test_a_head_request_has_no_body(client: HttpClient, server: Server) -> None:
    server.answers("/x", respond(headers={"content-encoding": "gzip", "etag": "7"}))
    finished = await call(client, server.url("/x"), method="HEAD")
    assert (finished.status, finished.body, finished.error, finished.headers["etag"]) == (200, "", "", "7")


async def test_large_headers_are_an_error(client: HttpClient, server: Server) -> None:
    server.answers("/x", respond(headers={"x-large": "x" * 20_000}))
    assert (await call(client, server.url("/x"))).error == "the response is malformed"


async def test_a_slow_body_ends_with_the_time(client: HttpClient, server: Server) -> None:
    async def slow(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(100):
            await response.write(b".")
            await asyncio.sleep(0.05)
        return response

    server.handlers["/x"] = slow
    began = time.perf_counter()
    finished = await call(client, server.url("/x"), timeout_ms=200)
    assert (finished.error, finished.status) == ("timeout", 0)
    assert time.perf_counter() - began < 3  # the whole body takes five


async def test_a_server_that_says_nothing_ends_with_the_time(client: HttpClient, server: Server) -> None:
    async def silent(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(5)
        return web.Response()

    server.handlers["/x"] = silent
    assert (await call(client, server.url("/x"), timeout_ms=150)).error == "timeout"


async def test_a_server_that_is_no_http_server_is_an_error(client: HttpClient) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as other:
        port = other.sockets[0].getsockname()[1]
        finished = await call(client, f"http://api.example.org:{port}/")
    assert finished.error in ("the response is malformed", "the connection was lost")


# Trying again


@pytest.mark.parametrize("status", [429, 502, 503, 504])
async def test_a_passing_error_is_tried_again(client: HttpClient, server: Server, status: int) -> None:
    server.answers("/x", respond(status), respond(status), respond(text="ok"))
    finished = await call(client, server.url("/x"), attempts=3)
    assert (finished.status, finished.body) == (200, "ok")
    assert len(server.seen) == 3


async def test_the_last_answer_counts_when_the_attempts_are_over(client: HttpClient, server: Server) -> None:
    server.answers("/x", respond(503))
    assert (await call(client, server.url("/x"), attempts=2)).error == "status 503"
    assert len(server.seen) == 2


@pytest.mark.parametrize(("key", "attempts"), [((), 1), ((("Idempotency-Key", ("k",)),), 2)])
async def test_a_post_is_made_again_only_where_the_flow_vouches_for_it(
    client: HttpClient, server: Server, key: Any, attempts: int
) -> None:
    server.answers("/x", respond(502), respond(text="ok"))
    await call(client, server.url("/x"), method="POST", attempts=3, headers=key)
    assert len(server.seen) == attempts


async def test_a_post_that_was_never_sent_is_made_again(server: Server) -> None:
    names = Names(moving=["127.0.0.9", "127.0.0.1"])  # nobody listens at the first one
    client = HttpClient(AddressPolicy(["127.0.0.0/8"]), utc_now, resolver=names, jitter=lambda low, high: low)
    server.answers("/x", respond(text="ok"))
    finished = await call(client, server.url("/x", "moving.example.org"), method="POST", attempts=2)
    await client.close()
    assert finished.body == "ok"
    assert len(names.asked) == 2


async def test_a_post_whose_connection_broke_is_not_made_again(client: HttpClient, server: Server) -> None:
    async def hang_up(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    server.handlers["/x"] = hang_up
    finished = await call(client, server.url("/x"), method="POST", attempts=3)
    assert finished.error == "the connection was lost"
    assert len(server.seen) == 1
    await call(client, server.url("/x"), method="GET", attempts=3)
    assert len(server.seen) == 4


async def test_a_server_says_when_to_come_again(client: HttpClient, server: Server) -> None:
    server.answers("/x", respond(429, headers={"retry-after": "1"}), respond(text="ok"))
    began = time.perf_counter()
    assert (await call(client, server.url("/x"), attempts=2, timeout_ms=6_000)).body == "ok"
    assert 0.95 < time.perf_counter() - began < 4


async def test_a_wait_beyond_the_time_left_is_not_waited(client: HttpClient, server: Server) -> None:
    server.answers("/x", respond(429, headers={"retry-after": "3600"}))
    began = time.perf_counter()
    finished = await call(client, server.url("/x"), attempts=5, timeout_ms=6_000)
    assert (finished.error, finished.headers["retry-after"]) == ("status 429", "3600")
    assert time.perf_counter() - began < 3


async def test_a_name_that_is_not_known_is_an_error_without_the_name(client: HttpClient) -> None:
    class Unknown(Names):
        async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
            raise OSError(-2, f"Name or service not known: {host}")

    other = HttpClient(AddressPolicy(), utc_now, resolver=Unknown())
    finished = await call(other, ("https://", TOKEN, ".example.org/"))
    await other.close()
    assert finished.error == "the host name is not known"


async def test_no_log_says_a_secret(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    client = HttpClient(AddressPolicy(["127.0.0.1"]), utc_now, resolver=Names(closed=["10.0.0.1"]))
    server.answers("/x", redirect("/y?again=t0p-secret-t0p"))
    server.answers("/y", respond(500, text="t0p-secret-t0p"))
    everywhere: dict[str, Any] = {"headers": (("x-key", (TOKEN,)),), "body": (TOKEN,), "method": "PUT"}
    finished = [
        await call(client, (server.url(path, host), TOKEN), **everywhere)
        for path, host in [
            ("/x?k=", "api.example.org"),
            ("/x?k=", "closed.example.org"),
            ("/x\r\n", "api.example.org"),
        ]
    ]
    finished.append(await call(client, ("http://127.0.0.1:1/", TOKEN), **everywhere))
    finished.append(await call(client, ("http://", TOKEN, ":x/"), **everywhere))
    await client.close()
    assert all(result.error for result in finished)
    assert "t0p" not in caplog.text + str(finished)


# TLS


def certificate(folder: Path, name: str) -> ssl.SSLContext:
    """A server's context with a certificate that nobody has vouched for; `folder` keeps it as `cert.pem`."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name), x509.IPAddress(ip_address("127.0.0.1"))]), False
        )
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context


async def test_certificates_are_checked(client: HttpClient, names: Names, tmp_path: Path) -> None:
    async def hello(request: web.Request) -> web.Response:
        if request.path == "/":
            return web.Response(text="hello")
        return web.Response(status=302, headers={"location": "http://api.example.org/"})

    app = web.Application()
    app.router.add_get("/{path:.*}", hello)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=certificate(tmp_path, "api.example.org")).start()
    port = runner.addresses[0][1]
    trusting = HttpClient(
        AddressPolicy(["127.0.0.1"]),
        utc_now,
        resolver=names,
        tls=ssl.create_default_context(cafile=tmp_path / "cert.pem"),
    )
    try:
        untrusted = await call(client, f"https://api.example.org:{port}/")
        trusted = await call(trusting, f"https://api.example.org:{port}/")
        misnamed = await call(trusting, f"https://other.example.org:{port}/")
        lowered = await call(trusting, f"https://api.example.org:{port}/down")
    finally:
        await trusting.close()
        await runner.cleanup()
    assert untrusted.error == "the server's certificate is not valid"
    assert (trusted.body, trusted.error) == ("hello", "")
    assert misnamed.error == "the server's certificate is not valid"
    assert lowered.error == "refused: a redirect from https to http"
