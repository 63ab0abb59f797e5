"""Labels of projects and tasks, their sublabels and attributes."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from limner_api.tables import metadata

labels = sa.Table(
    "labels",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("project_id", sa.BigInteger, sa.ForeignKey("api.projects.id", ondelete="CASCADE"), index=True),
    sa.Column("task_id", sa.BigInteger, sa.ForeignKey("api.tasks.id", ondelete="CASCADE"), index=True),
    sa.Column("parent_id", sa.BigInteger, sa.ForeignKey("api.labels.id", ondelete="CASCADE"), index=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("color", sa.Text, nullable=False),
    sa.Column("type", sa.Text, nullable=False, server_default="any"),
    sa.Column("svg", sa.Text, nullable=False, server_default=""),  # skeletons only; refers to sublabels by data-label-id
    sa.CheckConstraint("num_nonnulls(project_id, task_id) = 1", name="one_parent"),
)
sa.Index(
    "uq_labels_name_per_level",
    sa.func.coalesce(labels.c.project_id, 0),
    sa.func.coalesce(labels.c.task_id, 0),
    sa.func.coalesce(labels.c.parent_id, 0),
    labels.c.name,
    unique=True,
)

attributes = sa.Table(
    "label_attributes",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("label_id", sa.BigInteger, sa.ForeignKey("api.labels.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("is_mutable", sa.Boolean, nullable=False),
    sa.Column("input_type", sa.Text, nullable=False),
    sa.Column("default_value", sa.Text, nullable=False, server_default=""),
    sa.Column("values", pg.ARRAY(sa.Text), nullable=False, server_default="{}"),
    sa.UniqueConstraint("label_id", "name"),
)
