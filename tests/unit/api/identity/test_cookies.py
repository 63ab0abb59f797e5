"""Cookies out and in."""

from http.cookies import SimpleCookie

import pytest

from limner_api.identity.cookies import cookie_values, ended_cookies, session_cookies


@pytest.mark.parametrize("is_secure", [False, True])
def test_joined_cookies_are_parsed_as_existing_clients_do(is_secure: bool) -> None:
    parsed: SimpleCookie = SimpleCookie()
    parsed.load(", ".join(session_cookies("secret", "token", max_age_seconds=60, is_secure=is_secure)))
    assert {name: morsel.value for name, morsel in parsed.items()} == {"csrftoken": "token", "sessionid": "secret"}
    assert bool(parsed["sessionid"]["secure"]) is is_secure
    assert parsed["sessionid"]["httponly"]
    assert not parsed["csrftoken"]["httponly"]


def test_ended_cookies_are_parsed_too() -> None:
    parsed: SimpleCookie = SimpleCookie()
    parsed.load(", ".join(ended_cookies()))
    assert {name: (morsel.value, morsel["max-age"]) for name, morsel in parsed.items()} == {
        "csrftoken": ("", "0"),
        "sessionid": ("", "0"),
    }


def test_cookies_of_an_installation_below_a_path_stay_below_it() -> None:
    begun = session_cookies("secret", "token", max_age_seconds=60, is_secure=True, base_path="/label")
    for cookies in (begun, ended_cookies("/label")):
        parsed: SimpleCookie = SimpleCookie()
        parsed.load(", ".join(cookies))
        assert {name: morsel["path"] for name, morsel in parsed.items()} == {"csrftoken": "/label", "sessionid": "/label"}


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", {}),
        ("a=1; b=2", {"a": "1", "b": "2"}),
        ('a="quoted";b=x=y', {"a": "quoted", "b": "x=y"}),
        ("a=first; a=second", {"a": "first"}),
        ("novalue; a=1;;", {"a": "1"}),
    ],
)
def test_cookie_header_is_read(header: str, expected: dict[str, str]) -> None:
    assert cookie_values(header) == expected
