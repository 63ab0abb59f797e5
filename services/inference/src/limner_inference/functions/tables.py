"""Registered functions."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from limner_inference.tables import metadata

functions = sa.Table(
    "functions",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),  # as in the path of a call
    sa.Column("kind", sa.Text, nullable=False),  # detector | interactor | tracker | reid
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("description", sa.Text, nullable=False, server_default=""),
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    sa.Column("labels", pg.JSONB, nullable=False, server_default="[]"),  # as in labels_v2 of the public interface
    sa.Column("options", pg.JSONB, nullable=False, server_default="{}"),  # what its kind adds, such as min_pos_points
    sa.Column("organization_id", sa.BigInteger),  # NULL: for everybody
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    sa.CheckConstraint("kind in ('detector','interactor','tracker','reid')", name="kind"),
)
