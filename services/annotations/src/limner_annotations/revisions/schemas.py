"""Answers of the history of a job."""

import msgspec


class RevisionRead(msgspec.Struct, kw_only=True, frozen=True):
    """One revision of a job.

    Attributes:
        revision: Number, from 1, without gaps.
        created_at: When it was written, ISO 8601 in UTC.
        user_id: Who wrote it; None for the system.
        username: His name at the time.
        kind: create, update, delete, replace, clear, import, restore or labels.
        reason: More about it, one line.
        created: Objects that came.
        updated: Objects that were changed under their ids.
        deleted: Objects that went.
        is_kept: Whether it can still be read, compared and restored.
    """

    revision: int
    created_at: str
    user_id: int | None
    username: str
    kind: str
    reason: str
    created: int
    updated: int
    deleted: int
    is_kept: bool


class RevisionPage(msgspec.Struct, kw_only=True, frozen=True):
    """A page of the history, the newest first; ``next`` and ``previous`` are addresses of the neighbours."""

    count: int
    next: str | None
    previous: str | None
    results: list[RevisionRead]


class Restored(msgspec.Struct, kw_only=True, frozen=True):
    """What a restoration did: ``revision`` is the job's revision after it, unchanged when there was nothing to do."""

    revision: int
    restored: int
