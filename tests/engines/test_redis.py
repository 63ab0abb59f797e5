"""What uses Redis, on a real one: the cache, the lock across replicas, signals; and all of it with Redis away."""

import asyncio
import secrets
from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa

from limner_api.identity.limits import FailureLimiter
from limner_common.cache.redis import RedisCache
from limner_common.cache.redis_lock import RedisReplicaLock
from limner_common.db import Database, new_metadata
from limner_common.errors import RateLimited, Unavailable
from limner_common.redis_server import Breaker, RedisServer
from limner_common.signals.redis import RedisSignals
from limner_common.tallies.redis import RedisTally
from tests.support.cache_conformance import MAX_ITEM_BYTES, CacheConformance
from tests.support.engines import Engines
from tests.support.signals_conformance import SignalsConformance
from tests.support.tally_conformance import TallyConformance
from tests.support.wires import Wire, wire_to

pytestmark = pytest.mark.engines


def server_at(engines: Engines, url: str | None = None) -> RedisServer:
    return RedisServer(url or engines.redis_url, prefix=f"{secrets.token_hex(4)}[*]?:")


@pytest.fixture
async def server(engines: Engines) -> AsyncIterator[RedisServer]:
    server = server_at(engines)
    yield server
    await server.aclose()


@pytest.fixture
async def wire(engines: Engines) -> AsyncIterator[Wire]:
    async with wire_to("127.0.0.1", engines.stack.redis.port) as wire:
        yield wire


@pytest.fixture
async def wired(engines: Engines, wire: Wire) -> AsyncIterator[RedisServer]:
    """A server through the wire."""
    url = engines.redis_url.replace(f":{engines.stack.redis.port}", f":{wire.listening_port}")
    server = server_at(engines, url)
    yield server
    await server.aclose()


class TestRedisCache(CacheConformance):
    @pytest.fixture
    def cache(self, server: RedisServer) -> RedisCache:
        return RedisCache(server, max_item_bytes=MAX_ITEM_BYTES)


async def test_the_check_follows_redis_as_it_goes_and_comes_back(wire: Wire, wired: RedisServer) -> None:
    await wired.check()
    wire.is_cut = True
    wire.cut()
    with pytest.raises(Unavailable, match=r"^Redis is away\.$"):
        await wired.check()
    wire.mend()
    await wired.check()


async def test_prefixes_are_no_patterns_and_other_installations_are_left_alone(engines: Engines) -> None:
    ours, theirs = server_at(engines), server_at(engines)
    for server in (ours, theirs):
        await RedisCache(server, max_item_bytes=100).put("a/b", b"x")
    await RedisCache(ours, max_item_bytes=100).delete_prefix("")
    assert await RedisCache(ours, max_item_bytes=100).get("a/b") is None
    assert await RedisCache(theirs, max_item_bytes=100).get("a/b") == b"x"
    for server in (ours, theirs):
        await server.aclose()


async def test_redis_away_is_an_empty_cache_that_costs_no_waiting(
    wire: Wire, wired: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr(wired, "_breaker", Breaker(lambda: now))  # its pause lasts as long as the loop below
    cache = RedisCache(wired, max_item_bytes=1000)
    await cache.put("a", b"x")
    wire.is_cut = True
    wire.cut()
    assert await cache.get("a") is None
    tried = wire.connections
    for _ in range(100):
        assert await cache.get("a") is None
        await cache.put("a", b"y")
    assert wire.connections == tried, "nobody has asked, so nobody has waited"
    wire.is_cut = False
    async with asyncio.timeout(60):
        while await cache.get("a") is None:
            now += 1
            await asyncio.sleep(0.1)


async def test_one_holder_at_a_time_across_replicas(engines: Engines) -> None:
    servers = [server_at(engines) for _ in range(3)]
    for server in servers:
        server.prefix = servers[0].prefix
    inside = most = 0

    async def build(server: RedisServer) -> None:
        nonlocal inside, most
        async with RedisReplicaLock(server).hold("chunk/1"):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.05)
            inside -= 1

    await asyncio.gather(*(build(server) for server in servers * 3))
    assert most == 1
    for server in servers:
        await server.aclose()


