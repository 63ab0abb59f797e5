"""The Redis of a deployment: connections, and a breaker, so that a Redis that is away costs nobody a timeout.

Nothing is only in Redis. What cannot be asked is a miss, what cannot be told is forgotten, and both are logged now and then.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import urlsplit

import structlog

from limner_common.errors import Unavailable

if TYPE_CHECKING:
    from redis.asyncio import Redis
    from redis.asyncio.client import PubSub

T = TypeVar("T")

log: Final = structlog.get_logger(__name__)

_SCHEMES: Final = ("redis", "rediss", "unix")
_CONNECT_SECONDS: Final = 1.0
_ANSWER_SECONDS: Final = 3.0
#: How long a call waits for one of the connections.
_POOL_SECONDS: Final = 3.0
_CONNECTIONS: Final = 16
#: A large value comes in fewer steps of the event loop; measured at 1 MiB: a fifth less time.
_READ_BYTES: Final = 1 << 20
_FIRST_PAUSE_SECONDS: Final = 1.0
_LONGEST_PAUSE_SECONDS: Final = 15.0
_LOG_INTERVAL_SECONDS: Final = 60.0

WANTED_POLICY: Final = "allkeys-lfu"


class Breaker:
    """Stops asking what fails: for a moment after the first failure, longer after each further one.

    When a pause is over, one caller tries; the others go on waiting for what it finds.

    Args:
        now: Monotonic seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._pause_seconds = 0.0
        self._paused_until = 0.0
        self._is_trying = False

    def lets_pass(self) -> bool:
        """Say whether to try now."""
        if not self._pause_seconds:
            return True
        if self._now() < self._paused_until:
            return False
        self._paused_until = self._now() + self._pause_seconds
        self._is_trying = True
        return True

    def succeeded(self) -> None:
        """Let everybody pass."""
        self._pause_seconds = 0.0
        self._is_trying = False

    def failed(self) -> None:
        """Let nobody pass for a while."""
        if not self._is_trying and self._now() < self._paused_until:
            return  # a call that began before the pause: no news
        self._is_trying = False
        self._pause_seconds = min(max(_FIRST_PAUSE_SECONDS, self._pause_seconds * 2), _LONGEST_PAUSE_SECONDS)
        self._paused_until = self._now() + self._pause_seconds


