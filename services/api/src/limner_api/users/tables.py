"""Tables of people."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from limner_api.tables import metadata

# ``password_hash`` is empty for accounts that cannot log in with a password. ``groups`` is an array, not a table: it is
# read with every request and never searched.
users = sa.Table(
    "users",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    sa.Column("username", sa.Text, nullable=False, unique=True),
    sa.Column("first_name", sa.Text, nullable=False, server_default=""),
    sa.Column("last_name", sa.Text, nullable=False, server_default=""),
    sa.Column("email", sa.Text, nullable=False, server_default=""),
    sa.Column("password_hash", sa.Text, nullable=False, server_default=""),
    sa.Column("groups", pg.ARRAY(sa.Text), nullable=False, server_default="{}"),
    sa.Column("is_superuser", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("is_staff", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("is_active", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    sa.Column("last_login_at", sa.DateTime(timezone=True)),
    sa.CheckConstraint("groups <@ ARRAY['admin','business','user','worker']::text[]", name="groups"),
)
sa.Index(
    "uq_users_email_lower",
    sa.func.lower(users.c.email),
    unique=True,
    postgresql_where=users.c.email != "",
)
