"""The project, task or job that a request is about."""

from dataclasses import dataclass
from enum import StrEnum

from limner_common.grants import Grant
from limner_common.requests import RequestDescription, new_request_id
from limner_exports.formats import ScopeKind

_ADMIN = "admin"


class Collection(StrEnum):
    """The first word of a public path after ``/api``."""

    PROJECTS = "projects"
    TASKS = "tasks"
    JOBS = "jobs"


KIND_OF = {Collection.PROJECTS: ScopeKind.PROJECT, Collection.TASKS: ScopeKind.TASK, Collection.JOBS: ScopeKind.JOB}


@dataclass(frozen=True, slots=True)
class Target:
    """The project, task or job of a path, with what the grant says of it.

    Attributes:
        kind: What it is.
        id: Its id.
        project_id: The project itself, or the one it is in.
        task_id: The task itself, or that of the job.
        job_id: The job itself.
        version: Version of the facts the grant was issued for.
        dimension: 2d or 3d; empty where it is not known.
        grant: Who asks.
    """

    kind: ScopeKind
    id: int
    project_id: int | None
    task_id: int | None
    job_id: int | None
    version: str | None
    dimension: str
    grant: Grant

    @property
    def path(self) -> str:
        """Public path, such as ``/api/tasks/7``."""
        return f"/api/{self.kind}s/{self.id}"

    @property
    def user_id(self) -> int:
        """Who asks."""
        return self.grant.user_id or 0

    @property
    def is_admin(self) -> bool:
        """Whether an administrator asks."""
        return self.grant.facts.get("privilege") == _ADMIN

    def new_request(self, type_: str, format_name: str) -> RequestDescription:
        """Describe a new background request about this."""
        return RequestDescription(
            id=new_request_id(type_),
            type=type_,
            target=str(self.kind),
            project_id=self.project_id,
            task_id=self.task_id,
            job_id=self.job_id,
            organization_id=self.grant.organization_id,
            format=format_name,
            service="exports",
            user_id=self.user_id,
            username=self.grant.username,
        )
