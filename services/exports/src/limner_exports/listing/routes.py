"""The route that lists the formats."""

from fastapi import APIRouter

from limner_common.http.granted import Granted
from limner_common.http.json import JSONAnswer
from limner_exports.formats import format_list

router = APIRouter(tags=["server"])


@router.get("/api/server/annotation/formats")
@router.get("/api/server/annotation/formats/", include_in_schema=False)
async def list_formats(_grant: Granted) -> JSONAnswer:
    """List the formats that can be imported and exported."""
    return JSONAnswer(format_list())
