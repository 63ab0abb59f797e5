"""What the folder store does with its files; all of it blocks and belongs in a thread.

A new object is written to a draft below ``.incoming`` of the same folder and renamed into place when it is whole.
"""

import errno
import hashlib
import os
import secrets
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from limner_common.errors import Conflict
from limner_common.objects.keys import RESERVED_SEGMENT
from limner_common.objects.port import BLOCK_BYTES, ObjectInfo, ObjectMissing, ObjectStoreUnavailable

#: Drafts nobody wrote to for this long belong to a process that died; a broken composition holds data somebody may
#: come back for.
_ABANDONED_AFTER_SECONDS: Final = 86_400
_ABANDONED_COMPOSITION_AFTER_SECONDS: Final = 7 * 86_400
_COMPOSITION: Final = "compose-"

_MISSING: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP})
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
#: How often a put makes its folders anew while others remove them as empty.
_RENAME_TRIES: Final = 100
#: A link must not lead out of the folder, and a pipe must not hold the thread.
_READ_FLAGS: Final = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
#: What ``copy_file_range`` says when it cannot do it between these two files.
_NO_KERNEL_COPY: Final = frozenset(
    {errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EBADF, errno.EPERM, errno.ETXTBSY}
)


@dataclass(frozen=True, slots=True)
class Place:
    """A folder that holds objects.

    Attributes:
        root: The folder; nobody else writes there.
        is_durable: Whether a put waits until the bytes are on the disk, so that a power cut loses no finished put.
    """

    root: Path
    is_durable: bool

    @property
    def incoming(self) -> Path:
        """Folder of the drafts."""
        return self.root / RESERVED_SEGMENT

    def path(self, key: str) -> Path:
        """File of the object ``key``, which is a valid key."""
        return self.root / key


def open_file(path: Path, key: str) -> int:
    """Open the file of the object ``key`` for reading and return its descriptor.

    Links are not followed, neither the file nor the folders that the key names: a folder that people also reach by
    other ways, such as a share, must not lead out of itself.

    Raises:
        ObjectMissing: There is no such regular file.
    """
    with reading(key):
        _refuse_links(path, key)
        fd = os.open(path, _READ_FLAGS)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise ObjectMissing(key)
    return fd


def _refuse_links(path: Path, key: str) -> None:
    for folder in path.parents[: key.count("/")]:
        if folder.is_symlink():
            raise ObjectMissing(key)


@contextmanager
def reading(key: str) -> Iterator[None]:
    """Turn what the system says on reading an object into our errors."""
    try:
        yield
    except OSError as error:
        if error.errno in _MISSING:
            raise ObjectMissing(key) from None
        raise _unavailable(error) from error


@contextmanager
def writing() -> Iterator[None]:
    """Turn what the system says on writing into our errors."""
    try:
        yield
    except (NotADirectoryError, IsADirectoryError, FileExistsError):
        raise Conflict("An object name is the folder of other objects.", code="object_name_is_folder") from None
    except OSError as error:
        raise _unavailable(error) from error


def _unavailable(error: OSError) -> ObjectStoreUnavailable:
    if error.errno in _FULL:
        return ObjectStoreUnavailable("The object store is full.", retry_after_seconds=60)
    return ObjectStoreUnavailable()


def describe(key: str, status: os.stat_result) -> ObjectInfo:
    """Describe a file; replacing it changes inode or time of modification, hence the etag."""
    return ObjectInfo(
        key=key,
        size_bytes=status.st_size,
        etag=f"{status.st_mtime_ns:x}-{status.st_size:x}-{status.st_ino:x}",
        modified_at=datetime.fromtimestamp(status.st_mtime, UTC),
    )


