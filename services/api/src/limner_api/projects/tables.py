"""Projects."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from limner_api.tables import metadata

projects = sa.Table(
    "projects",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    # NULL: the owner's personal workspace.
    sa.Column("organization_id", sa.ForeignKey("api.organizations.id", ondelete="CASCADE"), index=True),
    sa.Column("owner_id", sa.ForeignKey("api.users.id", ondelete="SET NULL"), index=True),
    sa.Column("assignee_id", sa.ForeignKey("api.users.id", ondelete="SET NULL"), index=True),
    sa.Column("assignee_updated_at", sa.DateTime(timezone=True)),
    sa.Column("bug_tracker", sa.Text, nullable=False, server_default=""),
    sa.Column("status", sa.Text, nullable=False, server_default="annotation"),
    sa.Column("source_storage", pg.JSONB),
    sa.Column("target_storage", pg.JSONB),
    sa.Column("facts_version", sa.BigInteger, nullable=False, server_default="1"),  # grows with what ProjectFacts tells
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
)
