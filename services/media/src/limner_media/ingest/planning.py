"""Which of the files become frames, in which order, with which context; nothing is read here.

Source: domain/MEDIA.md §2, §3.4, §4, §9, §10; domain/ANNOTATIONS.md §8.1.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from limner_media.core.errors import MediaError
from limner_media.core.kinds import MediaKind, is_image, is_point_cloud
from limner_media.core.manifests import ImageManifest, match_images, order_by_manifest
from limner_media.core.names import AbsolutePaths, normalize_name
from limner_media.core.pointclouds import pcd_name, refuse_mixed_frames
from limner_media.core.related import related_images, split_related
from limner_media.core.selection import SortingMethod, frames_of_mapping, order_as_given, select_frames, sort_names
from limner_media.ingest.params import DataParams
from limner_model.numbering import FrameNumbering


@dataclass(frozen=True, slots=True)
class ImagePlan:
    """The frames of an image or point cloud task.

    Attributes:
        frames: Names under which they were sent, in task order.
        numbering: Their source numbers.
        related: Context files by frame name.
        is_3d: The frames are point clouds.
        job_sizes: Frames per job when jobs were given by file names; empty otherwise.
    """

    frames: list[str]
    numbering: FrameNumbering
    related: Mapping[str, Sequence[str]]
    is_3d: bool
    job_sizes: list[int] = field(default_factory=list)


def plan_images(
    names: Sequence[str],
    params: DataParams,
    *,
    kind: MediaKind,
    manifest: ImageManifest | None,
    seed: int,
) -> ImagePlan:
    """Choose and order the frames among files.

    Args:
        names: All files, unpacked, in the order they came in.
        params: What was asked for.
        kind: What the files came as.
        manifest: The manifest that came with them.
        seed: Fixes the random order.

    Raises:
        MediaError: There are no frames, they do not fit the manifest, order or mapping, or kinds are mixed.
    """
    outside, _ = split_related(names)
    clouds = [name for name in outside if is_point_cloud(name)]
    candidates = clouds or [name for name in outside if is_image(name)]
    if not candidates:
        raise MediaError("no media data found: there are no images or point clouds")
    if manifest is None and kind in (MediaKind.ZIP, MediaKind.ARCHIVE) and _is_predefined(params):
        raise MediaError("an archive with predefined sorting needs a manifest that gives the order")
    ordered = _ordered(candidates, params, manifest, seed)
    numbering = select_frames(len(ordered), start=params.start_frame, stop=params.stop_frame, step=params.step)
    if manifest is not None:
        _check_manifest(manifest, ordered, numbering)
    frames = ordered[numbering.start_frame : numbering.stop_frame + 1 : numbering.step]
    related = related_images(frames, names)
    if clouds:
        context = [name for found in related_images(clouds, names).values() for name in found]
        refuse_mixed_frames(outside, context=context)
        _refuse_same_frame_name(frames)
    mapping = params.job_file_mapping
    return ImagePlan(frames, numbering, related, bool(clouds), [len(files) for files in mapping or ()])


def upload_order(names: Sequence[str], params: DataParams) -> list[str]:
    """Return uploaded files in the order the client named, if it did.

    Raises:
        MediaError: The names it gave are not those of the files.
    """
    order = params.upload_file_order
    if not order:
        return list(names)
    return order_as_given(names, [normalize_name(name, absolute=AbsolutePaths.BASE_NAME) for name in order])


def refuse_unusable_manifest(params: DataParams, kind: MediaKind, manifests: Sequence[str]) -> None:
    """Refuse manifests that came with data they cannot be used for.

    Raises:
        MediaError: There are several, or the sorting or kind of the data has no use for one.

    Source: domain/MEDIA.md §3.4.
    """
    if not manifests:
        return
    if len(manifests) > 1:
        raise MediaError("only one manifest can come with the data", file=manifests[1])
    if params.sorting_method is SortingMethod.RANDOM:
        raise MediaError("a manifest cannot be used with random sorting", file=manifests[0])
    if not (params.use_cache or _is_predefined(params) or params.filename_pattern):
        raise MediaError("a manifest can only be used with use_cache or with predefined sorting", file=manifests[0])
    if kind is MediaKind.PDF:
        raise MediaError("a manifest cannot be used with a PDF", file=manifests[0])


def _ordered(candidates: list[str], params: DataParams, manifest: ImageManifest | None, seed: int) -> list[str]:
    if params.job_file_mapping is not None:
        mapping = [
            [normalize_name(name, absolute=AbsolutePaths.STRIP) for name in files] for files in params.job_file_mapping
        ]
        return frames_of_mapping(mapping, candidates)
    if manifest is not None and _is_predefined(params):
        if None in manifest.items:
            raise MediaError("a manifest that leaves frames out cannot give the order of files")
        sent = {pcd_name(name) if is_point_cloud(name) else name: name for name in candidates}
        return [sent[name] for name in order_by_manifest(manifest, list(sent))]
    return sort_names(candidates, params.sorting_method, seed=seed)


def _check_manifest(manifest: ImageManifest, ordered: Sequence[str], numbering: FrameNumbering) -> None:
    """The items of a manifest are the source frames; those outside the selection may be left empty."""
    names = [pcd_name(name) if is_point_cloud(name) else name for name in ordered]
    if None in manifest.items:
        names = [name for number, name in enumerate(names) if numbering.relative(number) is not None]
    match_images(manifest, names)


def _refuse_same_frame_name(frames: Sequence[str]) -> None:
    seen: set[str] = set()
    for frame in frames:
        name = pcd_name(frame)
        if name in seen:
            raise MediaError("a scan and a point cloud would become the same frame", file=frame)
        seen.add(name)


def _is_predefined(params: DataParams) -> bool:
    return params.sorting_method is SortingMethod.PREDEFINED
