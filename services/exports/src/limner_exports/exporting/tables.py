"""Tables of exports."""

import sqlalchemy as sa

from limner_exports.tables import metadata

# One row per finished request. Several requests may share one object: equal cache keys mean equal bytes.
results = sa.Table(
    "results",
    metadata,
    sa.Column("request_id", sa.Text, primary_key=True),
    sa.Column("owner_id", sa.BigInteger, nullable=False),
    sa.Column("project_id", sa.BigInteger, index=True),
    sa.Column("task_id", sa.BigInteger, index=True),
    sa.Column("cache_key", sa.Text, nullable=False, index=True),
    sa.Column("object_key", sa.Text, nullable=False, index=True),
    sa.Column("file_name", sa.Text, nullable=False),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False, index=True),
)

# Work whose end a client of the older kind was told of: asking again begins anew.
acknowledgements = sa.Table(
    "acknowledgements",
    metadata,
    sa.Column("work_id", sa.Text, primary_key=True),
    sa.Column("told_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now(), index=True),
)

# The last export of each person, target, format and kind, for clients that poll without a request id.
latest = sa.Table(
    "latest_exports",
    metadata,
    sa.Column("dedupe_key", sa.Text, primary_key=True),
    sa.Column("work_id", sa.Text, nullable=False),
    sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now(), index=True),
)
