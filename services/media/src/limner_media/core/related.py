"""Which images are context of which frame.

Source: domain/MEDIA.md §9. All names are relative paths with forward slashes below one data root.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import PurePosixPath
from typing import Final

from limner_media.core.kinds import is_image, is_point_cloud

RELATED_FOLDER: Final = "related_images"
_CAMERA_FOLDER: Final = re.compile(r"image_\d", re.IGNORECASE)


def is_related(name: str) -> bool:
    """Whether a file lies below a ``related_images`` folder and so is never a frame."""
    return RELATED_FOLDER in name and RELATED_FOLDER in PurePosixPath(name).parts[:-1]


def split_related(names: Iterable[str]) -> tuple[list[str], list[str]]:
    """Split names into those outside and those inside ``related_images`` folders, order kept."""
    outside: list[str] = []
    inside: list[str] = []
    for name in names:
        (inside if is_related(name) else outside).append(name)
    return outside, inside


def related_images_2d(frames: Sequence[str], names: Iterable[str]) -> dict[str, list[str]]:
    """Context images of image frames: ``d/a.png`` has all images in ``d/related_images/a_png/``.

    Args:
        frames: Image frames.
        names: All files of the task.

    Returns:
        Sorted context of each frame that has any.
    """
    images = _Images(name for name in names if RELATED_FOLDER in name)
    if not images:
        return {}
    return _found(frames, lambda frame: images.in_folder(frame.parent / RELATED_FOLDER / _flat_name(frame)))


def related_images_3d(frames: Sequence[str], names: Iterable[str]) -> dict[str, list[str]]:
    """Context images of point cloud frames; all layouts that apply are united.

    Args:
        frames: Point clouds under the names they were sent with (``.pcd`` or ``.bin``).
        names: All files of the task.

    Returns:
        Sorted context of each frame that has any.
    """
    images = _Images(names)
    return _found(frames, lambda frame: _context_3d(frame, images))


def related_images(frames: Sequence[str], names: Iterable[str]) -> dict[str, list[str]]:
    """Context images of frames of either dimension; a frame list that starts with a point cloud is 3D."""
    if frames and is_point_cloud(frames[0]):
        return related_images_3d(frames, names)
    return related_images_2d(frames, names)


class _Images:
    """The images among the files of a task, findable by where they lie."""

    def __init__(self, names: Iterable[str]) -> None:
        self._by_folder: dict[PurePosixPath, set[str]] = defaultdict(set)
        self._by_stem: dict[PurePosixPath, set[str]] = defaultdict(set)
        self._by_camera_stem: dict[PurePosixPath, set[str]] = defaultdict(set)
        for name in names:
            if is_image(name):
                self._add(name, PurePosixPath(name))

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._by_folder)

    def in_folder(self, folder: PurePosixPath) -> set[str]:
        """All images directly in a folder."""
        return self._by_folder.get(folder, set())

    def beside(self, frame: PurePosixPath) -> set[str]:
        """Images in the frame's folder with its stem."""
        return self._by_stem.get(frame.parent / frame.stem, set())

    def of_cameras(self, root: PurePosixPath, stem: str) -> set[str]:
        """Images ``<root>/image_NN/data/<stem>.*``."""
        return self._by_camera_stem.get(root / stem, set())

    def _add(self, name: str, path: PurePosixPath) -> None:
        folder = path.parent
        self._by_folder[folder].add(name)
        self._by_stem[folder / path.stem].add(name)
        if folder.name == "data" and _CAMERA_FOLDER.match(folder.parent.name):
            self._by_camera_stem[folder.parent.parent / path.stem].add(name)


def _context_3d(frame: PurePosixPath, images: _Images) -> set[str]:
    folder = frame.parent
    context = images.in_folder(folder) if folder.name == frame.stem else images.beside(frame)
    if folder.name == "pointcloud":
        context = context | images.in_folder(folder.parent / RELATED_FOLDER / _flat_name(frame))
    if folder.parts[-2:] == ("velodyne_points", "data"):
        context = context | images.of_cameras(folder.parent.parent, frame.stem)
    return context


def _found(frames: Iterable[str], context_of: Callable[[PurePosixPath], set[str]]) -> dict[str, list[str]]:
    found = {frame: sorted(context_of(PurePosixPath(frame))) for frame in frames}
    return {frame: context for frame, context in found.items() if context}


def _flat_name(frame: PurePosixPath) -> str:
    """``a.b.png`` → ``a.b_png``: only the last dot is replaced."""
    return "_".join(frame.name.rsplit(".", 1))
