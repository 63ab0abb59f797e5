"""Tables that every service has in its own schema, and the naming of constraints."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

_NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


#: Condition of the partial indexes on work items. Text, not parameters: a prepared statement that has gone over to its
#: generic plan could no longer match the index.
IS_ACTIVE = sa.text("state IN ('queued', 'running')")


def new_metadata(schema: str) -> sa.MetaData:
    """Return the metadata of a service's schema with outbox, inbox and work tables in it."""
    metadata = sa.MetaData(schema=schema, naming_convention=_NAMING)
    _outbox(metadata)
    _inbox(metadata)
    _work_items(metadata)
    return metadata


def _outbox(metadata: sa.MetaData) -> None:
    # Rows are facts that wait for the relay; ``id`` gives the order of recording.
    sa.Table(
        "outbox",
        metadata,
        sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
        sa.Column("event_id", sa.Uuid, nullable=False),
        sa.Column("topic", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.Column("headers", pg.JSONB, nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    )


def _inbox(metadata: sa.MetaData) -> None:
    # One row per (consumer, event) whose effect is committed: the second delivery finds it and does nothing.
    sa.Table(
        "inbox",
        metadata,
        sa.Column("consumer", sa.Text, primary_key=True),
        sa.Column("event_id", sa.Uuid, primary_key=True),
        sa.Column("processed_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now(), index=True),
    )


def _work_items(metadata: sa.MetaData) -> None:
    table = sa.Table(
        "work_items",
        metadata,
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),  # queued | running | done | failed | cancelled
        sa.Column("payload", pg.JSONB, nullable=False),
        sa.Column("owner", sa.Text, nullable=False, server_default=""),  # fair share is between owners
        sa.Column("dedupe_key", sa.Text),  # at most one queued or running item has it
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("max_attempts", sa.Integer, nullable=False),
        sa.Column("run_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("lease_until", sa.DateTime(timezone=True)),
        sa.Column("lease_token", sa.Uuid),
        sa.Column("is_cancel_requested", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("progress", sa.Float, nullable=False, server_default="0"),
        sa.Column("message", sa.Text, nullable=False, server_default=""),
        sa.Column("result", pg.JSONB),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.Column("started_at", sa.DateTime(timezone=True)),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("state in ('queued','running','done','failed','cancelled')", name="state"),
    )
    sa.Index("uq_work_items_dedupe_key_active", table.c.dedupe_key, unique=True, postgresql_where=IS_ACTIVE)
    sa.Index("ix_work_items_claimable", table.c.run_at, postgresql_where=IS_ACTIVE)
