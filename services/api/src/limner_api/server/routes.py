"""Routes under ``/api/server``."""

from importlib.metadata import version

from fastapi import APIRouter

from limner_common.http.json import JSONAnswer

public_router = APIRouter(prefix="/api/server", tags=["server"])
router = APIRouter(prefix="/api/server", tags=["server"])

#: The version of the REST API we speak; clients compare it with their own.
API_VERSION = "2.80.0"


@public_router.get("/about")
async def retrieve_about() -> JSONAnswer:
    """Say what this server is. For everybody."""
    return JSONAnswer(
        {
            "name": "Limner",
            "description": "Annotation of images, video and point clouds.",
            "version": API_VERSION,
            "logo_url": "",
            "subtitle": "",
            "product_version": version("limner-api"),
        }
    )
