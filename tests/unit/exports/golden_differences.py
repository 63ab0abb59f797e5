"""Where our archives differ from the recorded ones on purpose, and why.

Each id names one difference; ``applies`` says for which recorded archives it is expected. Tests treat everything else as a
failure, and fail too when a listed difference does not show up any more.
"""

REASONS = {
    "opposite-rotation": (
        "Two keys exactly 180 degrees apart: the recording turns by one degree and then jumps. We turn clockwise, as the "
        "editor shows it (ANNOTATIONS.md §7.1)."
    ),
    "report": "The archive has a list of what the format could not hold; the recording drops objects silently.",
    "late-closing": (
        "A single shape on the last but one frame is closed on the last frame too, or it would come back on both. The "
        "recording leaves the closing row out there."
    ),
    "pixel-rounding": "Fractions are made of exact coordinates; the recording rounds pixels to two decimals before.",
    "rotated-boxes": "The recording writes rotated boxes as if they were straight; we leave them out (FORMATS.md §9).",
    "top-labels": "obj.names lists top-level labels only, so that sublabels cannot shift class numbers (FORMATS.md §9).",
    "image-sizes": (
        "Items of an export without pictures keep path and size of their image; the recording has an empty point cloud "
        "path in their place, which says nothing (FORMATS.md §5 lists `image`)."
    ),
    "same-name": (
        "A picture of the same name in another subset overwrote the first one in the recording: one folder holds all "
        "subsets. Later ones get their subset in front of the name."
    ),
    "image-ids": "Image ids count images; in the recording equal names in different subsets share one id.",
    "number-text": "Values of number attributes come back as they were stored (2), not as the float of the file (2.0).",
    "element-groups": (
        "Points of a skeleton share the group of the skeleton (ANNOTATIONS.md §4); the recorded import gives them none."
    ),
    "mask-source": (
        "Objects of CVAT XML get the source `file` (FORMATS.md §4.4); the recorded import forgets it for masks of tracks."
    ),
    "outside-elements": (
        "A skeleton point that is outside all the time keeps its keyframe; the recorded state has a point without any."
    ),
    "skeleton-outside": (
        "A skeleton whose points are all outside is outside itself (ANNOTATIONS.md §4); the recorded import leaves it "
        "visible."
    ),
    "box-groups": (
        "Boxes and masks of VOC belong to no group; the recording numbers both from 1 on and takes equal numbers for one "
        "group (FORMATS.md §7)."
    ),
    "mask-pixels": "The recorded import of VOC masks loses their last row and column; ours come back exactly.",
    "mask-holes": (
        "A hole is joined to the ring around it (FORMATS.md §3.2); the recorded import fills it and adds it as a polygon."
    ),
    "mask-tracks": (
        "Masks cannot be tracked (ANNOTATIONS.md §3), so masks of a track, such as ellipses of COCO and Datumaro, become "
        "one mask per frame; the recorded import stores tracks of masks that later reads fail on."
    ),
}

_ROTATING = ("b_video", "b_video_step", "b_video-job-1")

APPLIES: dict[str, dict[str, tuple[str, ...]]] = {
    "cvat-for-images-1-1": {"opposite-rotation": _ROTATING},
    "cvat-for-video-1-1": {
        "opposite-rotation": _ROTATING,
        "late-closing": ("a_images", "c_project"),
        "report": ("a_images", "b_video", "b_video_step", "c_project", "a_images-job-1", "b_video-job-1"),
    },
    "coco-1-0": {
        "opposite-rotation": _ROTATING,
        "late-closing": (
            "A single shape on the last but one frame is closed on the last frame too, or it would come back on both. The "
            "recording leaves the closing row out there."
        ),
        "pixel-rounding": "Fractions are made of exact coordinates; the recording rounds pixels to two decimals before.",
        "report": (
            "a_images",
            "a_plain",
            "b_video",
            "b_video_step",
            "c_project",
            "e_keypoints",
            "a_images-job-1",
            "b_video-job-1",
        ),
        "same-name": ("c_project",),
        "image-ids": ("c_project",),
    },
    "datumaro-1-0": {
        "opposite-rotation": ("b_video_step",),
        "report": ("a_plain", "b_video_step"),
        "image-sizes": ("a_plain", "a_related", "b_video_step", "c_project", "a_images-job-1"),
    },
    "pascal-voc-1-1": {
        "opposite-rotation": ("b_video", "b_video_step"),
        "report": ("a_images", "a_plain", "b_video", "b_video_step", "c_project"),
        "same-name": ("c_project",),
    },
    "yolo-1-1": {
        "report": ("a_images", "b_video", "b_video_step", "c_project", "e_yolo"),
        "pixel-rounding": ("b_video", "b_video_step"),
        "rotated-boxes": ("a_images", "b_video", "b_video_step", "e_yolo"),
        "top-labels": ("a_images", "b_video", "b_video_step", "c_project"),
    },
}
"""Difference ids by recorded format folder, with the objects they apply to."""


IMPORTS: dict[str, dict[str, tuple[str, ...]]] = {
    "cvat-for-images-1-1": {"element-groups": ("a_images", "a_images.with-images", "e_keypoints")},
    "cvat-for-video-1-1": {
        "mask-source": ("a_images-job-1", "b_video-job-1", "b_video_step"),
        "outside-elements": ("b_video-job-1",),
        "skeleton-outside": ("b_video-job-1",),
    },
    "coco-1-0": {
        "number-text": ("*",),
        "mask-tracks": ("b_video-job-1", "b_video_step"),
    },
    "datumaro-1-0": {"number-text": ("*",), "mask-tracks": ("b_video_step",)},
    "pascal-voc-1-1": {
        "number-text": ("*",),
        "box-groups": ("*",),
        "mask-pixels": ("a_images", "a_plain", "b_video", "b_video_step"),
        "mask-holes": ("*",),
    },
}
"""Difference ids by recorded format folder, with the imports they apply to; ``*`` are all of the folder."""


def import_differences(folder: str, name: str) -> set[str]:
    """Differences expected after an import."""
    found = {difference for difference, names in IMPORTS.get(folder, {}).items() if names == ("*",) or name in names}
    assert found <= REASONS.keys()
    return found


def expects(difference: str, folder: str, key: str) -> bool:
    """Whether a recorded archive is expected to show a difference."""
    assert difference in REASONS
    return key in APPLIES.get(folder, {}).get(difference, ())
