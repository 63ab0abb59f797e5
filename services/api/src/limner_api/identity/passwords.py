"""Which passwords are accepted. Pure rules; hashing is in ``hashing``."""

from collections.abc import Iterable

PASSWORD_MIN_LENGTH = 8
PASSWORD_MAX_LENGTH = 256


def problems_of(password: str, personal: Iterable[str] = ()) -> list[str]:
    """Return why a password is not accepted, as sentences; empty when it is.

    Args:
        password: What was chosen.
        personal: Words about the person: the password may be none of them.
    """
    problems = []
    if len(password) < PASSWORD_MIN_LENGTH:
        problems.append(f"This password is too short. It must contain at least {PASSWORD_MIN_LENGTH} characters.")
    if len(password) > PASSWORD_MAX_LENGTH:
        problems.append(f"Ensure this field has no more than {PASSWORD_MAX_LENGTH} characters.")
    lowered = password.casefold()
    if lowered in _COMMON:
        problems.append("This password is too common.")
    if password.isdigit():
        problems.append("This password is entirely numeric.")
    if any(word and lowered == word.casefold() for word in personal):
        problems.append("The password is too similar to the username.")
    return problems


#: The most used passwords of published leaks, and what suggests itself here.
_MOST_USED = """
123 1234 12345 123456 1234567 12345678 123456789 1234567890 111111 000000 11111111 00000000 88888888 87654321 password
password1 password12 password123 passw0rd p@ssw0rd p@ssword pa$$word qwerty qwerty1 qwerty12 qwerty123 qwertyuiop
qwertyui asdfghjk asdfghjkl zxcvbnm zxcvbnm1 1q2w3e4r 1q2w3e4r5t 1qaz2wsx 1qaz2wsx3edc q1w2e3r4 q1w2e3r4t5 zaq12wsx
qazwsx qazwsxedc abc123 abcd1234 a1b2c3d4 aa123456 iloveyou iloveyou1 sunshine sunshine1 princess princess1 football
football1 baseball baseball1 basketball superman superman1 batman123 starwars trustno1 welcome welcome1 welcome123
letmein letmein1 letmein123 monkey123 dragon123 master123 michael1 jennifer jordan23 charlie1 whatever computer internet
samsung1 changeme changeme1 changeit default1 admin admin123 admin1234 administrator root1234 rootroot test1234 testtest
testing1 testing123 user1234 guest123 secret123 hello123 hellohello liverpool chelsea1 arsenal1 mustang1 corvette
mercedes victoria elephant marlboro alexander christian elizabeth jonathan nicholas annotate annotator cvatcvat
limnerlimner labelling labeling
"""
_COMMON = frozenset(_MOST_USED.split())
