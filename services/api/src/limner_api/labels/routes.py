"""Routes under ``/api/labels``. Labels are made with their project or task, and by changing it."""

from fastapi import APIRouter
from sqlalchemy.ext.asyncio import AsyncConnection
from starlette.requests import Request
from starlette.responses import Response

from limner_api.access.catalog_policies import LabelAction
from limner_api.access.dependencies import BaseURL, Context, Lists, ObjectId, Reading, Services, SignedIn, Work
from limner_api.access.objects import AccessedObject, find_job, find_project, find_task
from limner_api.access.policies import require
from limner_api.access.principals import ObjectFacts
from limner_api.access.visibility import Condition, visible
from limner_api.identity.authentication import Authenticated
from limner_api.labels import repository, service
from limner_api.labels.listing import is_of, is_top_level, listing, load_parts, visibility
from limner_api.labels.parents import LabelParent
from limner_api.labels.schemas import LabelBody
from limner_api.lists.fields import BadValue, read_value
from limner_api.lists.pages import fetch_page
from limner_api.lists.resources import LABEL_PARENTS, NUMBER
from limner_api.lists.simple_filters import only_one_of
from limner_common.db import Row
from limner_common.errors import Invalid, NotFound
from limner_common.http.json import JSONAnswer

router = APIRouter(prefix="/api/labels", tags=["labels"])

_FIND = {"job_id": find_job, "task_id": find_task, "project_id": find_project}


@router.get("")
async def list_labels(
    request: Request, who: SignedIn, context: Context, lists: Lists, services: Services, base_url: BaseURL
) -> JSONAnswer:
    """List labels with their sublabels and attributes.

    With ``job_id``, ``task_id`` or ``project_id`` those it uses, for everybody who may see it; otherwise those of all
    projects and tasks of one's own.
    """
    name = only_one_of(request.query_params, LABEL_PARENTS)
    if name is None:
        require(who.principal, LabelAction.LIST, ObjectFacts(context.organization_id, context.role))
        shown: Condition = visible(who.principal, context, visibility, who.memberships)
    else:
        async with services.database.read() as connection:
            shown = is_of(await _find_parent(connection, who, name, request.query_params[name]))
    page = await fetch_page(lists, request.query_params, listing, shown, is_top_level)
    async with services.database.read() as connection:
        parts = await load_parts(connection, page.rows)
    return JSONAnswer(page.render(request, base_url, parts.render))


@router.get("/{label_id}")
async def retrieve_label(label_id: ObjectId, who: SignedIn, reading: Reading) -> JSONAnswer:
    """Get a label. For everybody who may see its project or task."""
    row, _ = await _find_label(reading, who, label_id, LabelAction.VIEW)
    return JSONAnswer(await _render(reading, row))


@router.patch("/{label_id}")
async def update_label(label_id: ObjectId, who: SignedIn, work: Work, body: LabelBody | None = None) -> JSONAnswer:
    """Change a label. For those who may change the description of its project or task."""
    row, parent = await _find_label(work.connection, who, label_id, LabelAction.UPDATE)
    given = body or LabelBody()
    await service.change_label(work, who.principal, parent, label_id, given.read())
    changed = await repository.find(work.connection, label_id)
    return JSONAnswer(await _render(work.connection, changed or row))


@router.delete("/{label_id}", status_code=204)
async def delete_label(label_id: ObjectId, who: SignedIn, work: Work) -> Response:
    """Delete a label with its annotations. For those who may change the description of its project or task."""
    _, parent = await _find_label(work.connection, who, label_id, LabelAction.DELETE)
    await service.delete_label(work, who.principal, parent, label_id)
    return Response(status_code=204)


async def _find_parent(connection: AsyncConnection, who: Authenticated, name: str, text: str) -> LabelParent:
    try:
        number = int(str(read_value(NUMBER, text)))
    except BadValue as error:
        raise Invalid(fields={name: [str(error)]}) from error
    accessed = await _FIND[name](connection, who, number)
    require(who.principal, LabelAction.VIEW, accessed.facts)
    return LabelParent.of(accessed)


async def _find_label(
    connection: AsyncConnection, who: Authenticated, label_id: int, action: LabelAction
) -> tuple[Row, LabelParent]:
    row = await repository.find(connection, label_id)
    if row is None:
        raise NotFound
    accessed: AccessedObject = (
        await find_task(connection, who, row.task_id)
        if row.project_id is None
        else await find_project(connection, who, row.project_id)
    )
    require(who.principal, action, accessed.facts)
    return row, LabelParent.of(accessed)


async def _render(connection: AsyncConnection, row: Row) -> dict[str, object]:
    return (await load_parts(connection, [row])).render(row)
