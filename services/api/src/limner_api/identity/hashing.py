"""Password hashing off the event loop, with a bound on how many run at a time."""

import asyncio
import base64
import hashlib
import hmac
import secrets
import time
from collections import OrderedDict

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type

# OWASP Password Storage Cheat Sheet: Argon2id, 46 MiB, one pass, one lane.
_MEMORY_KIB = 47104
_REMEMBERED = 256
_REMEMBER_SECONDS = 60.0


class Passwords:
    """Makes and checks password hashes: Argon2id, and PBKDF2-SHA256 as migrated accounts have it.

    Args:
        threads: Hashes computed at a time; more wait.
    """

    def __init__(self, threads: int) -> None:
        self._hasher = PasswordHasher(time_cost=1, memory_cost=_MEMORY_KIB, parallelism=1, type=Type.ID)
        self._slots = asyncio.Semaphore(threads)
        self._nobody = self._hasher.hash(secrets.token_urlsafe())
        self._remembered: OrderedDict[bytes, float] = OrderedDict()
        self._salt = secrets.token_bytes(32)

    async def hash(self, password: str) -> str:
        """Return what is stored of a password."""
        async with self._slots:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def verify(self, stored: str | None, password: str) -> bool:
        """Return whether the password is the one stored; takes as long when there is no account (``stored`` is None)."""
        async with self._slots:
            return await asyncio.to_thread(self._verify, stored or self._nobody, password) and bool(stored)

    async def verify_again(self, stored: str | None, password: str) -> bool:
        """Like ``verify``, but remembers successes for a minute: for clients that send the password with every request.

        A changed password is noticed at once because the stored hash is part of what is remembered.
        """
        if not stored:
            return await self.verify(stored, password)
        key = hmac.digest(self._salt, f"{stored}\0{password}".encode("utf-8", "surrogatepass"), "sha256")
        if self._remembered.get(key, 0.0) > time.monotonic():
            return True
        if not await self.verify(stored, password):
            return False
        self._remembered[key] = time.monotonic() + _REMEMBER_SECONDS
        while len(self._remembered) > _REMEMBERED:
            self._remembered.popitem(last=False)
        return True

    def needs_rehash(self, stored: str) -> bool:
        """Return whether a hash should be replaced at the next login."""
        return not stored.startswith("$argon2") or self._hasher.check_needs_rehash(stored)

    def _verify(self, stored: str, password: str) -> bool:
        if stored.startswith("pbkdf2_sha256$"):
            return _verify_pbkdf2(stored, password)
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False


def _verify_pbkdf2(stored: str, password: str) -> bool:
    """Check ``pbkdf2_sha256$iterations$salt$base64``, the form accounts of CVAT installations come in."""
    try:
        _, iterations, salt, expected = stored.split("$")
        computed = hashlib.pbkdf2_hmac("sha256", password.encode(), salt.encode(), int(iterations))
    except ValueError:
        return False
    return hmac.compare_digest(base64.b64encode(computed).decode(), expected)
