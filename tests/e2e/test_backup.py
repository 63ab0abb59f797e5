"""A home is backed up while its product runs, and made again elsewhere; both may be killed in the middle."""

import json
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cvat_sdk import make_client

from tests.support.copies import annotate, fill, read_all
from tests.support.deployment import command
from tests.support.product import ADMIN, Product

pytestmark = pytest.mark.e2e

_BULK = 24
#: Of what is to be killed in the middle of its work: on a busy machine it does not get to the end before it is looked at.
_PATIENT = 19


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder that the database's user may enter, even when these tests run as root."""
    with tempfile.TemporaryDirectory(prefix="limner-backup-tests-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


@pytest.fixture(scope="module")
def product(folder: Path) -> Iterator[Product]:
    """A product with tasks, annotations and some objects that take a while to copy."""
    running = Product(folder / "home").start()
    fill(running.url, folder / "media")
    bulk = running.home / "objects" / "media" / "bulk"
    bulk.mkdir(parents=True)
    for number in range(_BULK):
        (bulk / f"{number:03}").write_bytes(os.urandom(5 << 20))
    yield running
    running.kill()


@pytest.fixture(scope="module")
def target(folder: Path) -> Path:
    return folder / "target"


def start(*arguments: object, niceness: int = 0) -> "subprocess.Popen[str]":
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LIMNER_")}
    return subprocess.Popen(
        ["nice", "-n", str(niceness), *command("admin", "backup", *map(str, arguments))],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(*arguments: object, code: int = 0) -> str:
    """Run a command to its end and return what it printed."""
    process = start(*arguments)
    out, err = process.communicate(timeout=400)
    assert process.returncode == code, out + err
    assert "Traceback" not in err
    return out if code == 0 else err


def kill_when(process: "subprocess.Popen[str]", is_time: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 400
    while not is_time():
        assert process.poll() is None, "it ended before it could be killed: " + str(process.communicate())
        assert time.monotonic() < deadline
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.communicate()


def _count(folder: Path) -> int:
    return sum(1 for path in folder.rglob("*") if path.is_file()) if folder.exists() else 0


def test_a_backup_that_was_killed_is_not_there_and_its_work_is_not_lost(product: Product, target: Path) -> None:
    process = start("create", target, "--home", product.home, niceness=_PATIENT)
    kill_when(process, lambda: _count(target / "objects") >= 8)
    assert "no complete backup" in run("verify", target, code=1)
    held = _count(target / "objects")
    made = json.loads(run("create", target, "--home", product.home, "--json", "--include-secrets"))
    assert made["objects"] > _BULK and made["copied"] <= made["objects"] - held + 8
    assert made["missing"] == 0


def test_a_restored_home_serves_what_was_backed_up(product: Product, folder: Path, target: Path) -> None:
    before = read_all(product.url)
    secrets = next(target.glob("backups/*/secrets.json"))
    assert secrets.stat().st_mode & 0o777 == 0o600
    with make_client(product.url, credentials=ADMIN) as client:  # what comes after a backup is not in it
        tasks = client.tasks.list()
        annotate(client, tasks[0].id, 20.0)
        tasks[1].remove()
    after = read_all(product.url)
    assert after != before

    home = folder / "restored"
    process = start("restore", target, "--home", home, niceness=_PATIENT)
    kill_when(process, lambda: _count(home / "objects") >= 8)
    refused = subprocess.run(command("up", "--port", "0", "--home", str(home)), capture_output=True, text=True, timeout=240)
    assert refused.returncode == 1 and "A backup is being restored into" in refused.stderr
    assert "A backup is being restored into" in run("create", target, "--home", home, code=1)

    run("restore", target, "--home", home)
    assert (home / "secrets.json").read_bytes() == secrets.read_bytes()
    assert (home / "secrets.json").stat().st_mode & 0o777 == 0o600
    restored = Product(home).start()
    try:
        assert read_all(restored.url) == before
        with make_client(restored.url, credentials=ADMIN) as client:  # and it goes on from there
            client.config.status_check_period = 0.2
            annotate(client, client.tasks.list()[0].id, 30.0)
        fill(restored.url, folder / "more")
        assert restored.stop() == 0
    finally:
        restored.kill()
    assert read_all(product.url) == after, "the original is as it was"
    assert "is not empty" in run("restore", target, "--home", home, code=1)


def test_a_stopped_home_is_backed_up_too(product: Product, target: Path) -> None:
    assert product.stop() == 0
    made = json.loads(run("create", target, "--home", product.home, "--json"))
    assert made["state"] == "complete" and made["copied"] == 0
    assert "is good" in run("verify", target)
    assert [row["state"] for row in json.loads(run("list", target, "--json"))].count("complete") == 2
