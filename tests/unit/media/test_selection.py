import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner_media.core.errors import MediaError
from limner_media.core.selection import (
    SortingMethod,
    chunk_size_for,
    exclude_files,
    expand_folders,
    filter_by_pattern,
    frames_of_mapping,
    order_as_given,
    parse_step,
    select_frames,
    sort_names,
)

NAMES = ["img10.jpg", "img2.jpg", "B/1.jpg", "a/1.jpg", "Img1.jpg"]


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        (SortingMethod.LEXICOGRAPHICAL, ["B/1.jpg", "Img1.jpg", "a/1.jpg", "img10.jpg", "img2.jpg"]),
        (SortingMethod.NATURAL, ["a/1.jpg", "B/1.jpg", "Img1.jpg", "img2.jpg", "img10.jpg"]),
        (SortingMethod.PREDEFINED, NAMES),
    ],
)
def test_names_are_sorted(method: SortingMethod, expected: list[str]) -> None:
    assert sort_names(NAMES, method) == expected


def test_random_order_depends_on_the_seed_only() -> None:
    names = [f"{number}.jpg" for number in range(50)]
    first = sort_names(names, SortingMethod.RANDOM, seed=1)
    assert first == sort_names(reversed(names), SortingMethod.RANDOM, seed=1)
    assert first != sort_names(names, SortingMethod.RANDOM, seed=2)
    assert sorted(first) == sorted(names)


@pytest.mark.parametrize(
    "names",
    [
        ["a.jpg", "a1.jpg", "a2.jpg", "a10.jpg"],
        ["1/10.png", "2/1.png", "10/1.png"],
        ["007.png", "7b.png", "8.png"],
        ["A1.png", "a2.png", "A3.png"],
        ["a/z.png", "a 2/a.png"],
        ["x.jpg", "x.png", "x_1.jpg"],
        ["9", "a"],
    ],
)
def test_natural_order_is_that_of_file_managers(names: list[str]) -> None:
    assert sort_names(reversed(names), SortingMethod.NATURAL) == names


@given(st.lists(st.text(max_size=8), max_size=20), st.sampled_from(SortingMethod))
def test_sorting_keeps_all_names(names: list[str], method: SortingMethod) -> None:
    assert sorted(sort_names(names, method, seed=0)) == sorted(names)


def test_the_clients_order_is_kept() -> None:
    assert order_as_given(["a", "b"], ["b", "a"]) == ["b", "a"]
    assert order_as_given(["b", "a"], []) == ["b", "a"]


@pytest.mark.parametrize(("order", "text"), [(["a"], "b"), (["a", "b", "c"], "c"), (["a", "b", "a"], "a")])
def test_an_order_of_other_files_is_refused(order: list[str], text: str) -> None:
    with pytest.raises(MediaError, match=f": {text}$"):
        order_as_given(["a", "b"], order)


def test_only_some_of_many_differences_are_listed() -> None:
    with pytest.raises(MediaError, match="f0, f1, f2, f3, f4 and 15 more"):
        order_as_given([], [f"f{number}" for number in range(5)] + [f"g{number:02}" for number in range(15)])


@pytest.mark.parametrize(("text", "step"), [("", 1), (None, 1), ("step=3", 3), ("step = 12", 12)])
def test_steps_are_read(text: str | None, step: int) -> None:
    assert parse_step(text) == step


@pytest.mark.parametrize("text", ["step=0", "step=", "3", "stride=2", "step=x"])
def test_other_filters_are_refused(text: str) -> None:
    with pytest.raises(MediaError, match="step=N"):
        parse_step(text)


@given(st.integers(1, 500), st.integers(0, 100), st.integers(0, 600), st.integers(1, 20))
def test_selected_frames_are_every_stepth_between_start_and_stop(total: int, start: int, stop: int, step: int) -> None:
    expected = [number for number in range(total) if start <= number <= stop and (number - start) % step == 0]
    if start > stop or not expected:
        with pytest.raises(MediaError):
            select_frames(total, start=start, stop=stop, step=step)
        return
    numbering = select_frames(total, start=start, stop=stop, step=step)
    assert [numbering.absolute(frame) for frame in range(numbering.size)] == expected
    assert numbering.stop_frame == expected[-1]


def test_without_a_stop_frame_all_are_selected() -> None:
    assert select_frames(60).size == 60


@pytest.mark.parametrize(
    ("is_video", "size", "expected"),
    [
        (True, (1920, 1080), 36),
        (False, (1920, 1080), 36),
        (False, (3840, 2160), 9),
        (False, (64, 48), 72),
        (False, (20_000, 20_000), 2),
        (False, (320, 1), 72),
        (False, (0, 0), 72),
    ],
)
def test_chunk_sizes(is_video: bool, size: tuple[int, int], expected: int) -> None:
    assert chunk_size_for(is_video=is_video, width=size[0], height=size[1]) == expected


def test_patterns_match_whole_paths() -> None:
    assert filter_by_pattern(["a/b.jpg", "a/c/d.jpg", "x.png", "a/B.JPG"], "a/*.jpg") == ["a/b.jpg", "a/c/d.jpg"]


def test_files_and_folders_are_excluded() -> None:
    names = ["a/b.jpg", "a/bc.jpg", "a/c/d.jpg", "ab/x.jpg", "z.jpg"]
    assert exclude_files(names, ["a/c/", "/z.jpg"]) == ["a/b.jpg", "a/bc.jpg", "ab/x.jpg"]
    assert exclude_files(names, ["a/"]) == ["ab/x.jpg", "z.jpg"]
    assert exclude_files(names, ["a"]) == names
    with pytest.raises(MediaError):
        exclude_files(names, ["../x/"])


def test_requested_folders_are_replaced_by_their_files() -> None:
    available = ["a/b.jpg", "a/c/d.jpg", "ab/x.jpg", "z.jpg"]
    assert expand_folders(["z.jpg", "/a/", "a/b.jpg"], available) == ["z.jpg", "a/b.jpg", "a/c/d.jpg"]
    assert expand_folders(["/"], available) == available


@pytest.mark.parametrize("name", ["a", "a/c", "nowhere/", "../z.jpg", "q.jpg"])
def test_requested_files_must_be_there(name: str) -> None:
    with pytest.raises(MediaError):
        expand_folders([name], ["a/c/d.jpg", "z.jpg"])


def test_frames_of_a_mapping_are_its_lists_joined() -> None:
    assert frames_of_mapping([["b", "a"], ["c"]], ["a", "b", "c", "d"]) == ["b", "a", "c"]


@pytest.mark.parametrize(
    ("mapping", "text"),
    [([], "at least one"), ([["a"], []], "at least one"), ([["a"], ["b", "a"]], "twice: a"), ([["a", "x"]], "not there: x")],
)
def test_wrong_mappings_are_refused(mapping: list[list[str]], text: str) -> None:
    with pytest.raises(MediaError, match=text):
        frames_of_mapping(mapping, ["a", "b"])
