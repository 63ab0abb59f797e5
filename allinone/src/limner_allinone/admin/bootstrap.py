"""The first administrator of a new installation."""

import os
import secrets
from collections.abc import Callable

from limner_allinone.databases import session_url_from
from limner_api.identity.bootstrap import ensure_admin
from limner_api.tables import metadata
from limner_common.db import Database
from limner_common.settings import ServiceSettings


async def first_administrator(settings: ServiceSettings, announce: Callable[[str], None]) -> None:
    """Make the first administrator when there is none, and say his name and password once.

    They come from ``LIMNER_ADMIN_USER``, ``LIMNER_ADMIN_PASSWORD`` and ``LIMNER_ADMIN_EMAIL``; a missing
    password is made up and shown, a given one is not.
    """
    username = os.environ.get("LIMNER_ADMIN_USER", "admin")
    given = os.environ.get("LIMNER_ADMIN_PASSWORD")
    password = given or secrets.token_urlsafe(12)
    email = os.environ.get("LIMNER_ADMIN_EMAIL", "")
    database = Database(session_url_from(settings), metadata, pool_size=1)
    try:
        is_new = await ensure_admin(database, username, password, email)
    finally:
        await database.close()
    if is_new:
        announce(f"First administrator: {username}")
        announce(f"Password: {password}" if given is None else "Password: as given in LIMNER_ADMIN_PASSWORD")
