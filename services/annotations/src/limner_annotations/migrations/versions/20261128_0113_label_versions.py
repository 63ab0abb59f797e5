"""Versions by which labels went."""

import sqlalchemy as sa
from alembic import op

revision = "20261128_0113_label_versions"
down_revision = "20261121_0427_initial"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table of label versions."""
    op.create_table(
        "label_versions",
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "owner_id", name=op.f("pk_label_versions")),
        schema="annotations",
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("label_versions", schema="annotations")
