import pytest

from limner_media.core.related import is_related, related_images, related_images_2d, related_images_3d, split_related


def test_everything_below_related_images_is_no_frame() -> None:
    names = ["a.jpg", "related_images/a_jpg/x.png", "d/related_images/b_png/deep/y.png", "related_images.jpg"]
    assert split_related(names) == (["a.jpg", "related_images.jpg"], names[1:3])
    assert not is_related("related_images")


def test_an_image_has_the_files_of_the_folder_named_like_it() -> None:
    names = [
        "d/a.b.png",
        "d/related_images/a.b_png/z.jpg",
        "d/related_images/a.b_png/c.png",
        "d/related_images/a.b_png/notes.txt",
        "d/related_images/a.b_png/deep/no.png",
        "related_images/a.b_png/other.png",
        "d/c.png",
    ]
    assert related_images_2d(["d/a.b.png", "d/c.png"], names) == {
        "d/a.b.png": ["d/related_images/a.b_png/c.png", "d/related_images/a.b_png/z.jpg"]
    }


@pytest.mark.parametrize(
    ("frame", "others", "expected"),
    [
        pytest.param(
            "x/000/000.pcd",
            ["x/000/cam.png", "x/000/b.jpg", "x/001/no.png"],
            ["x/000/b.jpg", "x/000/cam.png"],
            id="one folder per frame",
        ),
        pytest.param("000.pcd", ["000.png", "000.JPG", "001.png"], ["000.JPG", "000.png"], id="same stem beside"),
        pytest.param(
            "r/pointcloud/1.pcd",
            ["r/related_images/1_pcd/a.png", "related_images/1_pcd/no.png"],
            ["r/related_images/1_pcd/a.png"],
            id="pointcloud folder",
        ),
        pytest.param(
            "pointcloud/1.pcd",
            ["related_images/1_pcd/a.png", "pointcloud/1.jpg"],
            ["pointcloud/1.jpg", "related_images/1_pcd/a.png"],
            id="united",
        ),
        pytest.param(
            "k/velodyne_points/data/7.bin",
            [
                "k/image_00/data/7.png",
                "k/IMAGE_01/data/7.jpg",
                "k/image_02/7.png",
                "k/image_x/data/7.png",
                "k/image_00/data/8.png",
                "q/image_00/data/7.png",
            ],
            ["k/IMAGE_01/data/7.jpg", "k/image_00/data/7.png"],
            id="kitti cameras",
        ),
        pytest.param("a.pcd", ["related_images/a_pcd/no.png"], [], id="related_images needs a pointcloud folder"),
    ],
)
def test_layouts_of_3d_context(frame: str, others: list[str], expected: list[str]) -> None:
    found = related_images_3d([frame], [frame, *others])
    assert found.get(frame, []) == expected
    assert related_images([frame], [frame, *others]) == found


def test_a_frame_is_never_its_own_context() -> None:
    assert related_images_2d(["a/a.jpg"], ["a/a.jpg", "a/b.jpg"]) == {}
