"""SQL of credentials. What runs with every request is plain SQL on the driver: one prepared statement, one round trip."""

from datetime import date, datetime

import asyncpg
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from limner_api.identity.credentials import CredentialKind
from limner_api.identity.tables import password_resets, sessions
from limner_common.db import Database, UnitOfWork

_ACCOUNT = """
    u.id, u.username, u.first_name, u.last_name, u.email, u.groups, u.is_superuser, u.is_staff, u.is_active,
    u.created_at, u.last_login_at, member.organization_ids, member.slugs, member.roles
"""
_MEMBERSHIPS = """
    LEFT JOIN LATERAL (
        SELECT array_agg(o.id) AS organization_ids, array_agg(o.slug) AS slugs, array_agg(m.role) AS roles
        FROM api.memberships m JOIN api.organizations o ON o.id = m.organization_id
        WHERE m.user_id = u.id AND m.is_active
    ) AS member ON true
"""
_SESSION_SQL = """
    SELECT {account}, s.id AS credential_id, s.expires_at, false AS is_read_only, NULL AS last_used_on
    FROM api.sessions s JOIN api.users u ON u.id = s.user_id {memberships}
    WHERE s.{column} = $1 AND s.expires_at > now()
"""
_ACCESS_TOKEN_SQL = f"""
    SELECT {_ACCOUNT}, t.id AS credential_id, t.expires_at, t.is_read_only, t.last_used_on
    FROM api.access_tokens t JOIN api.users u ON u.id = t.user_id {_MEMBERSHIPS}
    WHERE t.secret_hash = $1 AND (t.expires_at IS NULL OR t.expires_at > now())
"""  # noqa: S608 constants only
_BY_DIGEST = {
    CredentialKind.SESSION: _SESSION_SQL.format(account=_ACCOUNT, memberships=_MEMBERSHIPS, column="cookie_hash"),
    CredentialKind.TOKEN: _SESSION_SQL.format(account=_ACCOUNT, memberships=_MEMBERSHIPS, column="token_hash"),
    CredentialKind.ACCESS_TOKEN: _ACCESS_TOKEN_SQL,
}
# A username may look like an address: the account of that name goes before the one with that address.
_BY_NAME = f"""
    SELECT {_ACCOUNT}, u.password_hash
    FROM api.users u {_MEMBERSHIPS}
    WHERE u.username = $1 OR (u.email <> '' AND lower(u.email) = lower($1))
    ORDER BY u.username = $1 DESC LIMIT 1
"""  # noqa: S608 constants only
_PRUNED_AT_ONCE = 100
_TOUCH_SQL = "UPDATE api.access_tokens SET last_used_on = $2 WHERE id = $1"


async def find_by_digest(database: Database, kind: CredentialKind, digest: bytes) -> asyncpg.Record | None:
    """Return the account, memberships and credential that a secret's digest belongs to; expired ones are not found."""
    async with database.driver() as driver:
        return await driver.fetchrow(_BY_DIGEST[kind], digest)


async def find_by_name(database: Database, name: str) -> asyncpg.Record | None:
    """Return the account of a username or address, its password hash and memberships."""
    async with database.driver() as driver:
        return await driver.fetchrow(_BY_NAME, name)


async def touch_access_token(database: Database, token_id: int, day: date) -> None:
    """Note the day on which a token was used."""
    async with database.driver() as driver:
        await driver.execute(_TOUCH_SQL, token_id, day)


async def add_session(
    uow: UnitOfWork, user_id: int, *, cookie_hash: bytes | None, token_hash: bytes, expires_at: datetime
) -> None:
    """Keep a new session."""
    await uow.execute(
        sa.insert(sessions).values(user_id=user_id, cookie_hash=cookie_hash, token_hash=token_hash, expires_at=expires_at)
    )


async def prune_sessions(uow: UnitOfWork, user_id: int, *, keep: int) -> None:
    """Remove all but a user's newest sessions, and some expired ones of anybody: nobody else clears those away."""
    newest = sa.select(sessions.c.id).where(sessions.c.user_id == user_id).order_by(sessions.c.id.desc()).limit(keep)
    await uow.execute(sa.delete(sessions).where(sessions.c.user_id == user_id, sessions.c.id.not_in(newest)))
    expired = (
        sa.select(sessions.c.id)
        .where(sessions.c.expires_at <= sa.func.now())
        .limit(_PRUNED_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    await uow.execute(sa.delete(sessions).where(sessions.c.id.in_(expired)))


async def extend_session(uow: UnitOfWork, session_id: int, expires_at: datetime) -> None:
    """Move a session's end."""
    await uow.execute(sa.update(sessions).where(sessions.c.id == session_id).values(expires_at=expires_at))


async def remove_session(uow: UnitOfWork, digest: bytes) -> None:
    """End the session that a cookie or login key belongs to, if there is one."""
    await uow.execute(sa.delete(sessions).where(sa.or_(sessions.c.cookie_hash == digest, sessions.c.token_hash == digest)))


async def remove_sessions_of(uow: UnitOfWork, user_id: int, *, but: int | None = None) -> int:
    """End all sessions of a user, but one; returns how many."""
    statement = sa.delete(sessions).where(sessions.c.user_id == user_id)
    return (await uow.execute(statement if but is None else statement.where(sessions.c.id != but))).rowcount


async def remove_password_resets_of(uow: UnitOfWork, user_id: int) -> None:
    """Let no reset token of a user work any more."""
    await uow.execute(sa.delete(password_resets).where(password_resets.c.user_id == user_id))


async def add_password_reset(uow: UnitOfWork, user_id: int, token_hash: bytes, expires_at: datetime) -> None:
    """Keep a reset token; earlier ones of the user stop working."""
    await uow.execute(sa.delete(password_resets).where(password_resets.c.user_id == user_id))
    await uow.execute(sa.insert(password_resets).values(user_id=user_id, token_hash=token_hash, expires_at=expires_at))


async def has_password_reset(connection: AsyncConnection, user_id: int, token_hash: bytes) -> bool:
    """Return whether a reset token of the user exists and has not expired."""
    return bool(await connection.scalar(sa.select(sa.exists().where(_is_open_reset(user_id, token_hash)))))


async def take_password_reset(uow: UnitOfWork, user_id: int, token_hash: bytes) -> bool:
    """Use up a reset token; False when it is unknown, used or expired."""
    taken = await uow.execute(sa.delete(password_resets).where(_is_open_reset(user_id, token_hash)))
    return bool(taken.rowcount)


def _is_open_reset(user_id: int, token_hash: bytes) -> sa.ColumnElement[bool]:
    return sa.and_(
        password_resets.c.token_hash == token_hash,
        password_resets.c.user_id == user_id,
        password_resets.c.expires_at > sa.func.now(),
    )
