"""A product that dies and comes back on the same home."""

import io
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.faults.caller import Caller
from tests.support.product import Product
from tools.engines.engine import free_ports


def is_running(product: Product) -> bool:
    return product.process is not None and product.process.poll() is None


@pytest.fixture(scope="package")
def homes() -> Iterator[Path]:
    """A folder that the database's user may enter, even when these tests run as root."""
    with tempfile.TemporaryDirectory(prefix="limner-faults-") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


@pytest.fixture(scope="package")
def mortal(homes: Path) -> Iterator[Product]:
    """A product of these tests alone; they kill it and start it again."""
    (port,) = free_ports(1)  # one that nobody else gets while the product is dead
    product = Product(homes / "mortal", url=f"http://127.0.0.1:{port}")
    yield product
    if is_running(product):
        product.kill()


@pytest.fixture
def product(mortal: Product) -> Product:
    """The product, running."""
    return mortal if is_running(mortal) else mortal.start()


@pytest.fixture
def caller(product: Product) -> Iterator[Caller]:
    """Asks the running product; what it is told survives restarts."""
    caller = Caller(product)
    yield caller
    caller.close()


@pytest.fixture(scope="package")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture of some megabytes."""
    path = tmp_path_factory.mktemp("photo") / "photo.png"
    noise = np.random.default_rng(1).integers(0, 256, (1200, 1600, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path, compress_level=1)
    return path


@pytest.fixture(scope="package")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A zip of 2,000 pictures."""
    out = io.BytesIO()
    Image.new("RGB", (64, 48), (90, 120, 150)).save(out, "JPEG")
    path = tmp_path_factory.mktemp("pictures") / "pictures.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(2000):
            archive.writestr(f"image_{number:04d}.jpg", out.getvalue())
    return path
