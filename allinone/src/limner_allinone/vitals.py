"""What each kind of process cannot do anything without, and what it gets by without for a while.

All replicas share the engines: one that is needed takes all of them out of rotation while it is away. So a process that
serves needs only what no request can do without. Workers and relays take no requests; they need what they live for.
"""

from contextlib import AsyncExitStack
from dataclasses import dataclass

from limner_common.bus import Bus
from limner_common.db.probing import DatabaseCheck
from limner_common.objects import ObjectStore
from limner_common.readiness import Draining, Readiness
from limner_common.redis_server import RedisServer
from limner_common.service import ServiceDefinition
from limner_common.settings import ServiceSettings


@dataclass(frozen=True, slots=True)
class Vitals:
    """The engines of one process.

    Attributes:
        stack: Ends what is begun here.
        settings: Settings of the process.
        draining: Whether it is about to end.
        bus: Where facts go.
    """

    stack: AsyncExitStack
    settings: ServiceSettings
    draining: Draining
    bus: Bus

    def of_server(self, definition: ServiceDefinition, objects: ObjectStore, redis: RedisServer | None) -> Readiness:
        """Return the readiness of a process that serves: facts wait in the outbox, and much is answered without objects."""
        readiness = self._of(definition, redis)
        readiness.watch("bus", self.bus.check)
        if definition.keeps_objects:
            readiness.watch("objects", objects.check)
        return readiness

    def of_worker(self, definition: ServiceDefinition, objects: ObjectStore, redis: RedisServer | None) -> Readiness:
        """Return the readiness of a process that works."""
        readiness = self._of(definition, redis)
        if definition.keeps_objects:
            readiness.need("objects", objects.check)
        return readiness

    def of_relay(self, definition: ServiceDefinition) -> Readiness:
        """Return the readiness of a process that only publishes."""
        readiness = self._of(definition, None)
        readiness.need("bus", self.bus.check)
        return readiness

    def _of(self, definition: ServiceDefinition, redis: RedisServer | None) -> Readiness:
        check = DatabaseCheck(self.settings.database_url.get_secret_value(), definition.name, definition.migrations)
        self.stack.push_async_callback(check.aclose)
        readiness = Readiness(self.draining, definition.name)
        self.stack.push_async_callback(readiness.aclose)
        readiness.need("database", check)
        if redis is not None:
            readiness.watch("redis", redis.check)
        return readiness
