import httpx
import orjson
import pytest
import structlog
from fastapi import APIRouter
from pydantic import BaseModel

from limner_common import errors
from limner_common.errors import DomainError
from limner_common.http.app import create_service_app
from limner_common.http.errors import STATUS_OF, problem_from, render_compat, render_problem
from limner_common.http.inprocess import InProcessTransport

ERRORS = [
    errors.Invalid("no", fields={"name": ["too long"]}),
    errors.Invalid("plain"),
    errors.Unauthenticated(),
    errors.Forbidden(),
    errors.NotFound(),
    errors.NotAllowed(),
    errors.Conflict("busy", code="already_in_progress"),
    errors.Gone(),
    errors.TooLarge("too large"),
    errors.RateLimited(retry_after_seconds=7),
    errors.Unavailable(retry_after_seconds=2),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: f"{error.kind}-{error.message[:8]}")
def test_every_error_renders_for_old_clients(error: DomainError) -> None:
    response = render_compat(error)
    body = orjson.loads(response.body)
    assert response.status_code == STATUS_OF[error.kind]
    if error.kind == "invalid":
        assert body == (error.fields or [error.message])
    else:
        assert body == {"detail": error.message}
    assert response.headers.get("retry-after") == (
        None if error.retry_after_seconds is None else str(error.retry_after_seconds)
    )


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: f"{error.kind}-{error.message[:8]}")
def test_every_error_survives_the_way_between_services(error: DomainError) -> None:
    response = render_problem(error, instance="/internal/x")
    assert response.media_type == "application/problem+json"
    again = problem_from(response.status_code, response.body)
    assert (type(again), again.message, again.code, again.fields) == (
        type(error),
        error.message,
        error.code,
        error.fields,
    )


def test_an_answer_that_is_no_problem_document_still_becomes_an_error() -> None:
    assert problem_from(502, b"<html>").kind == "unavailable"


class Body(BaseModel):
    name: str
    size: int


def _client() -> httpx.AsyncClient:
    router = APIRouter()

    @router.post("/api/things")
    async def make(body: Body) -> dict[str, str]:
        return {"name": body.name}

    @router.get("/api/bug")
    async def bug() -> None:
        raise ZeroDivisionError

    @router.get("/internal/missing")
    async def missing() -> None:
        raise errors.NotFound("No task 3.")

    app = create_service_app("probe", None, [router], title="probe")
    return httpx.AsyncClient(transport=InProcessTransport(app), base_url="http://t")


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "expected"),
    [
        ("POST", "/api/things", {"size": "x"}, 400, {"name": ["This field is required."]}),
        ("GET", "/api/nowhere", None, 404, {"detail": "Not found."}),
        ("PUT", "/api/things", None, 405, {"detail": 'Method "PUT" not allowed.'}),
    ],
    ids=["validation", "unknown", "method"],
)
async def test_framework_failures_have_the_old_clients_shape(
    method: str, path: str, body: object, status: int, expected: dict[str, object]
) -> None:
    async with _client() as client:
        response = await client.request(method, path, json=body)
    assert response.status_code == status
    assert expected.items() <= response.json().items()
    assert response.headers["x-request-id"]


async def test_a_bug_is_a_500_without_its_traceback() -> None:
    async with _client() as client:
        response = await client.get("/api/bug")
    assert response.status_code == 500
    assert "ZeroDivision" not in response.text and "Traceback" not in response.text


async def test_a_bug_is_found_in_the_log_under_the_id_that_the_answer_names() -> None:
    with structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as logs:
        async with _client() as client:
            response = await client.get("/api/bug", headers={"x-request-id": "mine"})
    assert response.headers["x-request-id"] == "mine"
    assert [(entry["event"], entry["request_id"], entry["log_level"]) for entry in logs] == [
        ("unhandled_error", "mine", "error")
    ]


async def test_internal_routes_speak_problem() -> None:
    async with _client() as client:
        response = await client.get("/internal/missing")
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["detail"] == "No task 3."


async def test_health_answers() -> None:
    async with _client() as client:
        assert (await client.get("/health/live")).json() == {"status": "ok", "service": "probe"}
        assert (await client.get("/health/ready")).status_code == 200
