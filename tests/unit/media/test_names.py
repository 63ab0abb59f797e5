import pytest
from hypothesis import given
from hypothesis import strategies as st

from limner_media.core.errors import MediaError
from limner_media.core.names import MAX_NAME_BYTES, MAX_PART_BYTES, AbsolutePaths, is_junk, normalize_name


@pytest.mark.parametrize(
    ("name", "absolute", "expected"),
    [
        pytest.param("a/b.jpg", AbsolutePaths.REFUSE, "a/b.jpg", id="sub-directories stay"),
        pytest.param("./a//b/./c.jpg", AbsolutePaths.REFUSE, "a/b/c.jpg", id="empty and dot components go"),
        pytest.param("a\\b.jpg", AbsolutePaths.REFUSE, "a/b.jpg", id="backslashes are separators"),
        pytest.param("..hidden/x..jpg", AbsolutePaths.REFUSE, "..hidden/x..jpg", id="dots inside names are fine"),
        pytest.param("müller 1.png", AbsolutePaths.REFUSE, "müller 1.png", id="any script"),
        pytest.param("folder/", AbsolutePaths.REFUSE, "folder", id="trailing slash goes"),
        pytest.param("/home/u/img0.jpg", AbsolutePaths.BASE_NAME, "img0.jpg", id="client sends the local path"),
        pytest.param("/home/../u/img0.jpg", AbsolutePaths.BASE_NAME, "img0.jpg", id="folders of a local path do not matter"),
        pytest.param("C:\\Users\\u\\img0.jpg", AbsolutePaths.BASE_NAME, "img0.jpg", id="client on Windows"),
        pytest.param("C:img0.jpg", AbsolutePaths.BASE_NAME, "img0.jpg", id="drive without slash"),
        pytest.param("sub/img0.jpg", AbsolutePaths.BASE_NAME, "sub/img0.jpg", id="relative client names keep folders"),
        pytest.param("/cams/a.jpg", AbsolutePaths.STRIP, "cams/a.jpg", id="share paths lose the leading slash"),
        pytest.param("//cams//a.jpg", AbsolutePaths.STRIP, "cams/a.jpg", id="and all of them"),
    ],
)
def test_names_become_relative_and_safe(name: str, absolute: AbsolutePaths, expected: str) -> None:
    assert normalize_name(name, absolute=absolute) == expected


@pytest.mark.parametrize("absolute", AbsolutePaths)
@pytest.mark.parametrize(
    "name",
    [
        "../a.jpg",
        "a/../../b.jpg",
        "a\\..\\b.jpg",
        "..",
        "",
        ".",
        "a\0.jpg",
        "a\nb.jpg",
        "\ud800.jpg",
        "x" * 256,
        "a/" * 600 + "b",
    ],
)
def test_hostile_names_are_refused(name: str, absolute: AbsolutePaths) -> None:
    with pytest.raises(MediaError):
        normalize_name(name, absolute=absolute)


@pytest.mark.parametrize(
    ("name", "absolute"),
    [
        ("/etc/passwd", AbsolutePaths.REFUSE),
        ("\\server\\x", AbsolutePaths.REFUSE),
        ("C:/x", AbsolutePaths.REFUSE),
        ("C:/x", AbsolutePaths.STRIP),
        ("/C:/x", AbsolutePaths.STRIP),
        ("/", AbsolutePaths.STRIP),
        ("/home/u/..", AbsolutePaths.BASE_NAME),
    ],
)
def test_absolute_names_are_refused_where_they_make_no_sense(name: str, absolute: AbsolutePaths) -> None:
    with pytest.raises(MediaError):
        normalize_name(name, absolute=absolute)


@given(st.text(max_size=80), st.sampled_from(AbsolutePaths))
def test_whatever_is_accepted_stays_inside_and_is_stable(name: str, absolute: AbsolutePaths) -> None:
    try:
        safe = normalize_name(name, absolute=absolute)
    except MediaError:
        return
    parts = safe.split("/")
    assert not {"", ".", ".."} & set(parts)
    assert "\\" not in safe and "\0" not in safe
    assert max(len(part.encode()) for part in parts) <= MAX_PART_BYTES and len(safe.encode()) <= MAX_NAME_BYTES
    assert normalize_name(safe) == safe


@given(
    st.lists(st.sampled_from(["..", ".", "", "a", "b.jpg", "C:", "\0"]), min_size=1, max_size=6),
    st.sampled_from(["/", "\\"]),
)
def test_no_mix_of_components_gets_out(parts: list[str], separator: str) -> None:
    try:
        safe = normalize_name(separator.join(parts), absolute=AbsolutePaths.STRIP)
    except MediaError:
        return
    assert ".." not in parts and "\0" not in parts
    assert safe.split("/") == [part for part in parts if part not in ("", ".")]


@pytest.mark.parametrize("name", ["__MACOSX/a.jpg", "a/__MACOSX/._a.jpg", "x/.DS_Store", "._a.jpg", "sub\\Thumbs.db"])
def test_leftovers_of_file_managers_are_junk(name: str) -> None:
    assert is_junk(name)


@pytest.mark.parametrize("name", ["a.jpg", ".hidden/a.jpg", "MACOSX/a.jpg", "a_.DS_Store.jpg"])
def test_ordinary_names_are_not_junk(name: str) -> None:
    assert not is_junk(name)
