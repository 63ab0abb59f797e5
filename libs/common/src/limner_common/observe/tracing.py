"""Traces: what one request caused, across services, the bus and background work. Off unless an address is configured.

Everything goes through the functions of this module, which cost a comparison each while traces are off; OpenTelemetry is
loaded by ``start`` only.

    entry    something arrived here (a request, a message, a work item): continues the trace that it carries
    step     what is done on its way and takes time; part of the entry, recorded only inside one
    passing  a message on its way through this process, in the trace that it carries
    carrier  what to send along so that the other end can continue

A trace leaves a process in the headers of requests and messages and in the payload of work items, as W3C ``traceparent``.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Final, Literal, Protocol

#: What an entry is: an answer to a request, or the handling of something that was queued.
EntryKind = Literal["server", "consumer"]
#: What a step is: work of this process, or a call of another.
StepKind = Literal["internal", "client"]
Attribute = str | int | float | bool


class Span(Protocol):
    """A piece of a trace that is being recorded."""

    def set_attribute(self, key: str, value: Attribute) -> None:
        """Note something about it."""

    def update_name(self, name: str) -> None:
        """Call it something else."""


class Tracer(Protocol):
    """Where spans go; one per process."""

    def entry(
        self, service: str, name: str, kind: EntryKind, carried: Mapping[str, str], *, is_edge: bool
    ) -> AbstractContextManager[Span]:
        """See ``entry``."""
        ...

    def step(self, name: str, kind: StepKind, attributes: Mapping[str, Attribute]) -> AbstractContextManager[Span | None]:
        """See ``step``."""
        ...

    def passing(self, service: str, name: str, carried: Mapping[str, str]) -> AbstractContextManager[dict[str, str]]:
        """See ``passing``."""
        ...

    def carrier(self, span: Span | None) -> dict[str, str]:
        """See ``carrier``."""
        ...

    def fail(self, span: Span, reason: str) -> None:
        """See ``fail``."""
        ...

    def trace_id(self) -> str | None:
        """See ``trace_id``."""
        ...

    def close(self) -> None:
        """Send what was recorded and stop; blocks a few seconds at most."""
        ...


_NOTHING: Final[AbstractContextManager[None]] = nullcontext()
_tracer: Tracer | None = None


def start(url: str, *, sample_ratio: float, service_prefix: str) -> Callable[[], None]:
    """Record traces from now on; returns what ends it again, which blocks for a few seconds at most.

    Args:
        url: The collector, see ``OtelTracer``.
        sample_ratio: Part of the traces that begin here which are recorded, 0..1.
        service_prefix: Put before the names of services.
    """
    global _tracer
    from limner_common.observe.otel import OtelTracer

    tracer = _tracer = OtelTracer(url, sample_ratio=sample_ratio, service_prefix=service_prefix)

    def stop() -> None:
        global _tracer
        if _tracer is tracer:
            _tracer = None
        tracer.close()

    return stop


def is_on() -> bool:
    """Whether traces are recorded."""
    return _tracer is not None


def entry(
    service: str, name: str, kind: EntryKind, carried: Mapping[str, str], *, is_edge: bool = False
) -> AbstractContextManager[Span | None]:
    """Continue the trace that something carried here, or begin one; current while inside. None while traces are off.

    Args:
        service: Who handles it.
        name: What it is, of few kinds: ids go into attributes.
        kind: How it came.
        carried: Headers, or what else ``carrier`` was put into.
        is_edge: It came from outside: its trace goes on, but whether to record it is decided here.
    """
    return _NOTHING if _tracer is None else _tracer.entry(service, name, kind, carried, is_edge=is_edge)


def step(name: str, kind: StepKind = "internal", /, **attributes: Attribute) -> AbstractContextManager[Span | None]:
    """Record what the block does as a part of the current entry; None when nothing is recorded.

    It never becomes current, so it may be left in another order than entered.
    """
    return _NOTHING if _tracer is None else _tracer.step(name, kind, attributes)


def passing(service: str, name: str, carried: Mapping[str, str]) -> AbstractContextManager[Mapping[str, str]]:
    """Record that a message is handed over and return the headers that it goes on with; many may be under way at once.

    Args:
        service: Who hands it over.
        name: What it is, of few kinds.
        carried: The headers it came with; those of a message without a trace stay as they are.
    """
    return nullcontext(carried) if _tracer is None else _tracer.passing(service, name, carried)


def carrier(span: Span | None = None) -> dict[str, str]:
    """Return what the other end needs to continue the trace; empty when there is none.

    Args:
        span: The step it continues from; the current entry when None.
    """
    return {} if _tracer is None else _tracer.carrier(span)


def fail(span: Span | None, reason: str) -> None:
    """Say that a span did not go well although no exception leaves it."""
    if _tracer is not None and span is not None:
        _tracer.fail(span, reason)


def trace_id() -> str | None:
    """Return the id of the current trace, 32 hex digits; None when there is none."""
    return None if _tracer is None else _tracer.trace_id()
