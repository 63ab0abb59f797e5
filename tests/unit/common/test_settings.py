"""The settings of all services."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from limner_allinone.databases import own_database
from limner_common.db.connecting import with_parameters
from limner_common.settings import ServiceSettings, SSLMode


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://u:p%40@h:5/d", "postgresql://u:p%40@h:5/d?sslmode=require"),
        ("postgresql://h/d?sslmode=disable&host=%2Frun", "postgresql://h/d?host=%2Frun&sslmode=require"),
        ("postgresql://a:1,b:2/d?target_session_attrs=primary", None),
    ],
)
def test_parameters_go_into_the_url_and_replace_those_there(url: str, expected: str | None) -> None:
    assert with_parameters(url, {"sslmode": "require", "sslkey": None}) == (expected or f"{url}&sslmode=require")
    assert with_parameters(url, {"sslmode": None}) == url


def test_tls_settings_go_into_every_url_of_the_database() -> None:
    settings = ServiceSettings(
        database_url=SecretStr("postgresql://h/d"),
        database_replica_url=SecretStr("postgresql://r/d"),
        database_sslmode=SSLMode.VERIFY_FULL,
        database_ca_file=Path("/etc/ca.pem"),
        database_certificate_file=Path("/etc/us.pem"),
        database_key_file=Path("/etc/us.key"),
    )
    query = "?sslmode=verify-full&sslrootcert=%2Fetc%2Fca.pem&sslcert=%2Fetc%2Fus.pem&sslkey=%2Fetc%2Fus.key"
    assert settings.database_url.get_secret_value() == f"postgresql://h/d{query}"
    assert settings.database_replica_url is not None
    assert settings.database_replica_url.get_secret_value() == f"postgresql://r/d{query}"
    assert settings.database_direct_url is None


def test_a_database_of_our_own_is_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIMNER_DATABASE_SSLMODE", "require")
    monkeypatch.setenv("LIMNER_DATABASE_REPLICA_URL", "postgresql://r/d")
    monkeypatch.setenv("LIMNER_DATABASE_IS_BEHIND_PGBOUNCER", "true")
    settings = ServiceSettings(**own_database("postgresql://postgres@/limner?host=/run/x"))

    assert settings.database_url.get_secret_value() == "postgresql://postgres@/limner?host=/run/x"
    assert settings.database_replica_url is None
    assert not settings.database_is_behind_pgbouncer
