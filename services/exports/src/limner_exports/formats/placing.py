"""Objects of one matched item turned into tags, shapes and pieces of tracks.

Source: FORMATS.md §3.2.
"""

from collections import Counter
from collections.abc import Iterator

from limner_exports.formats.base import FormatError
from limner_exports.formats.geometry import mask_polygons, pixels_from_fractions, require_valid_points
from limner_exports.formats.items import ImportBatch, ImportItem, ImportShape, ImportTag, ReadOptions
from limner_exports.formats.resolving import BACKGROUND, LabelResolver, ResolvedLabel, known_source
from limner_exports.formats.track_building import TrackBuilder, TrackedObject, TrackedPoint
from limner_model.annotations import AttributeValue, Element, Shape, ShapeType, Tag, Track, TrackedShape

_TrackKey = tuple[str, int, ShapeType]


class ItemPlacer:
    """Collects the open batch and the tracks that are being rebuilt."""

    def __init__(self, resolver: LabelResolver, options: ReadOptions, *, converts_masks: bool) -> None:
        self.count = 0
        self._resolver = resolver
        self._options = options
        self._converts_masks = converts_masks
        self._batch = ImportBatch()
        self._builders: dict[_TrackKey, TrackBuilder] = {}
        self._background = 0

    def place(self, item: ImportItem, frame: int, size: tuple[int, int]) -> Iterator[FormatError]:
        """Add the objects of an item to the batch; yields what is wrong with single objects."""
        groups = {} if item.keeps_groups else group_numbers(item)
        for tag in item.tags:
            try:
                self._place_tag(tag, frame, tag.group if item.keeps_groups else groups.get(tag.group, 0))
            except FormatError as error:
                yield error
        for shape in item.shapes:
            try:
                if item.is_normalized:
                    shape.points = pixels_from_fractions(shape.points, size)
                self._place_shape(shape, frame, size, shape.group if item.keeps_groups else groups.get(shape.group, 0))
            except FormatError as error:
                yield error

    def add_track(self, track: Track) -> None:
        """Add a finished track."""
        self._batch.tracks.append(track)
        self.count += len(track.shapes) + sum(len(part.shapes) for part in track.elements)

    def add_mask_of_track(self, track: Track, first: TrackedShape) -> None:
        """Add the one shape that a track of masks becomes, because masks cannot be tracked."""
        self._add_shape(
            Shape(
                type=first.type,
                occluded=first.occluded,
                z_order=first.z_order,
                points=first.points,
                frame=first.frame,
                label_id=track.label_id,
                group=track.group,
                source=track.source,
                attributes=track.attributes + first.attributes,
            )
        )

    def flush(self) -> ImportBatch:
        """Hand out the open batch and begin a new one."""
        batch, self._batch, self.count = self._batch, ImportBatch(), 0
        return batch

    def finish(self, last_frame: int) -> Iterator[ImportBatch]:
        """Yield the open batch and the rebuilt tracks; ``last_frame`` is the last rel frame of the target."""
        while self._builders:
            key = next(iter(self._builders))
            self.add_track(self._builders.pop(key).build(last_frame))
            if self.count >= self._options.batch_size:
                yield self.flush()
        if self.count:
            yield self.flush()

    def warnings(self) -> list[str]:
        """Describe what was left out."""
        return [f"{self._background} objects labelled '{BACKGROUND}' left out"] if self._background else []

    def _is_background(self, label: str) -> bool:
        is_unknown = label == BACKGROUND and self._options.drops_background and not self._resolver.has(label)
        self._background += is_unknown
        return is_unknown

    def _place_tag(self, tag: ImportTag, frame: int, group: int) -> None:
        if self._is_background(tag.label):
            return
        label = self._resolver.label(tag.label, tag.where)
        fixed, mutable = self._resolver.attributes(label, tag.attributes, tag.where)
        source = known_source(tag.source)
        self._batch.tags.append(
            Tag(frame=frame, label_id=label.id, group=group, source=source, attributes=_by_spec(fixed + mutable))
        )
        self.count += 1

    def _place_shape(self, shape: ImportShape, frame: int, size: tuple[int, int], group: int) -> None:
        if self._is_background(shape.label):
            return
        label = self._resolver.label(shape.label, shape.where)
        require_valid_points(shape)
        fixed, mutable = self._resolver.attributes(label, shape.attributes, shape.where)
        is_tracked = shape.track_id is not None and shape.keyframe is not None and shape.type is not ShapeType.MASK
        if is_tracked and self._add_tracked(shape, frame, group, label, fixed, mutable):
            return
        built = self._shape(shape, frame, group, label, _by_spec(fixed + mutable))
        if shape.type is ShapeType.MASK and self._converts_masks:
            for points in mask_polygons(shape.points, shape.where):
                self._add_shape(_as_polygon(built, points))
        else:
            self._add_shape(built)

    def _add_shape(self, shape: Shape) -> None:
        self._batch.shapes.append(shape)
        self.count += 1 + len(shape.elements)

    def _shape(
        self, shape: ImportShape, frame: int, group: int, label: ResolvedLabel, attributes: list[AttributeValue]
    ) -> Shape:
        return Shape(
            type=shape.type,
            occluded=shape.occluded,
            outside=shape.outside,
            z_order=shape.z_order,
            rotation=shape.rotation,
            points=shape.points,
            frame=frame,
            label_id=label.id,
            group=group,
            source=known_source(shape.source),
            attributes=attributes,
            elements=[self._element(part, frame, group, label, shape) for part in shape.elements],
            score=shape.score,
        )

    def _element(self, part: ImportShape, frame: int, group: int, label: ResolvedLabel, parent: ImportShape) -> Element:
        sublabel = self._resolver.sublabel(label, part.label, part.where or parent.where)
        fixed, mutable = self._resolver.attributes(sublabel, part.attributes, part.where or parent.where)
        return Element(
            type=part.type,
            occluded=part.occluded,
            outside=part.outside,
            z_order=part.z_order,
            rotation=part.rotation,
            points=part.points,
            frame=frame,
            label_id=sublabel.id,
            group=group,
            source=known_source(part.source or parent.source),
            attributes=_by_spec(fixed + mutable),
        )

    def _add_tracked(
        self,
        shape: ImportShape,
        frame: int,
        group: int,
        label: ResolvedLabel,
        fixed: list[AttributeValue],
        mutable: list[AttributeValue],
    ) -> bool:
        key = (str(shape.track_id), label.id, shape.type)
        points = [self._tracked_point(part, frame, label, shape) for part in shape.elements]
        item = TrackedObject(
            label_id=label.id,
            group=group,
            source=known_source(shape.source),
            fixed=fixed,
            shape=tracked_shape(shape, frame, mutable),
            is_key=bool(shape.keyframe),
            points=points,
        )
        return self._builders.setdefault(key, TrackBuilder()).add(item)

    def _tracked_point(self, part: ImportShape, frame: int, label: ResolvedLabel, parent: ImportShape) -> TrackedPoint:
        where = part.where or parent.where
        sublabel = self._resolver.sublabel(label, part.label, where)
        fixed, mutable = self._resolver.attributes(sublabel, part.attributes, where)
        return TrackedPoint(label_id=sublabel.id, fixed=fixed, shape=tracked_shape(part, frame, mutable))


