"""The unmodified SDK: proxies, annotations of every type, datasets."""

import io
import logging
import zipfile
from pathlib import Path
from typing import Any

import pytest
from cvat_sdk import Client, make_client, models
from cvat_sdk.core.progress import BaseProgressReporter
from cvat_sdk.core.proxies.tasks import ResourceType, Task
from cvat_sdk.datasets import TaskDataset
from PIL import Image

from tests.support.pictures import decode_all, picture, write_pictures, write_video
from tests.support.product import ADMIN, Product

pytestmark = pytest.mark.e2e

LABELS: list[dict[str, Any]] = [
    {
        "name": "car",
        "attributes": [
            {"name": "color", "mutable": True, "input_type": "select", "default_value": "red", "values": ["red", "blue"]},
            {"name": "brand", "mutable": False, "input_type": "text", "default_value": "", "values": []},
        ],
    },
    {
        "name": "body",
        "type": "skeleton",
        "attributes": [],
        "sublabels": [
            {"name": "head", "type": "points", "attributes": []},
            {"name": "foot", "type": "points", "attributes": []},
        ],
        "svg": '<line x1="50" y1="20" x2="50" y2="80" stroke="black" data-type="edge" data-node-from="1" '
        'stroke-width="0.5" data-node-to="2"></line>'
        '<circle r="1.5" stroke="black" fill="#b3b3b3" cx="50" cy="20" stroke-width="0.1" data-type="element node" '
        'data-element-id="1" data-node-id="1" data-label-name="head"></circle>'
        '<circle r="1.5" stroke="black" fill="#b3b3b3" cx="50" cy="80" stroke-width="0.1" data-type="element node" '
        'data-element-id="2" data-node-id="2" data-label-name="foot"></circle>',
    },
]


@pytest.fixture
def photo_task(client: Client, tmp_path: Path) -> Task:
    return client.tasks.create_from_data(
        spec={"name": "photos", "labels": LABELS, "segment_size": 4, "overlap": 0},
        resource_type=ResourceType.LOCAL,
        resources=[str(path) for path in write_pictures(tmp_path / "photos", 6)],
        data_params={"image_quality": 80},
    )


def test_the_client_is_silent_about_the_server(product: Product, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING), make_client(product.url, credentials=ADMIN) as client:
        assert client.users.retrieve_current_user().username == ADMIN[0]
    assert caplog.records == []


def test_an_access_token_opens_the_same_doors(client: Client, product: Product) -> None:
    token, _ = client.api_client.auth_api.create_access_tokens(models.AccessTokenWriteRequest(name="laptop"))
    with make_client(product.url, access_token=token.value) as by_token:
        assert by_token.users.retrieve_current_user().username == ADMIN[0]
    client.api_client.auth_api.destroy_access_tokens(token.id)


def test_proxies_of_tasks_jobs_labels_and_projects(client: Client, photo_task: Task) -> None:
    assert (photo_task.size, photo_task.status, photo_task.mode) == (6, "annotation", "annotation")
    jobs = photo_task.get_jobs()
    assert sorted((job.start_frame, job.stop_frame) for job in jobs) == [(0, 3), (4, 5)]
    labels = {label.name: label for label in photo_task.get_labels()}
    assert set(labels) == {"car", "body"}
    assert "data-label-id" in labels["body"].svg
    job = jobs[0]
    job.update({"stage": "validation", "assignee": client.users.retrieve_current_user().id})
    assert (job.fetch().stage, job.state, job.assignee.username) == ("validation", "new", ADMIN[0])
    photo_task.update(models.PatchedTaskWriteRequest(name="renamed"))
    assert photo_task.fetch().name == "renamed"
    project = client.projects.create({"name": "p", "labels": LABELS})
    assert [label.name for label in project.get_labels()] == ["car", "body"]
    assert project.get_tasks() == []
    project.remove()
    photo_task.remove()


def test_organizations_are_contexts(client: Client) -> None:
    organization = client.organizations.create(models.OrganizationWriteRequest(slug="e2e", name="End to end"))
    try:
        with client.organization_context("e2e"):
            project = client.projects.create({"name": "inside", "labels": [{"name": "x", "attributes": []}]})
        assert project.organization == organization.id
        with client.organization_context(""):
            assert project.id not in [p.id for p in client.projects.list()]
        project.remove()
    finally:
        organization.remove()


