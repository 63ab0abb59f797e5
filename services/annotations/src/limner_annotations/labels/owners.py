"""Who has labels. Pure."""

from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b

from limner_common.errors import Conflict
from limner_model.facts import TaskFacts


class OwnerKind(StrEnum):
    """What labels belong to."""

    TASK = "task"
    PROJECT = "project"


@dataclass(frozen=True, slots=True)
class LabelOwner:
    """A task or project with the version its facts have, or had."""

    kind: OwnerKind
    id: int
    version: int

    @property
    def lock_key(self) -> int:
        """Key of the advisory lock that writers share and changes of the labels hold alone."""
        name = f"annotations.labels.{self.kind}.{self.id}"
        return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "big", signed=True)


class LabelsOutdated(Conflict):
    """A save was checked against labels that are gone."""

    def __init__(self) -> None:
        super().__init__(
            "The labels were changed while the annotations were being saved. Save them again.", code="labels_changed"
        )


def owners_of(facts: TaskFacts) -> list[LabelOwner]:
    """Return whose labels a save into a task depends on, in the order in which they are locked."""
    owners = [LabelOwner(OwnerKind.TASK, facts.id, facts.own_version)]
    if facts.project_id is not None:
        owners.insert(0, LabelOwner(OwnerKind.PROJECT, facts.project_id, facts.project_version))
    return owners
