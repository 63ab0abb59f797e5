"""Which public route another service answers, what the caller must be allowed, and what follows the answer.

One table drives the gateway and documents the split; a chart that routes hot paths directly reads it too.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from limner_api.access.catalog_policies import JobAction, ProjectAction, TaskAction
from limner_api.access.platform_policies import ServerAction
from limner_api.access.review_policies import EventAction, LambdaAction
from limner_api.access.rules import Action

Query = Mapping[str, str]


class Target(StrEnum):
    """What the id in the path names."""

    PROJECT = "project"
    TASK = "task"
    JOB = "job"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class ForwardedRoute:
    """One public route of another service.

    Attributes:
        methods: HTTP methods.
        path: Path template; ``{id}`` is the target's id. No trailing slash: both forms are answered.
        service: Service that answers.
        action: What the caller must be allowed, or a function of the query that says so.
        target: What ``{id}`` names.
        touches: A successful write changes the dates of job, task and project.
        is_repeatable: The service does a request once however often it comes under one id; so it may be sent again.
        needs_login: False for routes that anybody may ask.
        when: Only requests whose query fulfils this; others fall through to the next route with the path.
    """

    methods: tuple[str, ...]
    path: str
    service: str
    action: Action | Callable[[Query], Action]
    target: Target
    touches: bool = False
    is_repeatable: bool = False
    needs_login: bool = True
    when: Callable[[Query], bool] | None = None


def _has_format(query: Query) -> bool:
    return "format" in query or "rq_id" in query or query.get("action") in ("download", "import_status")


def _export(annotations: Action, dataset: Action) -> Callable[[Query], Action]:
    def choose(query: Query) -> Action:
        return dataset if query.get("save_images", "").lower() in ("true", "1", "yes") else annotations

    return choose


_TASK_EXPORT = _export(TaskAction.EXPORT_ANNOTATIONS, TaskAction.EXPORT_DATASET)
_JOB_EXPORT = _export(JobAction.EXPORT_ANNOTATIONS, JobAction.EXPORT_DATASET)
_PROJECT_EXPORT = _export(ProjectAction.EXPORT_ANNOTATIONS, ProjectAction.EXPORT_DATASET)
_FILE = "{file_id:path}"
_UPLOAD = ("PATCH", "HEAD", "OPTIONS")
_START = ("POST", "OPTIONS")

_MEDIA = (
    ForwardedRoute(("GET",), "/api/tasks/{id}/data", "media", TaskAction.VIEW_DATA, Target.TASK),
    ForwardedRoute(_START, "/api/tasks/{id}/data", "media", TaskAction.UPLOAD_DATA, Target.TASK),
    ForwardedRoute(("GET",), "/api/tasks/{id}/data/meta", "media", TaskAction.VIEW_METADATA, Target.TASK),
    ForwardedRoute(("PATCH",), "/api/tasks/{id}/data/meta", "media", TaskAction.UPDATE_METADATA, Target.TASK, touches=True),
    ForwardedRoute(_UPLOAD, "/api/tasks/{id}/data/" + _FILE, "media", TaskAction.UPLOAD_DATA, Target.TASK),
    ForwardedRoute(("GET",), "/api/tasks/{id}/preview", "media", TaskAction.VIEW, Target.TASK),
    ForwardedRoute(("GET",), "/api/jobs/{id}/data", "media", JobAction.VIEW_DATA, Target.JOB),
    ForwardedRoute(("GET",), "/api/jobs/{id}/data/meta", "media", JobAction.VIEW_METADATA, Target.JOB),
    ForwardedRoute(("PATCH",), "/api/jobs/{id}/data/meta", "media", JobAction.UPDATE_METADATA, Target.JOB, touches=True),
    ForwardedRoute(("GET",), "/api/jobs/{id}/preview", "media", JobAction.VIEW, Target.JOB),
)

_EXPORTS = (
    ForwardedRoute(("POST",), "/api/projects/{id}/dataset/export", "exports", _PROJECT_EXPORT, Target.PROJECT),
    ForwardedRoute(("POST",), "/api/tasks/{id}/dataset/export", "exports", _TASK_EXPORT, Target.TASK),
    ForwardedRoute(("POST",), "/api/jobs/{id}/dataset/export", "exports", _JOB_EXPORT, Target.JOB),
    ForwardedRoute(
        ("GET",), "/api/projects/{id}/dataset/download", "exports", ProjectAction.EXPORT_ANNOTATIONS, Target.PROJECT
    ),
    ForwardedRoute(("GET",), "/api/tasks/{id}/dataset/download", "exports", TaskAction.EXPORT_ANNOTATIONS, Target.TASK),
    ForwardedRoute(("GET",), "/api/jobs/{id}/dataset/download", "exports", JobAction.EXPORT_ANNOTATIONS, Target.JOB),
    # The older flow: GET …?format=, polled, then &action=download.
    ForwardedRoute(("GET",), "/api/projects/{id}/dataset", "exports", ProjectAction.EXPORT_DATASET, Target.PROJECT),
    ForwardedRoute(("GET",), "/api/projects/{id}/annotations", "exports", ProjectAction.EXPORT_ANNOTATIONS, Target.PROJECT),
    ForwardedRoute(("GET",), "/api/tasks/{id}/dataset", "exports", TaskAction.EXPORT_DATASET, Target.TASK),
    ForwardedRoute(("GET",), "/api/jobs/{id}/dataset", "exports", JobAction.EXPORT_DATASET, Target.JOB),
    ForwardedRoute(
        ("GET",), "/api/tasks/{id}/annotations", "exports", TaskAction.EXPORT_ANNOTATIONS, Target.TASK, when=_has_format
    ),
    ForwardedRoute(
        ("GET",), "/api/jobs/{id}/annotations", "exports", JobAction.EXPORT_ANNOTATIONS, Target.JOB, when=_has_format
    ),
    # Imports; the older clients poll them, or send the file, with PUT …?format=.
    ForwardedRoute(_START, "/api/projects/{id}/dataset", "exports", ProjectAction.IMPORT_DATASET, Target.PROJECT),
    ForwardedRoute(
        ("PATCH", "HEAD", "OPTIONS"),
        "/api/projects/{id}/dataset/" + _FILE,
        "exports",
        ProjectAction.IMPORT_DATASET,
        Target.PROJECT,
    ),
    ForwardedRoute(_START, "/api/tasks/{id}/annotations", "exports", TaskAction.IMPORT_ANNOTATIONS, Target.TASK),
    ForwardedRoute(_START, "/api/jobs/{id}/annotations", "exports", JobAction.IMPORT_ANNOTATIONS, Target.JOB),
    ForwardedRoute(
        ("PUT",), "/api/tasks/{id}/annotations", "exports", TaskAction.IMPORT_ANNOTATIONS, Target.TASK, when=_has_format
    ),
    ForwardedRoute(
        ("PUT",), "/api/jobs/{id}/annotations", "exports", JobAction.IMPORT_ANNOTATIONS, Target.JOB, when=_has_format
    ),
    ForwardedRoute(("GET",), "/api/server/annotation/formats", "exports", ServerAction.VIEW, Target.NONE),
)

_ANNOTATIONS = (
    ForwardedRoute(("GET",), "/api/tasks/{id}/annotations", "annotations", TaskAction.VIEW_ANNOTATIONS, Target.TASK),
    ForwardedRoute(
        ("PUT", "PATCH"),
        "/api/tasks/{id}/annotations",
        "annotations",
        TaskAction.UPDATE_ANNOTATIONS,
        Target.TASK,
        touches=True,
        is_repeatable=True,
    ),
    ForwardedRoute(
        ("DELETE",),
        "/api/tasks/{id}/annotations",
        "annotations",
        TaskAction.DELETE_ANNOTATIONS,
        Target.TASK,
        touches=True,
        is_repeatable=True,
    ),
    ForwardedRoute(("GET",), "/api/jobs/{id}/annotations", "annotations", JobAction.VIEW_ANNOTATIONS, Target.JOB),
    ForwardedRoute(
        ("PUT", "PATCH"),
        "/api/jobs/{id}/annotations",
        "annotations",
        JobAction.UPDATE_ANNOTATIONS,
        Target.JOB,
        touches=True,
        is_repeatable=True,
    ),
    ForwardedRoute(
        ("DELETE",),
        "/api/jobs/{id}/annotations",
        "annotations",
        JobAction.DELETE_ANNOTATIONS,
        Target.JOB,
        touches=True,
        is_repeatable=True,
    ),
    ForwardedRoute(
        ("GET",), "/api/jobs/{id}/annotations/revisions{rest:path}", "annotations", JobAction.VIEW_ANNOTATIONS, Target.JOB
    ),
    ForwardedRoute(
        ("POST",),
        "/api/jobs/{id}/annotations/revisions{rest:path}",
        "annotations",
        JobAction.UPDATE_ANNOTATIONS,
        Target.JOB,
        touches=True,
    ),
    # Parts of an uploaded file, after the fixed words above.
    ForwardedRoute(
        ("PATCH", "HEAD", "OPTIONS"),
        "/api/tasks/{id}/annotations/" + _FILE,
        "exports",
        TaskAction.IMPORT_ANNOTATIONS,
        Target.TASK,
    ),
    ForwardedRoute(
        ("PATCH", "HEAD", "OPTIONS"),
        "/api/jobs/{id}/annotations/" + _FILE,
        "exports",
        JobAction.IMPORT_ANNOTATIONS,
        Target.JOB,
    ),
)

_INFERENCE = (
    ForwardedRoute(("GET",), "/api/lambda/functions", "inference", LambdaAction.LIST, Target.NONE),
    ForwardedRoute(("GET",), "/api/lambda/functions/{id}", "inference", LambdaAction.VIEW, Target.NONE),
    ForwardedRoute(("GET",), "/api/lambda/requests", "inference", LambdaAction.VIEW_REQUEST, Target.NONE),
)

_ANALYTICS = (ForwardedRoute(("POST",), "/api/events", "analytics", EventAction.SEND, Target.NONE),)

#: In order: the first route whose path, method and condition fit answers.
ROUTES: tuple[ForwardedRoute, ...] = (*_MEDIA, *_EXPORTS, *_ANNOTATIONS, *_INFERENCE, *_ANALYTICS)
