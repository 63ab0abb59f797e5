"""The doctor on real engines: all well, and with passwords that are wrong."""

import json
import os
import subprocess
from typing import Any

import pytest

from tests.support.deployment import command
from tests.support.engines import Engines
from tests.support.standby import standby_of

#: What needs no engine, or schemas that are not there.
_OTHERS = {"schemas", "keys", "scratch", "media libraries"}


def findings(**environment: str) -> dict[str, dict[str, Any]]:
    """What the doctor tells programs, by check; it must have found something wrong."""
    outer = {key: value for key, value in os.environ.items() if not key.startswith("LIMNER_")}
    done = subprocess.run(
        command("doctor", "--json"), env={**outer, **environment}, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stderr == ""
    return {found["check"]: found for found in json.loads(done.stdout)["findings"]}


def test_engines_that_are_well_and_schemas_that_are_missing(engines: Engines) -> None:
    settings = {**engines.settings(), "LIMNER_DATABASE_URL": engines.new_database()}
    found = findings(**settings)
    engines_found = {name: finding["status"] for name, finding in found.items() if name not in _OTHERS}
    assert engines_found == dict.fromkeys(
        ("database", "pooler", "connections", "clock", "events", "redis", "object store"), "ok"
    ), found
    assert "***" not in str(found), "the access key is a word, not a secret"
    assert found["schemas"]["status"] == "failed" and found["schemas"]["advice"] == "Run: limner migrate all"
    assert "topics are missing and may be made" in found["events"]["message"]
    assert findings(**settings)["events"]["message"] == found["events"]["message"], "the doctor makes no topics"
    assert list(engines.minio().list_objects(settings["LIMNER_OBJECTS_S3_BUCKET"], recursive=True)) == []


def test_passwords_that_are_wrong_are_told_from_engines_that_are_away(engines: Engines) -> None:
    stack, wrong = engines.stack, "wr0ng-s3cret"
    found = findings(
        LIMNER_DATABASE_URL=stack.postgres.url().replace(stack.postgres.password, wrong),
        LIMNER_REDIS_URL=engines.redis_url.replace(stack.redis.password, wrong),
        LIMNER_KAFKA_SERVERS=stack.kafka.secured_servers,
        LIMNER_KAFKA_SECURITY_PROTOCOL="SASL_SSL",
        LIMNER_KAFKA_CA_FILE=str(stack.kafka.certificates.authority),
        LIMNER_KAFKA_USERNAME=stack.kafka.user,
        LIMNER_KAFKA_PASSWORD=wrong,
        **{**engines.object_settings(engines.new_bucket()), "LIMNER_OBJECTS_S3_SECRET_KEY": wrong},
    )
    for name in ("database", "redis", "events", "object store"):
        assert found[name]["status"] == "failed", found[name]
        assert "Nothing can be reached" not in found[name]["message"]
        assert wrong not in str(found[name]) and "LIMNER_" in found[name]["advice"]
    assert "password" in found["database"]["message"]
    assert "refused the credentials" in found["object store"]["message"]


def test_a_user_of_kafka_who_may_make_no_topics_is_told_apart(engines: Engines) -> None:
    kafka = engines.stack.kafka
    settings = {
        **engines.settings(),
        "LIMNER_DATABASE_URL": engines.new_database(),
        "LIMNER_KAFKA_SERVERS": kafka.secured_servers,
        "LIMNER_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "LIMNER_KAFKA_SASL_MECHANISM": "PLAIN",
        "LIMNER_KAFKA_CA_FILE": str(kafka.certificates.authority),
        "LIMNER_KAFKA_USERNAME": kafka.guest,
        "LIMNER_KAFKA_PASSWORD": kafka.password,
    }
    found = findings(**settings)["events"]
    assert found["status"] == "failed", found
    assert "Kafka refuses to create the topic" in found["message"] and "Let the user create topics" in found["message"]
    assert "Nothing can be reached" not in found["message"] and kafka.password not in str(found)


@pytest.mark.parametrize(
    ("rights", "missing"),
    [
        (["s3:GetObject", "s3:DeleteObject"], "write"),
        (["s3:PutObject", "s3:DeleteObject"], "read"),
        (["s3:PutObject", "s3:GetObject"], "delete"),
    ],
)
def test_a_key_of_the_store_that_lacks_a_right_is_told_which(engines: Engines, rights: list[str], missing: str) -> None:
    bucket, user = engines.new_bucket(), f"{engines.run}-may-not-{missing}"
    settings = {**engines.settings(), **engines.object_settings(bucket), "LIMNER_DATABASE_URL": engines.new_database()}
    with engines.new_store_user(user, bucket, rights) as secret:
        keys = {"LIMNER_OBJECTS_S3_ACCESS_KEY": user, "LIMNER_OBJECTS_S3_SECRET_KEY": secret}
        found = findings(**{**settings, **keys})["object store"]
    assert found["status"] == "failed", found
    assert found["message"] == f"The user may see the bucket, but not {missing} its objects."
    assert "LIMNER_OBJECTS_S3_ACCESS_KEY" in found["advice"] and "s3:" in found["advice"]


async def test_a_replica_and_its_primary_are_not_taken_for_each_other(engines: Engines) -> None:
    primary = engines.new_database()
    with standby_of(engines.stack.postgres) as standby:
        await standby.start()
        await standby.wait("SELECT EXISTS (SELECT FROM pg_stat_wal_receiver)")
        replica = standby.url(primary)
        exchanged = findings(LIMNER_DATABASE_URL=replica, LIMNER_DATABASE_REPLICA_URL=primary)
        right = findings(LIMNER_DATABASE_URL=primary, LIMNER_DATABASE_REPLICA_URL=replica)
    assert exchanged["database"]["status"] == exchanged["replica"]["status"] == "failed"
    assert "cannot be written" in exchanged["database"]["message"]
    assert "LIMNER_DATABASE_REPLICA_URL" in exchanged["database"]["advice"]
    assert "This is no replica" in exchanged["replica"]["message"]
    assert (right["database"]["status"], right["replica"]["status"]) == ("ok", "ok"), right
    assert "follows the primary" in right["replica"]["message"]


def test_engines_are_reached_over_tls_when_their_authority_is_known_and_only_then(engines: Engines) -> None:
    stack = engines.stack
    settings = {
        **engines.settings(),
        "LIMNER_DATABASE_URL": engines.new_database(),
        "LIMNER_DATABASE_SSLMODE": "verify-full",
        "LIMNER_REDIS_URL": stack.redis.tls_url,
        "LIMNER_KAFKA_SERVERS": stack.kafka.secured_servers,
        "LIMNER_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "LIMNER_KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
        "LIMNER_KAFKA_USERNAME": stack.kafka.user,
        "LIMNER_KAFKA_PASSWORD": stack.kafka.password,
    }
    authorities = {
        "LIMNER_DATABASE_CA_FILE": stack.postgres.certificates.authority,
        "LIMNER_REDIS_CA_FILE": stack.redis.certificates.authority,
        "LIMNER_KAFKA_CA_FILE": stack.kafka.certificates.authority,
    }
    found = findings(**settings, **{name: str(path) for name, path in authorities.items()})
    for name in ("database", "connections", "clock", "redis", "events"):
        assert found[name]["status"] == "ok", found[name]
    assert "is missing" in found["schemas"]["message"], "the pool speaks TLS too"
    foreign = findings(**settings)
    for name in ("database", "redis", "events"):
        assert foreign[name]["status"] == "failed", foreign[name]
        assert "Nothing can be reached" not in foreign[name]["message"]
