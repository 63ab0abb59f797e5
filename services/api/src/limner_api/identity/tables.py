"""Tables of credentials. Secrets are kept as SHA-256 digests only: they are random, so nothing slower is needed."""

import sqlalchemy as sa

from limner_api.tables import metadata

# One row per login. ``cookie_hash`` belongs to the ``sessionid`` cookie and is missing for logins that set no cookies;
# ``token_hash`` belongs to the key in the answer of the login, sent back as ``Authorization: Token``.
sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("user_id", sa.ForeignKey("api.users.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("cookie_hash", sa.LargeBinary, unique=True),
    sa.Column("token_hash", sa.LargeBinary, nullable=False, unique=True),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False, index=True),
)

password_resets = sa.Table(
    "password_resets",
    metadata,
    sa.Column("token_hash", sa.LargeBinary, primary_key=True),
    sa.Column("user_id", sa.ForeignKey("api.users.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
)
