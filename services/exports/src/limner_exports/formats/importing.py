"""From what readers yield to annotations of a task: frames matched, names resolved, groups renumbered, tracks rebuilt.

Source: FORMATS.md §2, §3.2.
"""

from collections.abc import Iterable, Iterator

from limner_exports.formats.base import FormatError, ImportErrors
from limner_exports.formats.items import ImportBatch, ImportItem, ImportTrack, ReadOptions
from limner_exports.formats.matching import Matcher, TargetFrames
from limner_exports.formats.placing import ItemPlacer, tracked_shape
from limner_exports.formats.resolving import LabelResolver, ResolvedLabel, known_source
from limner_model.annotations import AttributeValue, ElementTrack, ShapeType, Track, TrackedShape
from limner_model.labels import LabelSchema


def import_items(
    items: Iterable[ImportItem | ImportTrack],
    frames: TargetFrames,
    labels: LabelSchema,
    options: ReadOptions,
    *,
    converts_masks: bool,
) -> Iterator[ImportBatch]:
    """Turn the items of a reader into batches; see ``engine.read_dataset``.

    Raises:
        ImportErrors: At the end, or as soon as ``options.max_errors`` items are wrong.
    """
    run = _Import(frames, labels, options, converts_masks=converts_masks)
    for item in items:
        if options.subset is not None and item.subset != options.subset:
            continue
        run.take(item)
        if run.count >= options.batch_size and not run.errors:
            yield run.flush()
    yield from run.finish()


class _Import:
    """The state of one import: the open batch, tracks being rebuilt, errors and warnings."""

    def __init__(self, frames: TargetFrames, labels: LabelSchema, options: ReadOptions, *, converts_masks: bool) -> None:
        self.errors: list[FormatError] = []
        self._frames = frames
        self._options = options
        self._matcher = Matcher(frames)
        self._resolver = LabelResolver(labels)
        self._placer = ItemPlacer(self._resolver, options, converts_masks=converts_masks)
        self._skipped = 0

    @property
    def count(self) -> int:
        """Objects in the open batch."""
        return self._placer.count

    def take(self, item: ImportItem | ImportTrack) -> None:
        """Place one item; its errors are collected."""
        try:
            if isinstance(item, ImportTrack):
                self._take_track(item)
            else:
                self._take_item(item)
        except FormatError as error:
            self._fail(error)

    def flush(self) -> ImportBatch:
        """Hand out the open batch and begin a new one."""
        return self._placer.flush()

    def finish(self) -> Iterator[ImportBatch]:
        """Yield what is left: the open batch, then the rebuilt tracks.

        Raises:
            ImportErrors: Some items were wrong.
        """
        if self.errors:
            raise ImportErrors(self.errors)
        yield from self._placer.finish(_last_frame(self._frames))
        warnings = self._resolver.warnings() + self._placer.warnings()
        if self._skipped:
            warnings.append(f"{self._skipped} items of frames outside of the target left out")
        if warnings:
            yield ImportBatch(warnings=warnings)

    def _take_item(self, item: ImportItem) -> None:
        for error in item.errors:
            self._fail(error)
        if not item.tags and not item.shapes:
            return
        try:
            frame = self._matcher.match(item.name, has_extension=item.has_extension, number=item.frame, subset=item.subset)
        except FormatError as error:
            raise FormatError(f"{error.message} ({error.where})", item.where) from error
        if not self._frames.includes(frame):
            self._skipped += 1
            return
        for problem in self._placer.place(item, frame, self._frames.size_of(frame)):
            self._fail(problem)

    def _take_track(self, track: ImportTrack) -> None:
        built = build_track(track, self._frames, self._resolver)
        if built.shapes and built.shapes[0].type is ShapeType.MASK:
            first = next((shape for shape in built.shapes if not shape.outside), None)
            if first is not None and self._frames.includes(first.frame):
                self._placer.add_mask_of_track(built, first)
        elif built.shapes and any(self._frames.includes(shape.frame) for shape in built.shapes):
            self._placer.add_track(built)

    def _fail(self, error: FormatError) -> None:
        self.errors.append(error)
        if len(self.errors) >= self._options.max_errors:
            raise ImportErrors(self.errors)


def build_track(track: ImportTrack, frames: TargetFrames, resolver: LabelResolver) -> Track:
    """Resolve a track that a file lists as such; keyframes keep their order and become unique by frame.

    Immutable attributes are those of the last keyframe.

    Raises:
        FormatError: A keyframe is not on a frame of the task, or a label is unknown.
    """
    label = resolver.label(track.label, track.where)
    fixed, shapes = _keyframes(track, label, frames, resolver)
    elements = []
    for part in track.elements:
        sublabel = resolver.sublabel(label, part.label, part.where or track.where)
        part_fixed, part_shapes = _keyframes(part, sublabel, frames, resolver)
        if part_shapes:
            elements.append(
                ElementTrack(
                    frame=part_shapes[0].frame,
                    label_id=sublabel.id,
                    group=track.group,
                    source=known_source(track.source),
                    shapes=part_shapes,
                    attributes=part_fixed,
                )
            )
    return Track(
        frame=shapes[0].frame if shapes else 0,
        label_id=label.id,
        group=track.group,
        source=known_source(track.source),
        shapes=shapes,
        attributes=fixed,
        elements=elements,
    )


def _keyframes(
    track: ImportTrack, label: ResolvedLabel, frames: TargetFrames, resolver: LabelResolver
) -> tuple[list[AttributeValue], list[TrackedShape]]:
    fixed: list[AttributeValue] = []
    by_frame: dict[int, TrackedShape] = {}
    for shape in track.shapes:
        rel = frames.rel(shape.frame)
        if rel is None:
            raise FormatError(f"the task has no frame {shape.frame}", shape.where or track.where)
        fixed, mutable = resolver.attributes(label, shape.attributes, shape.where or track.where)
        by_frame[rel] = tracked_shape(shape, rel, mutable)
    return fixed, [by_frame[frame] for frame in sorted(by_frame)]


def _last_frame(frames: TargetFrames) -> int:
    included = frames.included
    if included is None:
        return frames.size - 1
    return max(included, default=-1)
