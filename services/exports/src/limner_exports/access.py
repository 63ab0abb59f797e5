"""Who asks for what, from a path and its grant."""

from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from limner_common.errors import Forbidden
from limner_common.grants import Grant
from limner_common.http.granted import Granted
from limner_exports.container import ExportsContainer
from limner_exports.target import KIND_OF, Collection, Target


# Coroutines, because FastAPI runs plain functions in threads, which costs more than what they do.
async def get_container(connection: HTTPConnection) -> ExportsContainer:
    """Return the service's container."""
    container: ExportsContainer = connection.app.state.container
    return container


def _target(collection: Collection, object_id: int, grant: Grant, verb: str) -> Target:
    kind = KIND_OF[collection]
    facts = grant.facts
    if facts.get(f"{kind}_id") != object_id or grant.action.split(":")[:2] != [str(kind), verb]:
        raise Forbidden
    version = facts.get("version")
    return Target(
        kind=kind,
        id=object_id,
        project_id=facts.get("project_id"),
        task_id=facts.get("task_id"),
        job_id=facts.get("job_id"),
        version=None if version is None else str(version),
        dimension=facts.get("dimension") or "",
        grant=grant,
    )


async def export_target(collection: Collection, object_id: int, grant: Granted) -> Target:
    """Return the object of a path that is to be exported.

    Raises:
        Forbidden: The grant is for something else.
    """
    return _target(collection, object_id, grant, "export")


async def import_target(collection: Collection, object_id: int, grant: Granted) -> Target:
    """Return the object of a path that is to be imported into; raises as ``export_target``."""
    return _target(collection, object_id, grant, "import")


Container = Annotated[ExportsContainer, Depends(get_container)]
ToExport = Annotated[Target, Depends(export_target)]
ToImport = Annotated[Target, Depends(import_target)]
