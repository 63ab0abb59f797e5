"""Table of memberships."""

import sqlalchemy as sa

from limner_api.tables import metadata

memberships = sa.Table(
    "memberships",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("organization_id", sa.ForeignKey("api.organizations.id", ondelete="CASCADE"), nullable=False),
    sa.Column("user_id", sa.ForeignKey("api.users.id", ondelete="CASCADE"), nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("is_active", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("joined_at", sa.DateTime(timezone=True)),
    sa.UniqueConstraint("user_id", "organization_id"),
    sa.Index("ix_memberships_organization_id", "organization_id"),
    sa.CheckConstraint("role in ('worker','supervisor','maintainer','owner')", name="role"),
)
