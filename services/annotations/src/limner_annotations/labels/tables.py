"""Table of the versions by which labels last went."""

import sqlalchemy as sa

from limner_annotations.tables import metadata

# A row per task or project whose labels were deleted or exchanged: the version of the facts that no longer have them.
label_versions = sa.Table(
    "label_versions",
    metadata,
    sa.Column("owner", sa.Text, primary_key=True),
    sa.Column("owner_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("version", sa.BigInteger, nullable=False),
)
