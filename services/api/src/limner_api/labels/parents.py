"""Whose labels they are: a project's, or those of a task that is in no project."""

from dataclasses import dataclass

from limner_api.access.objects import AccessedObject


@dataclass(frozen=True, slots=True)
class LabelParent:
    """A project or task with labels of its own; exactly one of the ids is set.

    Attributes:
        project_id: The project.
        task_id: The task.
        organization_id: Organization it lies in.
    """

    project_id: int | None
    task_id: int | None
    organization_id: int | None

    @classmethod
    def of(cls, accessed: AccessedObject) -> "LabelParent":
        """Return whose labels a project, task or job uses."""
        task_id = accessed.task_id if accessed.project_id is None else None
        return cls(accessed.project_id, task_id, accessed.organization_id)
