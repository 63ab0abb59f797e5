"""Grants: short-lived signed statements of who may do what, with the facts the service needs to do it.

A grant is ``base64url(json).base64url(signature)``, signed with Ed25519 by its issuer. ``api`` issues grants for people;
the other services issue grants for their own background work. Data services verify grants and decide nothing themselves.
"""

import base64
import time
from collections.abc import Mapping
from typing import Any

import msgspec
import structlog
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from limner_common.errors import Unauthenticated, Unavailable

log = structlog.get_logger(__name__)

GRANT_HEADER = "x-limner-grant"
#: Clocks of two services may differ by this much, and a little more for the way.
LEEWAY_SECONDS = 330


class Grant(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who may do what to which object until when.

    Attributes:
        issuer: Service that signed it.
        action: Policy action that was allowed, such as ``task:view:data``.
        user_id: Acting user, or None for a service's own work.
        username: His name, for history and messages.
        organization_id: Organization of the object or of the context for creations.
        base_url: Address the client sees us at, without a slash at the end; absolute URLs start with it.
        facts: What the service needs to know about the object: ids, versions, frame range.
        issued_at: Seconds since the epoch, by the issuer's clock.
        expires_at: Likewise.
    """

    issuer: str
    action: str
    user_id: int | None = None
    username: str = ""
    organization_id: int | None = None
    base_url: str = ""
    facts: Mapping[str, Any] = {}
    issued_at: int = 0
    expires_at: int = 0


class ClocksDiffer(Unavailable):
    """A grant's times do not fit: clocks differ more than we bear, or an old grant is used again.

    Not a matter of the person behind it, whom an answer "unauthenticated" would only sign out.
    """

    def __init__(self, issuer: str, what: str) -> None:
        log.error("clocks_differ", issuer=issuer, what=what)
        message = (
            f"A grant of service '{issuer}' {what}: the clocks of its machine and of this one differ; synchronize them."
        )
        super().__init__(message, code="clocks_differ", retry_after_seconds=30)


class Keyring:
    """The private key of one service and the public keys of all.

    Args:
        name: Service that signs with this ring.
        private_key: Its raw Ed25519 private key, 32 bytes.
        public_keys: Raw public keys, 32 bytes each, by service name.
    """

    def __init__(self, name: str, private_key: bytes, public_keys: Mapping[str, bytes]) -> None:
        self.name = name
        self._private = Ed25519PrivateKey.from_private_bytes(private_key)
        self._public = {who: Ed25519PublicKey.from_public_bytes(key) for who, key in public_keys.items()}

    def __repr__(self) -> str:
        return f"Keyring({self.name!r})"

    def sign(self, grant: Grant, *, ttl_seconds: int = 60) -> str:
        """Return the grant as a header value, valid for ``ttl_seconds``; issuer and times are set here."""
        now = int(time.time())
        stamped = msgspec.structs.replace(grant, issuer=self.name, issued_at=now, expires_at=now + ttl_seconds)
        body = msgspec.json.encode(stamped)
        return f"{_b64(body)}.{_b64(self._private.sign(body))}"

    def verify(self, value: str) -> Grant:
        """Return the grant in a header value.

        Raises:
            Unauthenticated: Malformed, or signed by nobody we know.
            ClocksDiffer: Expired, or from the future, by more than clocks may differ.
        """
        try:
            body_text, _, signature_text = value.partition(".")
            body, signature = _unb64(body_text), _unb64(signature_text)
            grant = _DECODER.decode(body)
            self._public[grant.issuer].verify(signature, body)
        except (ValueError, KeyError, InvalidSignature, msgspec.MsgspecError) as error:
            raise Unauthenticated("The grant is not valid.", code="grant_invalid") from error
        _check_times(grant)
        return grant


def new_private_key() -> bytes:
    """Return a fresh raw Ed25519 private key."""
    return Ed25519PrivateKey.generate().private_bytes_raw()


def public_key_of(private_key: bytes) -> bytes:
    """Return the raw public key that belongs to a raw private key."""
    key = Ed25519PrivateKey.from_private_bytes(private_key).public_key()
    return key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)


def _check_times(grant: Grant) -> None:
    now = time.time()
    if grant.expires_at + LEEWAY_SECONDS < now:
        raise ClocksDiffer(grant.issuer, f"expired {now - grant.expires_at:.0f} s ago")
    if grant.issued_at - LEEWAY_SECONDS > now:
        raise ClocksDiffer(grant.issuer, f"was issued {grant.issued_at - now:.0f} s in the future")


_DECODER = msgspec.json.Decoder(Grant)


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
