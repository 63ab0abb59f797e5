"""``limner serve|work|relay|migrate``: one service in this process, configured by the environment only."""

import asyncio
import base64
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator, Sequence

import structlog
import uvicorn

from limner_allinone.collector import settle
from limner_allinone.composition import SERVICE_NAMES, Installation, definition_of, install, migrate_services
from limner_allinone.configuration import Misconfigured, read_settings
from limner_allinone.databases import named_database, session_url_from
from limner_allinone.listening import OrderlyServer, listen
from limner_allinone.probes import answering_probes
from limner_allinone.relays import relaying
from limner_allinone.secrecy import hide_in_logs
from limner_common.db import Database
from limner_common.db.migrations import require_current
from limner_common.grants import Keyring, public_key_of
from limner_common.http.upstream import SERVER_KEEP_ALIVE_SECONDS
from limner_common.logs import configure_logging
from limner_common.racing import until_first
from limner_common.readiness import Draining
from limner_common.settings import ServiceSettings

log = structlog.get_logger(__name__)

#: With the time for draining shorter than the 30 seconds that orchestrators leave between asking and killing.
_RUNNING_REQUESTS_SECONDS = 20
#: Whom a service asks to do its work. ``api`` forwards to ``inference`` and ``analytics`` too, where they are installed.
_NEEDS = {
    "api": ("annotations", "exports", "media"),
    "media": ("api",),
    "annotations": ("api",),
    "exports": ("annotations", "api", "media"),
}


async def serve_service(name: str, host: str, port: int, health_port: int | None = None) -> None:
    """Serve a service's application, its relay and its consumers until SIGTERM, then drain.

    Args:
        name: The service.
        host: Address to listen on.
        port: Port of the application.
        health_port: Port for health and metrics alone; none when None.

    Raises:
        DomainError: What keeps it from starting, in words for people.
    """
    async with _installed(name) as installation, _probes(installation, name, host, health_port):
        with contextlib.closing(listen(host, port, advice="Choose another with --host and --port.")) as listener:
            config = uvicorn.Config(
                installation.app(name),
                loop="uvloop",
                http="httptools",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                backlog=512,
                timeout_keep_alive=SERVER_KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=_RUNNING_REQUESTS_SECONDS,
            )
            settings = installation.services[name].resources.settings
            server = OrderlyServer(config, installation.draining, drain_seconds=settings.drain_seconds)
            installation.start_event_loops(has_relays=settings.has_relay)
            settle()
            log.info("serving", service=name, host=host, port=listener.getsockname()[1])
            await until_first(server.serve(sockets=[listener]), installation.wait())
        log.info("stopped", service=name)


async def work_service(name: str, host: str, health_port: int | None = None) -> None:
    """Run a service's workers until SIGTERM; unfinished items go back to the queue.

    Args:
        name: The service.
        host: Address to answer health and metrics on.
        health_port: Port for these; they are not answered when None.

    Raises:
        DomainError: What keeps them from starting, in words for people.
    """
    async with _installed(name, is_worker=True) as installation, _probes(installation, name, host, health_port):
        service = installation.services[name]
        if not service.definition.handlers(service.container):
            raise Misconfigured(f"The service '{name}' has no work to do in the background; it is only served.")
        with _signals(installation.draining):
            installation.start_workers()
            settle()
            log.info("working", service=name)
            await until_first(installation.draining.wait(), installation.wait())
            log.info("draining", service=name)
            await installation.stop()
    log.info("stopped", service=name)


async def relay_service(name: str, host: str, health_port: int | None = None) -> None:
    """Publish a service's facts until SIGTERM, and nothing else; of several relays of a service one works at a time.

    Args:
        name: The service.
        host: Address to answer health and metrics on.
        health_port: Port for these; they are not answered when None.

    Raises:
        DomainError: What keeps it from starting, in words for people.
    """
    settings = read_settings("database_url")
    configure_logging(settings.log_level, as_json=settings.is_log_json, hide=hide_in_logs(settings))
    await _check_schema(name, settings)
    draining = Draining()
    async with relaying(settings, name, draining) as relay, answering_probes(relay.app, relay.metrics, host, health_port):
        with _signals(draining):
            log.info("relaying", service=name)
            await until_first(draining.wait(), relay.run())
    log.info("stopped", service=name)