class OpenFile:
    """An object's file and the range that is wanted of it. Making one touches nothing; ``close`` it in the end."""

    def __init__(self, place: Place, key: str, start: int, length: int | None) -> None:
        self._path = place.path(key)
        self._key = key
        self._length = length
        self._fd = -1
        self._position = start
        self._info: ObjectInfo | None = None
        self.start = start

    def open(self) -> bytes:
        """Open the file and return the first block of the range, or nothing when it is empty.

        Raises:
            ObjectMissing: There is no such regular file.
        """
        self._fd = open_file(self._path, self._key)
        self._info = describe(self._key, os.fstat(self._fd))
        return self.read(BLOCK_BYTES)

    @property
    def info(self) -> ObjectInfo:
        """The object, known once the file is open."""
        assert self._info is not None
        return self._info

    @property
    def length_bytes(self) -> int:
        """Length of the range, cut at the end of the file."""
        available = max(0, self.info.size_bytes - self.start)
        return available if self._length is None else min(self._length, available)

    def read(self, size_bytes: int) -> bytes:
        """Return the next bytes of the range, at most ``size_bytes``; nothing at its end."""
        wanted = min(size_bytes, self.start + self.length_bytes - self._position)
        if wanted <= 0:
            return b""
        with reading(self._key):
            block = os.pread(self._fd, wanted, self._position)
        self._position += len(block)
        return block

    def close(self) -> None:
        """Close the file. Idempotent."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def read_range(place: Place, key: str, start: int, length: int | None) -> bytes:
    """Return a range of an object, see ``ObjectStore.get_bytes``."""
    fd = open_file(place.path(key), key)
    try:
        available = max(0, os.fstat(fd).st_size - start)
        with reading(key):
            return pread_all(fd, available if length is None else min(length, available), start)
    finally:
        os.close(fd)


def pread_all(fd: int, size_bytes: int, start: int) -> bytes:
    """Return ``size_bytes`` from ``start``, fewer only at the end of the file. One call up to the system's 2 GiB."""
    data = os.pread(fd, size_bytes, start)
    if len(data) == size_bytes or not data:
        return data
    blocks = [data]
    while data and size_bytes > (got := sum(map(len, blocks))):
        data = os.pread(fd, size_bytes - got, start + got)
        blocks.append(data)
    return b"".join(blocks)


def put_bytes(place: Place, key: str, data: bytes) -> ObjectInfo:
    """Store bytes, see ``ObjectStore.put_bytes``."""
    draft = Draft(place)
    try:
        draft.write(data)
        return draft.commit(key)
    finally:
        draft.discard()


