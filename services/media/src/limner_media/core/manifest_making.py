"""Making manifests from files.

Source: domain/MEDIA.md §3.1, §3.2, §3.5.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Final

import av.error
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from limner_media.core.errors import MediaError, TooFewKeyFramesError
from limner_media.core.images import checksum_bytes, read_header
from limner_media.core.kinds import MediaKind, is_image, is_point_cloud, kind_of
from limner_media.core.manifests import ImageItem, ImageManifest, KeyFrame, VideoManifest
from limner_media.core.pointclouds import MAX_HEADER_BYTES, point_cloud_frames
from limner_media.core.related import RELATED_FOLDER, related_images, split_related
from limner_media.core.selection import VIDEO_CHUNK_SIZE, SortingMethod, sort_names
from limner_media.core.video import decode_stream, scan_video
from limner_media.core.video_index import Clock, VideoIndex
from limner_media.core.video_open import VideoSource, opened

_WILDCARDS: Final = frozenset("*?[")


def make_manifest(
    source: str | Path,
    *,
    sorting: SortingMethod = SortingMethod.LEXICOGRAPHICAL,
    force: bool = False,
    seed: int | None = None,
) -> ImageManifest | VideoManifest:
    """Make the manifest of a video, a folder (with all below it), a single image, or a glob pattern.

    The data root is the folder, the fixed part of the pattern, or the image's folder. Checksums are computed, so everything
    is decoded: minutes for long videos.

    Args:
        source: Path or pattern with ``*``, ``?``, ``[]``.
        sorting: Order of images.
        force: Make a video manifest although it has too few key frames.
        seed: Fixes the random order.

    Raises:
        TooFewKeyFramesError: The video cannot be sought well enough.
        MediaError: There is no media, or a file cannot be read.
    """
    path = Path(source)
    if path.is_file() and kind_of(path.name) is MediaKind.VIDEO:
        return video_manifest(path, scan_video(path, file=path.name), file=path.name, force=force)
    root, meant, around = _listed(path)
    return folder_manifest(root, _names(root, meant), context=_names(root, around), sorting=sorting, seed=seed)


def folder_manifest(
    root: Path,
    names: Iterable[str],
    *,
    context: Iterable[str] = (),
    sorting: SortingMethod = SortingMethod.LEXICOGRAPHICAL,
    seed: int | None = None,
) -> ImageManifest:
    """Make the manifest of files below a folder, with checksums.

    Args:
        root: The data root.
        names: Files relative to it; those of other kinds, and all in ``related_images``, are no frames.
        context: Further files that may be context images.
        sorting: Order of the frames.
        seed: Fixes the random order.

    Raises:
        MediaError: No file is an image or point cloud, or one cannot be read.
    """
    files = sorted(names)
    outside, _ = split_related(files)
    clouds = point_cloud_frames(outside, lambda name: _head(root / name))
    frames = sort_names(clouds or [name for name in outside if is_image(name)], sorting, seed=seed)
    if not frames:
        raise MediaError("no images or point clouds were found", file=str(root))
    related = related_images(frames, {*files, *context})
    return ImageManifest(tuple(_item(root, name, related) for name in frames))


def video_manifest(
    source: VideoSource,
    index: VideoIndex,
    *,
    file: str,
    force: bool = False,
    chunk_size: int = VIDEO_CHUNK_SIZE,
    is_thorough: bool = True,
) -> VideoManifest:
    """Make the manifest of a video: key frames from which decoding gives the same picture as decoding from the start.

    Args:
        source: Path or seekable binary file.
        index: Its frame table.
        file: Name of the video.
        force: Accept too few key frames, even none.
        chunk_size: Frames per chunk, for the density rule.
        is_thorough: Decode the whole video and compare; otherwise only key frames are decoded, by seeking to them.

    Raises:
        TooFewKeyFramesError: Key frames are further apart than three chunks on average, see `refuse_sparse_key_frames`.
        MediaError: Times do not ascend, the first frame is no key frame, or the video cannot be read.
    """
    if index.clock is not Clock.PTS:
        raise MediaError("the video's time stamps do not ascend, so no manifest can be made", file=file)
    if not index.is_key[0]:
        raise MediaError("the video does not start with a key frame, so no manifest can be made", file=file)
    sought = dict(_sought_checksums(source, index, file))
    if is_thorough:
        with opened(source, file=file) as (container, stream):
            decoded = dict(_decoded_checksums(container, stream, index))
        sought = {number: checksum for number, checksum in sought.items() if decoded.get(number) == checksum}
    keys = tuple(KeyFrame(number, int(index.times[number]), checksum) for number, checksum in sorted(sought.items()))
    if not force:
        refuse_sparse_key_frames([key.number for key in keys], index.frame_count, chunk_size=chunk_size, file=file)
    return VideoManifest(PurePosixPath(file).name, index.width, index.height, index.frame_count, keys)


def refuse_sparse_key_frames(numbers: Iterable[int], frame_count: int, *, chunk_size: int, file: str) -> None:
    """Apply the density rule: at no frame may there be 3·chunk_size + 1 frames so far per key frame so far.

    Raises:
        TooFewKeyFramesError: The rule is broken, or there is no key frame at all.

    Source: domain/MEDIA.md §3.1.
    """
    most = 3 * chunk_size + 1
    seen = 0
    # Just before the next key frame, and at the end, the number of frames per key frame is largest.
    for number in [*numbers, frame_count]:
        if number // max(1, seen) >= most:
            raise TooFewKeyFramesError("the video has too few key frames for smooth decoding", file=file)
        seen += 1
    if seen == 1:
        raise TooFewKeyFramesError("the video has no key frame that can be sought", file=file)


def _sought_checksums(source: VideoSource, index: VideoIndex, file: str) -> Iterator[tuple[int, str]]:
    """Checksums of key frames that come out first after seeking to their time."""
    with opened(source, file=file) as (container, stream):
        stream.thread_type = "SLICE"
        for number in index.key_frames.tolist():
            pts = int(index.times[number])
            frame = _first_after_seek(container, stream, pts)
            if frame is not None and frame.pts == pts:
                yield number, _frame_checksum(frame)


def _first_after_seek(container: InputContainer, stream: VideoStream, pts: int) -> VideoFrame | None:
    try:
        container.seek(pts, stream=stream)
    except av.error.FFmpegError:
        return None
    return next((frame for _, frame in decode_stream(container, stream, Clock.PTS)), None)


def _decoded_checksums(container: InputContainer, stream: VideoStream, index: VideoIndex) -> Iterator[tuple[int, str]]:
    """Checksums of the key frames met when the whole video is decoded."""
    stream.thread_type = "AUTO"
    numbers = {int(index.times[number]): int(number) for number in index.key_frames}
    for time, frame in decode_stream(container, stream, Clock.PTS):
        if time in numbers:
            yield numbers[time], _frame_checksum(frame)


def _frame_checksum(frame: VideoFrame) -> str:
    return _md5(frame.to_ndarray(format="rgb24").tobytes())


def _item(root: Path, name: str, related: Mapping[str, list[str]]) -> ImageItem:
    context = tuple(related.get(name, ()))
    if is_point_cloud(name):
        return ImageItem(name, related=context)
    data = (root / name).read_bytes()
    header = read_header(data, file=name)
    return ImageItem(name, header.width, header.height, context, _md5(checksum_bytes(data, file=name)))


def _listed(source: Path) -> tuple[Path, list[Path], list[Path]]:
    """Data root, the files that the source means, and the files among which context images are looked for."""
    if source.is_dir():
        found = _files(source)
        return source, found, found
    if source.is_file():
        return source.parent, [source], _files(source.parent / RELATED_FOLDER)
    if _WILDCARDS.isdisjoint(str(source)):
        raise MediaError("no such file or folder", file=str(source))
    root = _fixed_root(source)
    meant = [path for path in root.glob(str(source.relative_to(root))) if path.is_file()]
    return root, meant, _files(root)


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _names(root: Path, paths: Iterable[Path]) -> list[str]:
    return [path.relative_to(root).as_posix() for path in paths]


def _fixed_root(pattern: Path) -> Path:
    """The folders of a pattern before its first wildcard."""
    fixed: list[str] = []
    for part in pattern.parts[:-1]:
        if not _WILDCARDS.isdisjoint(part):
            break
        fixed.append(part)
    return Path(*fixed)


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_HEADER_BYTES)


def _md5(data: bytes) -> str:
    # A checksum that the format prescribes; nothing rests on its strength.
    return hashlib.md5(data, usedforsecurity=False).hexdigest()