async def migrate_deployment(name: str, announce: Callable[[str], None]) -> Sequence[str]:
    """Bring the schema of one service, or of ``all``, to this version; returns the names of those it did.

    With ``LIMNER_ADMIN_PASSWORD`` set it makes the first administrator too, when there is none.

    Args:
        name: A service, or ``all``.
        announce: Told the lines a person should see.

    Raises:
        DomainError: The database cannot be used, or was written by a newer version.
    """
    settings = read_settings("database_url")
    configure_logging(settings.log_level, as_json=settings.is_log_json, hide=hide_in_logs(settings))
    names = SERVICE_NAMES if name == "all" else (name,)
    with named_database():
        await migrate_services(settings, names)
        if "api" in names and os.environ.get("LIMNER_ADMIN_PASSWORD"):
            from limner_allinone.admin.bootstrap import first_administrator  # its tables are in the image of `api`

            await first_administrator(settings, announce)
    return names


def _probes(
    installation: Installation, name: str, host: str, health_port: int | None
) -> contextlib.AbstractAsyncContextManager[None]:
    return answering_probes(installation.app(name), installation.metrics, host, health_port)


@contextlib.contextmanager
def _signals(draining: Draining) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, draining.begin)
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)


@contextlib.asynccontextmanager
async def _installed(name: str, *, is_worker: bool = False) -> AsyncIterator[Installation]:
    settings = read_settings("database_url")
    configure_logging(settings.log_level, as_json=settings.is_log_json, hide=hide_in_logs(settings))
    _check_upstreams(name, settings)
    keyring = _keyring(name, settings)
    await _check_schema(name, settings)
    async with install(settings, {name: keyring}, (name,), is_worker=is_worker) as installation:
        yield installation


def _check_upstreams(name: str, settings: ServiceSettings) -> None:
    missing = [other for other in _NEEDS.get(name, ()) if other not in settings.upstreams]
    if missing:
        raise Misconfigured(
            f"Set LIMNER_UPSTREAMS: '{name}' needs the addresses of {', '.join(missing)}, as JSON such as "
            f'{{"{missing[0]}": "http://{missing[0]}:8000"}}.'
        )
    for other, address in settings.upstreams.items():
        if not address.startswith(("http://", "https://")):
            raise Misconfigured(f"LIMNER_UPSTREAMS: the address of '{other}' does not begin with http:// or https://.")


async def _check_schema(name: str, settings: ServiceSettings) -> None:
    definition = definition_of(name)
    database = Database(session_url_from(settings), definition.metadata, pool_size=1)
    try:
        with named_database():
            await require_current(database, definition.migrations)
    finally:
        await database.close()


def _keyring(name: str, settings: ServiceSettings) -> Keyring:
    missing = [who for who in sorted({name, "api"}) if who not in settings.keys]
    if settings.private_key is None:
        raise Misconfigured(f"Set LIMNER_PRIVATE_KEY: the private key of '{name}', base64 of 32 raw bytes.")
    if missing:
        raise Misconfigured(f"Set LIMNER_KEYS with the public keys of all services; it has none of {', '.join(missing)}.")
    try:
        private = base64.b64decode(settings.private_key.get_secret_value(), validate=True)
        public = {who: base64.b64decode(key, validate=True) for who, key in settings.keys.items()}
        keyring = Keyring(name, private, public)
    except ValueError as error:
        raise Misconfigured("LIMNER_PRIVATE_KEY and LIMNER_KEYS hold base64 of 32 raw bytes each.") from error
    if public_key_of(private) != public[name]:
        raise Misconfigured(f"LIMNER_PRIVATE_KEY does not belong to the public key of '{name}' in LIMNER_KEYS.")
    return keyring
