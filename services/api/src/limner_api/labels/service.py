"""What can be done with labels. A change gives their project or task a new version and is recorded as a fact."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from limner_api.labels import repository
from limner_api.labels.events import record_labels_changed, record_labels_mapped
from limner_api.labels.facts import load_labels
from limner_api.labels.inputs import LabelInput
from limner_api.labels.moving import map_labels
from limner_api.labels.parents import LabelParent
from limner_api.labels.patching import LabelPatch, check_top_level, plan_label_patch, plan_single_patch
from limner_api.labels.rules import check_new_labels
from limner_common.db import UnitOfWork
from limner_common.errors import NotFound
from limner_common.events import Subject
from limner_model.labels import LabelSpec


async def create_labels(uow: UnitOfWork, parent: LabelParent, inputs: Sequence[LabelInput]) -> None:
    """Make the labels of a new project or task.

    Raises:
        Invalid: One breaks the rules.
    """
    await repository.add(uow, parent, check_new_labels(inputs))


async def change_labels(uow: UnitOfWork, subject: Subject, parent: LabelParent, inputs: Sequence[LabelInput]) -> None:
    """Make, change and delete labels as a list of entries says; those not mentioned stay.

    Raises:
        NotFound: An entry names a label or attribute that is not there.
        Invalid: One breaks the rules.
    """
    version, existing = await _begin(uow, parent)
    await _apply(uow, subject, parent, version, existing, plan_label_patch(existing, inputs))


async def change_label(uow: UnitOfWork, subject: Subject, parent: LabelParent, label_id: int, given: LabelInput) -> None:
    """Change one label, or delete it when the entry says so.

    Raises:
        NotFound: It is not there.
        Invalid: It is a sublabel, or the change breaks the rules.
    """
    version, existing = await _begin(uow, parent)
    await _apply(uow, subject, parent, version, existing, plan_single_patch(existing, label_id, given))


async def delete_label(uow: UnitOfWork, subject: Subject, parent: LabelParent, label_id: int) -> None:
    """Delete one label with its annotations.

    Raises:
        NotFound: It is not there.
        Invalid: It is a sublabel.
    """
    version, existing = await _begin(uow, parent)
    check_top_level(existing, label_id, "deleted")
    await _apply(uow, subject, parent, version, existing, LabelPatch(delete=(label_id,)))


async def move_labels(
    uow: UnitOfWork, subject: Subject, task_id: int, version: int, source: LabelParent, target: LabelParent
) -> None:
    """Put the labels of another project in place of those a task has had.

    Args:
        uow: Unit of work.
        subject: Whoever moves the task.
        task_id: The task.
        version: Its version once it has moved.
        source: Whose labels it has had: its own, or those of its former project.
        target: The project.

    Raises:
        Invalid: A label has no counterpart.
    """
    assert target.project_id is not None
    mapping = map_labels(await _load(uow.connection, source), await _load(uow.connection, target))
    await repository.remove_of_task(uow, task_id)
    record_labels_mapped(
        uow,
        subject,
        mapping,
        task_id=task_id,
        version=version,
        project_id=target.project_id,
        organization_id=target.organization_id,
    )


async def _begin(uow: UnitOfWork, parent: LabelParent) -> tuple[int, list[LabelSpec]]:
    version = await repository.lock_parent(uow, parent)
    if version is None:
        raise NotFound
    return version, await _load(uow.connection, parent)


async def _load(connection: AsyncConnection, parent: LabelParent) -> list[LabelSpec]:
    return await load_labels(connection, project_id=parent.project_id, task_id=parent.task_id)


async def _apply(
    uow: UnitOfWork,
    subject: Subject,
    parent: LabelParent,
    version: int,
    existing: Sequence[LabelSpec],
    patch: LabelPatch,
) -> None:
    await repository.remove(uow, patch.delete)
    await repository.change(uow, patch.update)
    await repository.add(uow, parent, patch.create)
    gone = [label for label in existing if label.id in patch.delete]
    deleted = sorted([*patch.delete, *(sublabel.id for label in gone for sublabel in label.sublabels)])
    record_labels_changed(uow, subject, parent, version, deleted)
