"""The S3 store: the contract on a simulated server, and what only a network can get wrong."""

import asyncio
import logging
import pickle
import secrets
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from moto.server import ThreadedMotoServer
from tests.support.certificates import Authority
from tests.support.object_store_conformance import LARGE, ObjectStoreConformance, keys, pieces
from tests.support.wires import server_context, wire_to

from limner_common.clock import utc_now
from limner_common.objects import (
    ObjectChanged,
    ObjectMissing,
    ObjectStoreUnavailable,
    S3Addressing,
    S3Bucket,
    S3Credentials,
    S3ObjectStore,
    local_path,
    open_object,
    s3_ranges,
)

CREDENTIALS = S3Credentials("the-access-key", "the-secret-key")


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(endpoint: str) -> S3Bucket:
    return S3Bucket(endpoint, f"bucket-{secrets.token_hex(4)}", CREDENTIALS, is_secure=False)


@pytest.fixture
async def store(bucket: S3Bucket) -> AsyncIterator[S3ObjectStore]:
    store = S3ObjectStore(bucket)
    await store.prepare()
    yield store
    await store.aclose()


class TestS3ObjectStore(ObjectStoreConformance):
    pass


async def test_content_types_are_kept(store: S3ObjectStore) -> None:
    await store.put_bytes("a", b"x", content_type="image/png")
    await store.put_stream("b", pieces(LARGE, 1 << 20), content_type="video/mp4")
    await store.compose("c", ["b"], content_type="video/webm")

    assert [(await store.stat(key)).content_type for key in ("a", "c")] == ["image/png", "video/webm"]


async def test_a_signed_url_downloads_under_the_given_name(store: S3ObjectStore) -> None:
    await store.put_bytes("a/b", b"data", content_type="text/html")

    url = await store.presign_get("a/b", 60, 'été "1".zip', content_type="application/zip")
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
        answer = await client.get(url)

    assert answer.content == b"data"
    assert answer.headers["content-type"] == "application/zip"
    assert answer.headers["content-disposition"] == (
        "attachment; filename=\"_t_ _1_.zip\"; filename*=UTF-8''%C3%A9t%C3%A9%20%221%22.zip"
    )


async def test_a_signed_url_names_the_public_address(bucket: S3Bucket) -> None:
    public = S3Bucket("files.example.org", bucket.name, CREDENTIALS)
    store = S3ObjectStore(bucket, public=public)

    url = await store.presign_get("a b", 60, "f")
    await store.aclose()

    assert url.startswith(f"https://files.example.org/{bucket.name}/a%20b?")


async def test_a_location_shows_no_secret(store: S3ObjectStore) -> None:
    location = store.location("a")

    assert "the-secret-key" not in repr(location)
    assert "the-access-key" not in repr(location)
    assert pickle.loads(pickle.dumps(location)) == location
    assert local_path(location) is None


class CutOff:
    """A server's answer whose connection breaks after some bytes."""

    bytes_of_each = 3 << 20

    def __init__(self, response: Any) -> None:
        self._response = response
        self._left_bytes = self.bytes_of_each
        self.headers = response.headers

    def read(self, size_bytes: int, decode_content: bool) -> bytes:
        if self._left_bytes < size_bytes:
            raise ConnectionResetError
        self._left_bytes -= size_bytes
        data: bytes = self._response.read(size_bytes, decode_content=decode_content)
        return data

    def close(self) -> None:
        self._response.close()

    def release_conn(self) -> None:
        self._response.release_conn()


