"""Items find their frames."""

import pytest

from limner_exports.formats import FormatError, TargetFrame, TargetFrames
from limner_exports.formats.matching import Matcher, strip_extension


def images(*names: str) -> Matcher:
    return Matcher(TargetFrames([TargetFrame(i, name, 10, 10) for i, name in enumerate(names)], size=len(names)))


@pytest.mark.parametrize(
    ("name", "stem"),
    [("a.png", "a"), ("a.b/c.d.png", "a.b/c.d"), ("a.b/c", "a.b/c"), (".png", ".png"), ("a/.png", "a/.png"), ("", "")],
)
def test_strip_extension(name: str, stem: str) -> None:
    assert strip_extension(name) == stem


NAMES = ("dir/a.1.jpg", "dir/b.png", "10.jpg", "x/y/z.jpg")


@pytest.mark.parametrize(
    ("item", "has_extension", "frame"),
    [
        ("dir/a.1.jpg", True, 0),
        ("dir/a.1.PNG", True, 0),
        ("dir/a.1", False, 0),
        ("dir/b", True, 1),
        ("10.jpg", True, 2),
        ("10", False, 2),
        ("a.1.jpg", True, 0),
        ("y/z", False, 3),
        ("3", False, 3),
    ],
    ids=[
        "exact",
        "other extension",
        "no extension",
        "no extension though said",
        "number that is a name",
        "stem that is a number",
        "below a root",
        "below two",
        "frame number",
    ],
)
def test_image_names(item: str, has_extension: bool, frame: int) -> None:
    assert images(*NAMES).match(item, has_extension=has_extension) == frame


def test_frame_0_is_a_match_like_any_other() -> None:
    matcher = images("root/a.jpg", "root/b.jpg", "a.jpg")
    assert matcher.match("b.jpg", has_extension=True) == 1
    assert matcher.match("a.jpg", has_extension=True) == 2
    assert images("a.jpg", "root/a.jpg").match("a.jpg", has_extension=True) == 0


def test_a_number_held_by_the_item_counts_when_the_name_does_not() -> None:
    assert images(*NAMES).match("unknown", has_extension=False, number=2) == 2
    with pytest.raises(FormatError, match="could not match"):
        images(*NAMES).match("unknown", has_extension=False, number=9)


def test_ambiguous_names_are_errors() -> None:
    with pytest.raises(FormatError, match="several frames"):
        images("a.jpg", "a.png").match("a.gif", has_extension=True)
    assert images("a.jpg", "a.png").match("a.png", has_extension=True) == 1
    with pytest.raises(FormatError, match="end like this"):
        images("p/a.jpg", "q/a.jpg").match("a.jpg", has_extension=True)


def test_the_root_found_once_is_used_again() -> None:
    matcher = images("p/a.jpg", "p/b.jpg", "q/b.jpg")
    assert matcher.match("a.jpg", has_extension=True) == 0
    assert matcher.match("b.jpg", has_extension=True) == 1


def test_a_leading_folder_of_the_subset_may_be_left_out() -> None:
    assert images("a.jpg").match("Test/a", has_extension=False, subset="Test") == 0


@pytest.mark.parametrize(
    ("item", "frame"),
    [("frame_000005.PNG", 0), ("frame_000008", 1), ("images/frame_000011", 2), ("frame_000003", 3), ("4", 4), ("04", 4)],
    ids=["first", "second", "below a folder", "no source frame: relative", "plain number", "padded number"],
)
def test_video_names(item: str, frame: int) -> None:
    frames = TargetFrames(size=10, start_frame=5, step=3, video_size=(20, 10))
    assert Matcher(frames).match(item, has_extension=item.endswith("PNG")) == frame


def test_video_names_that_are_none() -> None:
    frames = TargetFrames(size=3, video_size=(20, 10))
    for name in ("frame_", "frame_x", "frame_000099", "other", "-1"):
        with pytest.raises(FormatError):
            Matcher(frames).match(name, has_extension=False)


def test_source_numbers() -> None:
    frames = TargetFrames(size=10, start_frame=5, step=3, video_size=(20, 10))
    assert [frames.rel(number) for number in (5, 6, 8, 32, 35, 2)] == [0, None, 1, 9, None, None]
