"""An upload sent in a trace of its own, and the way that its trace has to take through the product."""

import secrets
from pathlib import Path

import httpx

from tests.support.pictures import write_pictures
from tests.support.traces import Collector, Span, is_whole

#: Processes send what they have recorded this often, milliseconds; the usual 5 seconds are long for a test.
QUICKLY = {"OTEL_BSP_SCHEDULE_DELAY": "200"}
#: What an upload passes until others know of the jobs that were created for it.
_WAY = [
    ("limner-api", "POST /api/tasks/{id}/data"),
    ("limner-api", "call media"),
    ("limner-media", "POST /api/tasks/{task_id}/data"),
    ("limner-media", "work ingest"),
    ("limner-media", "publish limner.media.data.v1"),
    ("limner-api", "handle limner.media.data.v1"),
    ("limner-api", "publish limner.catalog.task.v1"),
    ("limner-annotations", "handle limner.catalog.task.v1"),
]


def upload(url: str, credentials: tuple[str, str], folder: Path) -> tuple[str, str]:
    """Make a task of two pictures; returns the ids of the trace and the span that its upload was sent with."""
    trace_id, span_id = secrets.token_hex(16), secrets.token_hex(8)
    with httpx.Client(base_url=url, auth=credentials, timeout=120) as web:
        task_id = web.post("/api/tasks", json={"name": "traced", "labels": [{"name": "car"}]}).json()["id"]
        files = {
            f"client_files[{number}]": (path.name, path.read_bytes())
            for number, path in enumerate(write_pictures(folder, 2))
        }
        answer = web.post(
            f"/api/tasks/{task_id}/data",
            data={"image_quality": "70"},
            files=files,
            headers={"traceparent": f"00-{trace_id}-{span_id}-01", "x-request-id": request_id_of(trace_id)},
        )
        assert answer.status_code == 202, answer.text
        assert answer.headers["x-request-id"] == request_id_of(trace_id)
    return trace_id, span_id


def request_id_of(trace_id: str) -> str:
    """Return the id of the request that ``upload`` sent in a trace."""
    return f"upload-{trace_id[:8]}"


def check_way(traces: Collector, trace_id: str, root: str) -> None:
    """Fail unless the trace is one tree without errors in which the way is a branch."""
    steps = {"unit of work", "database read", "objects put"}
    spans = traces.wait(
        trace_id,
        lambda spans: is_whole(spans, root) and _WAY in _ways(spans) and steps <= {span.name for span in spans},
    )
    assert [span for span in spans if span.is_error] == []


def _ways(spans: list[Span]) -> list[list[tuple[str, str]]]:
    """For each span, service and name of all spans from the root down to it."""
    by_id = {span.span_id: span for span in spans}

    def way_to(span: Span) -> list[tuple[str, str]]:
        above = way_to(by_id[span.parent_id]) if span.parent_id in by_id else []
        return [*above, (span.service, span.name)]

    return [way_to(span) for span in spans]