def test_annotations_of_every_type_come_back_equal(client: Client, photo_task: Task) -> None:
    labels = {label.name: label for label in photo_task.get_labels()}
    car, body = labels["car"], labels["body"]
    attributes = {spec.name: spec.id for spec in car.attributes}
    head, foot = (sub.id for sub in body.sublabels)

    def shape(kind: str, points: list[float], frame: int = 0, **more: Any) -> models.LabeledShapeRequest:
        return models.LabeledShapeRequest(type=kind, frame=frame, label_id=car.id, points=points, **more)

    color = models.AttributeValRequest(spec_id=attributes["color"], value="blue")
    brand = models.AttributeValRequest(spec_id=attributes["brand"], value="acme")
    shapes = [
        shape("rectangle", [1.5, 2.0, 30.25, 40.0], rotation=15.0, attributes=[color, brand], z_order=2),
        shape("polygon", [0.0, 0.0, 10.0, 0.0, 10.0, 10.0], group=3),
        shape("polyline", [0.0, 0.0, 10.0, 5.0], 1, occluded=True),
        shape("points", [3.0, 4.0, 5.0, 6.0], 1),
        shape("ellipse", [20.0, 20.0, 30.0, 15.0], 2),
        shape("cuboid", [float(n) for n in range(16)], 3),
        shape("mask", [0.0, 4.0, 5.0, 7.0, 6.0, 8.0], 5),
        models.LabeledShapeRequest(
            type="skeleton",
            frame=4,
            label_id=body.id,
            elements=[
                models.SubLabeledShapeRequest(type="points", frame=4, label_id=head, points=[10.0, 10.0]),
                models.SubLabeledShapeRequest(type="points", frame=4, label_id=foot, points=[10.0, 40.0], outside=True),
            ],
        ),
    ]
    tags = [models.LabeledImageRequest(frame=2, label_id=car.id, attributes=[color, brand])]
    tracks = [
        models.LabeledTrackRequest(
            frame=0,
            label_id=car.id,
            attributes=[brand],
            shapes=[
                models.TrackedShapeRequest(type="rectangle", frame=0, points=[0.0, 0.0, 10.0, 10.0], attributes=[color]),
                models.TrackedShapeRequest(type="rectangle", frame=2, points=[4.0, 4.0, 14.0, 14.0], outside=True),
            ],
        )
    ]
    photo_task.set_annotations(models.LabeledDataRequest(tags=tags, shapes=shapes, tracks=tracks))
    stored = photo_task.get_annotations()
    assert (len(stored.tags), len(stored.shapes), len(stored.tracks)) == (1, 8, 1)
    by_type = {str(s.type): s for s in stored.shapes}
    for sent in shapes:
        got = by_type[str(sent.type)]
        assert (got.frame, got.label_id) == (sent.frame, sent.label_id)
        if str(sent.type) != "skeleton":
            assert got.points == sent.points
    assert by_type["rectangle"].rotation == 15.0 and by_type["rectangle"].z_order == 2
    assert {a.spec_id: a.value for a in by_type["polygon"].attributes} == {
        attributes["color"]: "red",
        attributes["brand"]: "",
    }
    elements = {element.label_id: element for element in by_type["skeleton"].elements}
    assert elements[head].points == [10.0, 10.0] and elements[foot].outside
    track = stored.tracks[0]
    assert [(s.frame, s.outside) for s in track.shapes] == [(0, False), (2, True)]
    assert {a.value for a in track.shapes[1].attributes} == {"blue"}
    photo_task.remove_annotations()
    assert photo_task.get_annotations().shapes == []


def test_saving_moves_the_dates(client: Client, photo_task: Task) -> None:
    before = photo_task.fetch().updated_date
    label = photo_task.get_labels()[0]
    photo_task.update_annotations(
        models.PatchedLabeledDataRequest(
            shapes=[models.LabeledShapeRequest(type="points", frame=0, label_id=label.id, points=[1.0, 1.0])]
        )
    )
    assert photo_task.fetch().updated_date > before


def test_chunks_frames_previews_and_deleted_frames(client: Client, photo_task: Task) -> None:
    assert Image.open(photo_task.get_preview()).size <= (256, 256)
    frame = Image.open(photo_task.get_frame(3, quality="original"))
    assert frame.convert("RGB").tobytes() == picture(3).tobytes()
    chunk = io.BytesIO()
    photo_task.download_chunk(0, chunk, quality="compressed")
    with zipfile.ZipFile(chunk) as opened:
        assert opened.namelist() == [f"{number:06d}.jpeg" for number in range(6)]
        assert Image.open(io.BytesIO(opened.read("000005.jpeg"))).size == (64, 48)
    photo_task.remove_frames_by_ids([1, 2])
    assert photo_task.get_meta().deleted_frames == [1, 2]
    job = photo_task.get_jobs()[0]
    assert job.get_meta().size == len(job.get_frames_info())


def test_a_task_dataset_reads_media_and_annotations(client: Client, photo_task: Task) -> None:
    label = photo_task.get_labels()[0]
    photo_task.update_annotations(
        models.PatchedLabeledDataRequest(
            shapes=[models.LabeledShapeRequest(type="rectangle", frame=5, label_id=label.id, points=[1, 2, 3, 4])]
        )
    )
    dataset = TaskDataset(client, photo_task.id)
    assert len(dataset.samples) == 6
    assert dataset.samples[4].media.load_image().convert("RGB").tobytes() == picture(4).tobytes()
    assert [len(sample.annotations.shapes) for sample in dataset.samples] == [0, 0, 0, 0, 0, 1]


def test_video_frames_are_right_to_the_pixel(client: Client, tmp_path: Path) -> None:
    video = write_video(tmp_path / "film.mp4", 50, gop=20)
    task = client.tasks.create_from_data(
        spec={"name": "film", "labels": LABELS}, resource_type=ResourceType.LOCAL, resources=[str(video)]
    )
    expected = decode_all(video)
    for number in (0, 1, 19, 20, 21, 33, 49):
        got = Image.open(task.get_frame(number, quality="original")).convert("RGB")
        assert got.tobytes() == expected[number].tobytes(), number
    task.remove()


def test_uploads_and_downloads_report_progress(client: Client, tmp_path: Path) -> None:
    class Counter(BaseProgressReporter):
        def __init__(self) -> None:
            super().__init__()
            self.total = 0
            self.seen = 0

        def start2(self, total: int, **options: Any) -> None:
            super().start2(total, **options)
            self.total = total

        def report_status(self, progress: int) -> None:
            super().report_status(progress)
            self.seen = progress

        def advance(self, delta: int) -> None:
            super().advance(delta)
            self.seen += delta

    upload, download = Counter(), Counter()
    task = client.tasks.create_from_data(
        spec={"name": "counted", "labels": LABELS},
        resource_type=ResourceType.LOCAL,
        resources=[str(path) for path in write_pictures(tmp_path / "counted", 3)],
        pbar=upload,
    )
    assert 0 < upload.total == upload.seen
    task.export_dataset("COCO 1.0", tmp_path / "out.zip", pbar=download, include_images=True)
    assert download.seen == (tmp_path / "out.zip").stat().st_size
    task.remove()