def group_numbers(item: ImportItem) -> dict[int, int]:
    """New numbers of the groups of an item: those with two members or more become 1, 2, … in their order."""
    sizes = Counter(tag.group for tag in item.tags) + Counter(shape.group for shape in item.shapes)
    kept = sorted(group for group, size in sizes.items() if group and size > 1)
    return {group: index for index, group in enumerate(kept, 1)}


def tracked_shape(shape: ImportShape, frame: int, attributes: list[AttributeValue]) -> TrackedShape:
    """Make the keyframe of a read object."""
    return TrackedShape(
        type=shape.type,
        occluded=shape.occluded,
        outside=shape.outside,
        z_order=shape.z_order,
        rotation=shape.rotation,
        points=shape.points,
        frame=frame,
        attributes=attributes,
    )


def _as_polygon(shape: Shape, points: list[float]) -> Shape:
    return Shape(
        type=ShapeType.POLYGON,
        occluded=shape.occluded,
        z_order=shape.z_order,
        points=points,
        frame=shape.frame,
        label_id=shape.label_id,
        group=shape.group,
        source=shape.source,
        attributes=list(shape.attributes),
    )


def _by_spec(values: list[AttributeValue]) -> list[AttributeValue]:
    return sorted(values, key=lambda value: value.spec_id)
