"""Objects that cannot be written: told apart before a writer sees them, so that no writer fails on one."""

import math
from dataclasses import replace

from limner_exports.formats.base import ExportFrame, Report
from limner_exports.formats.label_table import LabelTable
from limner_exports.formats.naming import safe_member_name
from limner_model.annotations import ShapeType
from limner_model.frames import FrameAnnotations, FrameElement, FrameShape
from limner_model.rle import mask_points_error

_EXACT_COUNTS = {ShapeType.RECTANGLE: 4, ShapeType.ELLIPSE: 4, ShapeType.CUBOID: 16}
_LEAST_COUNTS = {ShapeType.POLYGON: 6, ShapeType.POLYLINE: 4, ShapeType.POINTS: 2}


def writable(frame: ExportFrame, labels: LabelTable, report: Report) -> ExportFrame:
    """The frame without objects that no format can hold; those go to the report. Its name becomes fit for an archive.

    Shapes that are outside are left out silently: they are not visible. The given frame is returned as it is when nothing
    has to change.
    """
    annotations = frame.annotations
    shapes = []
    for shape in annotations.shapes:
        problem = shape_problem(shape, labels)
        if problem is not None:
            report.drop(problem, shape.type.value, f"{frame.name} shape {shape.id}")
        elif not shape.outside:
            shapes.append(shape)
    tags = [tag for tag in annotations.tags if tag.label_id in labels.by_id]
    if len(tags) < len(annotations.tags):
        for tag in annotations.tags:
            if tag.label_id not in labels.by_id:
                report.drop("the label does not exist", "tag", f"{frame.name} tag {tag.id}")
    name = safe_member_name(frame.name)
    is_whole = len(shapes) == len(annotations.shapes) and len(tags) == len(annotations.tags)
    if is_whole and name == frame.name:
        return frame
    kept = FrameAnnotations(frame=annotations.frame, tags=tags, shapes=shapes)
    return replace(frame, name=name, annotations=kept)


def shape_problem(shape: FrameShape, labels: LabelTable) -> str | None:
    """Say why a shape cannot be written, None when it can."""
    if shape.label_id not in labels.by_id:
        return "the label does not exist"
    if shape.type is not ShapeType.SKELETON:
        return points_problem(shape.type, shape.points, shape.rotation)
    for element in shape.elements:
        problem = _element_problem(element, labels)
        if problem is not None:
            return problem
    return None


def points_problem(kind: ShapeType, points: list[float], rotation: float = 0.0) -> str | None:
    """Say what is wrong with the coordinates of a shape, None when nothing is; O(points)."""
    if not math.isfinite(sum(points)) or not math.isfinite(rotation):
        return "a coordinate is not a finite number"
    if kind is ShapeType.MASK:
        return mask_points_error(points)
    count = len(points)
    exact = _EXACT_COUNTS.get(kind)
    if exact is not None:
        return None if count == exact else "wrong number of coordinates"
    least = _LEAST_COUNTS.get(kind, 0)
    return None if count % 2 == 0 and count >= least else "wrong number of coordinates"


def _element_problem(element: FrameElement, labels: LabelTable) -> str | None:
    if element.label_id not in labels.by_id:
        return "the label of a skeleton point does not exist"
    return points_problem(element.type, element.points, element.rotation)
