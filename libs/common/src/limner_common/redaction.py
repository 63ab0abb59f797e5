"""Takes out of texts what nobody may read: a last net behind code that logs no secrets.

Libraries repeat in their errors what they were given, and so URLs with passwords and signed links come into logs that nobody
meant to write them to.
"""

import json
import re
from collections.abc import Callable, Iterable
from typing import Any, Final

HIDDEN: Final = "***"

#: Turns a text into one without secrets.
Hide = Callable[[str], str]

#: Of fields in a record of the log; a whole word, so that ``tokens_left`` is none.
_FIELD: Final = re.compile(
    r"(?:^|_)(?:password|secret|token|authorization|cookie|credentials|private_key|access_key)$", re.I
)
_PATTERNS: Final = (
    # What stands between :// and @ of a URL; not in advice on how to write one.
    (re.compile(r"(://)(?!user:password@)[^\s/?#\"'<>]*@"), rf"\1{HIDDEN}@"),
    # Parameters that make a link work for whoever holds it: S3's, Google's, Azure's, and what people call theirs.
    (
        re.compile(
            r"([?&](?:x-amz-signature|x-amz-credential|x-amz-security-token|x-goog-signature|x-goog-credential|awsaccesskeyid"
            r"|signature|sig|token|access_token|api_key|apikey|key|password|secret)=)[^&\s\"'<>\\]+",
            re.I,
        ),
        rf"\1{HIDDEN}",
    ),
    # Headers. A word of letters alone is text about them.
    (re.compile(r"\b(Bearer|Basic|Token) +(?=[\w.~+/-]*[\d=._~+/-])[\w.~+/-]{6,}=*"), rf"\1 {HIDDEN}"),
    (re.compile(r"\b(sessionid|csrftoken)=[^;,\s\"'\\]+"), rf"\1={HIDDEN}"),
)


def is_secret_field(name: str) -> bool:
    """Say whether the name of a field promises a secret."""
    return _FIELD.search(name) is not None


def without_credentials(text: str) -> str:
    """Return a text without what looks like credentials: in URLs, signed links, headers and cookies."""
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def hiding(secrets: Iterable[str], *, least_length: int) -> Hide:
    """Return what takes these very secrets out of texts, also where they stand escaped in JSON.

    Args:
        secrets: Their values.
        least_length: Shorter ones are left: they would take letters out of ordinary words.
    """
    long = {secret for secret in secrets if len(secret) >= least_length}
    known = sorted(long | {json.dumps(secret)[1:-1] for secret in long}, key=len, reverse=True)

    def hide(text: str) -> str:
        for secret in known:
            text = text.replace(secret, HIDDEN)
        return text

    return hide


def without_secret_fields(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record of the log, or what is nested in it, with fields hidden whose names promise secrets."""
    return {
        name: HIDDEN
        if is_secret_field(str(name)) and value is not None
        else without_secret_fields(value)
        if isinstance(value, dict)
        else value
        for name, value in record.items()
    }
