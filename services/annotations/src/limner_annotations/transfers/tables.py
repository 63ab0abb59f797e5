"""Tables of imports."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from limner_annotations.tables import metadata

# Imports by the id of their request: a second delivery finds what the first one did.
imports = sa.Table(
    "imports",
    metadata,
    sa.Column("request_id", sa.Text, primary_key=True),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now(), index=True),
    sa.Column("result", pg.JSONB),
)
