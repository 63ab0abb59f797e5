"""One table for all events."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from limner_analytics.tables import metadata

events = sa.Table(
    "events",
    metadata,
    # A client's event has an id made of its content, a service's event its own: storing one twice is impossible.
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("scope", sa.Text, nullable=False),  # action:object, such as load:job or update:task
    sa.Column("source", sa.Text, nullable=False),  # client | server
    sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("received_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    sa.Column("duration_ms", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("count", sa.BigInteger),
    sa.Column("object_name", sa.Text),
    sa.Column("object_id", sa.BigInteger),
    sa.Column("object_value", sa.Text),
    sa.Column("organization_id", sa.BigInteger),
    sa.Column("project_id", sa.BigInteger),
    sa.Column("task_id", sa.BigInteger),
    sa.Column("job_id", sa.BigInteger),
    sa.Column("user_id", sa.BigInteger),
    sa.Column("user_name", sa.Text),
    sa.Column("payload", pg.JSONB, nullable=False),
    sa.Index("ix_events_job_id_occurred_at", "job_id", "occurred_at"),
    sa.Index("ix_events_task_id_occurred_at", "task_id", "occurred_at"),
    sa.Index("ix_events_occurred_at", "occurred_at"),
)
