"""Streams of objects to other services, and imports from them."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from limner_clients.annotations import AnnotationsClient, ImportAuthor, Kind, ObjectStream
from limner_common.errors import Forbidden, Invalid, NotFound, Unavailable
from limner_common.grants import Grant
from limner_common.http.upstream import Upstreams
from limner_model.annotations import LabeledData
from limner_model.facts import JobFacts
from tests.integration.annotations.workshop import Workshop, rectangle, tag, track

AUTHOR = ImportAuthor(user_id=9, username="bob", reason="COCO 1.0")


@pytest.fixture
def client(workshop: Workshop) -> AnnotationsClient:
    upstreams = Upstreams({"annotations": workshop.bench.installation.app("annotations")})
    return AnnotationsClient(upstreams, workshop.bench.keyrings["exports"])


async def collect(stream: ObjectStream) -> tuple[LabeledData, list[list[int]]]:
    """Return all objects, and the frames of each batch."""
    whole = LabeledData()
    frames = []
    async for batch in stream:
        whole.tags += batch.tags
        whole.shapes += batch.shapes
        whole.tracks += batch.tracks
        objects: list[Any] = [*batch.tags, *batch.shapes, *batch.tracks]
        frames.append(sorted({item.frame for item in objects}))
    return whole, frames


async def parts(*documents: Any) -> AsyncIterator[LabeledData]:
    for document in documents:
        yield msgspec.convert(document, LabeledData)


async def test_a_job_streams_in_the_order_of_frames(workshop: Workshop, client: AnnotationsClient) -> None:
    task = workshop.task()
    body = {
        "shapes": [rectangle(frame, float(index)) for frame in (9, 1, 50) for index in range(700)],
        "tags": [tag(3), tag(0)],
        "tracks": [track((5, 0.0, False)), track((0, 0.0, False), (4, 1.0, True))],
    }
    await workshop.job(task, 0, "PUT", json=body)
    stream = client.stream_job(100)
    found, batches = await collect(stream)
    assert stream.revisions == {100: 1}
    assert [shape.frame for shape in found.shapes] == [1] * 700 + [9] * 700 + [50] * 700
    assert [item.frame for item in found.tags] == [0, 3]
    assert [path.frame for path in found.tracks] == [0, 5]
    assert [batch[-1] < following[0] for batch, following in itertools.pairwise(batches)].count(False) == 0
    document = await workshop.read(task)
    assert msgspec.to_builtins(found.shapes) == document["shapes"]


async def test_an_earlier_revision_is_streamed_and_kinds_are_chosen(workshop: Workshop, client: AnnotationsClient) -> None:
    task = workshop.task()
    await workshop.job(task, 0, "PUT", json={"shapes": [rectangle(1)], "tags": [tag(1)]})
    await workshop.job(task, 0, "PUT", json={"shapes": [rectangle(2), rectangle(3)]})
    assert len((await collect(client.stream_job(100)))[0].shapes) == 2
    past, _ = await collect(client.stream_job(100, revision=1, kinds=["tags"]))
    assert (len(past.tags), len(past.shapes)) == (1, 0)
    assert (await collect(client.stream_job(100, revision=0)))[0] == LabeledData()
    assert (await collect(client.stream_job(555)))[0] == LabeledData()
    with pytest.raises(NotFound):
        await collect(client.stream_job(100, revision=3))
    wrong: list[Kind] = ["boxes"]  # type: ignore[list-item]
    with pytest.raises(Invalid):
        await collect(client.stream_job(100, kinds=wrong))


async def test_a_task_streams_merged_at_pinned_revisions(workshop: Workshop, client: AnnotationsClient) -> None:
    task = workshop.task(segments=[(0, 9), (8, 17)], overlap=2)
    body = {"shapes": [rectangle(8), rectangle(12)], "tags": [tag(9)], "tracks": [track((2, 0.0, False), (15, 13.0, True))]}
    await workshop.on_task(task, "PUT", json=body)
    merged = (await workshop.on_task(task, "GET")).json()
    pins = await client.state(task.id)
    assert pins == {100: 1, 101: 1}
    await workshop.on_task(task, "PUT", json={"shapes": [rectangle(3)]})
    stream = client.stream_task(task.id, version="1.0", pins=pins)
    found, _ = await collect(stream)
    assert msgspec.to_builtins(found) == merged
    assert stream.revisions == pins
    now, _ = await collect(client.stream_task(task.id))
    assert [shape.frame for shape in now.shapes] == [3]
    partly, _ = await collect(client.stream_task(task.id, pins={101: 1}))
    assert [shape.frame for shape in partly.shapes] == [8, 12]
    states = await client.states(task.id)
    assert [(state.job_id, state.revision, state.shapes) for state in states] == [(100, 2, 1), (101, 2, 0)]


async def test_a_broken_stream_is_noticed(workshop: Workshop, client: AnnotationsClient) -> None:
    task = workshop.task()
    await workshop.job(task, 0, "PUT", json={"shapes": [rectangle(frame) for frame in range(50)]})

    async def cut(scope: object, receive: object, send: object) -> None:
        async def send_some(message: dict[str, object]) -> None:
            if b'"end"' not in message.get("body", b""):  # type: ignore[operator]
                await send(message)  # type: ignore[operator]

        await workshop.bench.installation.app("annotations")(scope, receive, send_some)  # type: ignore[arg-type]

    broken = AnnotationsClient(Upstreams({"annotations": cut}), workshop.bench.keyrings["exports"])
    with pytest.raises(Unavailable):
        await collect(broken.stream_job(100))


async def test_internal_routes_are_for_services_only(workshop: Workshop) -> None:
    task = workshop.task()
    async with workshop.job_client(task) as person:
        assert (await person.get("/internal/jobs/100/objects")).status_code == 403
    async with workshop.bench.client("annotations", Grant(issuer="api", action="job:view:annotations")) as person:
        assert (await person.post("/internal/jobs/100/import")).status_code == 403
    assert issubclass(Forbidden, Exception)


async def test_an_import_into_a_task_is_one_revision_per_job(workshop: Workshop, client: AnnotationsClient) -> None:
    task = workshop.task(segments=[(0, 9), (8, 17)], overlap=2)
    await workshop.on_task(task, "PUT", json={"shapes": [rectangle(4)]})
    lines = [{"shapes": [rectangle(frame, source="file", id=5)]} for frame in range(18)]
    lines.append({"tracks": [track((2, 0.0, False), (15, 13.0, True))]})
    result = await client.import_task(task.id, parts(*lines), mode="replace", request_id="import-1", author=AUTHOR)
    assert result.revisions == {100: 2, 101: 1}
    assert result.objects == 22
    read = (await workshop.on_task(task, "GET")).json()
    assert [shape["frame"] for shape in read["shapes"]] == list(range(18))
    assert {shape["source"] for shape in read["shapes"]} == {"file"}
    assert len(read["tracks"]) == 1
    entry = (await workshop.job(task, 0, "GET", "/revisions")).json()["results"][0]
    assert (entry["kind"], entry["username"], entry["reason"], entry["created"], entry["deleted"]) == (
        "import",
        "bob",
        "COCO 1.0",
        11,
        1,
    )
    await workshop.job(task, 0, "POST", "/revisions/1/restore")
    assert [shape["frame"] for shape in (await workshop.read(task))["shapes"]] == [4]


async def test_a_second_delivery_of_an_import_does_nothing(workshop: Workshop, client: AnnotationsClient) -> None:
    task = workshop.task()

    async def send() -> object:
        return await client.import_job(
            100, parts({"shapes": [rectangle(1)]}), task_id=task.id, mode="append", request_id="same", author=AUTHOR
        )

    first = await send()
    assert await send() == first
    assert set(map(str, await asyncio.gather(send(), send()))) == {str(first)}
    assert len((await workshop.read(task))["shapes"]) == 1
    both = await asyncio.gather(
        *(
            client.import_job(
                100, parts({"shapes": [rectangle(2)]}), task_id=task.id, mode="append", request_id="other", author=AUTHOR
            )
            for _ in range(3)
        )
    )
    assert len({str(result) for result in both}) == 1
    assert len((await workshop.read(task))["shapes"]) == 2


async def test_a_refused_line_undoes_the_whole_import(workshop: Workshop, client: AnnotationsClient) -> None:
    task = workshop.task()
    await workshop.job(task, 0, "PUT", json={"shapes": [rectangle(4)]})
    before = await workshop.read(task)
    lines = parts({"shapes": [rectangle(1)]}, {"shapes": [rectangle(1, label_id=99)]})
    with pytest.raises(Invalid) as refused:
        await client.import_task(task.id, lines, mode="replace", request_id="bad", author=AUTHOR)
    assert refused.value.fields == {"shapes": {"0": {"label_id": ["label_id `99` is invalid"]}}}
    assert await workshop.read(task) == before
    result = await client.import_task(
        task.id, parts({"shapes": [rectangle(1)]}), mode="replace", request_id="bad", author=AUTHOR
    )
    assert result.revisions == {100: 2}


async def test_an_import_into_a_job_leaves_out_what_is_not_on_its_frames(
    workshop: Workshop, client: AnnotationsClient
) -> None:
    extra = [JobFacts(id=200, type="ground_truth", start_frame=0, stop_frame=17, frames=[3, 12])]
    task = workshop.task(segments=[(0, 9), (10, 17)], extra_jobs=extra)
    document = {"shapes": [rectangle(frame) for frame in (3, 4, 12)], "tracks": [track((2, 0.0, False), (15, 13.0, True))]}
    for job_id, index, shapes, tracks in ((101, 1, [12], 1), (200, 2, [3, 12], 1)):
        await client.import_job(
            job_id, parts(document), task_id=task.id, mode="replace", request_id=f"to-{job_id}", author=AUTHOR
        )
        read = await workshop.read(task, index)
        assert ([shape["frame"] for shape in read["shapes"]], len(read["tracks"])) == (shapes, tracks)
    with pytest.raises(NotFound):
        await client.import_job(999, parts(), task_id=task.id, mode="replace", request_id="none", author=AUTHOR)


async def test_an_empty_import_replaces_with_nothing(workshop: Workshop, client: AnnotationsClient) -> None:
    task = workshop.task()
    await workshop.job(task, 0, "PUT", json={"shapes": [rectangle(4)]})
    result = await client.import_task(task.id, parts(), mode="replace", request_id="empty", author=AUTHOR)
    assert (result.objects, result.revisions) == (0, {100: 2})
    assert (await workshop.read(task))["shapes"] == []


async def test_a_line_or_body_that_is_too_long_is_refused(workshop: Workshop, client: AnnotationsClient) -> None:
    task = workshop.task()
    small = workshop.container.settings.model_copy(update={"import_batch_bytes": 300})
    workshop.container.settings = small
    with pytest.raises(Invalid, match="longer than 300 bytes"):
        await client.import_task(
            task.id,
            parts({"shapes": [rectangle(1) for _ in range(9)]}),
            mode="append",
            request_id="long",
            author=AUTHOR,
        )
    assert (await workshop.job(task, 0, "GET")).headers["limner-revision"] == "0"
