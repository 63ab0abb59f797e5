"""How far revisions of jobs are kept."""

import sqlalchemy as sa
from alembic import op

revision = "20261128_0510_pruning"
down_revision = "20261128_0113_label_versions"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns, and an index of jobs with something to remove."""
    for name in ("kept_from", "pruned_to"):
        op.add_column(
            "job_states", sa.Column(name, sa.BigInteger(), server_default="0", nullable=False), schema="annotations"
        )
    op.create_index(
        "ix_job_states_unpruned",
        "job_states",
        ["job_id"],
        schema="annotations",
        postgresql_where=sa.text("pruned_to < kept_from"),
    )


def downgrade() -> None:
    """Drop them; what was removed stays removed."""
    op.drop_index("ix_job_states_unpruned", table_name="job_states", schema="annotations")
    for name in ("pruned_to", "kept_from"):
        op.drop_column("job_states", name, schema="annotations")
