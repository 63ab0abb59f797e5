"""What making data needs."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from limner_common.objects.threads import Threads
from limner_media.core.archives import ArchiveLimits
from limner_media.pool.processes import ProcessPool
from limner_media.sources.locating import Sources

#: Says how far the work is (0..1) and what is being done.
Report: TypeAlias = Callable[[float, str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Workshop:
    """Stores, processes, threads, limits, and places for what is made.

    Attributes:
        sources: Store and share.
        pool: Processes for whole files.
        threads: Threads for headers and lists.
        limits: What an archive may hold.
        max_frames: Most frames of a task.
        key_folder: Folder of keys for what is made, ending on a slash.
        scratch: Folder of the disk for what is being made.
        report: Says how far the work is.
    """

    sources: Sources
    pool: ProcessPool
    threads: Threads
    limits: ArchiveLimits
    max_frames: int
    key_folder: str
    scratch: Path
    report: Report