async def test_a_holder_that_lives_keeps_the_lock_and_one_that_died_lets_go(server: RedisServer) -> None:
    lock = RedisReplicaLock(server, lease_seconds=4.5)  # a third of it may go by until a busy machine lets it say so
    async with lock.hold("a"):
        await asyncio.sleep(5)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3), lock.hold("a"):
                pass
    await server.client.set(f"{server.prefix}lock:b", "of somebody who died", px=300)
    async with asyncio.timeout(60), lock.hold("b"):
        pass
    assert not await server.client.exists(f"{server.prefix}lock:a")


async def test_a_lock_that_was_lost_is_not_taken_from_its_new_holder(server: RedisServer) -> None:
    async with RedisReplicaLock(server).hold("a"):
        await server.client.set(f"{server.prefix}lock:a", "somebody else")
    assert await server.client.get(f"{server.prefix}lock:a") == b"somebody else"


async def test_nobody_waits_for_a_lock_of_a_redis_that_is_away(wire: Wire, wired: RedisServer) -> None:
    wire.is_cut = True
    async with asyncio.timeout(60), RedisReplicaLock(wired).hold("a"):
        pass


class TestRedisSignals(SignalsConformance):
    @pytest.fixture
    def signals(self, server: RedisServer) -> RedisSignals:
        return RedisSignals(server)

    @pytest.fixture
    async def database(self, engines: Engines, signals: RedisSignals) -> AsyncIterator[Database]:
        database = Database(engines.new_database(), new_metadata("signals"), signals=signals)
        yield database
        await database.close()


class TestRedisTally(TallyConformance):
    @pytest.fixture
    def tally(self, server: RedisServer) -> RedisTally:
        return RedisTally(server)


async def test_wrong_passwords_are_counted_across_replicas_and_alone_while_redis_is_away(
    server: RedisServer, wire: Wire, wired: RedisServer
) -> None:
    wired.prefix = server.prefix
    one, two = (FailureLimiter(3, 60, shared=RedisTally(replica)) for replica in (server, wired))
    await one.fail("bob")
    await one.fail("bob")
    await two.check("bob")
    await two.fail("bob")
    for replica in (one, two):
        with pytest.raises(RateLimited, match="Try again in"):
            await replica.check("bob")
        await replica.check("eve")
    wire.is_cut = True
    wire.cut()
    await two.check("bob")  # of which it has counted one by itself
    for _ in range(2):
        await two.fail("bob")
    with pytest.raises(RateLimited):
        await two.check("bob")
    await one.forget("bob")
    await one.check("bob")


async def test_listeners_are_told_that_redis_is_away_and_units_of_work_do_not_mind(
    engines: Engines, wire: Wire, wired: RedisServer
) -> None:
    signals = RedisSignals(wired)
    database = Database(engines.new_database(), new_metadata("signals"), signals=signals)
    async with signals.listen("one", lambda _: None) as lost:
        wire.is_cut = True
        wire.cut()
        async with asyncio.timeout(60):
            await lost.wait()
    with pytest.raises(Unavailable):
        async with signals.listen("one", lambda _: None):
            pass
    async with database.begin() as uow:
        uow.notify("one", "nobody hears")
        assert await uow.scalar(sa.select(1)) == 1
    await database.close()


async def test_a_silent_connection_is_noticed(wire: Wire, wired: RedisServer) -> None:
    async with RedisSignals(wired, quiet_seconds=0.1).listen("one", lambda _: None) as lost:
        await asyncio.sleep(0.4)
        assert not lost.is_set()
        wire.is_silent = True
        async with asyncio.timeout(60):
            await lost.wait()


async def test_a_redis_without_bound_or_with_another_policy_is_named(engines: Engines, server: RedisServer) -> None:
    assert await server.examine() == []
    before = await server.client.config_get("maxmemory*")
    try:
        await server.client.config_set("maxmemory", 0)
        await server.client.config_set("maxmemory-policy", "noeviction")
        problems = await server.examine()
    finally:
        await server.client.config_set("maxmemory", before["maxmemory"])
        await server.client.config_set("maxmemory-policy", before["maxmemory-policy"])
    assert "maxmemory" in problems[0]
    assert "allkeys-lfu" in problems[1]
