"""Table of organizations."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from limner_api.tables import metadata

organizations = sa.Table(
    "organizations",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("slug", sa.Text, nullable=False, unique=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("description", sa.Text, nullable=False, server_default=""),
    sa.Column("contact", pg.JSONB, nullable=False, server_default="{}"),
    sa.Column("owner_id", sa.ForeignKey("api.users.id", ondelete="SET NULL"), index=True),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
)
