"""The shapes of answers, for the OpenAPI document alone.

Answers are rendered as plain data; these models describe them to people and to the generators of clients. A test holds real
answers against them. Fields are always present unless they have a default; dates are ISO 8601 in UTC.
"""

from datetime import datetime
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

T = TypeVar("T")


class BasicUserRead(BaseModel):
    """A person, as owners and assignees are shown."""

    url: str
    id: int
    username: str
    first_name: str
    last_name: str


class UserRead(BasicUserRead):
    """An account in full."""

    email: str
    groups: list[str]
    is_staff: bool
    is_superuser: bool
    is_active: bool
    last_login: datetime | None
    date_joined: datetime
    has_analytics_access: bool


class LoginRead(BaseModel):
    """The key of a new session, for clients that do not keep cookies."""

    key: str


class DetailRead(BaseModel):
    """A sentence."""

    detail: str


class JobSummaryRead(BaseModel):
    """How many jobs a task has."""

    count: int
    completed: int | None
    validation: int | None
    url: str


class LinkRead(BaseModel):
    """Where related objects are listed."""

    url: str


class CountedLinkRead(BaseModel):
    """Where related objects are listed, and how many there are."""

    count: int
    url: str


class TaskRead(BaseModel):
    """A task. What has a default is left out until the task has data."""

    url: str
    id: int
    name: str
    project_id: int | None
    project_name: str | None
    mode: str
    owner: BasicUserRead | None
    assignee: BasicUserRead | None
    assignee_updated_date: datetime | None
    bug_tracker: str
    created_date: datetime
    updated_date: datetime
    overlap: int | None
    segment_size: int
    status: str
    size: int
    data_chunk_size: int | None = None
    data_original_chunk_type: str | None = None
    data_compressed_chunk_type: str | None = None
    data: int | None = None
    image_quality: int | None = None
    data_cloud_storage_id: int | None
    subset: str
    dimension: str
    media_type: str
    organization: int | None
    organization_id: int | None
    target_storage: dict[str, Any] | None
    source_storage: dict[str, Any] | None
    jobs: JobSummaryRead
    labels: LinkRead
    guide_id: int | None
    validation_mode: str | None
    initial_replicas: int


class ProjectRead(BaseModel):
    """A project."""

    url: str
    id: int
    name: str
    owner: BasicUserRead | None
    assignee: BasicUserRead | None
    assignee_updated_date: datetime | None
    guide_id: int | None
    bug_tracker: str
    task_subsets: list[str]
    created_date: datetime
    updated_date: datetime
    status: str
    dimension: str | None
    organization: int | None
    organization_id: int | None
    target_storage: dict[str, Any] | None
    source_storage: dict[str, Any] | None
    tasks: CountedLinkRead
    labels: LinkRead


class JobRead(BaseModel):
    """A job."""

    url: str
    id: int
    task_id: int
    task_name: str | None
    project_id: int | None
    project_name: str | None
    assignee: BasicUserRead | None
    assignee_updated_date: datetime | None
    guide_id: int | None
    dimension: str
    media_type: str
    bug_tracker: str | None
    status: str
    stage: str
    state: str
    mode: str
    type: str
    frame_count: int
    start_frame: int
    stop_frame: int
    data_chunk_size: int | None
    data_compressed_chunk_type: str | None
    data_original_chunk_type: str | None
    created_date: datetime
    updated_date: datetime
    issues: CountedLinkRead
    labels: LinkRead
    organization: int | None
    target_storage: dict[str, Any] | None
    source_storage: dict[str, Any] | None
    parent_job_id: int | None
    replicas_count: int


class AttributeRead(BaseModel):
    """An attribute of a label."""

    id: int
    name: str
    mutable: bool
    input_type: str
    default_value: str
    values: list[str]


class SublabelRead(BaseModel):
    """A point of a skeleton."""

    id: int
    name: str
    color: str
    type: str
    attributes: list[AttributeRead]
    has_parent: bool


class LabelRead(SublabelRead):
    """A label of a task or a project."""

    sublabels: list[SublabelRead]
    parent_id: int | None
    task_id: int | None = None
    project_id: int | None = None
    svg: str | None = None


class OperationRead(BaseModel):
    """What a background request does."""

    type: str
    target: str
    project_id: int | None
    task_id: int | None
    job_id: int | None
    org_id: int | None
    format: str | None
    lightweight: bool | None


class RequestOwnerRead(BaseModel):
    """Who asked."""

    id: int
    username: str


class RequestRead(BaseModel):
    """A background request; ``progress`` is 0..1."""

    id: str
    status: str
    message: str
    operation: OperationRead
    progress: float
    created_date: datetime
    started_date: datetime | None
    finished_date: datetime | None
    expiry_date: datetime | None
    owner: RequestOwnerRead
    result_url: str | None
    result_id: int | None


class PageRead(BaseModel, Generic[T]):
    """One page of a list."""

    count: int
    next: str | None
    previous: str | None
    results: list[T]


#: Status and shape of the successful answer, by method and path.
ANSWERS: dict[tuple[str, str], tuple[int, type[BaseModel]]] = {
    ("post", "/api/auth/login"): (200, LoginRead),
    ("post", "/api/auth/logout"): (200, DetailRead),
    ("get", "/api/users/self"): (200, UserRead),
    ("get", "/api/projects"): (200, PageRead[ProjectRead]),
    ("post", "/api/projects"): (201, ProjectRead),
    ("get", "/api/projects/{project_id}"): (200, ProjectRead),
    ("patch", "/api/projects/{project_id}"): (200, ProjectRead),
    ("get", "/api/tasks"): (200, PageRead[TaskRead]),
    ("post", "/api/tasks"): (201, TaskRead),
    ("get", "/api/tasks/{task_id}"): (200, TaskRead),
    ("patch", "/api/tasks/{task_id}"): (200, TaskRead),
    ("get", "/api/jobs"): (200, PageRead[JobRead]),
    ("get", "/api/jobs/{job_id}"): (200, JobRead),
    ("patch", "/api/jobs/{job_id}"): (200, JobRead),
    ("get", "/api/labels"): (200, PageRead[LabelRead]),
    ("get", "/api/labels/{label_id}"): (200, LabelRead),
    ("get", "/api/requests"): (200, PageRead[RequestRead]),
    ("get", "/api/requests/{request_id}"): (200, RequestRead),
}
