"""What is known of a job without reading its objects, and who changes it. Pure."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from limner_annotations.revisions.documents import Counts
from limner_common.errors import Conflict, Gone, Invalid, NotFound


class ChangeKind(StrEnum):
    """What wrote a revision, as in events and in the history."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"
    REPLACE = "replace"
    CLEAR = "clear"
    IMPORT = "import"
    RESTORE = "restore"
    LABELS = "labels"


@dataclass(frozen=True, slots=True)
class Author:
    """Who causes a revision; ``user_id`` is None for the system. ``reason`` is for people, one line.

    ``save_key`` is the same again when his request is; None for what nobody repeats.
    """

    user_id: int | None = None
    username: str = ""
    reason: str = ""
    save_key: bytes | None = None


@dataclass(frozen=True, slots=True)
class JobState:
    """The present state of a job; revision 0 is a job that was never written.

    Of earlier revisions, 0 and those from ``kept_from`` on can be read.
    """

    job_id: int
    task_id: int
    revision: int = 0
    labels_version: str = ""
    label_ids: frozenset[int] = frozenset()
    counts: Counts = field(default_factory=Counts)
    updated_at: datetime | None = None
    is_deleted: bool = False
    kept_from: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether the job has no objects."""
        return self.counts.total == 0

    def version(self, labels_version: str) -> str:
        """Name what the job holds for labels: ``<revision>.<labels version>.<time of writing>``.

        The time tells two revisions of one number apart, of which there are two once an older backup is restored: caches
        and readers may still have the other.
        """
        written = 0 if self.updated_at is None else int(self.updated_at.timestamp() * 1_000_000)
        return f"{self.revision}.{labels_version}.{written:x}"

    def is_kept(self, revision: int) -> bool:
        """Whether all objects of a revision up to the present one are there."""
        return revision == 0 or revision >= self.kept_from

    def require(self, revision: int) -> None:
        """Refuse a revision that cannot be read.

        Raises:
            NotFound: There is no such revision.
            Gone: It was let go.
        """
        if not 0 <= revision <= self.revision:
            raise NotFound
        self.require_kept(revision)

    def require_kept(self, revision: int) -> None:
        """Refuse a revision that was let go; raises ``Gone``."""
        if not self.is_kept(revision):
            raise Gone(
                f"Revision {revision} was removed; the revisions of this job are kept from {self.kept_from} on.",
                code="revision_removed",
            )

    def is_stale(self, labels_version: str) -> bool:
        """Whether documents must be filled for labels of this version before anybody sees them."""
        return not self.is_empty and self.labels_version != labels_version


@dataclass(frozen=True, slots=True)
class Difference:
    """Ids of objects that came (or were changed) and went between two revisions; cut off where there are too many."""

    created: list[int]
    ended: list[int]
    is_cut: bool


class RevisionMismatch(Conflict):
    """The job was saved by somebody else since the revision a client builds on.

    Args:
        expected: Revision the client knows.
        current: Revision the job is at.
        difference: What happened in between.
    """

    def __init__(self, expected: int, current: int, difference: Difference) -> None:
        super().__init__(
            f"The annotations are at revision {current}, the change was made for revision {expected}.",
            code="revision_mismatch",
        )
        self.expected = expected
        self.current = current
        self.difference = difference


class SavedBefore(Exception):
    """The same request wrote a revision already. Its sender is to get the answer of that time; see ``repeats``."""


def expected_revision(if_match: str | None) -> int | None:
    """Read an ``If-Match`` header: a quoted revision or the entity tag of a read; None when any state will do.

    Raises:
        Invalid: It is neither.
    """
    if if_match is None or if_match.strip() == "*":
        return None
    text = if_match.strip().removeprefix("W/").strip('"').partition(".")[0]
    if not text.isascii() or not text.isdigit():
        raise Invalid('If-Match must be a revision in quotes, such as "12".', code="if_match_invalid")
    return int(text)
