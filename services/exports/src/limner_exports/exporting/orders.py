"""What an export is asked to do; kept in the work item, so that doing it again gives the same."""

import msgspec

from limner_exports.formats import FormatSpec, ScopeKind
from limner_exports.target import Target

EXPORT = "export"
RESULTS_FOLDER = "exports/results/"


class ExportOrder(msgspec.Struct, frozen=True, kw_only=True):
    """The payload of an export.

    Attributes:
        kind: Project, task or job.
        id: Its id.
        project_id: The project, or the one of the task.
        task_id: The task, or that of the job; None for projects.
        format: Display name of the format.
        save_images: Whether pictures go into the archive.
        host: Scheme and host as the client sees us, for links in files.
        file_name: Name the user wants for the file; empty for the usual one.
    """

    kind: ScopeKind
    id: int
    project_id: int | None = None
    task_id: int | None = None
    format: str
    save_images: bool
    host: str = ""
    file_name: str = ""


def order_of(target: Target, spec: FormatSpec, *, save_images: bool, file_name: str) -> ExportOrder:
    """Return the order to export a target."""
    return ExportOrder(
        kind=target.kind,
        id=target.id,
        project_id=target.project_id,
        task_id=target.task_id,
        format=spec.display_name,
        save_images=save_images,
        host=target.grant.base_url,
        file_name=file_name,
    )


def request_type(*, save_images: bool) -> str:
    """Return the type of the background request."""
    return "export:dataset" if save_images else "export:annotations"


def dedupe_key(order: ExportOrder, user_id: int) -> str:
    """Return what keeps the same person from running the same export twice at a time."""
    return f"{EXPORT}:{order.kind}:{order.id}:{user_id}:{order.format}:{int(order.save_images)}"


def object_key(work_id: str, attempt: int) -> str:
    """Return the object of a result; each attempt has its own, so that a late worker cannot touch the other's."""
    return f"{attempts_prefix(work_id)}{attempt}.zip"


def attempts_prefix(work_id: str) -> str:
    """Return what the objects of all attempts of an export start with."""
    return f"{RESULTS_FOLDER}{work_id}-"
