"""Large jobs: they work, and reading and importing them takes bounded memory."""

import gc
import re
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from limner_clients.annotations import AnnotationsClient, ImportAuthor
from limner_common.http.upstream import Upstreams
from limner_model.annotations import LabeledData, Shape, ShapeType
from tests.integration.annotations.workshop import Workshop, rectangle

MEBIBYTE = 1024 * 1024


def memory(field: str) -> int:
    found = re.search(rf"{field}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


def reset_peak() -> int:
    """Forget the peak of this process's memory; return what it uses now, in bytes."""
    gc.collect()
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        pytest.skip("the peak of memory cannot be reset here")
    return memory("VmRSS")


async def test_a_hundred_thousand_shapes_are_saved_read_replaced_and_restored(workshop: Workshop) -> None:
    task = workshop.task(segments=[(0, 999)])
    attributes = [{"spec_id": 5, "value": "red"}, {"spec_id": 6, "value": "acme"}]
    shapes = [rectangle(index // 100, float(index % 100), attributes=attributes) for index in range(100_000)]
    body = msgspec.json.encode({"shapes": shapes})
    created = await workshop.job(task, 0, "PATCH", "?action=create", content=body)
    assert created.status_code == 200
    assert len({shape["id"] for shape in created.json()["shapes"]}) == 100_000
    first = await workshop.job(task, 0, "GET")
    assert first.json()["shapes"] == created.json()["shapes"]
    replaced = await workshop.job(task, 0, "PUT", content=body)
    assert replaced.headers["limner-revision"] == "2"
    gone = {"shapes": [{"id": shape["id"]} for shape in replaced.json()["shapes"][::2]]}
    await workshop.job(task, 0, "PATCH", "?action=delete", json=gone)
    rows = await workshop.rows("SELECT shapes FROM annotations.job_states")
    assert rows == [(50_000,)]
    await workshop.job(task, 0, "POST", "/revisions/1/restore")
    assert (await workshop.job(task, 0, "GET")).content == first.content


async def polygons(batches: int, per_batch: int) -> AsyncIterator[LabeledData]:
    """Yield polygons of 150 points, about 2.5 KB each as JSON."""
    points = [number + 0.125 for number in range(300)]
    for batch in range(batches):
        shapes = [
            Shape(type=ShapeType.POLYGON, frame=batch, label_id=1, points=points, source="file") for _ in range(per_batch)
        ]
        yield LabeledData(shapes=shapes)


async def test_importing_and_streaming_take_memory_of_a_batch_only(workshop: Workshop) -> None:
    task = workshop.task(segments=[(0, 999)])
    upstreams = Upstreams({"annotations": workshop.bench.installation.app("annotations")})
    client = AnnotationsClient(upstreams, workshop.bench.keyrings["exports"])
    batches, per_batch = 60, 500
    await client.import_task(task.id, polygons(2, per_batch), mode="replace", request_id="warm", author=ImportAuthor())
    before = reset_peak()
    await client.import_task(
        task.id, polygons(batches, per_batch), mode="replace", request_id="large", author=ImportAuthor()
    )
    size = (await client.states(task.id))[0].document_bytes
    assert size > 70 * MEBIBYTE
    assert memory("VmHWM") - before < 64 * MEBIBYTE
    before = reset_peak()
    count = 0
    async for batch in client.stream_task(task.id):
        count += len(batch.shapes)
    assert count == batches * per_batch
    assert memory("VmHWM") - before < 32 * MEBIBYTE


async def test_a_document_over_the_limit_for_copies_is_streamed(workshop: Workshop) -> None:
    task = workshop.task(segments=[(0, 999)])
    workshop.container.settings = workshop.container.settings.model_copy(update={"whole_max_bytes": 1000})
    stored = (await workshop.job(task, 0, "PUT", json={"shapes": [rectangle(frame) for frame in range(900)]})).json()
    answer = await workshop.job(task, 0, "GET")
    assert "content-length" not in answer.headers
    assert answer.json() == stored
    assert (await workshop.on_task(task, "GET")).json() == stored
