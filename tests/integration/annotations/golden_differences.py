"""Where we answer otherwise than the recorded server on purpose, by the record's name. Each says why."""

from tests.support.golden_rest import Difference

_POINTS = "Later servers check the number of points, and so do we."
_FRAME = "A frame that the job does not have could never be seen or exported."
_SENTENCE = "Faults are told by field, with positions in lists as keys, so that a client can show where they are."


def _fault(path: str, message: str, kind: str = "shapes") -> dict[str, object]:
    fault: object = [message]
    for step in reversed(path.split(".")):
        fault = {step: fault}
    return {kind: {"0": fault}}


DIFFERENCES = {
    "write-bad-label-id": Difference(_SENTENCE, answer=_fault("label_id", "label_id `999999` is invalid")),
    "write-label-of-other-task": Difference(_SENTENCE, answer=_fault("label_id", "label_id `1` is invalid")),
    "write-odd-points": Difference(
        _POINTS, status=400, answer=_fault("points", "a rectangle needs exactly 4 numbers, not 3")
    ),
    "write-rectangle-six-points": Difference(
        _POINTS, status=400, answer=_fault("points", "a rectangle needs exactly 4 numbers, not 6")
    ),
    "write-no-points": Difference(
        _POINTS, status=400, answer=_fault("points", "a rectangle needs exactly 4 numbers, not 0")
    ),
    "write-points-text": Difference(_SENTENCE, answer=_fault("points.0", "Value must be a float or an integer")),
    "write-frame-out-of-job": Difference(
        _FRAME, status=400, answer=_fault("frame", "frame 3 is not one of the frames 0 to 2")
    ),
    "write-frame-out-of-task": Difference(
        _FRAME, status=400, answer=_fault("frame", "frame 77 is not one of the frames 0 to 2")
    ),
    "write-frame-negative": Difference(
        _SENTENCE, answer=_fault("frame", "Ensure this value is greater than or equal to 0.")
    ),
    "write-bad-type": Difference(_SENTENCE, answer=_fault("type", '"circle" is not a valid choice.')),
    "write-unknown-attribute": Difference(_SENTENCE, answer=_fault("attributes.0.spec_id", "spec_id `999999` is invalid")),
    "write-attribute-of-other-label": Difference(
        _SENTENCE, answer=_fault("attributes.0.spec_id", "spec_id `251` is invalid")
    ),
    "write-rotation-400": Difference(
        _SENTENCE, answer=_fault("rotation", "Ensure this value is less than or equal to 360.")
    ),
    "write-rotation-negative": Difference(
        _SENTENCE, answer=_fault("rotation", "Ensure this value is greater than or equal to 0.")
    ),
    "write-polygon-two-points": Difference(
        _POINTS, status=400, answer=_fault("points", "a polygon needs an even count of at least 6 numbers, not 4")
    ),
    "write-polyline-one-point": Difference(
        _POINTS, status=400, answer=_fault("points", "a polyline needs an even count of at least 4 numbers, not 2")
    ),
    "write-ellipse-two-numbers": Difference(
        _POINTS, status=400, answer=_fault("points", "a ellipse needs exactly 4 numbers, not 2")
    ),
    "write-cuboid-short": Difference(
        _POINTS, status=400, answer=_fault("points", "a cuboid needs exactly 16 numbers, not 4")
    ),
    "write-mask-short": Difference(
        _POINTS,
        status=400,
        answer=_fault("points", "a mask needs at least one run length and the four numbers of its box"),
    ),
    "write-mask-counts-too-few": Difference(
        "A mask whose runs do not fill its box cannot be drawn or exported.",
        status=400,
        answer=_fault("points", "the run lengths of a mask must fill its box"),
    ),
    "write-skeleton-no-elements": Difference(
        "Later servers ask for elements.",
        status=400,
        answer=_fault("elements", "a skeleton needs at least one element"),
    ),
    "write-sublabel-alone": Difference(
        "A sublabel means nothing outside its skeleton.",
        status=400,
        answer=_fault("label_id", "label_id `462` is invalid"),
    ),
    "write-z-order-float": Difference(_SENTENCE, answer=_fault("z_order", "A valid integer is required.")),
    "write-group-negative": Difference(
        _SENTENCE, answer=_fault("group", "Ensure this value is greater than or equal to 0.")
    ),
    "write-source-unknown": Difference(
        "Clients know a closed set of sources; an unknown one is read as manual.", answer={"shapes": [{"source": "manual"}]}
    ),
    "write-nan-text": Difference(_SENTENCE, answer=_fault("points.0", "Value must be a float or an integer")),
    "write-track-no-shapes": Difference(
        "Bad input is not an internal error.",
        status=400,
        answer=_fault("shapes", "a track needs at least one keyframe", "tracks"),
    ),
    "read-track-no-shapes": Difference(
        "A refused replacement leaves what was there; the recorded server had emptied the job.",
        answer={"shapes": [{"frame": 0}]},
    ),
    "write-track-duplicate-frame": Difference(
        "Two keyframes on a frame cannot be exported: the last one is kept.", answer={"tracks": [{"frame": 0}]}
    ),
    "read-track-duplicate-frame": Difference(
        "Two keyframes on a frame cannot be exported: the last one is kept.",
        answer={"tracks": [{"shapes": [{"points": [1.0, 1.0, 5.0, 5.0]}]}]},
    ),
    "write-track-beyond-job": Difference(
        "A closing keyframe may lie one frame after the job, others may not.",
        status=400,
        answer=_fault("shapes.1.frame", "frame 3 is not one of the frames 0 to 2", "tracks"),
    ),
    "read-track-beyond-job": Difference("The write before was refused.", answer={"tracks": [{"frame": 0}]}),
    "write-track-mask": Difference(
        "Masks cannot be interpolated; exports of such a track fail.",
        status=400,
        answer=_fault("shapes.0.type", "masks cannot be tracked", "tracks"),
    ),
    "read-track-mask": Difference("The write before was refused.", answer={"tracks": [{"frame": 0}]}),
    "write-immutable-on-key": Difference(
        _SENTENCE, answer=_fault("attributes.0.spec_id", "spec_id `246` is invalid", "tracks")
    ),
    "read-immutable-on-key": Difference(
        "A refused replacement leaves what was there; the recorded server had emptied the job.",
        answer={"tracks": [{"frame": 0}]},
    ),
    "write-body-list": Difference("Bad input is not an internal error.", status=400, answer=...),
    "write-no-label": Difference(_SENTENCE, answer=_fault("label_id", "This field is required.")),
    "write-no-frame": Difference(_SENTENCE, answer=_fault("frame", "This field is required.")),
    "write-task-put": Difference(
        "The recorded server drops what is on no frame of the task without a word.",
        status=400,
        answer={"shapes": {"1": {"frame": ["frame 3 is not one of the frames 0 to 2"]}}},
    ),
    "annotations-update-unknown-id": Difference(
        "An object that is gone is added again under a new id: ids are ours to give.", answer={"shapes": [{"frame": 0}]}
    ),
}
