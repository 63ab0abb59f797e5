"""Credentials on the wire: what a request carries, and how secrets are made, kept and compared."""

import base64
import binascii
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from enum import StrEnum

from limner_common.errors import Unauthenticated

#: Personal access tokens start with this, so that scanners of source code can find leaked ones.
ACCESS_TOKEN_PREFIX = "lmn_"  # noqa: S105 no secret
_SECRET_BYTES = 32
_KEY_DIGITS = 40


class CredentialKind(StrEnum):
    """How a caller proves who he is."""

    SESSION = "session"
    TOKEN = "token"  # noqa: S105 a kind, no secret
    ACCESS_TOKEN = "access_token"  # noqa: S105 a kind, no secret
    BASIC = "basic"


@dataclass(frozen=True, slots=True)
class Credential:
    """What a request carries. ``secret`` is a cookie, token or password; ``username`` is set for ``BASIC`` only."""

    kind: CredentialKind
    secret: str
    username: str = ""

    def __repr__(self) -> str:
        return f"Credential({self.kind})"


def credential_of(authorization: str | None, session_cookie: str | None) -> Credential | None:
    """Return what a request carries, the header before the cookie; None when there is nothing we know.

    Args:
        authorization: The ``Authorization`` header.
        session_cookie: The ``sessionid`` cookie.

    Raises:
        Unauthenticated: The header is of a kind we know and malformed.
    """
    if authorization:
        scheme, _, rest = authorization.partition(" ")
        match scheme.lower():
            case "bearer":
                return Credential(CredentialKind.ACCESS_TOKEN, _one_word(rest))
            case "token":
                return Credential(CredentialKind.TOKEN, _one_word(rest))
            case "basic":
                return _basic(rest)
            case _:
                pass
    return Credential(CredentialKind.SESSION, session_cookie) if session_cookie else None


def _one_word(text: str) -> str:
    words = text.split()
    if len(words) != 1:
        raise Unauthenticated("Invalid token.")
    return words[0]


def _basic(text: str) -> Credential:
    try:
        decoded = base64.b64decode(text.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise Unauthenticated("Invalid basic header. Credentials not correctly base64 encoded.") from error
    username, colon, password = decoded.partition(":")
    if not colon:
        raise Unauthenticated("Invalid basic header. Credentials not correctly base64 encoded.")
    return Credential(CredentialKind.BASIC, password, username)


def new_session_secret() -> str:
    """Return a new value of the ``sessionid`` cookie."""
    return secrets.token_urlsafe(_SECRET_BYTES)


def new_login_key() -> str:
    """Return a new login key: 40 hex digits, as existing clients expect."""
    return secrets.token_hex(_KEY_DIGITS // 2)


def new_access_token() -> str:
    """Return the value of a new personal access token."""
    return ACCESS_TOKEN_PREFIX + secrets.token_urlsafe(_SECRET_BYTES)


def new_reset_token() -> str:
    """Return a new password reset token."""
    return secrets.token_urlsafe(_SECRET_BYTES)


def digest_of(secret: str) -> bytes:
    """Return what is stored of a random secret. Not for passwords."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def csrf_token_of(session_secret: str) -> str:
    """Return the ``csrftoken`` that belongs to a session: derived, so it never changes and cannot be planted."""
    return hashlib.sha256(b"csrf:" + session_secret.encode("utf-8", "surrogatepass")).hexdigest()


def is_csrf_proof(session_secret: str, cookie: str | None, header: str | None) -> bool:
    """Return whether header and cookie carry the token of this session."""
    expected = csrf_token_of(session_secret).encode()
    return all(
        value is not None and hmac.compare_digest(value.encode("utf-8", "surrogatepass"), expected)
        for value in (cookie, header)
    )
