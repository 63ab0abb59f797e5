"""A collector of traces for tests: OTLP over HTTP in, spans out."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True)
class Span:
    """A span as it was received; ids are hex, the parent's is "" for a root."""

    service: str
    name: str
    kind: int
    trace_id: str
    span_id: str
    parent_id: str
    is_error: bool
    attributes: dict[str, str]


@dataclass
class Collector:
    """What was received so far."""

    url: str
    spans: list[Span] = field(default_factory=list)

    def trace(self, trace_id: str) -> list[Span]:
        """Return the spans of a trace."""
        return [span for span in list(self.spans) if span.trace_id == trace_id]

    def wait(self, trace_id: str, is_enough: Callable[[list[Span]], bool], *, seconds: float = 120) -> list[Span]:
        """Wait until a trace has come in; fails with what there is of it."""
        deadline = time.monotonic() + seconds
        while not is_enough(spans := self.trace(trace_id)):
            assert time.monotonic() < deadline, sorted((span.service, span.name) for span in spans)
            time.sleep(0.1)
        return spans


@contextmanager
def collector() -> Iterator[Collector]:
    """Receive on a free port while inside."""
    received = Collector("")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == "/v1/traces":
                received.spans.extend(_spans(ExportTraceServiceRequest.FromString(body)))
            self.send_response(200 if self.path == "/v1/traces" else 404)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    received.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield received
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def is_whole(spans: list[Span], root_parent: str) -> bool:
    """Whether every span hangs on another of the trace, or on the one that the test began it with."""
    known = {span.span_id for span in spans} | {root_parent}
    return all(span.parent_id in known for span in spans)


def _spans(request: ExportTraceServiceRequest) -> Iterator[Span]:
    for resource_spans in request.resource_spans:
        named = {one.key: one.value.string_value for one in resource_spans.resource.attributes}
        for scope_spans in resource_spans.scope_spans:
            for span in scope_spans.spans:
                yield Span(
                    service=named["service.name"],
                    name=span.name,
                    kind=span.kind,
                    trace_id=span.trace_id.hex(),
                    span_id=span.span_id.hex(),
                    parent_id=span.parent_span_id.hex(),
                    is_error=span.status.code == 2,
                    attributes={one.key: one.value.string_value or str(one.value.int_value) for one in span.attributes},
                )
