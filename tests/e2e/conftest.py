"""One running product for the end-to-end tests, and its clients."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cvat_sdk import Client, make_client

from tests.support.folders import make_enterable
from tests.support.product import ADMIN, Product

if TYPE_CHECKING:
    from tests.support.cluster import Cluster


@pytest.fixture(scope="session")
def product(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator["Product | Cluster"]:
    """The product, started once for all tests: in one process tree, or as a cluster on real engines."""
    if request.config.getoption("--engines"):
        yield request.getfixturevalue("cluster")
        return
    home = make_enterable(tmp_path_factory.mktemp("limner-home"))
    share = home / "share"
    running = Product(home, {"LIMNER_SHARE_FOLDER": str(share)}).start()
    yield running
    assert running.stop() == 0


@pytest.fixture
def client(product: Product) -> Iterator[Client]:
    """The SDK's high-level client, signed in as the administrator."""
    with make_client(product.url, credentials=ADMIN) as client:
        client.config.status_check_period = 0.2
        yield client


Cli = Callable[..., str]


@pytest.fixture(scope="session")
def cli(product: Product) -> Cli:
    """Runs the unmodified command line client; returns its standard output and fails on warnings."""

    def run(*arguments: object, check: bool = True) -> str:
        result = subprocess.run(
            [
                str(Path(sys.executable).with_name("cvat-cli")),
                "--server-host",
                product.url,
                "--auth",
                ":".join(ADMIN),
                *map(str, arguments),
            ],
            capture_output=True,
            text=True,
            timeout=600,
        )
        if check:
            assert result.returncode == 0, result.stdout + result.stderr
            assert "warning" not in result.stderr.lower(), result.stderr
        return result.stdout if check else result.stdout + result.stderr

    return run


def at_once(*calls: Callable[[], str]) -> list[str]:
    """Run calls of the command line client beside one another: each waits five seconds before it asks for its request."""
    with ThreadPoolExecutor(len(calls)) as threads:
        return [call.result() for call in [threads.submit(call) for call in calls]]


@pytest.fixture(scope="session")
def labels() -> str:
    return json.dumps(
        [
            {
                "name": "car",
                "attributes": [
                    {
                        "name": "color",
                        "mutable": True,
                        "input_type": "select",
                        "default_value": "red",
                        "values": ["red", "blue"],
                    }
                ],
            },
            {"name": "person", "attributes": []},
        ]
    )