@pytest.fixture
def cut_off(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Break every connection after 3 MiB, and return what was asked for."""
    from minio import Minio

    real = Minio.get_object
    asked: list[dict[str, Any]] = []

    def get_object(client: Minio, *args: Any, **options: Any) -> Any:
        asked.append(options)
        return CutOff(real(client, *args, **options))

    monkeypatch.setattr(Minio, "get_object", get_object)
    monkeypatch.setattr(s3_ranges.time, "sleep", lambda _: None)
    return asked


async def test_a_broken_connection_is_taken_up_where_it_broke(store: S3ObjectStore, cut_off: list[dict[str, Any]]) -> None:
    await store.put_bytes("a", LARGE)

    async with store.open_range("a", 7) as body:
        assert b"".join([block async for block in body]) == LARGE[7:]
    assert cut_off[1]["offset"] == 7 + (3 << 20)
    assert cut_off[1]["request_headers"] == {"If-Match": f'"{(await store.stat("a")).etag}"'}


async def test_a_read_of_everything_goes_on_as_long_as_it_gets_on(
    store: S3ObjectStore, cut_off: list[dict[str, Any]]
) -> None:
    await store.put_bytes("a", LARGE)

    assert await store.get_bytes("a") == LARGE
    assert [options["offset"] for options in cut_off] == [(3 << 20) * number for number in range(6)]


async def test_a_connection_that_keeps_breaking_is_unavailable(
    store: S3ObjectStore, cut_off: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    await store.put_bytes("a", LARGE)
    monkeypatch.setattr(CutOff, "bytes_of_each", 1000)

    with pytest.raises(ObjectStoreUnavailable):
        await store.get_bytes("a")
    assert 2 <= len(cut_off) <= 5


async def test_an_object_replaced_while_its_connection_broke_is_not_mixed_up(
    store: S3ObjectStore, cut_off: list[dict[str, Any]]
) -> None:
    await store.put_bytes("a", LARGE)

    with pytest.raises(ObjectChanged):
        async with store.open_range("a") as body:
            await store.put_bytes("a", bytes(len(LARGE)))
            async for _ in body:
                pass


async def test_a_worker_does_not_mix_versions(store: S3ObjectStore) -> None:
    await store.put_bytes("a", LARGE)

    with open_object(store.location("a")) as file:
        file.read(10)
        await store.put_bytes("a", bytes(len(LARGE)))
        file.seek(12_000_000)
        with pytest.raises(ObjectChanged):
            file.read(10)


async def test_a_worker_reading_on_asks_for_more_at_once(store: S3ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    await store.put_bytes("a", LARGE)
    asked: list[int | None] = []
    real = s3_ranges.RangeStream.__init__

    def note(self: Any, client: Any, bucket: Any, key: Any, start: int, length: int | None, **options: Any) -> None:
        asked.append(length)
        real(self, client, bucket, key, start, length, **options)

    monkeypatch.setattr(s3_ranges.RangeStream, "__init__", note)
    with open_object(store.location("a")) as file:
        while file.read(100_000):
            pass

    mib = 1 << 20
    assert asked == [mib, 2 * mib, 4 * mib, 8 * mib, 8 * mib]


async def test_a_server_that_is_away_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("urllib3.util.retry.Retry.sleep", lambda *_: None)
    store = S3ObjectStore(S3Bucket("127.0.0.1:9", "nothing", CREDENTIALS, is_secure=False))

    for call in (
        store.check(),
        store.prepare(),
        store.get_bytes("a"),
        store.stat("a"),
        store.put_bytes("a", b""),
        store.put_stream("a", pieces(LARGE, 1 << 20)),
        store.delete("a"),
        store.delete_prefix("a/"),
    ):
        with pytest.raises(ObjectStoreUnavailable) as caught:
            await call
        assert "127.0.0.1" not in caught.value.message
    await store.aclose()


async def test_a_missing_bucket_is_unavailable_and_not_a_missing_object(bucket: S3Bucket) -> None:
    store = S3ObjectStore(bucket)

    with pytest.raises(ObjectStoreUnavailable, match="bucket"):
        await store.check()
    with pytest.raises(ObjectStoreUnavailable, match="bucket"):
        await store.get_bytes("a")
    await store.aclose()


async def test_a_stream_refused_half_way_says_so(store: S3ObjectStore, monkeypatch: pytest.MonkeyPatch) -> None:
    from minio import Minio

    def refuse(*_: object) -> None:
        raise ConnectionError

    monkeypatch.setattr(Minio, "_upload_part", refuse)
    with pytest.raises(ObjectStoreUnavailable):
        await store.put_stream("a", pieces(LARGE * 3, 1 << 20))
    with pytest.raises(ObjectMissing):
        await store.stat("a")
    assert await keys(store) == []


class Answering(BaseHTTPRequestHandler):
    """A server that answers everything the same way, whatever the question was, and notes the questions."""

    status: int
    body: bytes
    answered: dict[str, str]
    asked: list[str]

    def answer(self) -> None:
        self.asked.append(self.requestline)
        self.send_response(self.status)
        standard = {"ETag": '"1"', "Last-Modified": format_datetime(utc_now(), usegmt=True)}
        for name, value in {**standard, "Content-Length": str(len(self.body)), **self.answered}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(self.body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def answering(status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> Iterator[tuple[S3Bucket, list[str]]]:
    asked: list[str] = []
    values = {"status": status, "body": body, "answered": headers or {}, "asked": asked}
    methods = {f"do_{method}": Answering.answer for method in ("GET", "HEAD", "PUT", "POST", "DELETE")}
    handler = type("Handler", (Answering,), {**values, **methods})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield S3Bucket(f"127.0.0.1:{server.server_port}", "bucket", CREDENTIALS, is_secure=False), asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("urllib3.util.retry.Retry.sleep", lambda *_: None)
    monkeypatch.setattr(s3_ranges.time, "sleep", lambda _: None)


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (200, {}),
        (206, {}),
        (206, {"Content-Range": "bytes 0-9/100"}),
        (206, {"Content-Range": "bytes 10-19/*"}),
        (206, {"Content-Range": "bytes 10-19/100", "ETag": ""}),
    ],
    ids=["all-of-it", "no-range", "another-range", "unknown-size", "no-version"],
)
async def test_an_answer_to_another_question_is_not_believed(status: int, headers: dict[str, str]) -> None:
    with answering(status, b"0123456789", headers) as (bucket, _):
        store = S3ObjectStore(bucket)
        with pytest.raises(ObjectStoreUnavailable, match="range"):
            await store.get_bytes("a", 10, 10)
        await store.aclose()


@pytest.mark.usefixtures("_no_waiting")
async def test_an_answer_that_ends_too_soon_is_not_taken_for_whole() -> None:
    with answering(206, b"01234", {"Content-Range": "bytes 10-19/100", "Content-Length": "5"}) as (bucket, asked):
        store = S3ObjectStore(bucket)
        with pytest.raises(ObjectStoreUnavailable):
            await store.get_bytes("a", 10, 10)
        assert len(asked) == 4
        await store.aclose()


@pytest.mark.usefixtures("_no_waiting")
@pytest.mark.parametrize(
    ("status", "call", "tries"),
    [
        (503, lambda store: store.get_bytes("a"), 4),
        (500, lambda store: store.put_bytes("a", b"x"), 4),
        (500, lambda store: store.delete("a"), 4),
        # Parts begin with a POST: made again when the server says that it did nothing, not when nobody knows.
        (503, lambda store: store.put_bytes("a", LARGE), 4),
        (500, lambda store: store.put_bytes("a", LARGE), 1),
        (403, lambda store: store.get_bytes("a"), 1),
    ],
)
async def test_what_is_safe_to_repeat_is_repeated(status: int, call: Callable[[S3ObjectStore], Any], tries: int) -> None:
    with answering(status) as (bucket, asked):
        store = S3ObjectStore(bucket)
        with pytest.raises(ObjectStoreUnavailable):
            await call(store)
        assert len(asked) == tries
        await store.aclose()


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("SignatureDoesNotMatch", "credentials"),
        ("NoSuchBucket", "bucket"),
        ("XMinioStorageFull", "full"),
        ("RequestTimeTooSkewed", "clocks"),
        ("SomethingElse", "temporarily unavailable"),
    ],
)
async def test_what_the_server_says_is_told_in_words(code: str, sentence: str) -> None:
    body = f"<Error><Code>{code}</Code><Message>secret detail</Message></Error>".encode()
    with answering(400, body, {"Content-Type": "application/xml"}) as (bucket, _):
        store = S3ObjectStore(bucket)
        with pytest.raises(ObjectStoreUnavailable, match=sentence) as caught:
            await store.put_bytes("a", b"x")
        assert "secret" not in caught.value.message
        await store.aclose()


async def test_joining_parts_that_fails_after_the_answer_began_is_a_failure() -> None:
    body = b"<Error><Code>InternalError</Code><UploadId>1</UploadId></Error>"
    with answering(200, body, {"Content-Type": "application/xml"}) as (bucket, _):
        store = S3ObjectStore(bucket)
        with pytest.raises(ObjectStoreUnavailable):
            await store.put_bytes("a", LARGE)
        await store.aclose()


@pytest.mark.parametrize(
    ("addressing", "host", "path"),
    [
        (S3Addressing.AUTO, "objects.example.org", "/bucket/a"),
        (S3Addressing.PATH, "objects.example.org", "/bucket/a"),
        (S3Addressing.VIRTUAL, "bucket.objects.example.org", "/a"),
    ],
)
async def test_the_bucket_stands_where_the_server_wants_it(addressing: S3Addressing, host: str, path: str) -> None:
    store = S3ObjectStore(S3Bucket("objects.example.org", "bucket", CREDENTIALS, addressing=addressing))

    url = httpx.URL(await store.presign_get("a", 60, "f"))
    await store.aclose()

    assert (url.host, url.path) == (host, path)


@pytest.mark.usefixtures("_no_waiting")
async def test_a_server_is_trusted_through_its_own_authority_only(bucket: S3Bucket, tmp_path: Path) -> None:
    authority, stranger = Authority(tmp_path), Authority(_made(tmp_path / "other"))
    issued = authority.issue("store")
    host, port = bucket.endpoint.split(":")
    async with wire_to(host, int(port), tls=server_context(issued.certificate, issued.key)) as wire:
        secure = replace(bucket, endpoint=f"localhost:{wire.listening_port}", is_secure=True, ca_file=authority.ca_file)
        store = S3ObjectStore(secure)
        await store.prepare()
        await store.put_bytes("a", LARGE)
        assert await store.get_bytes("a") == LARGE
        await store.aclose()
        for ca_file in (None, stranger.ca_file):
            store = S3ObjectStore(replace(secure, ca_file=ca_file))
            with pytest.raises(ObjectStoreUnavailable, match="certificate"):
                await store.check()
            await store.aclose()


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


async def test_a_server_that_keeps_silent_is_unavailable(bucket: S3Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    host, port = bucket.endpoint.split(":")
    async with wire_to(host, int(port)) as wire:
        store = S3ObjectStore(replace(bucket, endpoint=wire.address, timeout_seconds=0.3))
        wire.is_silent = True
        with pytest.raises(ObjectStoreUnavailable):
            await store.check()
        async with asyncio.timeout(60):
            while wire.connections < 4:  # the last may still wait to be taken
                await asyncio.sleep(0.01)
        assert wire.connections == 4
        await store.aclose()
