"""Table of invitations."""

import sqlalchemy as sa

from limner_api.tables import metadata

# An invitation is accepted when its membership is active. The key is no secret: only the invited person can use it.
invitations = sa.Table(
    "invitations",
    metadata,
    sa.Column("key", sa.Text, primary_key=True),
    sa.Column("membership_id", sa.ForeignKey("api.memberships.id", ondelete="CASCADE"), nullable=False, unique=True),
    sa.Column("owner_id", sa.ForeignKey("api.users.id", ondelete="SET NULL"), index=True),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
)
