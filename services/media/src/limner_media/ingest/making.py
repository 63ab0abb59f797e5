"""From files to data: everything an ingest will write."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec
import structlog

from limner_common.clock import utc_now
from limner_common.ids import new_uuid
from limner_media.core.errors import MediaError
from limner_media.core.kinds import MediaKind, MediaSet, TaskMode, sort_media
from limner_media.core.manifests import (
    MAX_MANIFEST_BYTES,
    ImageManifest,
    VideoManifest,
    read_manifest,
    refuse_wrong_video,
)
from limner_media.core.pointclouds import pcd_name
from limner_media.core.selection import SortingMethod, chunk_size_for, select_frames
from limner_media.core.video_index import VideoIndex
from limner_media.datas.values import Frame, NewData, TaskData, VideoFile
from limner_media.ingest.expanding import VideoScan, expand_video
from limner_media.ingest.gathering import Gathered
from limner_media.ingest.headers import FrameHeader, read_headers
from limner_media.ingest.params import DataParams
from limner_media.ingest.planning import ImagePlan, plan_images, refuse_unusable_manifest
from limner_media.ingest.unpacking import unpack
from limner_media.ingest.workshop import Workshop
from limner_media.sources.pieces import Piece
from limner_model.numbering import FrameNumbering

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Made:
    """New data, and the sizes of jobs that were given by file names."""

    new: NewData
    job_sizes: list[int]


async def make_data(shop: Workshop, task_id: int, gathered: Gathered, params: DataParams, *, seed: int) -> Made:
    """Find out everything about the files that data consist of.

    Args:
        shop: With what.
        task_id: The task.
        gathered: Its files.
        params: What was asked for.
        seed: Fixes the random order.

    Raises:
        MediaError: The files cannot become data; the message names the file.
    """
    pieces = {piece.name: piece for piece in gathered.pieces}
    media = sort_media(list(pieces))
    for name in media.skipped:
        log.info("file_skipped", task_id=task_id, extension=name.rpartition(".")[2])
    refuse_unusable_manifest(params, media.kind, media.manifests)
    manifest = await _manifest(shop, pieces, media)
    if media.kind is MediaKind.VIDEO:
        return await _make_video(shop, task_id, pieces[media.media[0]], params, manifest)
    if isinstance(manifest, VideoManifest):
        raise MediaError("the manifest is about a video, but the data are images", file=media.manifests[0])
    files = await unpack(shop, pieces, media, params)
    plan = plan_images(list(files), params, kind=media.kind, manifest=manifest, seed=seed)
    if len(plan.frames) > shop.max_frames:
        raise MediaError(f"the task would have {len(plan.frames)} frames; {shop.max_frames} are allowed")
    headers = await _headers(shop, [files[name] for name in plan.frames])
    return _image_data(task_id, files, plan, headers, params)


async def _manifest(shop: Workshop, pieces: Mapping[str, Piece], media: MediaSet) -> ImageManifest | VideoManifest | None:
    if not media.manifests:
        return None
    piece = pieces[media.manifests[0]]
    if piece.size_bytes > MAX_MANIFEST_BYTES:
        raise MediaError("the manifest is too large", file=piece.name)
    data = await shop.sources.read(piece)
    return await shop.threads.run(_read_manifest, data, piece.name)


def _read_manifest(data: bytes, name: str) -> ImageManifest | VideoManifest:
    return read_manifest(data, file=name)


async def _headers(shop: Workshop, frames: Sequence[Piece]) -> list[FrameHeader]:
    async def report(done: int) -> None:
        await shop.report(0.1 + 0.85 * done / len(frames), f"Images are being read: {done} of {len(frames)}")

    return await read_headers(shop.sources, frames, threads=shop.threads, pool=shop.pool, report=report)


def _image_data(
    task_id: int, files: Mapping[str, Piece], plan: ImagePlan, headers: Sequence[FrameHeader], params: DataParams
) -> Made:
    related: dict[str, int] = {}
    frames = []
    for number, (name, header) in enumerate(zip(plan.frames, headers, strict=True)):
        numbers = [related.setdefault(context, len(related)) for context in plan.related.get(name, ())]
        piece = files[name] if header.format != "BIN" else msgspec.structs.replace(files[name], name=pcd_name(name))
        frames.append(Frame(number, header.width, header.height, header.format, header.is_upright, numbers, piece))
    chunk_size = params.chunk_size or chunk_size_for(is_video=False, width=headers[0].width, height=headers[0].height)
    data = _task_data(
        task_id,
        params,
        plan.numbering,
        mode=TaskMode.ANNOTATION,
        dimension="3d" if plan.is_3d else "2d",
        chunk_size=chunk_size,
        storage="share" if all(frame.piece.is_share for frame in frames) else "local",
    )
    if plan.job_sizes:
        data = replace(data, sorting_method=str(SortingMethod.PREDEFINED))
    return Made(NewData(data, frames, [files[name] for name in related]), plan.job_sizes)


async def _make_video(
    shop: Workshop, task_id: int, piece: Piece, params: DataParams, manifest: ImageManifest | VideoManifest | None
) -> Made:
    if params.job_file_mapping is not None:
        raise MediaError("a job file mapping cannot be used with a video", file=piece.name)
    if isinstance(manifest, ImageManifest):
        raise MediaError("the manifest is about images, but the data are a video", file=piece.name)
    scan = await shop.pool.run(expand_video, shop.sources.located(piece))
    if manifest is not None:
        _compare(manifest, scan, task_id)
    numbering = select_frames(scan.frame_count, start=params.start_frame, stop=params.stop_frame, step=params.step)
    if numbering.size > shop.max_frames:
        raise MediaError(f"the task would have {numbering.size} frames; {shop.max_frames} are allowed", file=piece.name)
    data = _task_data(
        task_id,
        params,
        numbering,
        mode=TaskMode.INTERPOLATION,
        dimension="2d",
        chunk_size=params.chunk_size
        or chunk_size_for(is_video=not params.use_zip_chunks, width=scan.width, height=scan.height),
        storage="share" if piece.is_share else "local",
    )
    video = VideoFile(width=scan.width, height=scan.height, piece=piece)
    data = replace(data, video=video, video_index=scan.index, chapters=scan.chapters)
    return Made(NewData(data, [], []), [])


def _compare(manifest: VideoManifest, scan: VideoScan, task_id: int) -> None:
    """Look at an uploaded manifest; a wrong one is no reason to fail, the packets tell everything it would."""
    try:
        refuse_wrong_video(manifest, VideoIndex.from_bytes(scan.index))
    except MediaError as error:
        log.warning("manifest_ignored", task_id=task_id, reason=error.message)


def _task_data(
    task_id: int,
    params: DataParams,
    numbering: FrameNumbering,
    *,
    mode: TaskMode,
    dimension: str,
    chunk_size: int,
    storage: str,
) -> TaskData:
    is_video = mode is TaskMode.INTERPOLATION
    now = utc_now()
    return TaskData(
        task_id=task_id,
        token=new_uuid().hex,
        mode=mode,
        dimension=dimension,
        media_type="point_cloud" if dimension == "3d" else "image",
        size=numbering.size,
        chunk_size=chunk_size,
        image_quality=params.image_quality,
        start_frame=numbering.start_frame,
        stop_frame=numbering.stop_frame,
        step=numbering.step,
        original_chunk_type="video" if is_video else "imageset",
        compressed_chunk_type="video" if is_video and not params.use_zip_chunks else "imageset",
        storage=storage,
        storage_method=params.method,
        sorting_method=params.sorting_method,
        video=None,
        video_index=None,
        chapters=(),
        deleted_frames=(),
        chunks_updated_at=now,
        created_at=now,
    )
