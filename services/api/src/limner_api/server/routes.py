"""Routes under ``/api/server``, the API's own description, and the metrics as administrators see them."""

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Header, Query
from starlette.requests import Request
from starlette.responses import Response

from limner_api.access.dependencies import Caller, Services
from limner_api.access.platform_policies import ServerAction
from limner_api.access.policies import require
from limner_api.server.openapi import as_json, as_yaml
from limner_api.server.share import list_share
from limner_api.server.version import API_VERSION, product_version
from limner_common.http.json import JSONAnswer

public_router = APIRouter(tags=["server"])
router = APIRouter(prefix="/api/server", tags=["server"])
#: This application is the public one: what other services answer to whoever reaches them is for administrators here.
metrics_router = APIRouter(include_in_schema=False)

_JSON_TYPE = "application/vnd.oai.openapi+json"
_YAML_TYPE = "application/vnd.oai.openapi; charset=utf-8"


@public_router.get("/api/server/about")
async def retrieve_about() -> JSONAnswer:
    """Say what this server is. For everybody."""
    return JSONAnswer(
        {
            "name": "Limner",
            "description": "Annotation of images, video and point clouds.",
            "version": API_VERSION,
            "logo_url": "",
            "subtitle": "",
            "product_version": product_version(),
        }
    )


@public_router.get("/api/schema")
async def retrieve_schema(
    request: Request,
    services: Services,
    scheme: Literal["json", "yaml"] | None = None,
    accept: Annotated[str, Header()] = "",
) -> Response:
    """Describe the public API as an OpenAPI document, in YAML unless JSON is asked for. For everybody."""
    document = await services.schema.document(request.app)
    if scheme == "json" or (scheme is None and "yaml" not in accept and "json" in accept):
        return Response(as_json(document), media_type=_JSON_TYPE)
    return Response(await asyncio.to_thread(as_yaml, document), media_type=_YAML_TYPE)


@router.get("/plugins")
async def retrieve_plugins(caller: Caller, services: Services) -> JSONAnswer:
    """Say which optional parts the installation has. For everybody who is signed in."""
    require(caller, ServerAction.VIEW)
    upstreams = services.resources.upstreams
    return JSONAnswer(
        {
            "ANALYTICS": upstreams.has("analytics"),
            "MODELS": upstreams.has("inference"),
            "GIT_INTEGRATION": False,
            "PREDICT": False,
        }
    )


@router.get("/share")
async def retrieve_share(
    caller: Caller,
    services: Services,
    directory: Annotated[str, Query(max_length=4096)] = "/",
    search: Annotated[str, Query(max_length=1024)] = "",
) -> JSONAnswer:
    """List a folder of the installation's file share. For the groups user and stronger."""
    require(caller, ServerAction.LIST_SHARE)
    root = services.resources.settings.share_folder
    return JSONAnswer(await asyncio.to_thread(list_share, root, directory, search))


@metrics_router.get("/metrics")
async def retrieve_metrics(caller: Caller, services: Services) -> Response:
    """Answer the process's metrics in Prometheus' text form. For administrators."""
    require(caller, ServerAction.VIEW_METRICS)
    return await services.resources.metrics.answer()
