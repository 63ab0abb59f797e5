"""The data of a task as values."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from limner_media.core.video_index import VideoIndex
from limner_media.sources.pieces import Piece


class VideoFile(msgspec.Struct, frozen=True, kw_only=True):
    """The video of a task: its file, and width and height in pixels as shown."""

    width: int
    height: int
    piece: Piece


class ChapterMark(msgspec.Struct, frozen=True, kw_only=True):
    """A chapter mark of a video in source frames, both ends included."""

    id: int
    start: int
    stop: int
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskData:
    """What is known of a task's data apart from its single frames.

    Attributes:
        task_id: The task.
        token: Unique name of this data, for cache keys and ETags.
        mode: annotation or interpolation.
        dimension: 2d or 3d.
        media_type: image or point_cloud.
        size: Number of frames.
        chunk_size: Frames per chunk.
        image_quality: JPEG quality 0..100 of compressed chunks.
        start_frame: Source number of frame 0.
        stop_frame: Source number of the last frame.
        step: Source frames from one frame to the next.
        original_chunk_type: imageset or video.
        compressed_chunk_type: imageset or video.
        storage: local or share.
        storage_method: What the client asked for: cache or file_system.
        sorting_method: Order of images.
        video: The video, for video tasks.
        video_index: Its frame table in stored form.
        chapters: Its chapter marks.
        deleted_frames: Task-relative numbers, ascending.
        chunks_updated_at: When the contents of chunks changed last.
        created_at: When the data became ready.
    """

    task_id: int
    token: str
    mode: str
    dimension: str
    media_type: str
    size: int
    chunk_size: int
    image_quality: int
    start_frame: int
    stop_frame: int
    step: int
    original_chunk_type: str
    compressed_chunk_type: str
    storage: str
    storage_method: str
    sorting_method: str
    video: VideoFile | None
    video_index: bytes | None
    chapters: tuple[ChapterMark, ...]
    deleted_frames: tuple[int, ...]
    chunks_updated_at: datetime
    created_at: datetime

    @property
    def chunk_count(self) -> int:
        """Number of chunks of the task."""
        return -(-self.size // self.chunk_size)

    @property
    def frame_filter(self) -> str:
        """The step as clients write it; empty for 1."""
        return f"step={self.step}" if self.step > 1 else ""

    def source_frame(self, number: int) -> int:
        """Source number of a task-relative frame."""
        return self.start_frame + number * self.step

    def read_video_index(self) -> VideoIndex:
        """The frame table of the video."""
        assert self.video_index is not None
        return VideoIndex.from_bytes(self.video_index)


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame of an image or point cloud task.

    Attributes:
        number: Task-relative number.
        width: Width in pixels once upright; WIDTH of a point cloud.
        height: Height in pixels once upright; HEIGHT of a point cloud.
        format: Image format in upper case, PCD, or BIN (a KITTI scan that is delivered as PCD).
        is_upright: The stored bytes are the original quality.
        related: Numbers of its context images among the task's related files.
        piece: Where its bytes lie; ``piece.name`` is the frame's name.
    """

    number: int
    width: int
    height: int
    format: str
    is_upright: bool
    related: Sequence[int]
    piece: Piece

    @property
    def source_name(self) -> str:
        """Name that tells the kind of the stored bytes: a scan's ends in ``.bin``, whatever the frame is called."""
        return self.piece.name.rpartition(".")[0] + ".bin" if self.format == "BIN" else self.piece.name


@dataclass(frozen=True, slots=True)
class FrameLine:
    """What lists of frames tell of each."""

    number: int
    name: str
    width: int
    height: int
    related_count: int


@dataclass(frozen=True, slots=True)
class NewData:
    """Everything that one ingest writes: the data, its frames (none for videos) and their context files."""

    data: TaskData
    frames: Sequence[Frame]
    related: Sequence[Piece]
