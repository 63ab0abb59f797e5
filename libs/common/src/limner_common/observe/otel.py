"""Traces by OpenTelemetry, sent as OTLP over HTTP. Imported only where traces are configured."""

import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final
from urllib.parse import urlsplit

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import Decision, ParentBased, TraceIdRatioBased
from opentelemetry.trace import SpanContext, SpanKind, StatusCode, TraceFlags
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from limner_common.errors import DomainError, ErrorKind
from limner_common.observe.tracing import Attribute, EntryKind, Span, StepKind

_KINDS: Final = {
    "server": SpanKind.SERVER,
    "consumer": SpanKind.CONSUMER,
    "internal": SpanKind.INTERNAL,
    "client": SpanKind.CLIENT,
}
_TRACER_KEY: Final = otel_context.create_key("limner-tracer")
_PROPAGATOR: Final = TraceContextTextMapPropagator()
_EXPORT_SECONDS: Final = 3.0


class OtelTracer:
    """``Tracer`` that sends to a collector in the background; what it cannot send in time is dropped.

    Args:
        url: The collector; ``/v1/traces`` is added to an address without a path.
        sample_ratio: Part of the traces that begin here which are recorded, 0..1.
        service_prefix: Put before the names of services.
    """

    def __init__(self, url: str, *, sample_ratio: float, service_prefix: str) -> None:
        endpoint = url if urlsplit(url).path.strip("/") else f"{url.rstrip('/')}/v1/traces"
        self._processor = BatchSpanProcessor(OTLPSpanExporter(endpoint, timeout=_EXPORT_SECONDS))
        self._ratio = TraceIdRatioBased(sample_ratio)
        self._prefix = service_prefix
        self._tracers: dict[str, trace.Tracer] = {}

    @contextmanager
    def entry(
        self, service: str, name: str, kind: EntryKind, carried: Mapping[str, str], *, is_edge: bool
    ) -> Iterator[Span]:
        """See ``tracing.entry``."""
        parent = _PROPAGATOR.extract(carried, otel_context.Context())
        if is_edge:
            parent = self._decided_here(parent)
        tracer = self._tracer(service)
        span = tracer.start_span(name, parent, _KINDS[kind])
        current = otel_context.set_value(_TRACER_KEY, tracer, trace.set_span_in_context(span))
        token = otel_context.attach(current)
        try:
            with _ended(span):
                yield span
        finally:
            otel_context.detach(token)

    @contextmanager
    def step(self, name: str, kind: StepKind, attributes: Mapping[str, Attribute]) -> Iterator[Span | None]:
        """See ``tracing.step``."""
        tracer = otel_context.get_value(_TRACER_KEY)
        if not isinstance(tracer, trace.Tracer) or not trace.get_current_span().is_recording():
            yield None
            return
        span = tracer.start_span(name, None, _KINDS[kind], attributes)
        with _ended(span):
            yield span

    @contextmanager
    def passing(self, service: str, name: str, carried: Mapping[str, str]) -> Iterator[dict[str, str]]:
        """See ``tracing.passing``."""
        parent = _PROPAGATOR.extract(carried, otel_context.Context())
        if not trace.get_current_span(parent).get_span_context().is_valid:
            yield dict(carried)
            return
        span = self._tracer(service).start_span(name, parent, SpanKind.PRODUCER)
        with _ended(span):
            yield {**carried, **self.carrier(span)}

    def carrier(self, span: Span | None) -> dict[str, str]:
        """See ``tracing.carrier``."""
        carried: dict[str, str] = {}
        _PROPAGATOR.inject(carried, trace.set_span_in_context(span) if isinstance(span, trace.Span) else None)
        return carried

    def fail(self, span: Span, reason: str) -> None:
        """See ``tracing.fail``."""
        if isinstance(span, trace.Span):
            span.set_status(StatusCode.ERROR, reason)

    def trace_id(self) -> str | None:
        """See ``tracing.trace_id``."""
        known = trace.get_current_span().get_span_context()
        return trace.format_trace_id(known.trace_id) if known.is_valid else None

    def close(self) -> None:
        """See ``Tracer.close``."""
        self._processor.shutdown()  # type: ignore[no-untyped-call]

    def _tracer(self, service: str) -> trace.Tracer:
        if service not in self._tracers:
            resource = Resource.create(
                {
                    "service.name": f"{self._prefix}{service}",
                    "service.instance.id": f"{socket.gethostname()}:{os.getpid()}",
                }
            )
            # The processor is shared by the services of a process, so no provider may end it.
            provider = TracerProvider(ParentBased(self._ratio), resource, shutdown_on_exit=False)
            provider.add_span_processor(_Shared(self._processor))
            self._tracers[service] = provider.get_tracer("limner")
        return self._tracers[service]

    def _decided_here(self, parent: otel_context.Context) -> otel_context.Context:
        known = trace.get_current_span(parent).get_span_context()
        if not known.is_valid:
            return parent
        is_chosen = self._ratio.should_sample(None, known.trace_id, "").decision is Decision.RECORD_AND_SAMPLE
        flags = TraceFlags(TraceFlags.SAMPLED if is_chosen else TraceFlags.DEFAULT)
        context = SpanContext(known.trace_id, known.span_id, is_remote=True, trace_flags=flags)
        return trace.set_span_in_context(trace.NonRecordingSpan(context), parent)


class _Shared(SpanProcessor):
    """Hands ended spans on and nothing else."""

    def __init__(self, processor: BatchSpanProcessor) -> None:
        self.on_end = processor.on_end  # type: ignore[method-assign]


@contextmanager
def _ended(span: trace.Span) -> Iterator[None]:
    """End a span with its block; of errors it keeps the kind only, as their texts may hold what people entered."""
    try:
        yield
    except Exception as error:
        kind = error.kind if isinstance(error, DomainError) else None
        span.set_attribute("error.type", type(error).__name__)
        if kind in (None, ErrorKind.UNAVAILABLE):
            span.set_status(StatusCode.ERROR, type(error).__name__)
        raise
    finally:
        span.end()
