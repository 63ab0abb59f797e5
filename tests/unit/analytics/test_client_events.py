from datetime import UTC, datetime, timedelta

import orjson
import pytest

from limner_analytics.events.client_events import MAX_EVENTS, decode_batch, render_batch, rows_of
from limner_common.errors import Invalid
from limner_common.grants import Grant

GRANT = Grant(issuer="api", action="event:send", user_id=7, username="ann", organization_id=3)
SENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def batch(*events: dict[str, object], timestamp: str = "2026-01-02T03:04:05Z") -> bytes:
    return orjson.dumps({"timestamp": timestamp, "events": list(events)})


def event(**more: object) -> dict[str, object]:
    return {"scope": "load:job", "timestamp": "2026-01-02T03:04:00Z", **more}


def test_the_clock_of_the_client_is_corrected() -> None:
    decoded = decode_batch(batch(event()))
    (row,) = rows_of(decoded, GRANT, SENT + timedelta(hours=1))
    assert row["occurred_at"] == datetime(2026, 1, 2, 4, 4, 0, tzinfo=UTC)


def test_who_sent_it_is_what_the_gateway_says() -> None:
    decoded = decode_batch(batch(event(user_id=99, user_name="somebody", org_id=99, source="server")))
    (row,) = rows_of(decoded, GRANT, SENT)
    assert (row["user_id"], row["user_name"], row["organization_id"], row["source"]) == (7, "ann", 3, "client")


def test_the_same_batch_makes_the_same_ids_and_another_batch_others() -> None:
    first = rows_of(decode_batch(batch(event(), event())), GRANT, SENT)
    again = rows_of(decode_batch(batch(event(), event())), GRANT, SENT + timedelta(seconds=9))
    later = rows_of(decode_batch(batch(event(), event(), timestamp="2026-01-02T03:05:05Z")), GRANT, SENT)
    assert [row["id"] for row in first] == [row["id"] for row in again]
    assert len({row["id"] for row in [*first, *later]}) == 4


def test_the_answer_echoes_what_was_sent_with_what_was_filled_in() -> None:
    decoded = decode_batch(batch(event(obj_name="x", payload='{"a":1}')))
    answer = render_batch(decoded, rows_of(decoded, GRANT, SENT), GRANT)
    assert answer["timestamp"] == "2026-01-02T03:04:05.000000Z"
    (echoed,) = answer["events"]
    assert echoed["obj_name"] == "x" and echoed["user_id"] == 7 and orjson.loads(echoed["payload"]) == {"a": 1}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        orjson.dumps({"events": []}),
        batch({"timestamp": "2026-01-02T03:04:00Z"}),
        batch(event(timestamp="yesterday")),
        batch(event(timestamp="2026-01-02T03:04:00")),
        batch(event(scope="")),
        batch(event(payload="{not json")),
        batch(event(job_id="three")),
        batch(*[event()] * (MAX_EVENTS + 1)),
    ],
    ids=["empty", "list", "broken", "no-time", "no-scope", "no-date", "no-zone", "blank", "payload", "type", "too-many"],
)
def test_what_is_no_batch_is_refused(body: bytes) -> None:
    with pytest.raises(Invalid) as refused:
        decode_batch(body)
    assert refused.value.fields
