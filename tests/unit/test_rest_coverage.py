"""Every recorded exchange of the public API is sent again, or its place is named."""

from tests.support.golden_rest import read_records
from tests.support.rest_differences import DIFFERENCES, ELSEWHERE, LATER

RECORDED = range(1, 515)


def test_each_exchange_has_its_place() -> None:
    sent = [record.number for record in read_records((RECORDED[0], RECORDED[-1]))]
    named = [number for first, last, _ in (*ELSEWHERE, *LATER) for number in range(first, last + 1)]
    assert sorted(sent + named) == list(RECORDED)


def test_each_difference_belongs_to_an_exchange() -> None:
    names = {record.name for record in read_records((RECORDED[0], RECORDED[-1]))}
    assert set(DIFFERENCES) - names == set()
    assert all(difference.reason for difference in DIFFERENCES.values())
