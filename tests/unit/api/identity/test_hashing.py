"""Password hashes."""

import base64
import hashlib

import pytest

from limner_api.identity.hashing import Passwords

MIGRATED = "pbkdf2_sha256$1000$salt$" + base64.b64encode(hashlib.pbkdf2_hmac("sha256", b"secret", b"salt", 1000)).decode()


@pytest.fixture(scope="module")
def passwords() -> Passwords:
    return Passwords(2)


async def test_hash_is_verified(passwords: Passwords) -> None:
    stored = await passwords.hash("secret")
    assert stored.startswith("$argon2id$")
    assert await passwords.verify(stored, "secret")
    assert not await passwords.verify(stored, "Secret")
    assert not passwords.needs_rehash(stored)


async def test_migrated_hash_is_verified_and_replaced(passwords: Passwords) -> None:
    assert await passwords.verify(MIGRATED, "secret")
    assert not await passwords.verify(MIGRATED, "other")
    assert passwords.needs_rehash(MIGRATED)


@pytest.mark.parametrize("stored", [None, "", "!", "pbkdf2_sha256$x$y", "pbkdf2_sha256$-1$s$h", "plain"])
async def test_nothing_matches_what_is_no_hash(passwords: Passwords, stored: str | None) -> None:
    assert not await passwords.verify(stored, "secret")
    assert not await passwords.verify_again(stored, "secret")


async def test_remembered_success_depends_on_the_stored_hash(passwords: Passwords) -> None:
    first, second = await passwords.hash("secret"), await passwords.hash("other")
    assert await passwords.verify_again(first, "secret")
    assert await passwords.verify_again(first, "secret")
    assert not await passwords.verify_again(second, "secret")
