"""Recorded exchanges of the public API that we answer otherwise on purpose, and those that are not sent again here.

``DIFFERENCES`` goes by the record's name; each says why, and a test fails when one is not needed any more. Every recorded
exchange is sent again by a test, or is in one of the two lists at the end, by number.
"""

from tests.support.golden_rest import Difference

_NOT_THERE = "Naming what is not there is the client's mistake, not an internal error."
_NO_DATA = "One sentence says everywhere that the task has no data; asking for them is no internal error."
_SUBSETS = "Subsets come sorted instead of in any order."
_DATA = "Data have the id of their task."
_SENTENCE_IN_A_LIST = "A sentence about the whole input comes as a list of one, like all errors of that kind."
_POINTS = "Later servers check the number of points, and so do we."
_FRAME = "A frame that the job does not have could never be seen or exported."
_SENTENCE = "Faults are told by field, with positions in lists as keys, so that a client can show where they are."

_REQUEST = "Newer clients get the id of a request, and ask the request."
_REQUEST_ID = "Ids of requests are ours to give."
_TOLD = "What went wrong is told with the name of the file, and without a trace."
_FORMAT_LATER = "The format comes later."
_NO_CONTEXT = "Errors have a body that says what is not there."
_COUNTED = "Newer clients count frames of a task from 0, whatever its first frame and step are."


def _failed(message: str) -> Difference:
    return Difference(_TOLD, answer={"state": "Failed", "message": message})


def _refused(message: str) -> Difference:
    return Difference(_TOLD, status=400, answer=[message])


def _fault(path: str, message: str, kind: str = "shapes") -> dict[str, object]:
    fault: object = [message]
    for step in reversed(path.split(".")):
        fault = {step: fault}
    return {kind: {"0": fault}}


