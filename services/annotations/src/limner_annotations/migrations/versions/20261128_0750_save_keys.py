"""Which request wrote a revision, so that it writes no second one when it is sent again."""

import sqlalchemy as sa
from alembic import op

revision = "20261128_0750_save_keys"
down_revision = "20261128_0510_pruning"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; revisions written before have no key."""
    op.add_column("revisions", sa.Column("save_key", sa.LargeBinary()), schema="annotations")
    op.create_index(
        "ux_revisions_save_key",
        "revisions",
        ["job_id", "save_key"],
        unique=True,
        schema="annotations",
        postgresql_where=sa.text("save_key IS NOT NULL"),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_index("ux_revisions_save_key", table_name="revisions", schema="annotations")
    op.drop_column("revisions", "save_key", schema="annotations")
