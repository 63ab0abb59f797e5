"""Tasks, with what media says of their data."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from limner_api.tables import metadata

tasks = sa.Table(
    "tasks",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("project_id", sa.BigInteger, sa.ForeignKey("api.projects.id", ondelete="CASCADE"), index=True),
    # NULL: the owner's personal workspace.
    sa.Column("organization_id", sa.ForeignKey("api.organizations.id", ondelete="CASCADE"), index=True),
    sa.Column("owner_id", sa.ForeignKey("api.users.id", ondelete="SET NULL"), index=True),
    sa.Column("assignee_id", sa.ForeignKey("api.users.id", ondelete="SET NULL"), index=True),
    sa.Column("assignee_updated_at", sa.DateTime(timezone=True)),
    sa.Column("bug_tracker", sa.Text, nullable=False, server_default=""),
    sa.Column("subset", sa.Text, nullable=False, server_default=""),
    sa.Column("status", sa.Text, nullable=False, server_default="annotation"),
    # As asked for at creation; NULL and 0 are the defaults of ANNOTATIONS §8.1. Effective values replace them with the data.
    sa.Column("overlap", sa.Integer),
    sa.Column("segment_size", sa.Integer, nullable=False, server_default="0"),
    sa.Column("initial_replicas", sa.Integer, nullable=False, server_default="0"),
    sa.Column("source_storage", pg.JSONB),
    sa.Column("target_storage", pg.JSONB),
    sa.Column("validation_mode", sa.Text),
    # What DataReady told; NULL and '' until then.
    sa.Column("data_ready_at", sa.DateTime(timezone=True)),
    sa.Column("size", sa.Integer, nullable=False, server_default="0"),
    sa.Column("mode", sa.Text, nullable=False, server_default=""),
    sa.Column("dimension", sa.Text, nullable=False, server_default="2d"),
    sa.Column("media_type", sa.Text, nullable=False, server_default="image"),
    sa.Column("chunk_size", sa.Integer),
    sa.Column("image_quality", sa.Integer),
    sa.Column("original_chunk_type", sa.Text),
    sa.Column("compressed_chunk_type", sa.Text),
    sa.Column("facts_version", sa.BigInteger, nullable=False, server_default="1"),  # grows with what TaskFacts tells
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
)
