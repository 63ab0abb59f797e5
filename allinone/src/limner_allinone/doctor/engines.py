"""Checks of the other engines of a deployment: events, Redis, objects; and of its services."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final

import httpx

from limner_allinone.buses import bus_from
from limner_allinone.doctor.findings import Check, Doubtful, Wrong, address_of, place_of
from limner_allinone.stores import object_store_from, redis_from
from limner_common.objects.port import ObjectStoreUnavailable
from limner_common.settings import ServiceSettings

_REDIS_PORT: Final = 6379
_SERVICE_SECONDS: Final = 5.0
_KAFKA_ADVICE: Final = (
    "Start the brokers, or correct LIMNER_KAFKA_SERVERS, LIMNER_KAFKA_SECURITY_PROTOCOL, LIMNER_KAFKA_USERNAME, "
    "LIMNER_KAFKA_PASSWORD and LIMNER_KAFKA_CA_FILE."
)
_REDIS_ADVICE: Final = "Start Redis, or correct LIMNER_REDIS_URL: host, port, user and password, rediss:// for TLS."
_OBJECTS_ADVICE: Final = (
    "Correct LIMNER_OBJECTS_S3_URL, LIMNER_OBJECTS_S3_BUCKET, LIMNER_OBJECTS_S3_ACCESS_KEY and "
    "LIMNER_OBJECTS_S3_SECRET_KEY; the user must list, read, write and delete in the bucket. "
    "A missing bucket is made when a service starts, if the user may."
)
_FOLDER_ADVICE: Final = "Mount a writable folder there, or correct LIMNER_OBJECTS_FOLDER."


def engine_checks(settings: ServiceSettings) -> Iterator[Check]:
    """Yield what is to look at in engines beside the database, and in services."""
    if settings.kafka_servers is None:
        yield Check("events", _events_by_database)
    else:
        servers = settings.kafka_servers
        addresses = tuple(address for server in servers.split(",") for address in address_of(f"//{server.strip()}", 9092))
        yield Check("events", partial(_kafka, settings), servers, _KAFKA_ADVICE, addresses)
    if settings.redis_url is not None:
        url = settings.redis_url.get_secret_value()
        yield Check("redis", partial(_redis, settings), place_of(url), _REDIS_ADVICE, address_of(url, _REDIS_PORT))
    yield _object_check(settings)
    for name, address in sorted(settings.upstreams.items()):
        advice = f"Look at the log of the service, or correct its address in LIMNER_UPSTREAMS: {name} must answer there."
        yield Check(f"service {name}", partial(_service, address), place_of(address), advice)


def _object_check(settings: ServiceSettings) -> Check:
    if settings.objects_folder is not None or settings.objects_s3_url is None:
        where = "" if settings.objects_folder is None else str(settings.objects_folder)
        return Check("object store", partial(_objects, settings), where, _FOLDER_ADVICE if where else "")
    url = settings.objects_s3_url
    port = 443 if url.startswith("https:") else 80
    where = f"{place_of(url)}/{settings.objects_s3_bucket}"
    return Check("object store", partial(_objects, settings), where, _OBJECTS_ADVICE, address_of(url, port))


async def _events_by_database() -> str:
    return "through the database; no Kafka is set"


async def _kafka(settings: ServiceSettings) -> str:
    from limner_common.bus.kafka import KafkaBus

    bus = bus_from(settings)
    assert isinstance(bus, KafkaBus)
    try:
        state = await bus.examine()
    finally:
        await bus.close()
    brokers = f"Kafka with {state.brokers} broker{'' if state.brokers == 1 else 's'}"
    if state.missing:
        return f"{brokers}; {len(state.missing)} of {state.topics} topics are missing and may be made"
    return f"{brokers}; all {state.topics} topics are there"


async def _redis(settings: ServiceSettings) -> str:
    server = redis_from(settings)
    assert server is not None
    try:
        problems = await server.examine()
    finally:
        await server.aclose()
    if problems:
        raise Wrong(" ".join(problems), "In redis.conf, or at once: redis-cli config set NAME VALUE")
    return "answers, bounded, keeps what is used most"


async def _objects(settings: ServiceSettings) -> str:
    store = object_store_from(settings)
    key = f"doctor/probe-{secrets.token_hex(8)}"  # two doctors may look at once
    try:
        await store.check()
        with _allowed("write", "s3:PutObject and s3:AbortMultipartUpload"):
            await store.put_bytes(key, b"0123456789")
        try:
            with _allowed("read", "s3:GetObject"):
                piece = await store.get_bytes(key, start=2, length=3)
        finally:
            with _allowed("delete", "s3:DeleteObject"):
                await store.delete(key)
    finally:
        await store.aclose()
    if piece != b"234":
        raise Wrong("The store does not answer range reads correctly.", "Is a proxy in between that caches or changes them?")
    return "writes, range reads and deletes work"


@contextmanager
def _allowed(what: str, rights: str) -> Iterator[None]:
    """Say of a bucket that is there which right on its objects is missing."""
    try:
        yield
    except ObjectStoreUnavailable as error:
        if getattr(error.__cause__, "code", None) != "AccessDenied":
            raise
        raise Wrong(
            f"The user may see the bucket, but not {what} its objects.",
            f"Allow the user of LIMNER_OBJECTS_S3_ACCESS_KEY {rights} on the bucket's objects.",
        ) from error


async def _service(address: str) -> str:
    async with httpx.AsyncClient(timeout=_SERVICE_SECONDS) as client:
        answer = await client.get(f"{address.rstrip('/')}/health/ready")
    try:
        problems = ", ".join(map(str, answer.json().get("problems", [])))
    except (ValueError, AttributeError):
        raise Wrong(
            f"Something else answers there, with status {answer.status_code}.", "Correct LIMNER_UPSTREAMS."
        ) from None
    if answer.status_code == 200 and problems:
        raise Doubtful(f"It is ready, but does without something: {problems}", "Look at the other checks, and at its log.")
    if answer.status_code == 200:
        return "ready"
    raise Wrong(f"It is not ready: {problems or 'it does not say why'}.", "Look at its log.")
