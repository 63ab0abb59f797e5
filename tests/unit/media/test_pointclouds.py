import numpy as np
import pytest

from limner_media.core.errors import MediaError
from limner_media.core.pointclouds import bin_to_pcd, pcd_name, point_cloud_frames, read_pcd_header, refuse_mixed_frames

from .samples import pcd


@pytest.mark.parametrize("version", ["0.7", ".7", "0.1", ".5"])
def test_headers_give_size_and_where_points_start(version: str) -> None:
    data = pcd(6, width=3, height=2, version=version)
    header = read_pcd_header(data, file="x")
    assert (header.width, header.height, header.points, header.encoding) == (3, 2, 6, "ascii")
    assert header.fields == ("x", "y", "z", "intensity")
    assert data[header.data_offset :].startswith(b"0 1 2 0.5")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"text",
        pcd(version="0.8"),
        pcd(version=""),
        pcd().replace(b"WIDTH 5", b"WIDTH -5"),
        pcd().replace(b"DATA", b"D"),
        b"\0" * 9000,
    ],
)
def test_what_is_no_pcd_is_refused(data: bytes) -> None:
    with pytest.raises(MediaError) as caught:
        read_pcd_header(data, file="x.pcd")
    assert caught.value.file == "x.pcd"


def test_points_may_be_left_out() -> None:
    assert read_pcd_header(pcd(6, width=3, height=2).replace(b"POINTS 6\n", b""), file="x").points == 6


def test_kitti_scans_become_binary_pcd_with_the_same_floats() -> None:
    points = np.arange(12, dtype="<f4").reshape(3, 4)
    converted = bin_to_pcd(points.tobytes(), file="x.bin")
    header = read_pcd_header(converted, file="x.pcd")
    assert (header.width, header.height, header.points, header.encoding) == (3, 1, 3, "binary")
    assert converted[header.data_offset :] == points.tobytes()


@pytest.mark.parametrize("size", [0, 15, 17])
def test_scans_of_an_impossible_size_are_refused(size: int) -> None:
    with pytest.raises(MediaError, match="quadruples"):
        bin_to_pcd(bytes(size), file="x.bin")


def test_frames_of_a_3d_task_are_its_point_clouds() -> None:
    files = {"a.jpg": b"", "pointcloud/1.pcd": pcd(), "2.bin": b""}
    assert point_cloud_frames(files, files.__getitem__) == ["pointcloud/1.pcd", "2.bin"]
    assert point_cloud_frames(["a.jpg"], files.__getitem__) == []
    with pytest.raises(MediaError):
        point_cloud_frames(["x.pcd"], lambda name: b"text")


def test_names_of_converted_scans() -> None:
    assert pcd_name("a.b/1.2.bin") == "a.b/1.2.pcd"
    assert pcd_name("a/1.PCD") == "a/1.PCD"


def test_images_that_are_no_context_cannot_be_mixed_with_point_clouds() -> None:
    refuse_mixed_frames(["a.pcd", "a.png"], context=["a.png"])
    refuse_mixed_frames(["a.png", "b.png"])
    with pytest.raises(MediaError, match="same task") as caught:
        refuse_mixed_frames(["a.pcd", "a.png", "b.png"], context=["a.png"])
    assert caught.value.file == "b.png"
