"""SQL of labels and attributes."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from limner_api.labels.attributes import CheckedAttribute
from limner_api.labels.parents import LabelParent
from limner_api.labels.patching import LabelChange
from limner_api.labels.rules import NewLabel
from limner_api.labels.skeletons import with_label_ids
from limner_api.labels.tables import attributes, labels
from limner_common.db import Row, UnitOfWork

# Tables of other features, named by what is changed of them.
_tasks = sa.table("tasks", *map(sa.column, ("id", "facts_version", "updated_at")), schema="api")
_projects = sa.table("projects", *map(sa.column, ("id", "facts_version", "updated_at")), schema="api")

_update_label = (
    sa.update(labels)
    .where(labels.c.id == sa.bindparam("label_id"))
    .values({name: sa.bindparam(f"new_{name}") for name in ("name", "color", "type")})
)
_update_svg = sa.update(labels).where(labels.c.id == sa.bindparam("label_id")).values(svg=sa.bindparam("new_svg"))
_ATTRIBUTE_COLUMNS = ("name", "is_mutable", "input_type", "default_value", "values")
_update_attribute = (
    sa.update(attributes)
    .where(attributes.c.id == sa.bindparam("attribute_id"))
    .values({name: sa.bindparam(f"new_{name}", type_=attributes.c[name].type) for name in _ATTRIBUTE_COLUMNS})
)


async def find(connection: AsyncConnection, label_id: int) -> Row | None:
    """Return a label's row, or None."""
    return (await connection.execute(sa.select(labels).where(labels.c.id == label_id))).one_or_none()


async def find_sublabels(connection: AsyncConnection, label_ids: Sequence[int]) -> Sequence[Row]:
    """Return the sublabels of labels in id order."""
    statement = sa.select(labels).where(labels.c.parent_id.in_(label_ids)).order_by(labels.c.id)
    return (await connection.execute(statement)).all()


async def find_attributes(connection: AsyncConnection, label_ids: Sequence[int]) -> Sequence[Row]:
    """Return the attributes of labels in id order."""
    statement = sa.select(attributes).where(attributes.c.label_id.in_(label_ids)).order_by(attributes.c.id)
    return (await connection.execute(statement)).all()


async def lock_parent(uow: UnitOfWork, parent: LabelParent) -> int | None:
    """Give the project or task a new version and date, and keep others off its labels until the end.

    Returns:
        The version; None when it is gone.
    """
    table, parent_id = (_tasks, parent.task_id) if parent.project_id is None else (_projects, parent.project_id)
    version: int | None = await uow.connection.scalar(
        sa.update(table)
        .where(table.c.id == parent_id)
        .values(facts_version=table.c.facts_version + 1, updated_at=sa.func.now())
        .returning(table.c.facts_version)
    )
    return version


async def add(uow: UnitOfWork, parent: LabelParent, new: Sequence[NewLabel]) -> None:
    """Insert labels with their sublabels and attributes; ids grow in the order given."""
    if not new:
        return
    ids = await _insert_labels(uow, parent, [(label, None) for label in new])
    points = [(point, id_) for label, id_ in zip(new, ids, strict=True) for point in label.sublabels]
    point_ids = await _insert_labels(uow, parent, points)
    owned = [*zip(new, ids, strict=True), *zip((point for point, _ in points), point_ids, strict=True)]
    await _insert_attributes(uow, [(id_, attribute) for label, id_ in owned for attribute in label.attributes])
    named: dict[int, dict[str, int]] = {}
    for (point, parent_id), id_ in zip(points, point_ids, strict=True):
        assert parent_id is not None
        named.setdefault(parent_id, {})[point.name] = id_
    templates = [
        {"label_id": id_, "new_svg": with_label_ids(label.svg, named[id_])}
        for label, id_ in zip(new, ids, strict=True)
        if id_ in named
    ]
    if templates:
        await uow.execute(_update_svg, templates)


async def change(uow: UnitOfWork, changes: Sequence[LabelChange]) -> None:
    """Store changed labels, their sublabels and attributes. Names may be swapped."""
    everything = [*changes, *(sublabel for label in changes for sublabel in label.sublabels)]
    if not everything:
        return
    # Names are unique at every moment: out of the way first. No real name begins with a space.
    await uow.execute(
        sa.update(labels)
        .where(labels.c.id.in_([label.id for label in everything]))
        .values(name=sa.literal(" ") + sa.cast(labels.c.id, sa.Text))
    )
    await uow.execute(
        _update_label,
        [
            {"label_id": label.id, "new_name": label.name, "new_color": label.color, "new_type": str(label.type)}
            for label in everything
        ],
    )
    templates = [{"label_id": label.id, "new_svg": label.svg} for label in everything if label.svg is not None]
    if templates:
        await uow.execute(_update_svg, templates)
    await _change_attributes(uow, everything)


async def remove(uow: UnitOfWork, label_ids: Sequence[int]) -> None:
    """Delete labels; their sublabels and attributes go with them."""
    if label_ids:
        await uow.execute(sa.delete(labels).where(labels.c.id.in_(label_ids)))


async def remove_of_task(uow: UnitOfWork, task_id: int) -> None:
    """Delete all labels a task has of its own."""
    await uow.execute(sa.delete(labels).where(labels.c.task_id == task_id))


async def _insert_labels(uow: UnitOfWork, parent: LabelParent, new: Sequence[tuple[NewLabel, int | None]]) -> Sequence[int]:
    if not new:
        return []
    values = [
        {
            "project_id": parent.project_id,
            "task_id": parent.task_id,
            "parent_id": parent_id,
            "name": label.name,
            "color": label.color,
            "type": str(label.type),
            "svg": "",
        }
        for label, parent_id in new
    ]
    statement = sa.insert(labels).returning(labels.c.id, sort_by_parameter_order=True)
    return (await uow.execute(statement, values)).scalars().all()


async def _insert_attributes(uow: UnitOfWork, new: Sequence[tuple[int, CheckedAttribute]]) -> None:
    if new:
        rows = [{"label_id": label_id, **_columns(attribute)} for label_id, attribute in new]
        await uow.execute(sa.insert(attributes), rows)


async def _change_attributes(uow: UnitOfWork, changes: Sequence[LabelChange]) -> None:
    deleted = [id_ for label in changes for id_ in label.attributes.delete]
    if deleted:
        await uow.execute(sa.delete(attributes).where(attributes.c.id.in_(deleted)))
    updated = [entry for label in changes for entry in label.attributes.update]
    if updated:
        await uow.execute(
            sa.update(attributes)
            .where(attributes.c.id.in_([id_ for id_, _ in updated]))
            .values(name=sa.literal(" ") + sa.cast(attributes.c.id, sa.Text))
        )
        rows = [
            {"attribute_id": id_, **{f"new_{name}": value for name, value in _columns(attribute).items()}}
            for id_, attribute in updated
        ]
        await uow.execute(_update_attribute, rows)
    await _insert_attributes(uow, [(label.id, attribute) for label in changes for attribute in label.attributes.create])


def _columns(attribute: CheckedAttribute) -> Mapping[str, Any]:
    return {
        "name": attribute.name,
        "is_mutable": attribute.mutable,
        "input_type": str(attribute.input_type),
        "default_value": attribute.default_value,
        "values": list(attribute.values),
    }
