"""The two cookies of a session.

Existing clients join all ``Set-Cookie`` headers with ", " and parse the result with ``http.cookies.SimpleCookie``. That
works only when ``csrftoken`` comes first and every cookie but the last ends in ``key=value``: so flags come before
``Path`` and ``SameSite``, and there is no ``Expires``, whose date has a comma.
"""

SESSION_COOKIE = "sessionid"
CSRF_COOKIE = "csrftoken"


def session_cookies(
    session_secret: str, csrf_token: str, *, max_age_seconds: int, is_secure: bool, base_path: str = ""
) -> list[str]:
    """Return the ``Set-Cookie`` values that begin or renew a session, in the order they must be sent.

    Args:
        session_secret: Value of the session's cookie.
        csrf_token: Value of the other.
        max_age_seconds: Lifetime.
        is_secure: Whether clients see us by https.
        base_path: Path below which clients see us: other products on the host do not get the cookies.
    """
    secure = "Secure; " if is_secure else ""
    tail = f"Max-Age={max_age_seconds}; Path={base_path or '/'}; SameSite=Lax"
    return [
        f"{CSRF_COOKIE}={csrf_token}; {secure}{tail}",
        f"{SESSION_COOKIE}={session_secret}; HttpOnly; {secure}{tail}",
    ]


def ended_cookies(base_path: str = "") -> list[str]:
    """Return the ``Set-Cookie`` values that end a session."""
    tail = f"Max-Age=0; Path={base_path or '/'}; SameSite=Lax"
    return [f'{CSRF_COOKIE}=""; {tail}', f'{SESSION_COOKIE}=""; HttpOnly; {tail}']


def cookie_values(header: str) -> dict[str, str]:
    """Return the cookies of a ``Cookie`` header; of doubled names the first, which is the one with the longest path."""
    values: dict[str, str] = {}
    for part in header.split(";"):
        name, separator, value = part.strip().partition("=")
        if separator:
            values.setdefault(name, value.strip('"'))
    return values
