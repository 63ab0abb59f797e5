"""Credentials as they arrive."""

import base64

import pytest

from limner_api.identity.credentials import (
    CredentialKind,
    credential_of,
    csrf_token_of,
    is_csrf_proof,
    new_access_token,
    new_login_key,
)
from limner_common.errors import Unauthenticated


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("header", "cookie", "kind", "secret"),
    [
        ("Bearer abc", "session", CredentialKind.ACCESS_TOKEN, "abc"),
        ("bearer  abc", None, CredentialKind.ACCESS_TOKEN, "abc"),
        ("Token abc", None, CredentialKind.TOKEN, "abc"),
        (f"Basic {encoded('me:a:b')}", None, CredentialKind.BASIC, "a:b"),
        (None, "session", CredentialKind.SESSION, "session"),
        ("Digest abc", "session", CredentialKind.SESSION, "session"),
    ],
)
def test_header_goes_before_cookie(header: str | None, cookie: str | None, kind: CredentialKind, secret: str) -> None:
    credential = credential_of(header, cookie)
    assert credential is not None
    assert (credential.kind, credential.secret) == (kind, secret)


@pytest.mark.parametrize(("header", "cookie"), [(None, None), ("", ""), ("Digest abc", None)])
def test_nothing_known_is_nobody(header: str | None, cookie: str | None) -> None:
    assert credential_of(header, cookie) is None


@pytest.mark.parametrize("header", ["Bearer", "Bearer a b", "Token ", "Basic ???", f"Basic {encoded('no colon')}"])
def test_malformed_header_is_refused(header: str) -> None:
    with pytest.raises(Unauthenticated):
        credential_of(header, "session")


def test_secrets_are_not_shown() -> None:
    assert "abc" not in repr(credential_of("Bearer abc", None))


def test_csrf_proof_needs_both_and_of_this_session() -> None:
    mine, other = csrf_token_of("mine"), csrf_token_of("other")
    assert is_csrf_proof("mine", mine, mine)
    assert not any(
        is_csrf_proof("mine", cookie, header) for cookie, header in [(mine, None), (None, mine), (other, other), ("", "")]
    )


def test_new_secrets_have_the_form_clients_expect() -> None:
    assert len(new_login_key()) == 40
    assert len({new_access_token() for _ in range(10)}) == 10
