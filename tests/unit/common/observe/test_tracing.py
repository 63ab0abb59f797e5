"""Traces: what is recorded, what is carried on, and that nothing happens while they are off."""

import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
from tests.support.traces import Collector, collector

from limner_common.errors import NotFound, Unavailable
from limner_common.http.errors import render_problem
from limner_common.observe import tracing

PARENT = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
UNSAMPLED = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"}
TRACE_ID = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def received(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """What was sent once the tracer is closed."""
    monkeypatch.setattr("limner_common.observe.otel._EXPORT_SECONDS", 60.0)  # the collector shares a busy process
    with collector() as collected:
        stop = tracing.start(collected.url, sample_ratio=1.0, service_prefix="limner-")
        yield collected
        stop()


def sent(received: Collector) -> dict[str, str]:
    """Names of the spans that were sent, each with its parent's name; ends recording."""
    assert tracing._tracer is not None
    tracing._tracer.close()
    names = {span.span_id: span.name for span in received.spans}
    return {span.name: names.get(span.parent_id, span.parent_id) for span in received.spans}


def test_without_an_address_nothing_is_recorded_carried_or_loaded() -> None:
    with tracing.entry("media", "GET", "server", PARENT) as entry, tracing.step("inner") as step:
        assert (entry, step, tracing.trace_id(), tracing.carrier()) == (None, None, None, {})
    with tracing.passing("media", "publish", PARENT) as headers:
        assert headers == PARENT
    loaded = "import sys, limner_media.service; print([name for name in sys.modules if 'opentelemetry.sdk' in name])"
    assert subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True).stdout == "[]\n"


def test_steps_hang_on_the_entry_that_continues_the_callers_trace(received: Collector) -> None:
    with tracing.entry("media", "GET /x", "server", PARENT):
        assert tracing.trace_id() == TRACE_ID
        with tracing.step("call api", "client") as call:
            header = tracing.carrier(call)["traceparent"]
            with tracing.step("beside"):
                pass
    assert sent(received) == {"GET /x": "b7ad6b7169203331", "call api": "GET /x", "beside": "GET /x"}
    (call_span,) = [span for span in received.spans if span.name == "call api"]
    assert header == f"00-{TRACE_ID}-{call_span.span_id}-01"
    assert {span.service for span in received.spans} == {"limner-media"}


def test_a_message_goes_on_from_the_step_that_hands_it_over(received: Collector) -> None:
    with tracing.passing("media", "publish topic", PARENT) as headers:
        carried = dict(headers)
    with tracing.entry("api", "handle topic", "consumer", carried):
        pass
    assert sent(received) == {"publish topic": "b7ad6b7169203331", "handle topic": "publish topic"}


def test_a_message_without_a_trace_begins_none(received: Collector) -> None:
    with tracing.passing("media", "publish topic", {"x-request-id": "1"}) as headers:
        assert headers == {"x-request-id": "1"}
    assert sent(received) == {}


def test_work_in_the_background_of_nobody_is_not_recorded(received: Collector) -> None:
    with tracing.step("unit of work") as step:
        assert step is None
    assert sent(received) == {}


def test_a_caller_inside_decides_whether_a_trace_is_recorded_one_outside_does_not(received: Collector) -> None:
    with tracing.entry("media", "inside", "server", UNSAMPLED), tracing.step("of inside"):
        assert tracing.carrier()["traceparent"].endswith("-00")
    with tracing.entry("api", "outside", "server", UNSAMPLED, is_edge=True):
        assert tracing.carrier()["traceparent"].endswith("-01")
    assert sent(received) == {"outside": "b7ad6b7169203331"}


def test_what_fails_is_marked_without_the_text_of_the_error(received: Collector) -> None:
    for error in (ZeroDivisionError("secret"), Unavailable("secret"), NotFound("secret")):
        with pytest.raises(type(error)), tracing.entry("media", type(error).__name__, "server", {}):
            raise error
    sent(received)
    assert {span.name: span.is_error for span in received.spans} == {
        "ZeroDivisionError": True,
        "Unavailable": True,
        "NotFound": False,
    }
    assert "secret" not in repr(received.spans)


def test_problems_name_the_trace(received: Collector) -> None:
    with tracing.entry("media", "GET", "server", PARENT):
        assert f'"trace_id":"{TRACE_ID}"' in bytes(render_problem(NotFound()).body).decode()
    assert not re.search("trace_id", bytes(render_problem(NotFound()).body).decode())


def test_a_collector_that_is_away_holds_nothing_up() -> None:
    stop = tracing.start("http://127.0.0.1:9", sample_ratio=1.0, service_prefix="")
    with tracing.entry("media", "GET", "server", {}):
        pass
    stop()
    assert not tracing.is_on()
