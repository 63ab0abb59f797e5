"""Facts about labels."""

from collections.abc import Sequence

from limner_api.labels.moving import LabelMapping
from limner_api.labels.parents import LabelParent
from limner_common.db import UnitOfWork
from limner_common.events import Subject, new_message
from limner_contracts.catalog.v1.project_event_pb2 import ProjectEvent
from limner_contracts.catalog.v1.task_event_pb2 import TaskEvent

_TASKS = "limner.catalog.task.v1"
_PROJECTS = "limner.catalog.project.v1"


def record_labels_changed(
    uow: UnitOfWork, subject: Subject, parent: LabelParent, version: int, deleted_ids: Sequence[int]
) -> None:
    """Record that labels were made, changed or deleted, which made ``version``; annotations with the deleted ones go."""
    organization_id = parent.organization_id or 0
    if parent.project_id is not None:
        project = ProjectEvent(project_id=parent.project_id, organization_id=organization_id, facts_version=version)
        project.labels_changed.deleted_label_ids.extend(deleted_ids)
        project.labels_changed.SetInParent()
        uow.record(new_message(_PROJECTS, parent.project_id, project, producer="api", grant=subject))
    else:
        task = TaskEvent(task_id=parent.task_id, organization_id=organization_id, facts_version=version)
        task.labels_changed.deleted_label_ids.extend(deleted_ids)
        task.labels_changed.SetInParent()
        uow.record(new_message(_TASKS, parent.task_id, task, producer="api", grant=subject))


def record_labels_mapped(
    uow: UnitOfWork,
    subject: Subject,
    mapping: LabelMapping,
    *,
    task_id: int,
    version: int,
    project_id: int,
    organization_id: int | None,
) -> None:
    """Record that a task's annotations now use the labels of the project it moved to, which made ``version``."""
    event = TaskEvent(task_id=task_id, project_id=project_id, organization_id=organization_id or 0, facts_version=version)
    event.labels_mapped.label_ids.update(mapping.labels)
    event.labels_mapped.attribute_ids.update({old: new or 0 for old, new in mapping.attributes.items()})
    event.labels_mapped.SetInParent()
    uow.record(new_message(_TASKS, task_id, event, producer="api", grant=subject))
