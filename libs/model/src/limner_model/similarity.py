"""How alike two objects of overlapping jobs are, from 0 (nothing in common) to 1 (the same).

Source: the CVAT server's merge of job annotations.
"""

from collections.abc import Sequence

from limner_model.annotations import Shape, ShapeType, Track, TrackedShape
from limner_model.interpolation import interpolate_keyframes

_Box = tuple[float, float, float, float]


class TrackWindow:
    """The shapes of a track on the frames ``start`` to ``end - 1``, where two jobs overlap."""

    def __init__(self, track: Track, start: int, end: int, *, is_3d: bool = False) -> None:
        """Interpolate the track on these frames.

        Raises:
            InvalidTrack: Keyframes do not fit together.
        """
        self.label_id = track.label_id
        self._is_3d = is_3d
        read = interpolate_keyframes(track.shapes, start_frame=start, end_frame=end, is_3d=is_3d)
        self.shapes: dict[int, TrackedShape] = {shape.frame: shape for shape, _ in read}

    def similarity(self, other: "TrackWindow") -> float:
        """Return the mean similarity over the frames where either track has a shape."""
        if self.label_id != other.label_id or not self.shapes or not other.shapes:
            return 0.0
        frames = self.shapes.keys() | other.shapes.keys()
        return sum(self._similarity_at(frame, other) for frame in sorted(frames)) / len(frames)

    def _similarity_at(self, frame: int, other: "TrackWindow") -> float:
        mine, theirs = self.shapes.get(frame), other.shapes.get(frame)
        if mine is None or theirs is None or mine.outside != theirs.outside or mine.type != theirs.type:
            return 0.0
        return geometry_similarity(mine.type, mine.points, theirs.points, is_3d=self._is_3d)


def shape_similarity(first: Shape, second: Shape, *, is_3d: bool = False) -> float:
    """Return the similarity of two shapes; 0 if their labels or types differ."""
    if first.label_id != second.label_id or first.type != second.type:
        return 0.0
    return geometry_similarity(first.type, first.points, second.points, is_3d=is_3d)


def geometry_similarity(
    shape_type: ShapeType, first: Sequence[float], second: Sequence[float], *, is_3d: bool = False
) -> float:
    """Return the intersection over union of two shapes of one type; 0 for types that are never compared.

    Rotation is ignored. Of 3D cuboids the products of the top and the side views are taken.
    """
    if shape_type == ShapeType.RECTANGLE:
        return _box_iou(_box(first), _box(second))
    if shape_type == ShapeType.POLYGON:
        return _polygon_iou(first, second)
    if shape_type == ShapeType.CUBOID and is_3d:
        top = _box_iou(_cuboid_view(first, 1), _cuboid_view(second, 1))
        return top * _box_iou(_cuboid_view(first, 2), _cuboid_view(second, 2))
    return 0.0


def _box(points: Sequence[float]) -> _Box:
    """Order the corners, which may be stored in any order."""
    x0, y0, x1, y1 = points
    return min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)


def _cuboid_view(points: Sequence[float], axis: int) -> _Box:
    """Return the rectangle of a 3D cuboid over x and another axis (1 for y, 2 for z)."""
    x, other, half_x, half_other = points[0], points[axis], points[6] / 2, points[6 + axis] / 2
    return x - half_x, other - half_other, x + half_x, other + half_other


def _box_iou(first: _Box, second: _Box) -> float:
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    area = (first[2] - first[0]) * (first[3] - first[1])
    other_area = (second[2] - second[0]) * (second[3] - second[1])
    if width <= 0 or height <= 0 or area == 0 or other_area == 0:
        return 0.0
    shared = width * height
    return shared / (area + other_area - shared)


def _polygon_iou(first: Sequence[float], second: Sequence[float]) -> float:
    if not _spans_meet(first[::2], second[::2]) or not _spans_meet(first[1::2], second[1::2]):
        return 0.0
    # Imported here because only overlapping jobs with polygons need it.
    from shapely.geometry import Polygon

    one = Polygon(list(zip(first[::2], first[1::2], strict=True)))
    two = Polygon(list(zip(second[::2], second[1::2], strict=True)))
    if not one.is_valid or not two.is_valid or one.area == 0 or two.area == 0:
        return 0.0
    shared = float(one.intersection(two).area)
    return shared / (float(one.area) + float(two.area) - shared)


def _spans_meet(first: Sequence[float], second: Sequence[float]) -> bool:
    return min(first) <= max(second) and min(second) <= max(first)
