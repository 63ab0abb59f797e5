"""Background requests: what people see of work that services do."""

import sqlalchemy as sa

from limner_api.tables import metadata

requests = sa.Table(
    "requests",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("service", sa.Text, nullable=False),  # who does the work, and is told to cancel it
    sa.Column("type", sa.Text, nullable=False),  # action:subresource
    sa.Column("target", sa.Text, nullable=False),  # project | task | job
    sa.Column("project_id", sa.BigInteger),
    sa.Column("task_id", sa.BigInteger, index=True),
    sa.Column("job_id", sa.BigInteger),
    sa.Column("organization_id", sa.BigInteger),
    sa.Column("format", sa.Text, nullable=False, server_default=""),
    sa.Column("owner_id", sa.BigInteger, nullable=False, index=True),
    sa.Column("owner_name", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False, server_default="queued"),  # queued | started | finished | failed
    sa.Column("progress", sa.Float, nullable=False, server_default="0"),
    sa.Column("message", sa.Text, nullable=False, server_default=""),
    sa.Column("result_path", sa.Text, nullable=False, server_default=""),
    sa.Column("result_id", sa.BigInteger),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    sa.Column("started_at", sa.DateTime(timezone=True)),
    sa.Column("finished_at", sa.DateTime(timezone=True)),
    sa.Column("expires_at", sa.DateTime(timezone=True)),
    # Grows with every change; the live stream reads "everything after".
    sa.Column(
        "change_seq",
        sa.BigInteger,
        sa.Sequence("request_changes", metadata=metadata),
        nullable=False,
        index=True,
        server_default=sa.text("nextval('api.request_changes')"),
    ),
)
