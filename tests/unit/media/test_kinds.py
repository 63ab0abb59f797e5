import pickle

import pytest

from limner_media.core.errors import MediaError, TooFewKeyFramesError
from limner_media.core.kinds import MediaKind, TaskMode, extension_of, is_image, is_point_cloud, kind_of, sort_media


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.JPG", MediaKind.IMAGE),
        ("a.b/c.png", MediaKind.IMAGE),
        ("x.pcd", MediaKind.IMAGE),
        ("x.bin", MediaKind.IMAGE),
        ("x.tar.gz", MediaKind.ARCHIVE),
        ("x.zip", MediaKind.ZIP),
        ("x.pdf", MediaKind.PDF),
        ("x.MP4", MediaKind.VIDEO),
        ("folder/", MediaKind.DIRECTORY),
        ("x.svg", None),
        ("x.txt", None),
        ("noextension", None),
        (".png", None),
        ("a.jpg/readme", None),
    ],
)
def test_kinds_are_told_by_the_extension(name: str, kind: MediaKind | None) -> None:
    assert kind_of(name) is kind


def test_point_clouds_are_no_images() -> None:
    assert is_point_cloud("A/x.PCD") and not is_image("A/x.PCD")
    assert extension_of("a.b/c") == ""


def test_images_and_folders_come_together() -> None:
    found = sort_media(["b.jpg", "manifest.jsonl", "dir/", "readme.txt"])
    assert (found.kind, found.mode) == (MediaKind.IMAGE, TaskMode.ANNOTATION)
    assert (found.media, found.manifests, found.skipped) == (("b.jpg", "dir/"), ("manifest.jsonl",), ("readme.txt",))


def test_a_folder_may_be_told_without_a_slash() -> None:
    assert sort_media(["dir"], directories=["dir"]).kind is MediaKind.DIRECTORY


def test_a_video_makes_an_interpolation_task() -> None:
    assert sort_media(["clip.mp4", "m.jsonl"]).mode is TaskMode.INTERPOLATION


@pytest.mark.parametrize(
    ("names", "file", "message"),
    [
        (["y.jpg", "clip.mp4"], "clip.mp4", "y.jpg"),
        (["a.mp4", "b.mp4"], "a.mp4", "b.mp4"),
        (["a.zip", "b.pdf"], "a.zip", "b.pdf"),
        (["a.tar", "dir/"], "a.tar", "dir/"),
    ],
)
def test_files_that_must_be_alone_are_named_with_their_company(names: list[str], file: str, message: str) -> None:
    with pytest.raises(MediaError, match="only file") as caught:
        sort_media(names)
    assert caught.value.file == file
    assert message in caught.value.message


@pytest.mark.parametrize(("names", "text"), [([], "no files"), (["note.txt", "x.doc"], "note.txt"), (["a.svg"], "SVG")])
def test_no_media_is_an_error(names: list[str], text: str) -> None:
    with pytest.raises(MediaError, match=text):
        sort_media(names)


def test_errors_travel_between_processes() -> None:
    error = pickle.loads(pickle.dumps(TooFewKeyFramesError("too few", file="a.mp4")))
    assert type(error) is TooFewKeyFramesError
    assert (str(error), error.file) == ("a.mp4: too few", "a.mp4")
    assert str(MediaError("x").named("b.jpg")) == "b.jpg: x"
