"""Labels as they are listed and shown: a page in three statements, whatever its size."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from limner_api.access.visibility import Columns as VisibilityColumns
from limner_api.labels import repository
from limner_api.labels.parents import LabelParent
from limner_api.labels.tables import labels
from limner_api.lists.pages import ListSource
from limner_api.lists.resources import LABEL_PARENTS, LABELS
from limner_api.projects.tables import projects
from limner_api.tasks.tables import tasks
from limner_common.db import Row

_parent = labels.alias("parent")

visibility = VisibilityColumns(
    organization=sa.func.coalesce(projects.c.organization_id, tasks.c.organization_id),
    people=(projects.c.owner_id, projects.c.assignee_id, tasks.c.owner_id, tasks.c.assignee_id),
)
listing = ListSource(
    # Whose labels are listed is no filter: it is looked up and checked first.
    spec=replace(LABELS, simple=LABELS.simple - set(LABEL_PARENTS)),
    source=labels.outerjoin(projects, projects.c.id == labels.c.project_id)
    .outerjoin(tasks, tasks.c.id == labels.c.task_id)
    .outerjoin(_parent, _parent.c.id == labels.c.parent_id),
    id_column=labels.c.id,
    columns={
        "id": labels.c.id,
        "name": labels.c.name,
        "color": labels.c.color,
        "type": labels.c.type,
        "parent": _parent.c.name,
        "parent_id": labels.c.parent_id,
    },
    selected=list(labels.c),
)

#: Sublabels are shown inside their skeletons.
is_top_level = labels.c.parent_id.is_(None)


def is_of(parent: LabelParent) -> sa.ColumnElement[bool]:
    """Return the condition of the labels of a project or task."""
    if parent.project_id is not None:
        return labels.c.project_id == parent.project_id
    return labels.c.task_id == parent.task_id


async def load_parts(connection: AsyncConnection, rows: Sequence[Row]) -> "LabelParts":
    """Read the sublabels and attributes of labels: two statements."""
    ids = [row.id for row in rows]
    sublabels = await repository.find_sublabels(connection, ids) if ids else []
    every_id = [*ids, *(row.id for row in sublabels)]
    return LabelParts(sublabels, await repository.find_attributes(connection, every_id) if ids else [])


class LabelParts:
    """Sublabels and attributes of the labels of a page.

    Args:
        sublabels: Rows of sublabels.
        attributes: Rows of attributes of labels and sublabels.
    """

    def __init__(self, sublabels: Sequence[Row], attributes: Sequence[Row]) -> None:
        self._sublabels: Mapping[int, list[Row]] = _grouped(sublabels, "parent_id")
        self._attributes: Mapping[int, list[Row]] = _grouped(attributes, "label_id")

    def render(self, row: Row) -> dict[str, Any]:
        """Return the wire form of a label."""
        parent = {"task_id": row.task_id} if row.project_id is None else {"project_id": row.project_id}
        svg = {"svg": row.svg} if row.type == "skeleton" else {}
        return {
            **self._render_common(row),
            "sublabels": [self._render_sublabel(sublabel) for sublabel in self._sublabels.get(row.id, ())],
            **parent,
            "parent_id": row.parent_id,
            "has_parent": row.parent_id is not None,
            **svg,
        }

    def _render_sublabel(self, row: Row) -> dict[str, Any]:
        return {**self._render_common(row), "has_parent": True}

    def _render_common(self, row: Row) -> dict[str, Any]:
        return {
            "id": row.id,
            "name": row.name,
            "color": row.color,
            "attributes": [_render_attribute(attribute) for attribute in self._attributes.get(row.id, ())],
            "type": row.type,
        }


def _grouped(rows: Sequence[Row], name: str) -> dict[int, list[Row]]:
    groups: defaultdict[int, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row._mapping[name]].append(row)
    return dict(groups)


def _render_attribute(row: Row) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "mutable": row.is_mutable,
        "input_type": row.input_type,
        "default_value": row.default_value,
        "values": row._mapping["values"],
    }
