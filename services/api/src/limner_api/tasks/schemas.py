"""Bodies of the routes under ``/api/tasks``."""

from typing import Annotated

from pydantic import BaseModel, Field

from limner_api.bodies import BugTracker, Count, Id, Name, Text
from limner_api.labels.schemas import Labels
from limner_api.tasks.storages import StorageBody

_Subset = Annotated[Text, Field(description="Part of a dataset, such as Train; names folders of exports.")]


class TaskCreate(BaseModel):
    """A new task, without data."""

    name: Name
    project_id: Id | None = None
    owner_id: Id | None = None
    assignee_id: Id | None = None
    bug_tracker: BugTracker = ""
    overlap: Count | None = None
    segment_size: Count | None = None
    labels: Labels | None = None
    subset: _Subset = ""
    source_storage: StorageBody | None = None
    target_storage: StorageBody | None = None
    initial_replicas: Count | None = None
    consensus_replicas: Annotated[Count | None, Field(description="Older name of initial_replicas.")] = None


class TaskUpdate(BaseModel):
    """What can be changed of a task; what is not sent stays."""

    name: Name = ""
    project_id: Id | None = None
    owner_id: Id | None = None
    assignee_id: Id | None = None
    organization_id: Id | None = None
    bug_tracker: BugTracker = ""
    labels: Labels | None = None
    subset: _Subset = ""
    source_storage: StorageBody | None = None
    target_storage: StorageBody | None = None