class Draft:
    """An object being written. Making one touches nothing; ``discard`` must be called in the end."""

    def __init__(self, place: Place, path: Path | None = None) -> None:
        self._place = place
        self._path = path or place.incoming / secrets.token_hex(16)
        self._fd = -1
        self._sha256 = hashlib.sha256()

    def write(self, data: bytes) -> None:
        """Add ``data`` at the end."""
        with writing():
            self._open()
            self._sha256.update(data)
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(self._fd, rest) :]

    def write_file(self, path: Path) -> None:
        """Add the bytes of a file at the end, inside the kernel where it can; the digest does not see them.

        Raises:
            FileNotFoundError: There is no such file.
        """
        with path.open("rb") as source, writing():
            self._open()
            _copy_all(source.fileno(), self._fd)

    def commit(self, key: str, *, is_digest_known: bool = True) -> ObjectInfo:
        """Make what was written the object ``key``."""
        with writing():
            self._open()
            if self._place.is_durable:
                os.fsync(self._fd)
            rename_into_place(self._place, self._path, key)
            info = describe(key, os.fstat(self._fd))
        if not is_digest_known:
            return info
        return ObjectInfo(info.key, info.size_bytes, info.etag, info.modified_at, self._sha256.hexdigest())

    def discard(self) -> None:
        """Close, and remove the draft unless it was committed. Idempotent."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1
            with suppress(OSError):
                self._path.unlink(missing_ok=True)

    def _open(self) -> None:
        if self._fd < 0:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)


def rename_into_place(place: Place, source: Path, key: str) -> None:
    """Rename a finished file to the object ``key``, making its folders.

    Raises:
        OSError: As the system says.
    """
    target = place.path(key)
    changed: list[Path] = []
    for _ in range(_RENAME_TRIES):
        try:
            changed += _make_folders(target.parent)
            source.replace(target)
            break
        except (FileNotFoundError, FileExistsError):
            source.stat()
            if any(folder.is_file() for folder in target.parents):
                raise
            # Somebody removed an emptied folder between two of these steps.
        except IsADirectoryError:
            # An empty folder may be left over from deleted objects; a full one holds objects.
            try:
                target.rmdir()
            except FileNotFoundError:
                continue
            except OSError:
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR)) from None
    else:
        raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
    if place.is_durable:
        for folder in dict.fromkeys(changed):
            _sync_folder(folder)


def _make_folders(folder: Path) -> list[Path]:
    """Make ``folder`` and return those, it included, whose list of names is new and has to reach the disk."""
    changed = [folder]
    while not changed[-1].exists():
        changed.append(changed[-1].parent)
    folder.mkdir(parents=True, exist_ok=True)
    return changed


def _sync_folder(folder: Path) -> None:
    # Where it vanished meanwhile, there is nothing to keep.
    with suppress(FileNotFoundError):
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def _copy_all(source_fd: int, target_fd: int) -> None:
    """Append all of ``source_fd`` at the position of ``target_fd``.

    ``copy_file_range`` shares the blocks on file systems that can (XFS, Btrfs) and copies in the kernel elsewhere.
    """
    if hasattr(os, "copy_file_range"):
        try:
            while os.copy_file_range(source_fd, target_fd, 1 << 30):
                pass
        except OSError as error:
            if error.errno not in _NO_KERNEL_COPY:
                raise
        else:
            return
    # Both positions stand where the kernel stopped.
    while block := os.read(source_fd, BLOCK_BYTES):
        rest = memoryview(block)
        while rest:
            rest = rest[os.write(target_fd, rest) :]


def put_file(place: Place, key: str, path: Path, *, move: bool) -> ObjectInfo:
    """Store a file, see ``ObjectStore.put_file``."""
    if not stat.S_ISREG(path.lstat().st_mode):
        raise FileNotFoundError(errno.ENOENT, "Not a regular file", path.name)
    if move and (info := _move_file(place, key, path)):
        return info
    draft = Draft(place)
    try:
        draft.write_file(path)
        info = draft.commit(key, is_digest_known=False)
    finally:
        draft.discard()
    if move:
        path.unlink(missing_ok=True)
    return info


def _move_file(place: Place, key: str, path: Path) -> ObjectInfo | None:
    """Rename the file to the object, or return None when it lies on another file system or is not ours to move."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        with writing():
            os.utime(fd)
            if place.is_durable:
                os.fsync(fd)
            rename_into_place(place, path, key)
            return describe(key, os.fstat(fd))
    except ObjectStoreUnavailable as error:
        cause = error.__cause__
        if isinstance(cause, OSError) and cause.errno in {errno.EXDEV, errno.EPERM, errno.EACCES}:
            return None
        raise
    finally:
        os.close(fd)


def copy_object(place: Place, source: str, dest: str) -> ObjectInfo:
    """Copy an object, see ``ObjectStore.copy``."""
    draft = Draft(place)
    try:
        stat_object(place, source)
        with reading(source):
            draft.write_file(place.path(source))
        return draft.commit(dest, is_digest_known=False)
    finally:
        draft.discard()


def stat_object(place: Place, key: str) -> ObjectInfo:
    """Describe an object, see ``ObjectStore.stat``."""
    with reading(key):
        _refuse_links(place.path(key), key)
        status = place.path(key).lstat()
    if not stat.S_ISREG(status.st_mode):
        raise ObjectMissing(key)
    return describe(key, status)


def delete_object(place: Place, key: str) -> None:
    """Remove an object, and the folders it leaves empty."""
    path = place.path(key)
    try:
        path.unlink()
    except OSError as error:
        # macOS says EPERM for a folder.
        if error.errno in _MISSING or path.is_dir():
            return
        raise _unavailable(error) from error
    _prune(place, path.parent)


def _prune(place: Place, folder: Path) -> None:
    with suppress(OSError):
        while folder != place.root:
            folder.rmdir()
            folder = folder.parent


def delete_folder(place: Place, prefix: str) -> int:
    """Remove all objects below ``prefix``, which ends on a slash; return how many. They vanish at one instant."""
    folder = place.path(prefix)
    trash = place.incoming / secrets.token_hex(16)
    with writing():
        place.incoming.mkdir(parents=True, exist_ok=True)
        try:
            folder.rename(trash)
        except (FileNotFoundError, NotADirectoryError):
            return 0
        count = sum(len(files) for _, _, files in os.walk(trash))
        shutil.rmtree(trash, ignore_errors=True)
    _prune(place, folder.parent)
    return count


