"""What the folder cache takes in all, and who leaves when it is full. All of it blocks.

    root/ledger              the bytes everything takes; locked (``flock``) for every change to the other two
    root/incoming/<random>   values being written, at their full length from the start
    root/entries/a/b/=c      the entry ``a/b/c``

The ledger is raised before files are made and lowered after they are gone, so when a process dies it says too much,
never too little; the next scan sets it right. A power cut can leave anything, so each process scans before its first
put.
"""

import fcntl
import heapq
import os
import secrets
import shutil
import stat
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

_TOTAL: Final = struct.Struct("<Q")
#: What common file systems round up to.
_DISK_BLOCK_BYTES: Final = 4096
#: A draft this old belongs to a process that died.
_ABANDONED_AFTER_SECONDS: Final = 3600.0
#: A scan notes this part of all entries, and at least so many, as the next to leave.
_VICTIM_PART: Final = 8
_MIN_VICTIMS: Final = 16
_NO_BOUND_NS: Final = 1 << 63


def footprint(size_bytes: int) -> int:
    """Return what a file of that size takes on the disk, in bytes."""
    return -(-size_bytes // _DISK_BLOCK_BYTES) * _DISK_BLOCK_BYTES


class _Victim(NamedTuple):
    merit_ns: int
    path: str


class _Leaving:
    """The entries of least merit: all that have no more than a bound, as far as this process knows."""

    def __init__(self) -> None:
        self._heap: list[_Victim] = []
        self._bound_ns = -1
        self._max_length = 0

    def refill(self, merits: list[_Victim]) -> None:
        """Note the least of all entries anew."""
        count = max(_MIN_VICTIMS, len(merits) // _VICTIM_PART)
        # Sorted, which is a heap.
        self._heap = heapq.nsmallest(count, merits)
        self._bound_ns = self._heap[-1].merit_ns if count < len(merits) else _NO_BOUND_NS
        self._max_length = 4 * count

    def add(self, victim: _Victim) -> None:
        """Note an entry that is new, or has a new merit."""
        if len(self._heap) >= self._max_length:
            # Mostly entries replaced since; a scan is due.
            self._heap, self._bound_ns = [], -1
        elif victim.merit_ns <= self._bound_ns:
            heapq.heappush(self._heap, victim)

    def pop(self) -> _Victim | None:
        """Return the entry of least merit, or None when that takes a scan."""
        return heapq.heappop(self._heap) if self._heap else None


class Ledger:
    """Keeps the files of a cache within a bound. Safe for many threads and processes on one folder.

    Args:
        root: Folder of the cache.
        max_bytes: What its files may take on the disk.
    """

    def __init__(self, root: Path, max_bytes: int) -> None:
        self.entries = root / "entries"
        self._incoming = root / "incoming"
        self._file = root / "ledger"
        self._max_bytes = max_bytes
        # Guarded by the lock on the file, like everything else here.
        self._leaving = _Leaving()
        self._is_counted = False

    def reserve(self, size_bytes: int) -> Path | None:
        """Make a draft of ``size_bytes`` after making room for it, and return its path.

        Returns:
            None when there is no room because of other drafts.

        Raises:
            OSError: The disk says so; nothing is reserved.
        """
        draft = self._incoming / secrets.token_hex(16)
        with self._locked() as fd:
            if not self._is_counted:
                self._scan(fd)
            if not self._make_room(fd, footprint(size_bytes)):
                return None
            self._add(fd, footprint(size_bytes))
            try:
                self._incoming.mkdir(parents=True, exist_ok=True)
                with draft.open("xb") as file:
                    file.truncate(size_bytes)
            except OSError:
                self._remove_file(fd, draft, footprint(size_bytes))
                raise
        return draft

    def commit(self, draft: Path, target: Path) -> None:
        """Make the draft, written, the entry at ``target``, replacing any.

        Raises:
            OSError: The disk says so; the draft stays.
        """
        with self._locked() as fd:
            replaced_bytes = _size_of(target)
            target.parent.mkdir(parents=True, exist_ok=True)
            draft.replace(target)
            self._leaving.add(_Victim(target.stat().st_mtime_ns, str(target)))
            self._add(fd, -replaced_bytes)

    def remove(self, path: Path) -> None:
        """Remove a draft or an entry, if it is there, and the folders it leaves empty."""
        with self._locked() as fd:
            self._remove_file(fd, path, _size_of(path))
            self._prune(path.parent)

    def remove_folder(self, folder: Path) -> None:
        """Remove the entries in a folder and below. They vanish at one instant."""
        trash = self._incoming / secrets.token_hex(16)
        with self._locked() as fd:
            self._incoming.mkdir(parents=True, exist_ok=True)
            try:
                folder.rename(trash)
            except FileNotFoundError:
                return
            self._prune(folder.parent)
            gone_bytes = sum(footprint(status.st_size) for _, status in _files_below(trash))
            self._add(fd, -gone_bytes)
        shutil.rmtree(trash, ignore_errors=True)

    @contextmanager
    def _locked(self) -> Iterator[int]:
        """Hold the ledger, whose total is known, and give its descriptor."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX)
            if len(os.pread(fd, _TOTAL.size, 0)) != _TOTAL.size:
                self._scan(fd)
            yield fd
        finally:
            os.close(fd)

    def _total(self, fd: int) -> int:
        total: int = _TOTAL.unpack(os.pread(fd, _TOTAL.size, 0))[0]
        return total

    def _add(self, fd: int, size_bytes: int) -> None:
        os.pwrite(fd, _TOTAL.pack(max(0, self._total(fd) + size_bytes)), 0)

    def _make_room(self, fd: int, needed_bytes: int) -> bool:
        is_scanned = False
        while self._total(fd) + needed_bytes > self._max_bytes:
            victim = self._leaving.pop()
            if victim is not None:
                self._evict(fd, victim)
            elif not is_scanned:
                self._scan(fd)
                is_scanned = True
            else:
                return False
        return True

    def _evict(self, fd: int, victim: _Victim) -> None:
        path = Path(victim.path)
        try:
            status = path.stat()
        except FileNotFoundError:
            return
        if status.st_mtime_ns != victim.merit_ns:
            # It was used, or replaced, since it was noted.
            self._leaving.add(_Victim(status.st_mtime_ns, victim.path))
            return
        self._remove_file(fd, path, footprint(status.st_size))
        self._prune(path.parent)

    def _remove_file(self, fd: int, path: Path, size_bytes: int) -> None:
        path.unlink(missing_ok=True)
        self._add(fd, -size_bytes)

    def _prune(self, folder: Path) -> None:
        with suppress(OSError):
            while folder != self.entries and self.entries in folder.parents:
                folder.rmdir()
                folder = folder.parent

    def _scan(self, fd: int) -> None:
        """Count everything anew, clear what died processes left, and note who leaves next. O(entries)."""
        self._clear_abandoned()
        total = sum(footprint(status.st_size) for _, status in _files_below(self._incoming))
        merits = []
        for path, status in _files_below(self.entries):
            total += footprint(status.st_size)
            merits.append(_Victim(status.st_mtime_ns, path))
        os.pwrite(fd, _TOTAL.pack(total), 0)
        self._leaving.refill(merits)
        self._is_counted = True

    def _clear_abandoned(self) -> None:
        if not self._incoming.exists():
            return
        for path in self._incoming.iterdir():
            with suppress(OSError):
                status = path.lstat()
                if time.time() - status.st_ctime < _ABANDONED_AFTER_SECONDS:
                    continue
                if stat.S_ISDIR(status.st_mode):
                    shutil.rmtree(path)
                else:
                    path.unlink()


def _size_of(path: Path) -> int:
    try:
        return footprint(path.lstat().st_size)
    except (FileNotFoundError, NotADirectoryError):
        return 0


def _files_below(folder: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Yield the files at any depth, with what is known of them; what vanishes meanwhile is left out."""
    folders = [str(folder)]
    while folders:
        with suppress(FileNotFoundError), os.scandir(folders.pop()) as found:
            for item in found:
                if item.is_dir(follow_symlinks=False):
                    folders.append(item.path)
                    continue
                with suppress(FileNotFoundError):
                    yield item.path, item.stat(follow_symlinks=False)
