"""``limner admin storage``: who takes how much."""

from argparse import Namespace
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

from limner_allinone.admin.command import Commands, add_command
from limner_allinone.admin.installations import Administered
from limner_allinone.admin.output import print_rows, size_text
from limner_allinone.admin.owners import service_objects, services_with_objects
from limner_allinone.composition import definition_of
from limner_api.administration.catalog import CatalogEntry, list_entries
from limner_common.administration import Reference
from limner_common.objects import ObjectStore

_GROUPS = {
    "task": ("task_id", "task", "project", "organization"),
    "project": ("project_id", "project", "organization"),
    "organization": ("organization",),
}
_SORTS = {"objects": "object_bytes", "annotations": "annotation_bytes", "rows": "annotation_rows"}
_NUMBERS = ("objects", "object_bytes", "annotation_rows", "annotation_bytes")


@dataclass(slots=True)
class Use:
    """What one task, project or organization takes; bytes of annotations are those of their documents, all versions."""

    objects: int = 0
    object_bytes: int = 0
    annotation_rows: int = 0
    annotation_bytes: int = 0


def add_commands(groups: Commands) -> None:
    """Add the command."""
    command = add_command(groups, "storage", "show what tasks, projects or organizations take, the largest first", _storage)
    command.add_argument("--by", choices=_GROUPS, default="task", help="(default %(default)s)")
    command.add_argument("--sort", choices=_SORTS, default="objects", help="(default %(default)s)")
    command.add_argument("--limit", type=int, default=50, help="at most so many lines; 0 for all (default %(default)s)")


async def _storage(installation: Administered, arguments: Namespace) -> None:
    catalog = _Catalog(arguments.by)
    async with installation.databases["api"].begin() as uow:
        async for entry in list_entries(uow.connection):
            catalog.add(entry)
    uses: defaultdict[tuple[Any, ...], Use] = defaultdict(Use)
    store = await installation.objects()
    for service in services_with_objects(installation):
        await _count_objects(installation, store, service, catalog, uses)
    async for task_id, rows, size_bytes in _task_rows(installation):
        use = uses[catalog.group_of_task(task_id)]
        use.annotation_rows += rows
        use.annotation_bytes += size_bytes
    _print(arguments, uses)


class _Catalog:
    """Which group tasks and projects are counted in."""

    def __init__(self, by: str) -> None:
        self._by = by
        self._tasks: dict[int, tuple[Any, ...]] = {}
        self._projects: dict[int, tuple[Any, ...]] = {}
        self.nobody = (None,) * len(_GROUPS[by])

    def add(self, entry: CatalogEntry) -> None:
        """Remember a task or project."""
        organization = entry.organization or "(personal)"
        match self._by:
            case "task":
                group: tuple[Any, ...] = (entry.task_id, entry.task_name, entry.project_name, organization)
            case "project":
                group = (entry.project_id, entry.project_name, organization)
            case _:
                group = (organization,)
        if entry.task_id is not None:
            self._tasks[entry.task_id] = group
        elif entry.project_id is not None:
            self._projects[entry.project_id] = group

    def group_of_task(self, task_id: int) -> tuple[Any, ...]:
        """Return a task's group; that of nobody when the task is gone."""
        return self._tasks.get(task_id, self.nobody)

    def group_of(self, reference: Reference | None) -> tuple[Any, ...]:
        """Return the group of whatever refers to an object."""
        if reference is not None and reference.task_id is not None:
            return self.group_of_task(reference.task_id)
        if reference is not None and reference.project_id is not None:
            return self._projects.get(reference.project_id, self.nobody)
        return self.nobody


async def _count_objects(
    installation: Administered,
    store: ObjectStore,
    service: str,
    catalog: _Catalog,
    uses: defaultdict[tuple[Any, ...], Use],
) -> None:
    async with service_objects(installation, store, service) as matches:
        async for match in matches:
            if match.info is not None:
                use = uses[catalog.group_of(match.reference)]
                use.objects += 1
                use.object_bytes += match.info.size_bytes


async def _task_rows(installation: Administered) -> AsyncIterator[tuple[int, int, int]]:
    for service, database in installation.databases.items():
        task_rows = definition_of(service).administration.task_rows
        if task_rows is not None:
            async with database.begin(is_repeatable=True) as uow:
                async for found in task_rows(uow.connection):
                    yield found.task_id, found.rows, found.size_bytes


def _print(arguments: Namespace, uses: dict[tuple[Any, ...], Use]) -> None:
    names = _GROUPS[arguments.by]
    rows = [
        {**dict(zip(names, group, strict=True)), **{number: getattr(use, number) for number in _NUMBERS}}
        for group, use in uses.items()
    ]
    rows.sort(key=lambda row: row[_SORTS[arguments.sort]], reverse=True)
    shown = rows[: arguments.limit] if arguments.limit else rows
    if not arguments.json:
        total = {number: sum(row[number] for row in rows) for number in _NUMBERS}
        shown = [_for_people(row, names) for row in [*shown, {names[-1]: "(all)", **total}]]
    print_rows(arguments, (*names, *_NUMBERS), shown, nothing="")


def _for_people(row: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    texts = {number: size_text(row[number]) for number in _NUMBERS if number.endswith("bytes")}
    if all(row.get(name) is None for name in names):
        texts[names[-1]] = "(nobody)"
    return {**row, **texts}