def delete_matching(place: Place, prefix: str) -> int:
    """Remove all objects whose key starts with ``prefix``, one by one; return how many."""
    keys = [info.key for info in walk(place, prefix)]
    for key in keys:
        delete_object(place, key)
    return len(keys)


def walk(place: Place, prefix: str) -> Iterator[ObjectInfo]:
    """Yield the objects whose key starts with ``prefix``, by ascending key. Holds the names of one path's folders."""
    folder, _, start = prefix.rpartition("/")
    folder = f"{folder}/" if folder else ""
    stack = [iter(_children(place, folder, start))]
    while stack:
        child = next(stack[-1], None)
        if child is None:
            stack.pop()
        elif child.endswith("/"):
            stack.append(iter(_children(place, child, "")))
        else:
            with suppress(ObjectMissing):
                yield stat_object(place, child)


def _children(place: Place, folder: str, start: str) -> list[str]:
    """Return keys of the files and, ending on a slash, of the folders in ``folder`` whose name begins with ``start``."""
    found = []
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(place.path(folder)) as entries:
        for entry in entries:
            if not entry.name.startswith(start) or (not folder and entry.name == RESERVED_SEGMENT):
                continue
            if entry.is_dir(follow_symlinks=False):
                found.append(f"{folder}{entry.name}/")
            elif entry.is_file(follow_symlinks=False):
                found.append(f"{folder}{entry.name}")
    return sorted(found)


def compose(place: Place, dest: str, sources: tuple[str, ...]) -> ObjectInfo:
    """Join objects, see ``ObjectStore.compose``.

    The first source becomes the draft, under a name that tells dest, source and its length. A call repeated after
    the process died finds it there, cuts it to that length and appends the rest again.
    """
    first, *rest = sources
    for key in rest:
        stat_object(place, key)
    draft, first_bytes = _take_first(place, dest, first)
    try:
        with writing():
            info = _append_and_commit(place, draft, dest, rest)
    except BaseException:
        if draft.exists():
            with writing():
                os.truncate(draft, first_bytes)
                rename_into_place(place, draft, first)
        raise
    _prune(place, place.path(first).parent)
    for key in rest:
        delete_object(place, key)
    return info


def _take_first(place: Place, dest: str, first: str) -> tuple[Path, int]:
    digest = hashlib.sha256(f"{dest}\n{first}".encode()).hexdigest()[:32]
    with writing():
        place.incoming.mkdir(parents=True, exist_ok=True)
    try:
        size_bytes = stat_object(place, first).size_bytes
    except ObjectMissing:
        left_over = next(place.incoming.glob(f"{_COMPOSITION}{digest}-*"), None)
        if left_over is None:
            raise
        size_bytes = int(left_over.name.rpartition("-")[2], 16)
        with writing():
            os.truncate(left_over, size_bytes)
        return left_over, size_bytes
    draft = place.incoming / f"{_COMPOSITION}{digest}-{size_bytes:x}"
    with writing():
        os.utime(place.path(first))
        place.path(first).rename(draft)
    return draft, size_bytes


def _append_and_commit(place: Place, draft: Path, dest: str, sources: list[str]) -> ObjectInfo:
    with draft.open("r+b", buffering=0) as target:
        target.seek(0, os.SEEK_END)
        for key in sources:
            with place.path(key).open("rb", buffering=0) as part:
                _copy_all(part.fileno(), target.fileno())
        # Also where nothing was appended, the object is new now.
        os.utime(target.fileno())
        if place.is_durable:
            os.fsync(target.fileno())
        rename_into_place(place, draft, dest)
        return describe(dest, os.fstat(target.fileno()))


def prepare(place: Place) -> None:
    """Make the folder, and remove the drafts of processes that died."""
    with writing():
        place.incoming.mkdir(parents=True, exist_ok=True)
    now = time.time()
    for path in place.incoming.iterdir():
        limit = _ABANDONED_COMPOSITION_AFTER_SECONDS if path.name.startswith(_COMPOSITION) else _ABANDONED_AFTER_SECONDS
        with suppress(OSError):
            if now - path.lstat().st_mtime < limit:
                continue
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


def check(place: Place) -> None:
    """Raise ``ObjectStoreUnavailable`` unless the folder is there and can be written to."""
    if not os.access(place.root, os.R_OK | os.W_OK | os.X_OK):
        raise ObjectStoreUnavailable("The folder of the object store cannot be used.")
