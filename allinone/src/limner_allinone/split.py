"""``limner serve|work``: one service in this process, configured by the environment only."""

import asyncio
import base64
import signal

import uvicorn

from limner_allinone.composition import Misconfigured, install
from limner_common.grants import Keyring
from limner_common.logs import configure_logging
from limner_common.settings import ServiceSettings


async def serve_service(name: str, host: str, port: int) -> None:
    """Serve a service's application, its relay and its consumers until SIGTERM, then drain."""
    settings = _configured()
    async with install(settings, {name: _keyring(name, settings)}, (name,)) as installation:
        installation.start_event_loops()
        config = uvicorn.Config(
            installation.app(name),
            host=host,
            port=port,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=30,
        )
        await uvicorn.Server(config).serve()


async def work_service(name: str) -> None:
    """Run a service's workers until SIGTERM; unfinished items go back to the queue."""
    settings = _configured()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with install(settings, {name: _keyring(name, settings)}, (name,)) as installation:
        installation.start_workers()
        await stop.wait()


def _configured() -> ServiceSettings:
    settings = ServiceSettings()
    configure_logging(settings.log_level, as_json=settings.is_log_json)
    return settings


def _keyring(name: str, settings: ServiceSettings) -> Keyring:
    if settings.private_key is None or name not in settings.keys:
        raise Misconfigured(f"Set LIMNER_PRIVATE_KEY, and LIMNER_KEYS with an entry for '{name}'.")
    try:
        public = {who: base64.b64decode(key, validate=True) for who, key in settings.keys.items()}
        return Keyring(name, base64.b64decode(settings.private_key.get_secret_value(), validate=True), public)
    except ValueError as error:
        raise Misconfigured("LIMNER_PRIVATE_KEY and LIMNER_KEYS hold base64 of 32 raw bytes each.") from error
