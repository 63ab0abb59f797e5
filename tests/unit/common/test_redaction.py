import io
import json
import logging
from collections.abc import Iterator
from contextlib import redirect_stderr

import pytest
import structlog

from limner_common.logs import configure_logging
from limner_common.redaction import hiding, is_secret_field, without_credentials


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgresql://ann:pw@db:5432/limner is away", "postgresql://***@db:5432/limner is away"),
        ("https://t0ken@hooks.example/x", "https://***@hooks.example/x"),
        ("redis://:pw@cache:6379/0", "redis://***@cache:6379/0"),
        ("two: s3://a:b@c and http://d:e@f/g", "two: s3://***@c and http://***@f/g"),
        ("http://host/a@b is a path", "http://host/a@b is a path"),
        ("write postgresql://user:password@host/db", "write postgresql://user:password@host/db"),
        ("mail ann@example.org", "mail ann@example.org"),
        ("GET /k?X-Amz-Signature=ab12&x=1", "GET /k?X-Amz-Signature=***&x=1"),
        ("/k?a=1&X-Amz-Credential=AK%2Fus&sig=Zz%3D", "/k?a=1&X-Amz-Credential=***&sig=***"),
        ("Authorization: Bearer abc.def-9", "Authorization: Bearer ***"),
        ("b'Basic YWRtaW46cHc='", "b'Basic ***'"),
        ("Token 0a1b2c3d4e5f", "Token ***"),
        ("Basic authentication is on, Bearer of news", "Basic authentication is on, Bearer of news"),
        ("sessionid=abc; csrftoken=def", "sessionid=***; csrftoken=***"),
    ],
)
def test_credentials_are_taken_out_and_the_rest_is_left(text: str, expected: str) -> None:
    assert without_credentials(text) == expected


@pytest.mark.parametrize(
    ("name", "is_secret"),
    [
        ("password", True),
        ("admin_password", True),
        ("Authorization", True),
        ("private_key", True),
        ("token", True),
        ("tokens_left", False),
        ("key", False),
        ("monkey", False),
    ],
)
def test_fields_that_promise_secrets(name: str, is_secret: bool) -> None:
    assert is_secret_field(name) is is_secret


def test_known_secrets_are_found_as_they_are_and_in_json() -> None:
    hide = hiding(['say "cheese" loudly', "short"], least_length=8)
    assert hide('x say "cheese" loudly y') == "x *** y"
    assert hide(json.dumps({"x": 'say "cheese" loudly'})) == '{"x": "***"}'
    assert hide("short") == "short"


@pytest.fixture
def logging_restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level, configured = list(root.handlers), root.level, structlog.get_config()
    yield
    root.handlers[:], root.level = handlers, level
    structlog.configure(**configured)


@pytest.mark.usefixtures("logging_restored")
@pytest.mark.parametrize("as_json", [True, False])
def test_no_line_of_the_log_has_secrets_whoever_wrote_it(as_json: bool) -> None:
    with redirect_stderr(io.StringIO()) as err:
        configure_logging("debug", as_json=as_json, hide=hiding(["configured-secret"], least_length=8))
        structlog.get_logger("a").info("told", password="in-a-field", nested={"token": "deeper"}, user_id=7)
        logging.getLogger("library").debug("connecting to %s", "amqp://u:in-a-url@host")
        try:
            raise ValueError("the value configured-secret is bad")
        except ValueError:
            structlog.get_logger("a").exception("broke")
    said = err.getvalue()
    for secret in ("in-a-field", "deeper", "in-a-url", "configured-secret"):
        assert secret not in said
    assert "connecting to amqp://***@host" in said and "ValueError" in said and "7" in said
