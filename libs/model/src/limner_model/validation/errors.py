"""What is wrong with a document, and where."""

from collections.abc import Sequence
from typing import NamedTuple


class AnnotationError(NamedTuple):
    """One fault; ``path`` is like ``tracks[2].shapes[0].points``, or empty for the document itself."""

    path: str
    message: str


class InvalidAnnotations(ValueError):
    """A document that is not accepted; ``errors`` lists the first faults found, in order of the document."""

    def __init__(self, errors: Sequence[AnnotationError | tuple[str, str]]) -> None:
        """Keep the faults, at least one."""
        self.errors = [AnnotationError(path, message) for path, message in errors]
        first = self.errors[0]
        super().__init__(f"{first.path}: {first.message}" if first.path else first.message)
