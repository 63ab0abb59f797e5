"""Tables of imports."""

import sqlalchemy as sa

from limner_exports.tables import metadata

# Tasks that a dataset import makes, noted before they are made: a repeated run finds them and makes none twice.
imported_tasks = sa.Table(
    "imported_tasks",
    metadata,
    sa.Column("work_id", sa.Text, primary_key=True),
    sa.Column("subset", sa.Text, primary_key=True),
    sa.Column("task_id", sa.BigInteger, nullable=False),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now(), index=True),
)
