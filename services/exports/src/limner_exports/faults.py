"""Errors of the formats as errors of the product."""

from collections.abc import Iterator
from contextlib import contextmanager

from limner_common.errors import Invalid
from limner_exports.formats import FormatError, ImportErrors
from limner_model.interpolation import InvalidTrack

_SHOWN = 10


@contextmanager
def format_faults() -> Iterator[None]:
    """Turn errors of the formats into ``Invalid`` with the file, line or item in its message.

    Raises:
        Invalid: Instead of ``FormatError``, ``ImportErrors`` or ``InvalidTrack``.
    """
    try:
        yield
    except FormatError as error:
        raise Invalid(describe(error), code="bad_dataset") from error
    except InvalidTrack as error:
        raise Invalid(f"A track cannot be exported: {error}", code="bad_track") from error


def describe(error: FormatError) -> str:
    """Return what is wrong, one line per item, the first ones of many."""
    if not isinstance(error, ImportErrors):
        return str(error)
    lines = [str(one) for one in error.errors[:_SHOWN]]
    if len(error.errors) > _SHOWN:
        lines.append(f"… and {len(error.errors) - _SHOWN} more")
    return "\n".join(lines)
