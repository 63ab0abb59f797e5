"""What nobody may read is in no line of a log, no answer and no trace, however much is logged and whatever goes wrong."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit

import asyncpg
import httpx
import pytest
import pytest_asyncio

from tests.support.deployment import Deployment
from tests.support.engines import Engines
from tests.support.pictures import write_pictures
from tests.support.product import ADMIN
from tests.support.traced_upload import QUICKLY
from tests.support.traces import Collector, collector

pytestmark = pytest.mark.engines

WRONG_PASSWORD = "wr0ng-passw0rd-of-ann"
NEW_PASSWORD = "n3w-passw0rd-of-bob"
BEARER = "b3arer-of-nobody-0123456789"
REMOTE_PASSWORD = "rem0te-passw0rd"
SIGNATURE = "s1gnature0f4l1nk"
DATABASE_PASSWORD = "db-passw0rd-that-is-wr0ng"


@dataclass
class Seen:
    """What people and operators got to see, and what must not be in it."""

    secrets: dict[str, str]
    bodies: list[str] = field(default_factory=list)

    def note(self, answer: httpx.Response) -> httpx.Response:
        """Keep the body of an answer that tells no secret on purpose."""
        self.bodies.append(answer.text)
        return answer

    def check(self, text: str, where: str) -> None:
        """Fail when there is a secret in a text."""
        found = [name for name, secret in self.secrets.items() if secret in text or quote(secret, safe="") in text]
        lines = [line for line in text.splitlines() if any(self.secrets[name] in line for name in found)]
        assert not found, f"{where} tells {', '.join(found)}: {lines[:5]}"


@pytest.fixture(scope="module")
def traces() -> Iterator[Collector]:
    with collector() as received:
        yield received


@pytest.fixture(scope="module")
def deployment(engines: Engines, traces: Collector, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    kafka = engines.stack.kafka
    extra = {
        **engines.settings(),
        **QUICKLY,
        "LIMNER_LOG_LEVEL": "debug",
        "LIMNER_TRACES_URL": traces.url,
        "LIMNER_KAFKA_SERVERS": kafka.secured_servers,
        "LIMNER_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
        "LIMNER_KAFKA_SASL_MECHANISM": "PLAIN",
        "LIMNER_KAFKA_CA_FILE": str(kafka.certificates.authority),
        "LIMNER_KAFKA_USERNAME": kafka.user,
        "LIMNER_KAFKA_PASSWORD": kafka.password,
        "LIMNER_EGRESS_ALLOW": '["127.0.0.1"]',
        # Of an outage that is made here, not of a slow machine.
        "LIMNER_DATABASE_STATEMENT_SECONDS": "20",
    }
    running = Deployment(tmp_path_factory.mktemp("secrets"), engines.new_database(), extra)
    try:
        running.migrate()
        running.start()
        yield running
        running.stop()
    finally:
        running.kill()


@pytest.fixture(scope="module")
def seen(deployment: Deployment, engines: Engines) -> Seen:
    stack = engines.stack
    return Seen(
        {
            "the administrator's password": ADMIN[1],
            "a wrong password": WRONG_PASSWORD,
            "a new password": NEW_PASSWORD,
            "an access token": BEARER,
            "a password in a URL": REMOTE_PASSWORD,
            "a link's signature": SIGNATURE,
            "the database's password": stack.postgres.password,
            "a wrong password of the database": DATABASE_PASSWORD,
            "Redis' password": stack.redis.password,
            "Kafka's password": stack.kafka.password,
            "the store's key": stack.minio.password,
            **{f"the private key of {name}": key for name, key in deployment.private_keys.items()},
        }
    )


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def work(deployment: Deployment, seen: Seen, tmp_path_factory: pytest.TempPathFactory) -> None:
    """People sign in, rightly and wrongly, upload, fetch from elsewhere and export; and something breaks."""
    (picture,) = write_pictures(tmp_path_factory.mktemp("picture"), 1)
    with httpx.Client(base_url=deployment.url, timeout=120) as web:
        wrong = {"username": ADMIN[0], "password": WRONG_PASSWORD}
        assert seen.note(web.post("/api/auth/login", json=wrong)).status_code == 400
        assert seen.note(web.post("/api/auth/login", content=json.dumps(wrong)[:-1])).status_code >= 400
        assert seen.note(web.get("/api/tasks", headers={"Authorization": f"Bearer {BEARER}"})).status_code == 401
        assert seen.note(web.get("/api/tasks", headers={"Authorization": f"Token {BEARER}"})).status_code == 401
        signed_in = web.post("/api/auth/login", json={"username": ADMIN[0], "password": ADMIN[1]})
        assert signed_in.status_code == 200
        seen.secrets["the token"] = signed_in.json()["key"]
        seen.secrets |= {f"the cookie {name}": value for name, value in web.cookies.items()}
        assert "the cookie sessionid" in seen.secrets
        web.headers["X-CSRFToken"] = web.cookies["csrftoken"]
        web.headers["Referer"] = deployment.url
        change = {"old_password": WRONG_PASSWORD, "new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD}
        assert seen.note(web.post("/api/auth/password/change", json=change)).status_code == 400

        def new_task() -> int:
            made = web.post("/api/tasks", json={"name": "secrets", "labels": [{"name": "x", "attributes": []}]})
            return int(made.raise_for_status().json()["id"])

        for url in (
            f"http://ann:{REMOTE_PASSWORD}@127.0.0.1:9/a.png",
            f"http://127.0.0.1:9/a.png?X-Amz-Signature={SIGNATURE}&X-Amz-Expires=60",
            f"http://127.0.0.1:{urlsplit(deployment.url).port}/no.png?token={SIGNATURE}",
            f"http://[bad:{REMOTE_PASSWORD}@/a.png",
        ):
            body = {"image_quality": 70, "remote_files": [url]}
            answer = seen.note(web.post(f"/api/tasks/{new_task()}/data", json=body))
            if answer.status_code == 202:
                seen.bodies.append(_ended(web, answer.json()["rq_id"], "failed"))
        task_id = new_task()
        with picture.open("rb") as content:
            sent = web.post(
                f"/api/tasks/{task_id}/data", data={"image_quality": "70"}, files={"client_files[0]": ("a.png", content)}
            )
        _ended(web, sent.raise_for_status().json()["rq_id"], "finished")
        job_id = web.get("/api/jobs", params={"task_id": task_id}).json()["results"][0]["id"]
        made = web.post(f"/api/tasks/{task_id}/dataset/export", params={"format": "COCO 1.0", "save_images": "true"})
        done = json.loads(_ended(web, made.raise_for_status().json()["rq_id"], "finished"))
        assert web.get(done["result_url"], follow_redirects=True).status_code == 200
        await _break(deployment, "ALTER TABLE annotations.objects RENAME TO hidden")
        assert seen.note(web.get(f"/api/jobs/{job_id}/annotations")).status_code == 500
        await _break(deployment, "ALTER TABLE annotations.hidden RENAME TO objects")
        assert web.get(f"/api/jobs/{job_id}/annotations").status_code == 200


def _ended(web: httpx.Client, request_id: str, status: str) -> str:
    deadline = time.monotonic() + 120
    while True:
        answer = web.get(f"/api/requests/{quote(request_id, safe='')}")
        if answer.status_code == 200 and answer.json()["status"] in ("finished", "failed"):
            assert answer.json()["status"] == status, answer.text
            return answer.text
        assert time.monotonic() < deadline, answer.text
        time.sleep(0.2)


async def _break(deployment: Deployment, statement: str) -> None:
    connection = await asyncpg.connect(deployment.database_url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@pytest.mark.usefixtures("work")
def test_no_line_of_a_log_tells_a_secret(deployment: Deployment, seen: Seen) -> None:
    logs = {title: deployment.log(title) for title in deployment.processes}
    assert "unhandled_error" in logs["serve annotations"], "what was broken has left its traceback"
    assert "Authenticated as limner via PLAIN" in logs["serve api"], "libraries are heard too"
    for title, log in logs.items():
        seen.check(log, f"the log of {title}")
        assert "x-limner-grant" not in log.lower(), title


@pytest.mark.usefixtures("work")
def test_no_answer_that_something_went_wrong_tells_a_secret(seen: Seen) -> None:
    assert len(seen.bodies) >= 9
    for body in seen.bodies:
        seen.check(body, "an answer")


@pytest.mark.usefixtures("work")
def test_no_trace_tells_a_secret(traces: Collector, seen: Seen) -> None:
    deadline = time.monotonic() + 60
    while not any(span.is_error for span in traces.spans):
        assert time.monotonic() < deadline, len(traces.spans)
        time.sleep(0.2)
    for span in list(traces.spans):
        seen.check(f"{span.name} {span.attributes}", f"the span {span.name}")


_SERVE, _MIGRATE, _DOCTOR = ("serve", "media", "--port", "0"), ("migrate", "media"), ("doctor",)


@pytest.mark.parametrize(
    ("arguments", "url"),
    [
        pytest.param(_SERVE, "postgresql://limner:{password}@127.0.0.1:{port}/limner", id="wrong password"),
        pytest.param(_MIGRATE, "postgresql://limner:{password}@127.0.0.1:{port}/limner", id="wrong password to migrate"),
        pytest.param(_DOCTOR, "postgresql://limner:{password}@127.0.0.1:{port}/limner", id="wrong password for the doctor"),
        pytest.param(_SERVE, "postgresql://limner:{password}@127.0.0.1:9/limner", id="nobody there"),
        pytest.param(_SERVE, "postgresql://limner:{password}/more@127.0.0.1:{port}/limner", id="slash"),
        pytest.param(_DOCTOR, "postgresql://limner:{password}/more@127.0.0.1:{port}/limner", id="slash for the doctor"),
        pytest.param(_SERVE, "postgresql://limner:{password}@[127.0.0.1:{port}/limner", id="bracket"),
        pytest.param(_SERVE, "postgresql://limner:{password}@127.0.0.1:port/limner", id="port"),
        pytest.param(_MIGRATE, "mysql://limner:{password}@127.0.0.1:{port}/limner", id="other database"),
    ],
)
def test_no_word_about_a_bad_address_of_the_database_tells_its_password(
    deployment: Deployment, seen: Seen, engines: Engines, url: str, arguments: tuple[str, ...], tmp_path: Path
) -> None:
    bad = url.format(password=DATABASE_PASSWORD, port=engines.stack.postgres.port)
    done = deployment.run(*arguments, name="media", LIMNER_DATABASE_URL=bad)
    said = done.stdout + done.stderr
    assert done.returncode == 1, said
    seen.check(said, f"limner {arguments[0]}")
    assert "Traceback" not in said and "LIMNER_DATABASE_URL" in said, said
