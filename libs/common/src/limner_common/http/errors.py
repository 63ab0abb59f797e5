"""Errors on the wire: one table from kind to status, and the two families of bodies.

*compat* speaks to existing clients: invalid input is 400 with messages by field, all else ``{"detail": …}``.
*problem* is RFC 9457 and used between services.
"""

from typing import Any

import orjson
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from limner_common.errors import DomainError, ErrorKind
from limner_common.http.json import COMPAT_JSON
from limner_common.http.sentences import sentences_of
from limner_common.observe import tracing

STATUS_OF: dict[ErrorKind, int] = {
    ErrorKind.INVALID: 400,
    ErrorKind.UNAUTHENTICATED: 401,
    ErrorKind.FORBIDDEN: 403,
    ErrorKind.NOT_FOUND: 404,
    ErrorKind.NOT_ALLOWED: 405,
    ErrorKind.CONFLICT: 409,
    ErrorKind.GONE: 410,
    ErrorKind.TOO_LARGE: 413,
    ErrorKind.RATE_LIMITED: 429,
    ErrorKind.UNAVAILABLE: 503,
}
#: Of resumable uploads: their clients want it with every answer, also where it went wrong before the upload was looked at.
#: Source: https://tus.io/protocols/resumable-upload#tus-resumable
TUS_HEADER = "Tus-Resumable"
TUS_VERSION = "1.0.0"

_TITLES = {404: "Not found.", 405: "Method not allowed."}
_INTERNAL = "An internal error occurred. The administrator finds the details in the log under this request's id."


def render_compat(error: DomainError) -> Response:
    """Render an error the way existing clients read it."""
    if error.kind is ErrorKind.INVALID:
        body: Any = error.fields if error.fields else [error.message]
    else:
        body = {"detail": error.message}
    return _answer(STATUS_OF[error.kind], body, COMPAT_JSON, error)


def render_problem(error: DomainError, *, instance: str = "") -> Response:
    """Render an error as ``application/problem+json``."""
    status = STATUS_OF[error.kind]
    body: dict[str, Any] = {
        "type": f"urn:limner:error:{error.code}",
        "title": str(error.kind).replace("_", " "),
        "status": status,
        "detail": error.message,
        "instance": instance,
        "code": error.code,
    }
    if error.fields:
        body["errors"] = error.fields
    if trace_id := tracing.trace_id():
        body["trace_id"] = trace_id
    return _answer(status, body, "application/problem+json", error)


def render(request: Request, error: DomainError) -> Response:
    """Render by route family: ``/internal`` speaks problem, everything else compat."""
    if request.url.path.startswith("/internal/"):
        return render_problem(error, instance=request.url.path)
    return render_compat(error)


def problem_from(status: int, body: bytes) -> DomainError:
    """Rebuild the domain error another service answered with; for clients between services."""
    kinds = {code: kind for kind, code in STATUS_OF.items()}
    kind = kinds.get(status, ErrorKind.UNAVAILABLE)
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        document = {}
    for cls in _all_errors(DomainError):
        if getattr(cls, "kind", None) is kind and cls.__module__ == DomainError.__module__:
            return cls(document.get("detail"), code=document.get("code"), fields=document.get("errors"))
    raise AssertionError(kind)


def install_error_handlers(app: FastAPI) -> None:
    """Make an app answer what is known to go wrong in its route family's shape."""

    async def on_domain(request: Request, error: Exception) -> Response:
        assert isinstance(error, DomainError)
        answer = render(request, error)
        if TUS_HEADER in request.headers:
            answer.headers[TUS_HEADER] = TUS_VERSION
        return answer

    async def on_validation(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return render(request, from_validation(list(error.errors())))

    async def on_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        detail = _TITLES.get(error.status_code, str(error.detail))
        if error.status_code == 405:
            detail = f'Method "{request.method}" not allowed.'
        response = _answer(error.status_code, {"detail": detail}, COMPAT_JSON, None)
        response.headers.update(error.headers or {})
        return response

    app.add_exception_handler(DomainError, on_domain)
    app.add_exception_handler(RequestValidationError, on_validation)
    app.add_exception_handler(HTTPException, on_http)


def answer_to_bug() -> Response:
    """Return the answer to a request that failed for no reason we know; the log says more."""
    return _answer(500, {"detail": _INTERNAL}, COMPAT_JSON, None)


def from_validation(errors: list[Any]) -> DomainError:
    """Turn Pydantic's error list into an ``Invalid`` with nested fields."""
    from limner_common.errors import Invalid

    fields: dict[str, Any] = {}
    for entry in errors:
        if entry["type"] == "json_invalid":
            return Invalid(f"JSON parse error - {entry['ctx']['error']}", code="parse_error")
        location = [part for part in entry["loc"] if part not in ("body", "query", "path")]
        for sentence in sentences_of(entry):
            _put(fields, location or ["non_field_errors"], sentence)
    return Invalid(fields=fields)


def _put(fields: dict[str, Any], location: list[Any], message: str) -> None:
    for part in location[:-1]:
        deeper = fields.setdefault(str(part), {})
        if not isinstance(deeper, dict):
            return
        fields = deeper
    existing = fields.setdefault(str(location[-1]), [])
    if isinstance(existing, list):
        existing.append(message)


def _answer(status: int, body: Any, media_type: str, error: DomainError | None) -> Response:
    headers = {}
    if error is not None and error.retry_after_seconds is not None:
        headers["Retry-After"] = str(error.retry_after_seconds)
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(orjson.dumps(body), status, headers, media_type)


def _all_errors(cls: type[DomainError]) -> list[type[DomainError]]:
    return [*cls.__subclasses__(), *(deep for sub in cls.__subclasses__() for deep in _all_errors(sub))]
