"""Requests for users: what is refused before anything is sent, what is pinned, and what is cut off."""

import asyncio
import gzip
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tests.support.connections import listening

from limner_common.egress import (
    AllowList,
    EgressClient,
    EgressLimits,
    EgressRefused,
    EgressRequest,
    EgressResponse,
    IPAddress,
    RemoteFailing,
    RemoteMissing,
    RemoteRejected,
    RemoteTooLarge,
    RemoteUnreachable,
    SystemResolver,
)
from limner_common.errors import DomainError

LOOPBACK = AllowList.parse(["127.0.0.1", "::1"])


class Server:
    """Answers each connection with the bytes ``answer`` makes of the request, and closes it."""

    def __init__(self, answer: Callable[[str, bytes], bytes]) -> None:
        self.answer = answer
        self.requests: list[str] = []
        self.server_names: list[str | None] = []
        self.port = 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.requests.append(head)
        length = next((int(line.split(":")[1]) for line in head.lower().split("\r\n") if "content-length" in line), 0)
        writer.write(self.answer(head.split()[1], await reader.readexactly(length)))
        await writer.drain()


def ok(body: bytes = b"hello", headers: str = "", status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n{headers}\r\n".encode() + body


def redirect(location: str, status: str = "302 Found") -> bytes:
    return ok(b"", f"location: {location}\r\n", status)


Serve = Callable[[Callable[[str, bytes], bytes]], Awaitable[Server]]


@asynccontextmanager
async def serving(answer: Callable[[str, bytes], bytes], context: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    server = Server(answer)
    if context:
        context.sni_callback = lambda _socket, name, _context: server.server_names.append(name)
    async with listening(server.handle, ssl=context) as server.port:
        yield server


class FakeResolver:
    """Answers from a table; a name with several answers gives them one after another, the last for ever."""

    def __init__(self, **table: Sequence[str]) -> None:
        self._table = {name.replace("_", "."): list(answers) for name, answers in table.items()}
        self.asked: list[str] = []

    async def resolve(self, host: str) -> Sequence[IPAddress]:
        self.asked.append(host)
        if host not in self._table:
            raise RemoteUnreachable(f"The address of {host} cannot be found.")
        answers = self._table[host]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        return [ip_address(address) for address in answer.split()]


async def get(client: EgressClient, url: str, limits: EgressLimits | None = None) -> bytes:
    async with client.stream(EgressRequest(url), limits=limits) as response:
        return await response.read()


@pytest.fixture
async def client() -> AsyncIterator[EgressClient]:
    client = EgressClient(LOOPBACK)
    yield client
    await client.aclose()


@asynccontextmanager
async def client_of(resolver: FakeResolver, context: ssl.SSLContext | None = None) -> AsyncIterator[EgressClient]:
    client = EgressClient(LOOPBACK, resolver=resolver, ssl_context=context)
    yield client
    await client.aclose()


async def test_a_permitted_address_is_fetched(client: EgressClient) -> None:
    async with serving(lambda path, _: ok(path.encode(), "x-a: 1\r\n")) as server:
        request = EgressRequest(f"http://127.0.0.1:{server.port}/a?b=c#d")
        async with client.stream(request) as response:
            response.require_success()
            assert [block async for block in response] == [b"/a?b=c"]
            assert (response.status_code, response.headers["X-A"], response.host) == (200, "1", "127.0.0.1")


async def test_a_body_is_sent(client: EgressClient) -> None:
    async with serving(lambda _, body: ok(body[::-1])) as server:
        request = EgressRequest(f"http://127.0.0.1:{server.port}/", "POST", {"X-Signature": "s"}, b"abc")
        async with client.stream(request) as response:
            assert await response.read() == b"cba"
        assert "x-signature: s\r\n" in server.requests[0]
        assert "user-agent: Limner\r\n" in server.requests[0]


@pytest.mark.parametrize(
    "url",
    [
        "", "relative", "/path", "//example.org/x", "ftp://example.org/", "file:///etc/passwd", "gopher://example.org/",
        "http://", "http:///x", "http://user:secret@example.org/", "http://user@example.org/",
        "http://127.0.0.1\\@example.org/", "http://example.org:0/", "http://example.org:65536/", "http://exa mple/",
        "http://a\n/", "http://" + "x" * 9000, "http://[1.2.3.4]/", "http://%31%32%37.0.0.1/",
    ],
)  # fmt: skip
async def test_what_is_not_a_plain_web_address_is_refused(client: EgressClient, url: str) -> None:
    with pytest.raises(EgressRefused) as caught:
        await get(client, url)
    assert "secret" not in caught.value.message


@pytest.mark.parametrize(
    "host",
    [
        "10.0.0.1", "169.254.169.254", "192.168.0.1", "[::1]", "[::]", "0.0.0.0", "[::ffff:127.0.0.1]",
        "[::ffff:a9fe:a9fe]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[fe80::1]", "[fd00:ec2::254]", "224.0.0.1",
        "2130706433", "0x7f000001", "017700000001", "127.1", "0x7f.1", "0177.0.0.1", "127.0.0.1.", "127。0。0。1",
        "metadata.google.internal", "METADATA.google.internal.",
    ],
)  # fmt: skip
async def test_without_permission_no_internal_address_is_asked(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    resolver = FakeResolver()
    client = EgressClient(resolver=resolver)
    monkeypatch.setattr(client, "_send_to", None)

    with pytest.raises(EgressRefused):
        await get(client, f"http://{host}/")
    assert resolver.asked == []


@pytest.mark.parametrize(
    "addresses",
    ["127.0.0.1", "10.1.1.1", "169.254.169.254", "::1", "::ffff:10.1.1.1", "8.8.8.8 127.0.0.1", "127.0.0.1 8.8.8.8"],
)
async def test_a_name_with_any_internal_address_is_refused(addresses: str, monkeypatch: pytest.MonkeyPatch) -> None:
    client = EgressClient(resolver=FakeResolver(sneaky_example=[addresses]))
    monkeypatch.setattr(client, "_send_to", None)

    with pytest.raises(EgressRefused) as caught:
        await get(client, "http://Sneaky.example./")
    assert caught.value.message == "Requests to sneaky.example are not allowed."


async def test_the_connection_goes_to_the_address_that_was_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    resolver = FakeResolver(rebinding_example=["127.0.0.1", "127.0.0.2"])
    asked: list[object] = []
    loop = asyncio.get_running_loop()
    real = loop.getaddrinfo

    async def note(host: object, *args: object, **options: object) -> object:
        asked.append(host)
        return await real(host, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(loop, "getaddrinfo", note)
    async with serving(lambda *_: ok()) as server, client_of(resolver) as client:
        assert await get(client, f"http://rebinding.example:{server.port}/") == b"hello"
        assert resolver.asked == ["rebinding.example"]
        assert "rebinding.example" not in asked
        assert f"host: rebinding.example:{server.port}\r\n" in server.requests[0]

        with pytest.raises(EgressRefused):
            await get(client, f"http://rebinding.example:{server.port}/")
        assert len(server.requests) == 1


async def test_the_next_address_is_tried_when_one_does_not_take_the_connection() -> None:
    resolver = FakeResolver(two_example=["::1 127.0.0.1"])
    async with serving(lambda *_: ok()) as server, client_of(resolver) as client:
        assert await get(client, f"http://two.example:{server.port}/") == b"hello"


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/meta-data/", "//10.0.0.1/", "http://[::ffff:127.0.0.1]/", "http://2130706433/",
        "file:///etc/passwd", "http://internal.example/", "http://user:pw@public.example/", "http://[/", "",
    ],
)  # fmt: skip
async def test_every_redirect_is_checked(location: str) -> None:
    resolver = FakeResolver(public_example=["127.0.0.1"], internal_example=["192.168.1.1"])

    def answer(path: str, _: bytes) -> bytes:
        return redirect("/second") if path == "/" else redirect(location) if location else ok(b"", "", "302 Found")

    async with serving(answer) as server, client_of(resolver) as client:
        with pytest.raises(EgressRefused):
            await get(client, f"http://public.example:{server.port}/")
        assert len(server.requests) == 2


@pytest.mark.parametrize("status", ["301 A", "302 A", "303 A", "307 A", "308 A"])
async def test_redirects_of_downloads_are_followed(client: EgressClient, status: str) -> None:
    async with serving(lambda path, _: redirect("/b", status) if path == "/a" else ok()) as server:
        request = EgressRequest(f"http://127.0.0.1:{server.port}/a")
        async with client.stream(request) as response:
            assert await response.read() == b"hello"
            assert response.url.endswith("/b")


async def test_redirects_of_other_methods_are_given_as_they_are(client: EgressClient) -> None:
    async with serving(lambda *_: redirect("/b", "307 A")) as server:
        async with client.stream(EgressRequest(f"http://127.0.0.1:{server.port}/", "POST")) as response:
            assert response.status_code == 307
            with pytest.raises(RemoteRejected):
                response.require_success()
        assert len(server.requests) == 1


async def test_endless_redirects_end(client: EgressClient) -> None:
    async with serving(lambda *_: redirect("/again")) as server:
        with pytest.raises(EgressRefused, match="too often"):
            await get(client, f"http://127.0.0.1:{server.port}/", EgressLimits(max_redirects=3))
        assert len(server.requests) == 4


@pytest.mark.parametrize(("target", "kept"), [("a.example", True), ("b.example", False)])
async def test_credentials_do_not_go_to_another_host(target: str, kept: bool) -> None:
    resolver = FakeResolver(a_example=["127.0.0.1"], b_example=["127.0.0.1"])
    async with client_of(resolver) as client:

        def answer(path: str, _: bytes) -> bytes:
            return redirect(f"http://{target}:{server.port}/b") if path == "/a" else ok(b"", "set-cookie: a=b\r\n")

        async with serving(answer) as server:
            headers = {"Authorization": "Bearer t", "Cookie": "c=d", "X-Key": "k", "Range": "bytes=0-1"}
            request = EgressRequest(f"http://a.example:{server.port}/a", headers=headers)
            for _ in range(2):
                async with client.stream(request):
                    pass

    first, second, _, fourth = server.requests
    assert all(f"{name.lower()}: " in first for name in headers)
    assert "range: bytes=0-1\r\n" in second
    assert [f"{name}: " in second for name in ("authorization", "cookie", "x-key")] == [kept] * 3
    assert "a=b" not in fourth


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Contexts of a server called files.example and of a client that trusts it."""
    folder: Path = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "files.example")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("files.example")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "both.pem"
    pem.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem)
    return server, ssl.create_default_context(cafile=str(pem))


async def test_tls_checks_the_name_and_not_the_address(authority: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    resolver = FakeResolver(files_example=["127.0.0.1"], other_example=["127.0.0.1"])
    async with serving(lambda *_: ok(), authority[0]) as server, client_of(resolver, authority[1]) as client:
        assert await get(client, f"https://files.example:{server.port}/") == b"hello"
        assert server.server_names == ["files.example"]
        with pytest.raises(RemoteUnreachable):
            await get(client, f"https://other.example:{server.port}/")
        assert len(server.requests) == 1


async def test_https_does_not_lead_to_http(authority: tuple[ssl.SSLContext, ssl.SSLContext]) -> None:
    resolver = FakeResolver(files_example=["127.0.0.1"])
    to_http = redirect("http://files.example/")
    async with serving(lambda *_: to_http, authority[0]) as server, client_of(resolver, authority[1]) as client:
        with pytest.raises(EgressRefused, match="https to http"):
            await get(client, f"https://files.example:{server.port}/")


BOMB = gzip.compress(bytes(5_000_000))
CHUNKS = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + (b"1000\r\n" + bytes(4096) + b"\r\n") * 50 + b"0\r\n\r\n"


@pytest.mark.parametrize(
    "answer",
    [ok(bytes(100_001)), CHUNKS, ok(BOMB, "content-encoding: gzip\r\n"), b"HTTP/1.1 200 OK\r\n\r\n" + bytes(200_000)],
    ids=["announced", "chunked", "packed", "until closed"],
)
async def test_a_body_over_the_limit_is_cut_off(client: EgressClient, answer: bytes) -> None:
    async with serving(lambda *_: answer) as server:
        with pytest.raises(RemoteTooLarge, match=r"127\.0\.0\.1.*100000"):
            await get(client, f"http://127.0.0.1:{server.port}/", EgressLimits(max_bytes=100_000))


async def test_a_body_at_the_limit_is_whole(client: EgressClient) -> None:
    async with serving(lambda *_: ok(bytes(100_000))) as server:
        assert len(await get(client, f"http://127.0.0.1:{server.port}/", EgressLimits(max_bytes=100_000))) == 100_000


@pytest.mark.parametrize(
    "answer",
    [b"", b"nonsense\r\n\r\n", ok(b"hello")[:-2], ok(b"not gzip", "content-encoding: gzip\r\n")],
    ids=["nothing", "not http", "cut off", "not decodable"],
)
async def test_a_broken_answer_is_unreachable(client: EgressClient, answer: bytes) -> None:
    async with serving(lambda *_: answer) as server:
        with pytest.raises(RemoteUnreachable, match=r"127\.0\.0\.1"):
            await get(client, f"http://127.0.0.1:{server.port}/")


@pytest.mark.parametrize(
    "limits",
    # Time in all is enough to be connected: anyio leaves a connection open if told to stop just when it has come about.
    [EgressLimits(timeout_seconds=2, idle_timeout_seconds=600), EgressLimits(idle_timeout_seconds=0.2)],
    ids=["in all", "silent"],
)
@pytest.mark.parametrize("before", [b"", ok(b"hello")[:-2]], ids=["no answer", "half a body"])
async def test_silence_ends(client: EgressClient, limits: EgressLimits, before: bytes) -> None:
    async def say_little(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(before)
        await reader.read()

    async with listening(say_little) as port:
        with pytest.raises(RemoteUnreachable, match="in time"):
            await get(client, f"http://127.0.0.1:{port}/", limits)


async def test_a_slow_name_server_counts_as_time() -> None:
    class Never:
        async def resolve(self, host: str) -> Sequence[IPAddress]:
            await asyncio.Event().wait()
            raise AssertionError

    client = EgressClient(resolver=Never())
    with pytest.raises(RemoteUnreachable, match="in time"):
        await get(client, "http://slow.example/", EgressLimits(timeout_seconds=0.05))


async def test_nobody_listening_is_unreachable_and_tells_no_address() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and it does not listen; nor can anybody else meanwhile
        port = nobody.getsockname()[1]
        async with client_of(FakeResolver(away_example=["127.0.0.1"])) as client:
            with pytest.raises(RemoteUnreachable) as caught:
                await get(client, f"http://away.example:{port}/")
    assert caught.value.message == "away.example cannot be reached."


@pytest.mark.parametrize(
    ("status", "error"),
    [("404 A", RemoteMissing), ("410 A", RemoteMissing), ("403 A", RemoteRejected), ("304 A", RemoteRejected),
     ("429 A", RemoteFailing), ("500 A", RemoteFailing), ("503 A", RemoteFailing)],
)  # fmt: skip
async def test_what_a_status_means(client: EgressClient, status: str, error: type[DomainError]) -> None:
    async with serving(lambda *_: ok(b"", "", status)) as server:
        request = EgressRequest(f"http://127.0.0.1:{server.port}/")
        async with client.stream(request) as response:
            assert isinstance(response, EgressResponse)
            with pytest.raises(error, match=r"127\.0\.0\.1"):
                response.require_success()


async def test_the_environment_names_no_proxy(client: EgressClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    async with serving(lambda *_: ok()) as server:
        assert await get(client, f"http://127.0.0.1:{server.port}/") == b"hello"


async def test_the_system_resolver_finds_addresses() -> None:
    assert ip_address("127.0.0.1") in await SystemResolver().resolve("localhost")


@pytest.mark.parametrize("host", ["nothing.invalid", "x" * 64 + ".example", "a..b"])
async def test_the_system_resolver_says_when_there_is_none(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if host.endswith(".invalid"):

        async def unknown(*_: object, **__: object) -> list[object]:
            raise OSError(-2, "Name or service not known")

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", unknown)
    with pytest.raises(RemoteUnreachable, match="cannot be found"):
        await SystemResolver().resolve(host)
