"""Blocks of the pages for operators that are marked to be run, run in order beside a running product."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.product import Product

pytestmark = pytest.mark.e2e

_PAGES = Path(__file__).parents[2] / "docs/operate"
_RUN = re.compile(r"^<!-- run -->\n```sh\n(.*?)^```", re.DOTALL | re.MULTILINE)
_WITH_BLOCKS = sorted(page.name for page in _PAGES.glob("*.md") if _RUN.search(page.read_text()))


@pytest.fixture(scope="module")
def product() -> Iterator[Product]:
    with tempfile.TemporaryDirectory(prefix="limner-pages-") as name:
        Path(name).chmod(0o711)
        running = Product(Path(name) / "home").start()
        yield running
        running.kill()


def test_pages_have_blocks_to_run() -> None:
    assert {"administration.md", "backup.md", "troubleshooting.md"} <= set(_WITH_BLOCKS)


@pytest.mark.parametrize("page", _WITH_BLOCKS)
def test_the_commands_of_a_page_work(product: Product, page: str) -> None:
    blocks = _RUN.findall((_PAGES / page).read_text())
    folder = product.home.parent
    outer = {name: value for name, value in os.environ.items() if not name.startswith("LIMNER_")}
    environment = {
        **outer,
        "PATH": f"{Path(sys.executable).parent}:{outer['PATH']}",
        "LIMNER_HOME": str(product.home),
        "TARGET": str(folder / "target"),
        "RESTORED": str(folder / "restored"),
    }
    for block in blocks:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", block],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, f"{block}\n{done.stdout}{done.stderr}"
