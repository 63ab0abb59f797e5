"""How the tasks of a project share one dataset: subsets, frame numbers and repeated names.

Source: FORMATS.md §2.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from limner_exports.formats.base import DEFAULT_SUBSET, ExportContext, TaskInfo
from limner_exports.formats.matching import strip_extension
from limner_exports.formats.naming import safe_member_name


@dataclass(slots=True)
class TaskPlace:
    """Where a task stands in a dataset: its effective subset and what is added to its abs frame numbers."""

    subset: str
    offset: int
    _names: "SubsetNames"

    def frame_name(self, name: str) -> str:
        """Name of a frame in the dataset; call once per frame, in the order of the export."""
        return self._names.claim(name)


@dataclass(slots=True)
class SubsetNames:
    """Names already given in one subset; memory O(names), used only where several tasks share the subset."""

    is_shared: bool = False
    _taken: set[str] = field(default_factory=set)
    _next: dict[str, int] = field(default_factory=dict)

    def claim(self, name: str) -> str:
        """Return the name, with ``_1``, ``_2``, … after the stem when it is taken."""
        if not self.is_shared:
            return name
        chosen = name
        if name in self._taken:
            stem = strip_extension(name)
            extension = name[len(stem) :]
            number = self._next.get(name, 0)
            while chosen in self._taken:
                number += 1
                chosen = f"{stem}_{number}{extension}"
            self._next[name] = number
        self._taken.add(chosen)
        return chosen


def project_layout(tasks: Iterable[TaskInfo]) -> dict[int, TaskPlace]:
    """Place the tasks of an export, by task id.

    Tasks of one subset are chained: the offset of a task is the sum of ``start_frame + step * size`` of those before it in
    the same subset. Tasks without subset share ``default``, or ``default_1``, … when a subset has that name.

    Args:
        tasks: Tasks with data, in the order of the export. A task or job export passes its one task.
    """
    ordered = list(tasks)
    empty = _free_default({safe_subset(task.subset) for task in ordered})
    offsets: dict[str, int] = {}
    names: dict[str, SubsetNames] = {}
    places: dict[int, TaskPlace] = {}
    for task in ordered:
        subset = safe_subset(task.subset) or empty
        if subset in names:
            names[subset].is_shared = True
        own = names.setdefault(subset, SubsetNames())
        places[task.id] = TaskPlace(subset, offsets.get(subset, 0), own)
        offsets[subset] = offsets.get(subset, 0) + task.start_frame + task.step * task.size
    return places


def context_subsets(context: ExportContext) -> list[str]:
    """Effective subsets of an export, sorted."""
    return sorted({place.subset for place in project_layout(context.tasks).values()})


def safe_subset(name: str) -> str:
    """Make the name of a subset fit to be one part of a path."""
    return safe_member_name(name).replace("/", "_") if name else ""


def _free_default(taken: set[str]) -> str:
    name, number = DEFAULT_SUBSET, 0
    while name in taken:
        number += 1
        name = f"{DEFAULT_SUBSET}_{number}"
    return name
