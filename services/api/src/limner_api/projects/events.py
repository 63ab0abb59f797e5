"""Facts about projects."""

from collections.abc import Iterable, Mapping
from typing import Any

from limner_common.db import UnitOfWork
from limner_common.events import Subject, new_message
from limner_contracts.catalog.v1.project_event_pb2 import ProjectEvent

TOPIC = "limner.catalog.project.v1"


def record_created(uow: UnitOfWork, subject: Subject, project_id: int, values: Mapping[str, Any]) -> None:
    """Record that a project was made; ``values`` are its columns."""
    event = _event(project_id, values["organization_id"])
    event.created.name = values["name"]
    event.created.owner_id = values["owner_id"] or 0
    _record(uow, event, subject)


def record_updated(
    uow: UnitOfWork, subject: Subject, project_id: int, *, organization_id: int | None, changed: Iterable[str]
) -> None:
    """Record that fields of a project changed, by their names in answers."""
    event = _event(project_id, organization_id)
    event.updated.changed_fields.extend(sorted(changed))
    _record(uow, event, subject)


def record_deleted(uow: UnitOfWork, subject: Subject | None, project_id: int, organization_id: int | None) -> None:
    """Record that a project is gone."""
    event = _event(project_id, organization_id)
    event.deleted.SetInParent()
    _record(uow, event, subject)


def _event(project_id: int, organization_id: int | None) -> ProjectEvent:
    return ProjectEvent(project_id=project_id, organization_id=organization_id or 0)


def _record(uow: UnitOfWork, event: ProjectEvent, subject: Subject | None) -> None:
    uow.record(new_message(TOPIC, event.project_id, event, producer="api", grant=subject))