DIFFERENCES = {
    # Identity, organizations, catalog.
    "server-about": Difference(
        "We say who we are, and report the version of the API that today's clients expect.",
        answer={"name": "Limner", "version": "2.80.0", "logo_url": "", "subtitle": ""},
    ),
    "server-share-missing": Difference(_SENTENCE_IN_A_LIST, answer=["nothing is an invalid directory"]),
    "invite-unknown": Difference(
        "The product sends no mail, which the inviter is told instead of an internal error.",
        status=400,
        answer={"email": ["Nobody with this address has an account. This server sends no mail: ask for registration."]},
    ),
    "invite-no-org": Difference(
        "A missing organization is the client's mistake, not an internal error.",
        status=400,
        answer=["Name the organization with the parameter org or org_id."],
    ),
    "invitations": Difference("The invitation that failed left nothing behind.", answer={"count": 2}),
    "invitation-accept-willy": Difference(_SENTENCE_IN_A_LIST, answer=["Your invitation is already accepted."]),
    "invitation-accept-annie": Difference(_SENTENCE_IN_A_LIST, answer=["Your invitation is already accepted."]),
    "memberships": Difference("The invitation that failed left nothing behind.", answer={"count": 3}),
    "memberships-all": Difference("The invitation that failed left nothing behind.", answer={"count": 3}),
    "membership-bad-role": Difference(
        "An organization has exactly one owner; not even an administrator makes a second.",
        status=400,
        answer={"role": ["An organization has exactly one owner."]},
    ),
    "unknown-endpoint": Difference("Errors of the API are JSON.", answer={"detail": "Not found."}),
    "accept-version": Difference(
        "We speak one version and leave it to the client what it accepts: an answer it can read beats a refusal.",
        status=200,
        answer={"name": "Limner"},
    ),
    "accept-version-2": Difference("As server-about.", answer={"name": "Limner"}),
    "tasks-filter-date": Difference(
        "A value may stand before the field, as the date filters of clients send it.", status=200, answer={"count": 37}
    ),
    "tasks-filter-bad-type": Difference(
        "A value that does not fit is the client's mistake, not an internal error.",
        status=400,
        answer=["filter: 'abc' does not fit 'id': Enter a number."],
    ),
    "task-trailing-slash": Difference("Both forms of a path are answered.", status=200, answer={"id": 1}),
    "task-create-malformed-json": Difference(_SENTENCE_IN_A_LIST, answer=["JSON parse error - Expecting value"]),
    "task-create-wrong-type": Difference(
        "A body that is no JSON is told as what it is: not an object.",
        status=400,
        answer={"non_field_errors": ["Invalid data. Expected a dictionary."]},
    ),
    "task-create-bad-color": Difference(
        "A colour that no client can show is refused.",
        status=400,
        answer={"labels": [{"color": ["A colour has the form #rrggbb."]}]},
    ),
    "task-create-bad-label-type": Difference(
        "A label of a type that nothing can be drawn as is refused.",
        status=400,
        answer={"labels": [{"type": ['"circle" is not a valid choice.']}]},
    ),
    "task-create-bad-number-attribute": Difference(
        "Clients fail on numbers without minimum, maximum and step.",
        status=400,
        answer={
            "labels": [{"attributes": [{"values": ["A number needs exactly three values: minimum, maximum and step."]}]}]
        },
    ),
    "task-create-skeleton-without-sublabels": Difference(
        "A skeleton without points cannot be drawn.",
        status=400,
        answer={"labels": [{"sublabels": ["A skeleton needs at least one sublabel."]}]},
    ),
    "task-patch-bad-assignee": Difference(
        _NOT_THERE, status=400, answer={"assignee_id": ['Invalid pk "999999" - object does not exist.']}
    ),
    "task-labels-after": Difference(
        "A label keeps its colour when its name changes; one without a type may be drawn as anything.",
        without=("results.*.color", "results.*.type"),
    ),
    "job-assign-unknown": Difference(
        _NOT_THERE, status=400, answer={"assignee": ['Invalid pk "999999" - object does not exist.']}
    ),
    "labels-unknown-task": Difference(_NOT_THERE, status=404, answer={"detail": "Not found."}),
    "label-patch-type": Difference("A label keeps its colour when its type changes.", without=("color",)),
    "projects-list": Difference(_SUBSETS, without=("results.*.task_subsets",)),
    "projects-filter": Difference(_SUBSETS, without=("results.*.task_subsets",)),
    "project": Difference(_SUBSETS, without=("task_subsets",)),
    **dict.fromkeys(
        ("project-create", "project-patch", "project-patch-assignee", "project-as-assignee"),
        Difference(
            "A storage is part of its project and has no id of its own.",
            without=("source_storage.id", "target_storage.id"),
        ),
    ),
    "project-empty-preview": Difference(
        "Errors that are no validation have a detail.", answer={"detail": "Project image preview not found"}
    ),
    "requests-list": Difference("Newer clients list their requests.", status=200, answer={"count": 0}),
    "org-task": Difference(_DATA, without=("data",)),
    "org-tasks-as-member": Difference(_DATA, without=("results.*.data",)),
    "org-task-header": Difference(_DATA, without=("results.*.data",)),
    "tasks-personal": Difference(_DATA, without=("results.*.data",)),
    # Services behind the gateway.
    "task-new-meta": Difference(_NO_DATA, status=404, answer={"detail": "The task has no data yet."}),
    "task-new-annotations": Difference(_NO_DATA, answer=["The task has no data yet."]),
    "task-new-preview": Difference(_NO_DATA, answer={"detail": "The task has no data yet."}),
    "task-new-export": Difference(_NO_DATA, answer=["The task has no data yet."]),
    "functions": Difference("There are no functions, which is no failure of the server.", status=200, answer=[]),
    "events": Difference("Addresses of people are not repeated to clients.", without=("events.*.user_email",)),
    # Media.
    **dict.fromkeys(
        (
            "data-empty",
            "data-upload-finish",
            "data-bad-text-file",
            "data-bad-broken-jpeg",
            "data-bad-broken-zip",
            "data-bad-missing-share",
            "data-bad-empty-zip",
            "data-bad-video-and-image",
        ),
        Difference(_REQUEST, answer={}),
    ),
    "data-no-quality": Difference("The quality has a default.", status=202, answer={}),
    "tus-create-without-origin": Difference("An upload needs no Origin.", status=201, answer=None),
    "tus-options": Difference("The protocol is told to who asks.", status=204, answer=None),
    **dict.fromkeys(
        ("task-status-just-after", "task-status-finished"),
        Difference("What is finished has all of its progress.", without=("progress",)),
    ),
    "data-upload-again": Difference(_SENTENCE_IN_A_LIST, answer=["Adding more data is not supported"]),
    "status-bad-text-file": _failed("note.txt: no media data found: this kind of file is not supported"),
    "status-bad-broken-jpeg": _failed("broken.jpg: this is not an image that can be read"),
    "status-bad-broken-zip": _failed("b.zip: this is not an archive that can be read; use zip or tar"),
    "status-bad-missing-share": _failed("nothing.jpg: there is no such file or folder in the share"),
    "status-bad-empty-zip": _failed("e.zip: the archive holds no files"),
    "status-bad-video-and-image": _failed("clip.mp4: a video must be the only file of a task, but y.jpg was given too"),
    **dict.fromkeys(
        ("images-context", "video-context", "related-context-none"),
        Difference(_NO_CONTEXT, answer={"detail": "The frame has no context images."}),
    ),
    "3d-context": Difference("A context image keeps its name.", has_other_content=True),
    "video-step-frame-compressed": Difference(_COUNTED, status=200, answer=None),
    "video-step-frame-original": Difference(_COUNTED, status=200, answer=None),
    "video-step-context": Difference(_COUNTED, status=404, answer={"detail": "The frame has no context images."}),
    "data-chunk-out-of-range": Difference(_SENTENCE_IN_A_LIST, answer=["The chunk number should be in the [0, 0] range"]),
    "data-frame-out-of-range": Difference(_SENTENCE_IN_A_LIST, answer=["The frame number should be in the [0, 7] range"]),
    "data-negative": Difference(_SENTENCE_IN_A_LIST, answer=["The frame number should be in the [0, 7] range"]),
    "video-step-preview": Difference(
        "The preview is the first frame of the task, whatever its first frame and step are.", has_other_content=True
    ),
    "job-chunk": Difference("Chunks of a job hold frames of the job only.", has_other_content=True),
    "data-number-text": Difference(
        "What is no number is the client's mistake, not an internal error.",
        status=400,
        answer={"number": ["A valid integer is required."]},
    ),
    "job-frame-outside": Difference(_SENTENCE_IN_A_LIST, answer=["The frame number doesn't belong to the job"]),
    "chunk-range": Difference("A part is sent when a part is asked for.", status=206),
    "meta-delete-frames-bad": Difference(
        "A frame that is not there cannot be deleted.",
        status=400,
        answer={"deleted_frames": ["The task has the frames 0 to 3, not 77."]},
    ),
    # Exports and imports.
    "export-3d-format-on-images": Difference(_FORMAT_LATER, status=400, answer=["Unknown format specified for the request"]),
    "export-3d-format-on-images-later": Difference(
        _FORMAT_LATER, status=400, answer=["Unknown format specified for the request"]
    ),
    "export-error-first": Difference(_FORMAT_LATER, status=400, answer=["Unknown format specified for the request"]),
    "export-error": Difference(_FORMAT_LATER, status=400, answer=["Unknown format specified for the request"]),
    "import-multipart-post": Difference("A form with the file is an upload too.", status=202, answer={}),
    **dict.fromkeys(
        (
            "import-upload-finish",
            "import-multipart-put",
            "import-not-a-zip",
            "import-other-format",
            "import-coco-unknown-category",
            "import-coco-unknown-image",
            "import-coco-not-json",
            "import-cvat-xml-bad-label",
            "import-cvat-xml-broken",
            "import-cvat-xml-unknown-image",
        ),
        Difference(_REQUEST_ID, without=("rq_id",)),
    ),
    "import-foreign-rq": Difference(
        "Errors have a body that says what is wrong.", answer={"detail": "This import was not started by you."}
    ),
    "import-not-a-zip-result": _refused("x.zip: the file is neither a ZIP archive nor an XML or JSON file"),
    "import-other-format-result": Difference(
        "An archive of another format is refused instead of importing nothing.",
        status=400,
        answer=["the archive has neither 'ImageSets' nor XML files"],
    ),
    "import-coco-unknown-category-result": _refused(
        "x.json: image 'y1.jpg' annotation 1: label 'zeppelin' does not exist in the task"
    ),
    "import-coco-unknown-image-result": _refused(
        "x.json: image 'nowhere.jpg': could not match the item with a frame of the task (nowhere.jpg)"
    ),
    "import-coco-not-json-result": _refused("x.json: not valid JSON (lexical error: invalid string in json text.)"),
    "import-cvat-xml-bad-label-result": _refused(
        "x.xml: image 'y1.jpg' object 1: label 'zeppelin' does not exist in the task"
    ),
    "import-cvat-xml-broken-result": _refused(
        "x.xml: not well-formed XML (Couldn't find end of Start Tag annotations, line 1, column 13)"
    ),
    # Annotations.
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
}

#: Exchanges whose behaviour other tests check against these recordings in their own way: first, last, where.
ELSEWHERE = (
    (2, 2, "tests/unit/exports: the list of formats is compared with tests/golden/formats/formats.json"),
    (338, 338, "tests/integration/exports/test_older_flow.py: whether an import is over when asked at once is a race"),
    (510, 510, "OPTIONS describes forms of the recorded server; the description of the API is /api/schema"),
)

#: Exchanges of features that do not exist yet: first, last, what.
LATER = (
    (90, 90, "backups"),
    (316, 316, "backups"),
    (363, 387, "backups"),
    (427, 447, "issues and comments"),
    (448, 463, "webhooks"),
    (464, 488, "ground truth jobs and quality"),
    (489, 498, "guides and assets"),
    (499, 500, "cloud storages"),
    (504, 504, "analytics reports"),
)
