"""The metrics of the running product, from outside."""

from pathlib import Path

import httpx
import pytest
from cvat_sdk import Client
from cvat_sdk.core.proxies.tasks import ResourceType

from limner_allinone.composition import SERVICE_NAMES
from tests.support.cluster import wait_until
from tests.support.metrics import samples
from tests.support.pictures import write_pictures
from tests.support.product import ADMIN, Product

pytestmark = pytest.mark.e2e


def test_one_page_shows_all_services_and_the_worker(product: Product, client: Client, tmp_path: Path) -> None:
    task = client.tasks.create_from_data(
        spec={"name": "measured", "labels": [{"name": "car", "attributes": []}]},
        resource_type=ResourceType.LOCAL,
        resources=[str(path) for path in write_pictures(tmp_path, 2)],
    )
    task.get_frame(0, quality="original")
    with httpx.Client(base_url=product.url, timeout=60) as nobody:
        assert nobody.get("/metrics").status_code == 401
    # What is counted is counted a moment after others can see that it was done.
    wait_until(lambda: not _missing(httpx.get(f"{product.url}/metrics", auth=ADMIN, timeout=60).text), "all to be counted")


def _missing(page: str) -> list[str]:
    """Name what a page does not show yet."""
    up = {(process, service): 1.0 for process in ("server", "worker") for service in SERVICE_NAMES}
    ended, handled = samples(page, "limner_work_item_seconds_count"), samples(page, "limner_consumer_messages_total")
    shown = {
        "databases": samples(page, "limner_database_is_up") == up,
        "work": ended.get(("ingest", "done", "worker", "media"), 0) >= 1,
        "events": handled.get(("api.data", "handled", "server"), 0) >= 1,
        "outbox": samples(page, "limner_outbox_messages")["server", "media"] == 0,
        "objects": samples(page, "limner_objects_bytes_total").get(("written", "server", "media"), 0) > 0,
    }
    return [name for name, is_shown in shown.items() if not is_shown]
