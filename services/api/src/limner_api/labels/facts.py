"""The label schema of a task or project as the annotation model knows it."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from limner_api.labels.tables import attributes, labels
from limner_common.db import Row
from limner_model.labels import AttributeSpec, AttributeType, LabelSpec


async def load_labels(connection: AsyncConnection, *, project_id: int | None, task_id: int | None) -> list[LabelSpec]:
    """Return top-level labels in id order with their sublabels and attributes; two statements.

    Exactly one of the ids is given: labels of a task in a project are the project's.
    """
    parent = labels.c.project_id == project_id if project_id is not None else labels.c.task_id == task_id
    rows = (await connection.execute(sa.select(labels).where(parent).order_by(labels.c.id))).all()
    specs: dict[int, list[AttributeSpec]] = {row.id: [] for row in rows}
    statement = (
        sa.select(attributes).join(labels, labels.c.id == attributes.c.label_id).where(parent).order_by(attributes.c.id)
    )
    for row in await connection.execute(statement):
        specs[row.label_id].append(_attribute(row))
    sublabels: dict[int, list[LabelSpec]] = {row.id: [] for row in rows}
    for row in rows:
        if row.parent_id is not None:
            sublabels[row.parent_id].append(_label(row, specs[row.id], []))
    return [_label(row, specs[row.id], sublabels[row.id]) for row in rows if row.parent_id is None]


def _attribute(row: Row) -> AttributeSpec:
    return AttributeSpec(
        id=row.id,
        name=row.name,
        mutable=row.is_mutable,
        input_type=AttributeType(row.input_type),
        default_value=row.default_value,
        values=list(row.values),
    )


def _label(row: Row, specs: list[AttributeSpec], sublabels: list[LabelSpec]) -> LabelSpec:
    return LabelSpec(
        id=row.id,
        name=row.name,
        color=row.color,
        type=row.type,
        attributes=specs,
        sublabels=sublabels,
        parent_id=row.parent_id,
        svg=row.svg,
    )
