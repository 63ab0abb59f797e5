"""Dates in answers: whichever way they are written, clients get the same text."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from limner_common.clock import json_date, wire_date
from limner_common.http.json import JSONAnswer


@pytest.mark.parametrize(
    "moment",
    [
        pytest.param(datetime(2026, 11, 28, 7, 1, 2, 345678, UTC), id="microseconds"),
        pytest.param(datetime(2026, 11, 28, 7, 1, 2, 300000, UTC), id="trailing-zeros"),
        pytest.param(datetime(2026, 11, 28, 7, 1, 2, 5, UTC), id="leading-zeros"),
        pytest.param(datetime(2026, 11, 28, 7, 1, 2, 0, UTC), id="whole-second"),
        pytest.param(datetime(987, 1, 2, 0, 0, 0, 1, UTC), id="early-year"),
        pytest.param(datetime(2026, 11, 28, 7, 1, 2, 1, timezone(timedelta(hours=2))), id="another-zone"),
    ],
)
def test_both_ways_to_write_a_date_give_the_same_text(moment):
    assert JSONAnswer({"date": json_date(moment)}).body == JSONAnswer({"date": wire_date(moment)}).body


def test_a_date_is_utc_with_microseconds():
    moment = datetime(2026, 11, 28, 9, 1, 2, tzinfo=timezone(timedelta(hours=2)))
    assert wire_date(moment) == "2026-11-28T07:01:02.000000Z"