class RedisServer:
    """One Redis, as all adapters of a process share it.

    Args:
        url: ``redis://``, ``rediss://`` (TLS) or ``unix://``, with user, password and number of the database.
        prefix: What names of keys and channels begin with, so that several installations can share a Redis.
        ca_file: PEM file of the authorities that vouch for a server with TLS; the usual ones when None.

    Raises:
        ValueError: The URL cannot be used.
    """

    def __init__(self, url: str, *, prefix: str = "limner:", ca_file: Path | None = None) -> None:
        self.prefix = prefix
        self._breaker = Breaker()
        self._logged_at = -_LOG_INTERVAL_SECONDS
        self.client = _connect(url, ca_file, tries=2)
        # A subscription that came back by itself would hide that signals were missed.
        self._listening = _connect(url, ca_file, tries=1)

    async def ask(self, what: str, ask: "Callable[[Redis], Awaitable[T]]", otherwise: T) -> T:
        """Return what ``ask`` returns, or ``otherwise`` when Redis is away or refuses; never raises because of Redis.

        Args:
            what: Name of the call, for the log.
            ask: Asks.
            otherwise: Taken when there is no answer.
        """
        if not self._breaker.lets_pass():
            return otherwise
        from redis.exceptions import ConnectionError as ConnectionLost
        from redis.exceptions import RedisError
        from redis.exceptions import TimeoutError as TookTooLong

        try:
            answer = await ask(self.client)
        except (ConnectionLost, TookTooLong, OSError) as error:
            self._breaker.failed()
            if self._may_log():
                log.warning("redis_away", what=what, error=_words(error))
            return otherwise
        except RedisError as error:
            # It answers, and refuses: no memory left, no rights, only a replica.
            self._breaker.succeeded()
            if self._may_log():
                log.warning("redis_refused", what=what, error=_words(error))
            return otherwise
        self._breaker.succeeded()
        return answer

    @asynccontextmanager
    async def subscribed(self, channel: str) -> "AsyncIterator[PubSub]":
        """Lend a connection that is subscribed to a channel; it breaks rather than comes back by itself.

        Raises:
            Unavailable: Redis is away.
        """
        from redis.exceptions import RedisError

        listener = self._listening.pubsub(ignore_subscribe_messages=False)
        try:
            try:
                await listener.subscribe(channel)
                confirmed = await listener.get_message(timeout=_ANSWER_SECONDS)
            except (RedisError, OSError) as error:
                raise Unavailable(f"Redis is away: {error}", code="redis_away", retry_after_seconds=2) from error
            if confirmed is None:
                raise Unavailable("Redis does not answer.", code="redis_away", retry_after_seconds=2)
            yield listener
        finally:
            await listener.aclose()  # type: ignore[no-untyped-call]

    async def check(self) -> None:
        """Return when Redis answers now; one round trip, for readiness checks.

        Raises:
            Unavailable: It does not; the message tells strangers nothing.
        """
        from redis.exceptions import RedisError

        try:
            await self.client.ping()
        except (RedisError, OSError) as error:
            raise Unavailable("Redis is away.", code="redis_away") from error

    async def examine(self) -> list[str]:
        """Return what an administrator should know about the server; nothing when all is well.

        Raises:
            Unavailable: It does not answer, or refuses us.
        """
        from redis.exceptions import RedisError

        try:
            memory: dict[str, Any] = await self.client.info("memory")
        except (RedisError, OSError) as error:
            raise Unavailable(f"Redis cannot be used: {error}", code="redis_away") from error
        problems = []
        if not int(memory.get("maxmemory", 0)):
            problems.append("Redis has no bound: it grows until the machine has no memory left. Set maxmemory.")
        policy = memory.get("maxmemory_policy", "unknown")
        if policy != WANTED_POLICY:
            problems.append(
                f"Redis' maxmemory-policy is {policy}: it does not keep what is used most. Set it to {WANTED_POLICY}."
            )
        return problems

    async def warn(self) -> None:
        """Log what ``examine`` finds; for the start of a process, which does not fail because of it."""
        try:
            problems = await asyncio.wait_for(self.examine(), _ANSWER_SECONDS * 2)
        except (Unavailable, TimeoutError) as error:
            log.warning("redis_away", what="start", error=str(error))
            return
        for problem in problems:
            log.warning("redis_badly_configured", problem=problem)

    async def aclose(self) -> None:
        """Close the connections. Idempotent."""
        await self.client.aclose(close_connection_pool=True)
        await self._listening.aclose(close_connection_pool=True)

    def _may_log(self) -> bool:
        """Say whether the last line about trouble is long enough ago; a server that is away is asked all the time."""
        now = time.monotonic()
        if now - self._logged_at < _LOG_INTERVAL_SECONDS:
            return False
        self._logged_at = now
        return True


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__


def _connect(url: str, ca_file: Path | None, *, tries: int) -> "Redis":
    from redis.asyncio import BlockingConnectionPool, Redis
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff
    from redis.exceptions import ConnectionError as ConnectionLost

    scheme = urlsplit(url).scheme
    if scheme not in _SCHEMES:
        raise ValueError("the address of Redis is redis://, rediss:// or unix://")
    options: dict[str, Any] = {}
    if scheme == "rediss":
        options = {"ssl_cert_reqs": "required", "ssl_check_hostname": True}
        if ca_file is not None:
            options["ssl_ca_certs"] = str(ca_file)
    if scheme != "unix":
        options["socket_keepalive"] = True
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=_CONNECTIONS,
        timeout=_POOL_SECONDS,
        socket_connect_timeout=_CONNECT_SECONDS,
        socket_timeout=_ANSWER_SECONDS,
        socket_read_size=_READ_BYTES,
        protocol=2,
        # A connection that the server closed while it lay in the pool is replaced at once.
        retry=Retry(NoBackoff(), tries - 1, supported_errors=(ConnectionLost,)),
        **options,
    )
    return Redis(connection_pool=pool)
