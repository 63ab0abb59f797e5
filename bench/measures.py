"""What is measured: a row of the table, and what it is to reach."""

import contextlib
import gc
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Aim:
    """What a row is to reach.

    Attributes:
        text: As people read it.
        is_reached: Of the row's value and its limit.
    """

    text: str
    is_reached: Callable[[float, float], bool]


def at_most(factor: float, *, plus: float = 0.0) -> Aim:
    """The value may be ``factor`` times the limit, and ``plus`` more in the row's unit."""
    text = f"≤ {factor:g}×" if not plus else f"≤ {plus:g} + {factor:g}×"
    return Aim(text, lambda value, limit: value <= plus + factor * limit)


def at_least(factor: float) -> Aim:
    """The value, a rate, is at least this share of the limit."""
    return Aim(f"≥ {factor:g}×", lambda value, limit: value >= factor * limit)


def below(bound: float) -> Aim:
    """The value is below a number that depends on nothing."""
    return Aim(f"< {bound:g}", lambda value, _limit: value < bound)


def above(bound: float) -> Aim:
    """The value is at least a number that depends on nothing."""
    return Aim(f"≥ {bound:g}", lambda value, _limit: value >= bound)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.

    Attributes:
        what: What was done.
        unit: Unit of ``value`` and ``limit``: s, 1/s, MiB, GB/s.
        samples: Single measurements; the value is their median.
        limit_name: What it is held against; "" when the aim is a number.
        limit_samples: Single measurements of the limit.
        aim: What is to be reached; None for a line that only informs.
        peak_mib: Most memory of all processes of the product meanwhile, shared pages left out.
        grown_mib: How much more than before that was.
        notes: More figures, for the file.
    """

    what: str
    unit: str
    samples: Sequence[float]
    aim: Aim | None = None
    limit_name: str = ""
    limit_samples: Sequence[float] = ()
    peak_mib: float | None = None
    grown_mib: float | None = None
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def value(self) -> float:
        """Median of the samples."""
        return statistics.median(self.samples)

    @property
    def limit(self) -> float | None:
        """Median of the limit's samples."""
        return statistics.median(self.limit_samples) if self.limit_samples else None

    @property
    def ratio(self) -> float | None:
        """Value over limit."""
        return self.value / self.limit if self.limit else None

    @property
    def is_reached(self) -> bool | None:
        """Whether the aim is reached; None when there is none."""
        return None if self.aim is None else self.aim.is_reached(self.value, self.limit or 0.0)

    def as_document(self) -> dict[str, Any]:
        """Return what the result file keeps."""
        document = {name: value for name, value in asdict(self).items() if name != "aim"}
        return {
            **document,
            "value": self.value,
            "limit": self.limit,
            "ratio": self.ratio,
            "aim": self.aim.text if self.aim else None,
            "is_reached": self.is_reached,
        }


@contextlib.contextmanager
def without_collector() -> Iterator[None]:
    """Keep Python's cyclic collector out of a limit: its cost follows from this process's heap, not from the work."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def seconds_of(action: Callable[[], Any]) -> float:
    """Return how long an action takes."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started
