"""The metrics of the running product, from outside."""

from pathlib import Path

import httpx
import pytest
from cvat_sdk import Client
from cvat_sdk.core.proxies.tasks import ResourceType

from limner_allinone.composition import SERVICE_NAMES
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
    with httpx.Client(base_url=product.url) as nobody:
        assert nobody.get("/metrics").status_code == 401
    page = httpx.get(f"{product.url}/metrics", auth=ADMIN, timeout=30).text
    up = samples(page, "limner_database_is_up")
    assert up == {(process, service): 1.0 for process in ("server", "worker") for service in SERVICE_NAMES}
    ended = samples(page, "limner_work_item_seconds_count")
    assert ended["ingest", "done", "worker", "media"] >= 1
    assert samples(page, "limner_consumer_messages_total")["api.data", "handled", "server"] >= 1
    assert samples(page, "limner_outbox_messages")["server", "media"] == 0
    assert samples(page, "limner_objects_bytes_total")["written", "server", "media"] > 0
