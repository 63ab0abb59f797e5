"""The unmodified command line client does its main job."""

import json
import shutil
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from tests.e2e.conftest import Cli
from tests.support.pictures import decode_all, write_pictures, write_video, write_zip
from tests.support.product import Product

pytestmark = pytest.mark.e2e


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    return write_pictures(tmp_path / "pictures", 5)


@pytest.fixture
def task(cli: Cli, labels: str, pictures: list[Path]) -> int:
    return int(cli("task", "create", "photos", "--labels", labels, "local", *pictures).split()[-1])


def test_a_task_of_local_images_is_created_listed_and_deleted(cli: Cli, task: int) -> None:
    assert str(task) in cli("task", "ls").split()
    listed = {entry["id"]: entry for entry in json.loads(cli("task", "ls", "--json"))}
    assert (listed[task]["size"], listed[task]["mode"], listed[task]["name"]) == (5, "annotation", "photos")
    cli("task", "delete", task)
    assert str(task) not in cli("task", "ls").split()


def test_frames_of_images_come_back_untouched(cli: Cli, task: int, pictures: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "frames"
    out.mkdir()
    cli("task", "frames", task, 0, 3, "--outdir", out, "--quality", "original")
    names = sorted(path.name for path in out.iterdir())
    assert names == [f"task_{task}_frame_000000.png", f"task_{task}_frame_000003.png"]
    assert (out / names[1]).read_bytes() == pictures[3].read_bytes()


def test_a_task_of_a_video_has_all_its_frames(cli: Cli, labels: str, tmp_path: Path) -> None:
    video = write_video(tmp_path / "film.mp4", 40)
    task = int(cli("task", "create", "film", "--labels", labels, "local", video).split()[-1])
    entry = next(e for e in json.loads(cli("task", "ls", "--json")) if e["id"] == task)
    assert (entry["size"], entry["mode"]) == (40, "interpolation")
    out = tmp_path / "frames"
    out.mkdir()
    cli("task", "frames", task, 0, 17, 39, "--outdir", out, "--quality", "original")
    expected = decode_all(video)
    for number in (0, 17, 39):
        with Image.open(out / f"task_{task}_frame_{number:06d}.png") as frame:
            assert frame.convert("RGB").tobytes() == expected[number].tobytes()


def test_a_task_of_a_zip_has_its_pictures(cli: Cli, labels: str, pictures: list[Path], tmp_path: Path) -> None:
    archive = write_zip(tmp_path / "pictures.zip", pictures)
    task = int(cli("task", "create", "zipped", "--labels", labels, "local", archive).split()[-1])
    entry = next(e for e in json.loads(cli("task", "ls", "--json")) if e["id"] == task)
    assert entry["size"] == 5


def test_a_task_of_the_share_is_read_in_place(
    cli: Cli, labels: str, pictures: list[Path], product: Product, tmp_path: Path
) -> None:
    folder = product.home / "share" / "set one"
    shutil.copytree(pictures[0].parent, folder, dirs_exist_ok=True)
    task = int(cli("task", "create", "shared", "--labels", labels, "share", "set one/").split()[-1])
    out = tmp_path / "frames"
    out.mkdir()
    cli("task", "frames", task, 4, "--outdir", out)
    assert next(out.iterdir()).read_bytes() == pictures[4].read_bytes()


def test_an_export_into_a_folder_takes_the_servers_name(cli: Cli, task: int, tmp_path: Path) -> None:
    cli("task", "export-dataset", task, tmp_path, "--format", "COCO 1.0")
    names = [path.name for path in tmp_path.glob("*.zip")]
    assert len(names) == 1 and names[0].startswith("task_") and "coco" in names[0]


def test_a_project_with_a_dataset(cli: Cli, labels: str, task: int, tmp_path: Path) -> None:
    archive = tmp_path / "dataset.zip"
    cli("task", "export-dataset", task, archive, "--format", "COCO 1.0", "--with-images", "yes")
    project = int(cli("project", "create", "collection", "--labels", labels).split()[-1])
    assert str(project) in cli("project", "ls").split()
    cli("project", "import-dataset", project, archive, "--format", "COCO 1.0")
    out = tmp_path / "project.zip"
    cli("project", "export-dataset", project, out, "--format", "CVAT for images 1.1", "--with-images", "yes")
    with zipfile.ZipFile(out) as opened:
        assert sum(name.endswith(".png") for name in opened.namelist()) == 5
    cli("project", "delete", project)
    assert str(project) not in cli("project", "ls").split()


def test_a_broken_picture_fails_with_its_name(cli: Cli, labels: str, tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"this is not a picture")
    output = cli("task", "create", "broken", "--labels", labels, "local", broken, check=False)
    assert "broken.png" in output
