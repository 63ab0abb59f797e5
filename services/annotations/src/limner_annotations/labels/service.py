"""Saves and changes of labels keep out of each other's way.

A save is checked against the facts its grant names, which may be older than a label's deletion that was handled here
already. Its objects would come back with a label that nobody has. So a save holds the labels, shared with other saves, and
looks whether they went since those facts; a deletion holds them alone, says by which version they went, and then finds the
objects of all saves before it.
"""

from limner_annotations.labels import repository
from limner_annotations.labels.owners import LabelOwner, LabelsOutdated, OwnerKind, owners_of
from limner_common.db import UnitOfWork
from limner_model.facts import TaskFacts


async def hold_labels(uow: UnitOfWork, facts: TaskFacts) -> None:
    """Keep the labels that a save was checked against until its transaction ends; before any job is locked.

    Raises:
        LabelsOutdated: Some went since.
    """
    owners = owners_of(facts)
    await repository.hold(uow, owners)
    if await repository.is_outdated(uow, owners):
        raise LabelsOutdated


async def begin_change(uow: UnitOfWork, owner: LabelOwner) -> None:
    """Begin to take labels away: saves before are over, later ones are held against the owner's version. Idempotent."""
    await repository.hold_alone(uow, owner)
    await repository.raise_version(uow, owner)


async def forget_owner(uow: UnitOfWork, kind: OwnerKind, owner_id: int) -> None:
    """Forget a task or project that is gone."""
    await repository.forget(uow, LabelOwner(kind, owner_id, 0))
