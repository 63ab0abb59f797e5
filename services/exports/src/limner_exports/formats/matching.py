"""Finding the frame of a task that an item of a dataset belongs to.

Source: FORMATS.md §3.3, with its fixes: frame 0 is a match like any other, and ``frame_N`` of a video is read as the number
in the source before it is read as the number in the task.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from limner_exports.formats.base import FormatError

_VIDEO_PREFIX = "frame_"


@dataclass(frozen=True, slots=True)
class TargetFrame:
    """A frame that can receive annotations; ``frame`` is rel, ``name`` a path with extension, sizes are pixels."""

    frame: int
    name: str
    width: int
    height: int


class TargetFrames:
    """The frames of a task, and which of them the import may write to; about 300 bytes of memory for each.

    Args:
        frames: Frames of an image task; empty for a video, whose frames are named by number.
        size: Number of frames of the task.
        start_frame: Number in the source of frame 0.
        step: Distance of two frames in the source, at least 1.
        video_size: Width and height in pixels of a video, None for image tasks.
        included: Rel frames that are written to (a job's segment, a ground truth set), None for all. Items of other
            frames are skipped with a warning.
    """

    def __init__(
        self,
        frames: Iterable[TargetFrame] = (),
        *,
        size: int,
        start_frame: int = 0,
        step: int = 1,
        video_size: tuple[int, int] | None = None,
        included: frozenset[int] | range | None = None,
    ) -> None:
        self.size = size
        self.start_frame = start_frame
        self.step = step
        self.video_size = video_size
        self.included = included
        self._sizes: dict[int, tuple[int, int]] = {}
        self._known_sizes: dict[tuple[int, int], tuple[int, int]] = {}
        self._by_stem: dict[str, int] = {}
        self._more_by_stem: dict[str, list[int]] = {}
        self._by_path: dict[str, int] = {}
        self._by_last_part: dict[str, list[str]] | None = None
        for frame in frames:
            self.add(frame)

    def add(self, frame: TargetFrame) -> None:
        """Add a frame of an image task; before anything is asked."""
        size = (frame.width, frame.height)
        self._sizes[frame.frame] = self._known_sizes.setdefault(size, size)
        stem = strip_extension(frame.name)
        if self._by_stem.setdefault(stem, frame.frame) != frame.frame:
            self._more_by_stem.setdefault(stem, []).append(frame.frame)
        self._by_path[frame.name] = frame.frame

    @property
    def is_video(self) -> bool:
        """Whether frames are named by their number in the source."""
        return self.video_size is not None

    def size_of(self, frame: int) -> tuple[int, int]:
        """Width and height in pixels of a rel frame."""
        return self.video_size or self._sizes[frame]

    def includes(self, frame: int) -> bool:
        """Whether the import may write to a rel frame."""
        return self.included is None or frame in self.included

    def rel(self, number: int) -> int | None:
        """Rel frame of a number in the source, None when it is not a frame of the task."""
        frame, rest = divmod(number - self.start_frame, self.step)
        return frame if rest == 0 and 0 <= frame < self.size else None

    def stems_like(self, stem: str) -> list[str]:
        """Names without extension whose last part equals that of ``stem``; the first call indexes all frames."""
        if self._by_last_part is None:
            self._by_last_part = {}
            for other in self._by_stem:
                self._by_last_part.setdefault(other.rpartition("/")[2], []).append(other)
        return self._by_last_part.get(stem.rpartition("/")[2], [])

    def by_path(self, name: str) -> int | None:
        """Frame of exactly this name."""
        return self._by_path.get(name)

    def by_stem(self, stem: str) -> list[int]:
        """Frames of this name without extension."""
        if not self.is_video:
            first = self._by_stem.get(stem)
            return [] if first is None else [first, *self._more_by_stem.get(stem, ())]
        number = _video_number(stem)
        frame = None if number is None else self.rel(number)
        return [] if frame is None else [frame]


class Matcher:
    """Matches item names to frames; ``root_hint`` is a folder that the dataset's names lack."""

    def __init__(self, frames: TargetFrames) -> None:
        self.frames = frames
        self._hint: str | None = None

    def match(self, name: str, *, has_extension: bool, number: int | None = None, subset: str = "") -> int:
        """Return the rel frame of an item.

        Args:
            name: Path of the item.
            has_extension: Whether its last suffix is a file extension; both readings are tried, this one first.
            number: Frame number that the item itself holds.
            subset: Subset of the item; a leading folder of this name may be left out.

        Raises:
            FormatError: No frame fits, or several fit equally.
        """
        for candidate in _candidates(name, has_extension, subset):
            frame = self._by_name(name, candidate)
            if frame is not None:
                return frame
        frame = self._by_number(name, number, has_extension)
        if frame is None:
            raise FormatError("could not match the item with a frame of the task", name)
        return frame

    def _by_name(self, name: str, stem: str) -> int | None:
        found = self._one_of(name, self.frames.by_stem(stem))
        if found is None and self._hint and not stem.startswith(self._hint):
            found = self._one_of(name, self.frames.by_stem(self._hint + stem))
        if found is None and not self.frames.is_video:
            found = self._below_root(name, stem)
        return found

    def _one_of(self, name: str, found: list[int]) -> int | None:
        if len(found) < 2:
            return found[0] if found else None
        exact = self.frames.by_path(name)
        if exact is None:
            raise FormatError("several frames of the task have this name", name)
        return exact

    def _below_root(self, name: str, stem: str) -> int | None:
        """Find frames whose path ends with the item's; the part in front becomes the hint for later items."""
        longer = [other for other in self.frames.stems_like(stem) if other.endswith("/" + stem)]
        if len(longer) > 1:
            raise FormatError("several frames of the task have names that end like this", name)
        if not longer:
            return None
        self._hint = longer[0].removesuffix(stem)
        return self._one_of(name, self.frames.by_stem(longer[0]))

    def _by_number(self, name: str, number: int | None, has_extension: bool) -> int | None:
        numbers = [number, _plain_number(name, has_extension)]
        if self.frames.is_video:
            numbers.append(_video_number(strip_extension(name) if has_extension else name))
        for value in numbers:
            if value is not None and 0 <= value < self.frames.size:
                return value
        return None


def strip_extension(name: str) -> str:
    """Remove the last extension of a path: ``a.b/c.d.png`` becomes ``a.b/c.d``; ``a/.png`` stays."""
    stem, dot, extension = name.rpartition(".")
    return name if not dot or "/" in extension or not stem or stem.endswith("/") else stem


def _candidates(name: str, has_extension: bool, subset: str) -> list[str]:
    stem = strip_extension(name)
    names = [stem, name] if has_extension else [name, stem]
    if subset and name.startswith(subset + "/"):
        names += [other.removeprefix(subset + "/") for other in names]
    return list(dict.fromkeys(names))


def _plain_number(name: str, has_extension: bool) -> int | None:
    stem = strip_extension(name) if has_extension else name
    return int(stem) if stem.isascii() and stem.isdecimal() else None


def _video_number(stem: str) -> int | None:
    last = stem.rpartition("/")[2]
    digits = last.removeprefix(_VIDEO_PREFIX)
    is_number = digits != last and digits.isascii() and digits.isdecimal()
    return int(digits) if is_number else None
