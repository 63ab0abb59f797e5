"""Which passwords are accepted."""

import pytest

from limner_api.identity.passwords import problems_of


@pytest.mark.parametrize(
    ("password", "expected"),
    [
        ("Golden-user-1", 0),
        ("пароль-из-слов", 0),
        ("x" * 256, 0),
        ("x" * 257, 1),
        ("short", 1),
        ("123", 3),
        ("98765432101", 1),
        ("QwertyUIOP", 1),
    ],
    ids=["good", "non-ASCII", "longest", "too long", "short", "three problems", "digits", "common in any case"],
)
def test_problems(password: str, expected: int) -> None:
    assert len(problems_of(password)) == expected


def test_password_is_none_of_the_personal_words() -> None:
    assert problems_of("Annie.Notator", ["", "annie.notator"]) == ["The password is too similar to the username."]
