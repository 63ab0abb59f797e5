"""Access tokens as they are listed and shown; their values are not known any more."""

from datetime import UTC, datetime, time
from typing import Any

from limner_api.access_tokens.tables import access_tokens
from limner_api.lists.pages import ListSource
from limner_api.lists.resources import ACCESS_TOKENS
from limner_api.users.people import owner, person_columns, render_person
from limner_common.clock import wire_date
from limner_common.db import Row

listing = ListSource(
    spec=ACCESS_TOKENS,
    source=access_tokens.join(owner, owner.c.id == access_tokens.c.user_id),
    id_column=access_tokens.c.id,
    columns={
        "id": access_tokens.c.id,
        "name": access_tokens.c.name,
        "read_only": access_tokens.c.is_read_only,
        "created_date": access_tokens.c.created_at,
        "updated_date": access_tokens.c.updated_at,
        "expiry_date": access_tokens.c.expires_at,
        "last_used_date": access_tokens.c.last_used_on,
    },
    selected=[
        *(column for column in access_tokens.c if column.name != "secret_hash"),
        *person_columns(owner, "owner"),
    ],
)


def render_access_token(row: Row, base_url: str) -> dict[str, Any]:
    """Return the wire form of a token. Its last use is known to the day."""
    last_used = None if row.last_used_on is None else datetime.combine(row.last_used_on, time(), UTC)
    return {
        "id": row.id,
        "name": row.name,
        "created_date": wire_date(row.created_at),
        "updated_date": wire_date(row.updated_at),
        "expiry_date": None if row.expires_at is None else wire_date(row.expires_at),
        "last_used_date": None if last_used is None else wire_date(last_used),
        "read_only": row.is_read_only,
        "owner": render_person(row, "owner", base_url),
    }
