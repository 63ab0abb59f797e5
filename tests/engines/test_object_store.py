"""The S3 store on a real MinIO: the contract, and what happens when MinIO is cut off or away."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from limner_allinone.stores import object_store_from
from limner_common.objects import (
    ObjectLocation,
    ObjectMissing,
    ObjectStoreUnavailable,
    S3Bucket,
    S3Credentials,
    S3ObjectStore,
    open_object,
    s3_ranges,
)
from limner_common.settings import ServiceSettings
from tests.support.bus_conformance import until
from tests.support.certificates import Authority
from tests.support.engines import Engines
from tests.support.object_store_conformance import LARGE, ObjectStoreConformance, keys, pieces, read
from tests.support.wires import Wire, server_context, wire_to

pytestmark = pytest.mark.engines


def bucket_of(engines: Engines) -> S3Bucket:
    minio = engines.stack.minio
    credentials = S3Credentials(minio.user, minio.password)
    return S3Bucket(f"127.0.0.1:{minio.port}", engines.new_bucket(), credentials, is_secure=False)


@pytest.fixture
def bucket(engines: Engines) -> S3Bucket:
    return bucket_of(engines)


@pytest.fixture
async def store(bucket: S3Bucket) -> AsyncIterator[S3ObjectStore]:
    store = S3ObjectStore(bucket)
    yield store
    await store.aclose()


@pytest.fixture
async def wire(bucket: S3Bucket) -> AsyncIterator[Wire]:
    host, port = bucket.endpoint.split(":")
    async with wire_to(host, int(port)) as wire:
        yield wire


@pytest.fixture
async def wired(wire: Wire, bucket: S3Bucket) -> AsyncIterator[S3ObjectStore]:
    """The same bucket, through the wire."""
    store = S3ObjectStore(replace(bucket, endpoint=wire.address, timeout_seconds=20.0))
    yield store
    await store.aclose()


class TestMinIO(ObjectStoreConformance):
    pass


async def test_the_settings_lead_to_a_store_that_signs_links_for_browsers(engines: Engines, wire: Wire) -> None:
    variables = engines.object_settings(engines.new_bucket())
    variables["LIMNER_OBJECTS_S3_PUBLIC_URL"] = f"http://{wire.address}"
    fields = {name.removeprefix("LIMNER_").lower(): value for name, value in variables.items()}
    store = object_store_from(ServiceSettings(**fields))
    await store.put_bytes("a", b"data")

    url = await store.presign_get("a", 60, "Übung.zip", content_type="application/zip")
    await store.aclose()

    assert url is not None and url.startswith(f"http://{wire.address}/")
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(url)
        meddled = await client.get(url.replace("/a?", "/b?"))
    assert answer.content == b"data"
    assert answer.headers["content-type"] == "application/zip"
    assert "Übung" not in answer.headers["content-disposition"]
    assert meddled.status_code == 403


async def test_downloads_cut_in_the_middle_come_out_whole(wire: Wire, wired: S3ObjectStore) -> None:
    await wired.put_bytes("a", LARGE)
    wire.cut_each_after(2_500_000)

    assert await read(wired, "a") == LARGE
    assert await wired.get_bytes("a", 1_000_000) == LARGE[1_000_000:]
    assert wire.connections > 2 * len(LARGE) // 2_500_000


async def test_a_worker_whose_reads_are_cut_gets_the_bytes_whole(wire: Wire, wired: S3ObjectStore) -> None:
    await wired.put_bytes("a", LARGE)
    location = wired.location("a")
    wire.cut_each_after(2_500_000)

    assert await asyncio.to_thread(read_as_file, location) == LARGE


def read_as_file(location: ObjectLocation, start: int = 0) -> bytes:
    with open_object(location) as file:
        file.seek(start)
        return file.read()


async def test_downloads_that_do_not_get_on_fail_clearly(
    wire: Wire, wired: S3ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3_ranges.time, "sleep", lambda _: None)
    await wired.put_bytes("a", LARGE)
    wire.cut_each_after(900_000)

    with pytest.raises(ObjectStoreUnavailable):
        await read(wired, "a")
    with pytest.raises(ObjectStoreUnavailable):
        await wired.get_bytes("a")


async def test_uploads_cut_in_the_middle_leave_nothing(wire: Wire, wired: S3ObjectStore, store: S3ObjectStore) -> None:
    async def cut_half_way() -> AsyncIterator[bytes]:
        async for piece in pieces(LARGE * 3, 1 << 20):
            yield piece
        wire.is_cut = True
        wire.cut()

    with pytest.raises(ObjectStoreUnavailable):
        await wired.put_stream("a", cut_half_way())

    with pytest.raises(ObjectMissing):
        await store.stat("a")
    assert await keys(store) == []


async def test_minio_behind_tls_is_trusted_through_its_authority(bucket: S3Bucket, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    issued = authority.issue("minio")
    host, port = bucket.endpoint.split(":")
    async with wire_to(host, int(port), tls=server_context(issued.certificate, issued.key)) as wire:
        secure = replace(bucket, endpoint=wire.address, is_secure=True, ca_file=authority.ca_file)
        store = S3ObjectStore(secure)
        await store.put_stream("a", pieces(LARGE, 1 << 20))
        assert await store.get_bytes("a") == LARGE
        assert await asyncio.to_thread(read_as_file, store.location("a"), 17_000_000) == LARGE[17_000_000:]
        await store.aclose()


async def test_minio_stopped_is_said_and_its_return_is_noticed(mortal_engines: Engines) -> None:
    minio = mortal_engines.stack.minio
    store = S3ObjectStore(replace(bucket_of(mortal_engines), timeout_seconds=20.0))
    await store.put_bytes("a", LARGE)

    minio.kill()
    with pytest.raises(ObjectStoreUnavailable) as caught:
        await store.get_bytes("a")
    with pytest.raises(ObjectStoreUnavailable):
        await store.put_bytes("a", b"other")
    assert caught.value.retry_after_seconds is not None
    minio.start()

    assert await store.get_bytes("a") == LARGE
    await store.aclose()


async def test_minio_frozen_is_unavailable_after_the_time_allowed(mortal_engines: Engines) -> None:
    minio = mortal_engines.stack.minio
    bucket = bucket_of(mortal_engines)
    patient = S3ObjectStore(bucket)
    await patient.put_bytes("a", b"x")
    store = S3ObjectStore(replace(bucket, timeout_seconds=0.3))

    minio.pause()
    with pytest.raises(ObjectStoreUnavailable):
        await store.get_bytes("a")
    minio.resume()

    assert await patient.get_bytes("a") == b"x"
    await until(lambda: _found(store, "a"), b"x")  # it takes a while until answers come within its time again
    await store.aclose()
    await patient.aclose()


async def _found(store: S3ObjectStore, key: str) -> bytes | None:
    with contextlib.suppress(ObjectStoreUnavailable):
        return await store.get_bytes(key)
    return None
