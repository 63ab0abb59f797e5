"""Masks of a VOC item from its two colour maps.

Source: FORMATS.md §7.
"""

import numpy as np
from numpy.typing import NDArray

from limner_exports.formats.archive import SafeArchive
from limner_exports.formats.base import FormatError
from limner_exports.formats.color_maps import decode_color_map
from limner_exports.formats.items import ImportShape
from limner_model.annotations import ShapeType
from limner_model.rle import CroppedMask, points_from_mask

_VOID = 224 << 16 | 224 << 8 | 192
"""Colour of object borders in the original data set; belongs to nothing."""
_MAX_INSTANCES = 100_000


def instance_masks(archive: SafeArchive, root: str, stem: str, colors: dict[int, str]) -> list[ImportShape]:
    """One mask per instance; per class where there is no map of instances; none without a class map.

    Args:
        archive: The archive.
        root: Folder of the dataset with a slash at the end, or an empty string.
        stem: Id of the item.
        colors: Label by colour ``r << 16 | g << 8 | b``, the background left out.

    Raises:
        FormatError: A picture is damaged or too large, a colour has no label, or the two maps differ in size.
    """
    class_member = f"{root}SegmentationClass/{stem}.png"
    if not archive.contains(class_member):
        return []
    classes = decode_color_map(archive.read(class_member), class_member)
    instance_member = f"{root}SegmentationObject/{stem}.png"
    instances = classes
    if archive.contains(instance_member):
        instances = decode_color_map(archive.read(instance_member), instance_member)
        if instances.shape != classes.shape:
            raise FormatError("the picture has another size than that of the classes", instance_member)
    return _masks(classes, instances, colors, class_member)


def _masks(
    classes: NDArray[np.uint32], instances: NDArray[np.uint32], colors: dict[int, str], where: str
) -> list[ImportShape]:
    visible = (classes != 0) & (classes != _VOID) & (instances != 0) & (instances != _VOID)
    if not visible.any():
        return []
    # Cut out the part with objects first: everything below costs by its size and the number of objects.
    rows, columns = np.flatnonzero(visible.any(axis=1)), np.flatnonzero(visible.any(axis=0))
    left, top = int(columns[0]), int(rows[0])
    window = np.s_[top : int(rows[-1]) + 1, left : int(columns[-1]) + 1]
    pairs = instances[window].astype(np.uint64) << np.uint64(32) | classes[window].astype(np.uint64)
    pairs[~visible[window]] = 0
    found, numbers = np.unique(pairs, return_inverse=True)
    if found.size > _MAX_INSTANCES:
        raise FormatError("the picture has too many colours", where)
    numbers = numbers.reshape(pairs.shape)
    shapes = []
    for index, box in _boxes(numbers):
        if found[index] == 0:
            continue
        label = colors.get(int(found[index]) & 0xFFFFFF)
        if label is None:
            raise FormatError(f"the colour {_shown(int(found[index]) & 0xFFFFFF)} has no label", where)
        y, x = box[0].start, box[1].start
        mask = CroppedMask(numbers[box] == index, left + x, top + y)
        shapes.append(ImportShape(type=ShapeType.MASK, label=label, points=points_from_mask(mask), where=where))
    return shapes


def _boxes(numbers: NDArray[np.intp]) -> list[tuple[int, tuple[slice, slice]]]:
    """Box of each number of a picture; O(pixels)."""
    flat = numbers.ravel()
    order = np.argsort(flat, kind="stable")
    starts = np.flatnonzero(np.concatenate(([True], np.diff(flat[order]) != 0)))
    ys, xs = np.divmod(order, numbers.shape[1])
    top, bottom = np.minimum.reduceat(ys, starts), np.maximum.reduceat(ys, starts)
    left, right = np.minimum.reduceat(xs, starts), np.maximum.reduceat(xs, starts)
    return [
        (int(flat[order[start]]), (slice(int(top[i]), int(bottom[i]) + 1), slice(int(left[i]), int(right[i]) + 1)))
        for i, start in enumerate(starts)
    ]


def _shown(color: int) -> str:
    return f"{color >> 16},{color >> 8 & 255},{color & 255}"
