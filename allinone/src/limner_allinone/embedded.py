"""``limner up``: the whole product in one process tree.

The process started by the user owns the database server and a worker process, and serves all six applications itself. Both
children end when it ends, however it ends.
"""

import asyncio
import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.util import Finalize
from pathlib import Path

import structlog
import uvicorn

from limner_allinone.admin.bootstrap import first_administrator
from limner_allinone.collector import settle
from limner_allinone.composition import SERVICE_NAMES, install, migrate_services
from limner_allinone.databases import own_database
from limner_allinone.home import Home, keyrings_of, open_home
from limner_allinone.listening import OrderlyServer, listen
from limner_allinone.postgres import EmbeddedPostgres
from limner_allinone.probes import answering_probes, answering_probes_on_socket, neighbour_at
from limner_allinone.scratch import scratch_folder, system_scratch
from limner_common.settings import ServiceSettings

log = structlog.get_logger(__name__)

_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True)
class Place:
    """Where to listen.

    Attributes:
        host: Address.
        port: Port of the product; 0 takes a free one.
        health_port: Port for health and metrics alone; none when None.
    """

    host: str
    port: int
    health_port: int | None = None


async def run_embedded(folder: Path, place: Place, log_level: str, announce: Callable[[str], None]) -> None:
    """Serve until interrupted.

    Args:
        folder: Home folder.
        place: Where to listen.
        log_level: Least level logged.
        announce: Told the lines a person should see: address, first administrator.

    Raises:
        Conflict: The port is taken, or the home is in use or newer.
        DomainError: Whatever else keeps the product from starting, in words for people.
    """
    listener = listen(place.host, place.port, advice="Choose another port with --port (make run PORT=…).")
    home, lock = open_home(folder)
    with lock, contextlib.closing(listener):
        server = EmbeddedPostgres(home.database, _runtime_folder())
        await server.start()
        try:
            settings = _settings(home, server.url(), log_level)
            await migrate_services(settings)
            await first_administrator(settings, announce)
            await _serve(settings, home, listener, place, announce)
        finally:
            await server.stop()


def worker_settings() -> tuple[ServiceSettings, Path, Path]:
    """Return what the worker process was started with: settings, secrets file, socket for its metrics."""
    return ServiceSettings(), Path(os.environ["LIMNER_SECRETS_FILE"]), Path(os.environ["LIMNER_METRICS_SOCKET"])


async def run_workers(settings: ServiceSettings, secrets_file: Path, metrics_socket: Path) -> None:
    """Run the workers of all services until asked to stop; the other half of ``limner up``."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    _runtime_folder()
    async with (
        install(settings, keyrings_of(secrets_file, SERVICE_NAMES), is_worker=True) as installation,
        answering_probes_on_socket(installation.app("media"), installation.metrics, metrics_socket),
    ):
        await installation.expire_leases()  # the home is ours alone: whoever held them is gone
        installation.start_workers()
        settle()
        waiting = asyncio.create_task(stop.wait())
        running = asyncio.create_task(installation.wait())
        await asyncio.wait([waiting, running], return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if running.done():
            running.result()
        running.cancel()


def _runtime_folder() -> Path:
    """Return a folder of this process with a short path, as sockets need it.

    What libraries call temporary lies there too, and goes with it; last of all, because they look after their own first.
    """
    stack = contextlib.ExitStack()
    folder = stack.enter_context(scratch_folder(system_scratch(), mode=0o711))
    Finalize(None, stack.close, exitpriority=-1000)
    tempfile.tempdir = str(folder)
    return folder


async def _serve(
    settings: ServiceSettings, home: Home, listener: socket.socket, place: Place, announce: Callable[[str], None]
) -> None:
    os.environ.setdefault("LIMNER_API_WEB_FOLDER", str(web_folder()))
    async with (
        install(settings, keyrings_of(home.secrets_file, SERVICE_NAMES)) as installation,
        answering_probes(installation.app("api"), installation.metrics, place.host, place.health_port),
    ):
        installation.start_event_loops()
        metrics_socket = Path(tempfile.gettempdir()) / "worker.sock"  # in this process's own folder, whose path is short
        installation.metrics.join("worker", neighbour_at(metrics_socket))
        worker = asyncio.create_task(_keep_worker(settings, home, metrics_socket))
        host, port = listener.getsockname()[:2]
        shown = "localhost" if host in ("127.0.0.1", "0.0.0.0", "::", "::1") else host  # noqa: S104 compared, not bound
        config = uvicorn.Config(
            installation.app("api"),
            loop="uvloop",
            http="httptools",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=10,
            backlog=512,
        )
        server = OrderlyServer(config, installation.draining)
        settle()
        announce(f"Limner is ready on http://{shown}:{port}{installation.services['api'].container.settings.base_path}")
        try:
            await server.serve(sockets=[listener])
        finally:
            worker.cancel()
            await asyncio.gather(worker, return_exceptions=True)


async def _keep_worker(settings: ServiceSettings, home: Home, metrics_socket: Path) -> None:
    """Run the worker process and start it again whenever it ends."""
    delay = 0.5
    while True:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "limner_allinone", "embedded-workers"),
            env={
                **_outer_environment(),
                **_worker_environment(settings, home),
                "LIMNER_METRICS_SOCKET": str(metrics_socket),
            },
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for us alone; we end the worker in order
            preexec_fn=_die_with_parent,
        )
        try:
            code = await process.wait()
        except asyncio.CancelledError:
            await _end(process)
            raise
        log.warning("worker_process_ended", code=code)
        await asyncio.sleep(delay)
        delay = min(delay * 2, 15.0)


async def _end(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), 15)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()


def _settings(home: Home, database_url: str, log_level: str) -> ServiceSettings:
    given = ServiceSettings()
    return ServiceSettings(
        **own_database(database_url),
        objects_folder=home.objects,
        cache_folder=home.cache,
        scratch_folder=home.scratch,
        share_folder=given.share_folder or home.share,
        log_level=log_level,
        is_log_json=False,
    )


def _outer_environment() -> dict[str, str]:
    """Return the environment without what it says of other databases."""
    return {name: value for name, value in os.environ.items() if not name.startswith("LIMNER_DATABASE_")}


def _worker_environment(settings: ServiceSettings, home: Home) -> dict[str, str]:
    return {
        "LIMNER_DATABASE_URL": settings.database_url.get_secret_value(),
        "LIMNER_OBJECTS_FOLDER": str(home.objects),
        "LIMNER_CACHE_FOLDER": str(home.cache),
        "LIMNER_SCRATCH_FOLDER": str(home.scratch),
        "LIMNER_SHARE_FOLDER": str(settings.share_folder),
        "LIMNER_SECRETS_FILE": str(home.secrets_file),
        "LIMNER_LOG_LEVEL": settings.log_level,
        "LIMNER_IS_LOG_JSON": str(settings.is_log_json),
    }


def web_folder() -> Path:
    """Return the built web client: in the package when installed, in ``web/dist`` of a source checkout."""
    packaged = Path(__file__).parent / "web"
    return packaged if packaged.is_dir() else Path(__file__).parents[3] / "web" / "dist"


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
