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


def expects(difference: str, folder: str, key: str) -> bool:
    """Whether a recorded archive is expected to show a difference."""
    assert difference in REASONS
    return key in APPLIES.get(folder, {}).get(difference, ())
