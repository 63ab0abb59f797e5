"""Where we answer otherwise than the recorded server on purpose, by the record's name. Each says why."""

from tests.support.golden_rest import Difference

_NOT_THERE = "Naming what is not there is the client's mistake, not an internal error."
_SUBSETS = "Subsets come sorted instead of in any order."
_DATA = "Data have the id of their task."
_SENTENCE_IN_A_LIST = "A sentence about the whole input comes as a list of one, like all errors of that kind."

DIFFERENCES = {
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
}
