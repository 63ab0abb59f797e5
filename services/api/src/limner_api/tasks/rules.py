"""Rules of tasks: what fits together when one is made or changed.

Source: the public API, section 6.1.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from limner_common.errors import Invalid

T = TypeVar("T")

MAX_SUBSET_LENGTH = 64
#: A subset names folders and files of exports.
_NOT_IN_SUBSETS = frozenset('/\\:*?"<>|')


class Location(StrEnum):
    """Where a task's files come from or go to."""

    LOCAL = "local"
    CLOUD_STORAGE = "cloud_storage"


@dataclass(frozen=True, slots=True)
class Storage:
    """A source or target of files; ``cloud_storage_id`` is set exactly for cloud storages."""

    location: Location
    cloud_storage_id: int | None = None


@dataclass(frozen=True, slots=True)
class ReplicaLimits:
    """How many replicas of each annotation job may be asked for, besides none."""

    at_least: int = 2
    at_most: int = 11


def check_labels_or_project(labels: Sequence[T] | None, project_id: int | None) -> tuple[T, ...]:
    """Return the labels of a new task; an empty list is the same as none.

    Neither labels nor a project is fine too: labels may come later.

    Raises:
        Invalid: Both labels and a project are given.
    """
    if labels and project_id is not None:
        raise Invalid("Project must have only one of Label set or project_id", code="labels_and_project")
    return tuple(labels or ())


def check_same_organization(project_organization_id: int | None, organization_id: int | None) -> None:
    """Check that a task is made or put where its project is.

    Raises:
        Invalid: They are in different organizations or workspaces.
    """
    if project_organization_id != organization_id:
        raise Invalid(
            fields={"project_id": ["The task and its project must be in the same organization."]},
            code="project_elsewhere",
        )


def check_replicas(initial: int | None, deprecated: int | None, limits: ReplicaLimits = ReplicaLimits()) -> int:
    """Return how many replicas of each annotation job a new task gets.

    Args:
        initial: ``initial_replicas``, None when absent.
        deprecated: ``consensus_replicas``, its older name, None when absent.
        limits: What is allowed besides 0.

    Raises:
        Invalid: The names disagree, or the number is not allowed.
    """
    if initial is not None and deprecated is not None and initial != deprecated:
        raise Invalid(fields={"consensus_replicas": ["This older name of initial_replicas differs from it."]})
    count = initial if initial is not None else deprecated or 0
    field = "initial_replicas" if initial is not None else "consensus_replicas"
    if count != 0 and not limits.at_least <= count <= limits.at_most:
        raise Invalid(fields={field: [f"Must be 0 or between {limits.at_least} and {limits.at_most}."]})
    return count


def check_subset(subset: str | None) -> str:
    """Return a subset's name without surrounding space, "" when absent.

    Raises:
        Invalid: It is too long or cannot name a folder.
    """
    name = (subset or "").strip()
    if len(name) > MAX_SUBSET_LENGTH:
        raise Invalid(fields={"subset": [f"Ensure this field has no more than {MAX_SUBSET_LENGTH} characters."]})
    if name in (".", "..") or any(character in _NOT_IN_SUBSETS or character < " " for character in name):
        raise Invalid(fields={"subset": ["A subset names folders of exports: this name cannot."]})
    return name


def check_storage(field: str, location: Location, cloud_storage_id: int | None) -> Storage:
    """Return a source or target of files.

    Args:
        field: The task's or project's field it is in, for messages.
        location: Where it is.
        cloud_storage_id: Which cloud storage; ignored for local ones.

    Raises:
        Invalid: A cloud storage is not named.
    """
    if location is Location.LOCAL:
        return Storage(Location.LOCAL)
    if cloud_storage_id is None:
        raise Invalid(fields={field: {"cloud_storage_id": ["This field is required for a cloud storage."]}})
    return Storage(Location.CLOUD_STORAGE, cloud_storage_id)


def check_move(
    *, from_project_id: int | None, to_project_id: int | None, dimension: str | None, project_dimension: str | None
) -> bool:
    """Return whether a task is to move into another project.

    Args:
        from_project_id: Its project, or None.
        to_project_id: The project asked for.
        dimension: The task's dimension; None without data.
        project_dimension: Dimension of the project's tasks with data; None when there are none.

    Raises:
        Invalid: A task cannot leave its project for none, as its labels are the project's; or dimensions would mix.
    """
    if from_project_id == to_project_id:
        return False
    if to_project_id is None:
        raise Invalid(fields={"project_id": ["A task cannot be taken out of its project, only moved to another."]})
    if None not in (dimension, project_dimension) and dimension != project_dimension:
        raise Invalid(
            fields={"project_id": [f"The task is {dimension}, while the project's tasks are {project_dimension}."]}
        )
    return True


def check_labels_editable(labels: Sequence[T] | None, project_id: int | None) -> tuple[T, ...]:
    """Return the label changes sent with a task's update; an empty list is none.

    Raises:
        Invalid: The task's labels are its project's and change there.
    """
    if labels and project_id is not None:
        raise Invalid(fields={"labels": ["Labels of a task in a project are changed through the project."]})
    return tuple(labels or ())
