"""The SDK's PyTorch datasets on the running product; not part of the default suite: ``make test-pytorch``."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from cvat_sdk import Client, make_client, models
from cvat_sdk.core.proxies.tasks import ResourceType, Task

from tests.support.pictures import picture, write_pictures
from tests.support.product import ADMIN, Product

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv-pytorch" / "bin" / "python"


@pytest.fixture
def product(tmp_path: Path) -> Iterator[Product]:
    for folder in (tmp_path, tmp_path.parent, tmp_path.parent.parent):
        folder.chmod(0o755)  # as root the database runs as `nobody`
    running = Product(tmp_path / "home").start()
    yield running
    assert running.stop() == 0


def make_task(client: Client, project_id: int, name: str, subset: str, folder: Path, count: int) -> Task:
    return client.tasks.create_from_data(
        spec={"name": name, "project_id": project_id, "subset": subset},
        resource_type=ResourceType.LOCAL,
        resources=[str(path) for path in write_pictures(folder / name, count)],
    )


def test_tasks_and_projects_are_datasets(product: Product, tmp_path: Path) -> None:
    with make_client(product.url, credentials=ADMIN) as client:
        client.config.status_check_period = 0.2
        project = client.projects.create({"name": "p", "labels": [{"name": "sky"}, {"name": "car"}]})
        ids = {label.name: label.id for label in project.get_labels()}
        first = make_task(client, project.id, "first", "Train", tmp_path, 3)
        second = make_task(client, project.id, "second", "Train", tmp_path, 1)
        make_task(client, project.id, "other", "Test", tmp_path, 1)

        def shape(kind: str, label: str, frame: int, points: list[float]) -> models.LabeledShapeRequest:
            return models.LabeledShapeRequest(type=kind, label_id=ids[label], frame=frame, points=points)

        tags = [
            models.LabeledImageRequest(label_id=ids[label], frame=frame) for frame, label in enumerate(("car", "sky", "car"))
        ]
        shapes = [
            shape("rectangle", "car", 0, [1.0, 2.0, 11.5, 22.0]),
            shape("polygon", "sky", 0, [10.0, 10.0, 20.0, 10.0, 20.0, 30.0, 10.0, 30.0]),
            shape("mask", "car", 2, [0.0, 6.0, 4.0, 5.0, 6.0, 6.0]),
        ]
        first.set_annotations(models.LabeledDataRequest(tags=tags, shapes=shapes))
        second.set_annotations(models.LabeledDataRequest(tags=[models.LabeledImageRequest(label_id=ids["sky"], frame=0)]))
        script = [str(PYTHON), str(Path(__file__).with_name("read_with_pytorch.py")), product.url, *ADMIN]
        result = subprocess.run(
            [*script, str(first.id), str(project.id), str(tmp_path / "cache")],
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": ""},
        )
    assert result.returncode == 0, result.stderr[-4000:]
    found = json.loads(result.stdout.splitlines()[-1])
    assert found["pixels"] == [int(np.asarray(picture(number), np.int64).sum()) for number in range(3)]
    assert found["boxes"] == [[[1.0, 2.0, 11.5, 22.0], [10.0, 10.0, 20.0, 30.0]], [], []]
    assert found["labels"] == [[0, 1], [], []]
    # The SDK draws the outline of a polygon too.
    (polygon,), none, (mask,) = found["areas"]
    assert (none, mask) == ([], 6) and 200 <= polygon <= 231
    assert found["batches"] == [[[2, 3, 48, 64], [0, 1]], [[2, 3, 48, 64], [0, 1]]]
