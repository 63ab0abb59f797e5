"""Functions over HTTP: the older "lambda" interface."""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request

from limner_common.db import Row
from limner_common.errors import NotFound
from limner_common.http.granted import Granted
from limner_common.http.json import JSONAnswer
from limner_inference.container import InferenceContainer
from limner_inference.functions import repository

router = APIRouter(tags=["lambda"])


@router.get("/api/lambda/functions")
async def list_functions(request: Request, grant: Granted) -> JSONAnswer:
    """List the functions that can be called, not paged."""
    container: InferenceContainer = request.app.state.container
    async with container.database.read() as connection:
        rows = await repository.list_visible(connection, grant.organization_id)
    return JSONAnswer([_render(row) for row in rows])


@router.get("/api/lambda/functions/{function_id}")
async def retrieve_function(function_id: str, request: Request, grant: Granted) -> JSONAnswer:
    """Get one function."""
    container: InferenceContainer = request.app.state.container
    async with container.database.read() as connection:
        row = await repository.find_visible(connection, function_id, grant.organization_id)
    if row is None:
        raise NotFound(f"There is no function {function_id}.")
    return JSONAnswer(_render(row))


@router.get("/api/lambda/requests")
async def list_requests(_grant: Granted) -> JSONAnswer:
    """List running and finished calls of functions on tasks: none can be made without a function that runs on the server."""
    return JSONAnswer([])


def _render(row: Row) -> dict[str, Any]:
    return {
        "id": row.id,
        "kind": row.kind,
        "name": row.name,
        "description": row.description,
        "version": row.version,
        "labels_v2": row.labels,
        **row.options,
    }
