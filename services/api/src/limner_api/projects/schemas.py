"""Bodies of the routes under ``/api/projects``."""

from pydantic import BaseModel

from limner_api.bodies import BugTracker, Id, Name
from limner_api.labels.schemas import Labels
from limner_api.tasks.storages import StorageBody


class ProjectCreate(BaseModel):
    """A new project."""

    name: Name
    labels: Labels | None = None
    owner_id: Id | None = None
    assignee_id: Id | None = None
    bug_tracker: BugTracker = ""
    source_storage: StorageBody | None = None
    target_storage: StorageBody | None = None


class ProjectUpdate(BaseModel):
    """What can be changed of a project; what is not sent stays."""

    name: Name = ""
    labels: Labels | None = None
    owner_id: Id | None = None
    assignee_id: Id | None = None
    organization_id: Id | None = None
    bug_tracker: BugTracker = ""
    source_storage: StorageBody | None = None
    target_storage: StorageBody | None = None
