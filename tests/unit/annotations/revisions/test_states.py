"""States of jobs and what clients expect of them."""

import pytest

from limner_annotations.revisions.documents import Counts
from limner_annotations.revisions.states import JobState, expected_revision
from limner_common.errors import Invalid


@pytest.mark.parametrize(
    ("header", "expected"),
    [(None, None), ("*", None), ('"12"', 12), ('W/"12"', 12), ("12", 12), ('"12.ab34cd"', 12), (' "0" ', 0)],
)
def test_if_match_names_a_revision(header: str | None, expected: int | None) -> None:
    assert expected_revision(header) == expected


@pytest.mark.parametrize("header", ["", '""', '"x"', '"-1"', '"²"', '"1", "2"'])
def test_anything_else_is_refused(header: str) -> None:
    with pytest.raises(Invalid):
        expected_revision(header)


def test_documents_are_stale_when_there_are_some_and_labels_differ() -> None:
    assert not JobState(1, 2, labels_version="a").is_stale("b")
    full = JobState(1, 2, labels_version="a", counts=Counts(tags=1))
    assert full.is_stale("b")
    assert not full.is_stale("a")
    assert JobState(1, 2, labels_version="", counts=Counts(tags=1)).is_stale("a")
