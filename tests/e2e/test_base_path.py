"""The product below a path of its host: unmodified clients and the browser find everything there, and nothing beside it."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from cvat_sdk import make_client, models
from cvat_sdk.core.proxies.tasks import ResourceType
from playwright.async_api import async_playwright, expect

from tests.e2e.test_web import CHROMIUM, PATIENCE_MILLISECONDS, sign_in
from tests.support.folders import make_enterable
from tests.support.pictures import write_pictures
from tests.support.product import ADMIN, Product

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    home = make_enterable(tmp_path_factory.mktemp("limner-below"))
    running = Product(home, {"LIMNER_API_BASE_PATH": "/team/label"}).start()
    assert running.url.endswith("/team/label")
    yield running
    assert running.stop() == 0


def test_the_sdk_makes_annotates_and_exports_a_task(product: Product, tmp_path: Path) -> None:
    with make_client(product.url, credentials=ADMIN) as client:
        client.config.status_check_period = 0.2
        task = client.tasks.create_from_data(
            spec={"name": "below", "labels": [{"name": "car", "attributes": []}]},
            resource_type=ResourceType.LOCAL,
            resources=[str(path) for path in write_pictures(tmp_path, 3)],
            data_params={"image_quality": 80},
        )
        assert task.url == f"{product.url}/api/tasks/{task.id}"
        (label,) = task.get_labels()
        shape = models.LabeledShapeRequest(type="rectangle", frame=1, label_id=label.id, points=[1.0, 2.0, 11.5, 22.0])
        task.set_annotations(models.LabeledDataRequest(shapes=[shape]))
        archive = tmp_path / "coco.zip"
        task.export_dataset("COCO 1.0", archive, include_images=True)
        task.remove_annotations()
        task.import_annotations("COCO 1.0", archive)
        assert [shape.points for shape in task.get_annotations().shapes] == [[1.0, 2.0, 11.5, 22.0]]


def test_the_command_line_client_lists_tasks(product: Product) -> None:
    cli = str(Path(sys.executable).with_name("cvat-cli"))
    arguments = [cli, "--server-host", product.url, "--auth", ":".join(ADMIN), "task", "ls"]
    listed = subprocess.run(arguments, capture_output=True, text=True, timeout=600)
    assert listed.returncode == 0, listed.stderr


def test_addresses_of_pages_and_uploads_are_below_the_path(product: Product) -> None:
    with httpx.Client(base_url=product.url, auth=ADMIN, timeout=120) as web:
        made = [web.post("api/tasks", json={"name": f"page {n}", "labels": []}).json()["id"] for n in range(2)]
        following = web.get("api/tasks", params={"page_size": 1}).json()["next"]
        assert following.startswith(f"{product.url}/api/tasks?")
        assert len(web.get(following).json()["results"]) == 1
        created = web.post(
            f"api/tasks/{made[0]}/annotations/?format=COCO%201.0&filename=a.zip",
            headers={"Upload-Length": "10", "Tus-Resumable": "1.0.0", "Upload-Metadata": "filename YS56aXA="},
        )
        assert created.status_code == 201, created.text
        assert created.headers["location"].startswith(f"{product.url}/api/tasks/{made[0]}/")
        head = web.head(created.headers["location"], headers={"Tus-Resumable": "1.0.0"})
        assert (head.status_code, head.headers["upload-length"]) == (200, "10")


async def test_the_web_client_loads_and_calls_below_the_path(product: Product) -> None:
    assert CHROMIUM, "install a Chromium browser (Debian: apt-get install chromium)"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"], timeout=PATIENCE_MILLISECONDS
        )
        page = await browser.new_page()
        page.set_default_timeout(PATIENCE_MILLISECONDS)
        asked: list[str] = []
        problems: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: problems.append(str(error)))
        await page.goto(f"{product.url}/some/deep/page")
        await sign_in(page, ADMIN[1])
        await expect(page.get_by_role("heading", name="Tasks", exact=True)).to_be_visible()
        await page.reload()
        await expect(page.get_by_role("heading", name="Tasks", exact=True)).to_be_visible()
        await browser.close()
    assert problems == []
    assert any("/assets/" in url for url in asked)
    assert [url for url in asked if not url.startswith(f"{product.url}/")] == []
