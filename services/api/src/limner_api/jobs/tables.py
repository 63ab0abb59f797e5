"""Jobs."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from limner_api.tables import metadata

jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("task_id", sa.BigInteger, sa.ForeignKey("api.tasks.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("parent_job_id", sa.ForeignKey("api.jobs.id", ondelete="CASCADE"), index=True),
    sa.Column("type", sa.Text, nullable=False, server_default="annotation"),  # annotation | ground_truth | replica
    sa.Column("start_frame", sa.Integer, nullable=False),  # task-relative, inclusive, as is stop_frame
    sa.Column("stop_frame", sa.Integer, nullable=False),
    sa.Column("frames", pg.ARRAY(sa.Integer)),  # hand-picked task-relative frames; NULL for a range
    sa.Column("frame_count", sa.Integer, nullable=False),
    sa.Column("stage", sa.Text, nullable=False, server_default="annotation"),
    sa.Column("state", sa.Text, nullable=False, server_default="new"),
    sa.Column("status", sa.Text, nullable=False, server_default="annotation"),  # derived of stage and state; filtered by
    sa.Column("assignee_id", sa.ForeignKey("api.users.id", ondelete="SET NULL"), index=True),
    sa.Column("assignee_updated_at", sa.DateTime(timezone=True)),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
)
