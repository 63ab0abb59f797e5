"""Objects side by side with what refers to them."""

from collections.abc import AsyncIterator, Iterable
from datetime import UTC, datetime
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from limner_allinone.admin.owners import matched
from limner_common.administration import Reference
from limner_common.objects import ObjectInfo

_T = TypeVar("_T")


async def _each(values: Iterable[_T]) -> AsyncIterator[_T]:
    for value in values:
        yield value


async def match(keys: Iterable[str], references: Iterable[tuple[str, bool]]) -> list[tuple[str | None, str | None]]:
    """Return (key, key of the reference) of the matches; references are (key, is a prefix), in any order."""
    infos = [ObjectInfo(key, 1, "e", datetime.now(UTC)) for key in sorted(keys)]
    sorted_references = [Reference(key, "data", is_prefix) for key, is_prefix in sorted(references)]
    return [
        (found.info and found.info.key, found.reference and found.reference.key)
        async for found in matched(_each(infos), _each(sorted_references))
    ]


@pytest.mark.parametrize(
    ("keys", "references", "expected"),
    [
        pytest.param([], [], [], id="nothing"),
        pytest.param(["a"], [("a", False)], [("a", "a")], id="one object with its reference"),
        pytest.param(["a"], [("a", False), ("a", False)], [("a", "a")], id="two references to it"),
        pytest.param(["a"], [], [("a", None)], id="nobody's"),
        pytest.param([], [("a", False)], [(None, "a")], id="a missing one"),
        pytest.param(
            ["b"], [("a", False), ("a", False), ("c", False)], [(None, "a"), ("b", None), (None, "c")], id="between"
        ),
        pytest.param(["t/1", "t/2", "u"], [("t/", True)], [("t/1", "t/"), ("t/2", "t/"), ("u", None)], id="a folder"),
        pytest.param(["t"], [("t", True)], [("t", "t")], id="a prefix that is a key itself"),
        pytest.param([], [("t/", True)], [], id="an empty folder misses nothing"),
        pytest.param(
            ["t/a", "t/b/1", "t/c"],
            [("t/", True), ("t/b/", True)],
            [("t/a", "t/"), ("t/b/1", "t/b/"), ("t/c", "t/")],
            id="a folder in a folder",
        ),
        pytest.param(
            ["t/a", "t/c"],
            [("t/", True), ("t/b", False), ("t/c", False)],
            [("t/a", "t/"), (None, "t/b"), ("t/c", "t/c")],
            id="single ones in a folder",
        ),
    ],
)
async def test_matches(
    keys: list[str], references: list[tuple[str, bool]], expected: list[tuple[str | None, str | None]]
) -> None:
    assert await match(keys, references) == expected


_KEYS = st.text(alphabet="ab/", min_size=1, max_size=4)


@settings(deadline=None)  # a busy machine is no fault
@given(keys=st.sets(_KEYS), references=st.lists(st.tuples(_KEYS, st.booleans())))
async def test_no_object_with_a_reference_is_called_nobodys(keys: set[str], references: list[tuple[str, bool]]) -> None:
    found = await match(keys, references)
    assert [key for key, _ in found if key is not None] == sorted(keys)
    for key, reference in found:
        if key is not None:
            covering = {other for other, is_prefix in references if other == key or (is_prefix and key.startswith(other))}
            assert (reference in covering) if covering else reference is None
    missing = {reference for key, reference in found if key is None}
    assert missing == {other for other, is_prefix in references if not is_prefix and other not in keys}
