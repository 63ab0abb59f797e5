"""Background requests as they are listed."""

import sqlalchemy as sa

from limner_api.access.contexts import ContextKind, OrgContext
from limner_api.access.principals import Principal
from limner_api.access.visibility import Condition
from limner_api.lists.pages import ListSource
from limner_api.lists.resources import REQUESTS
from limner_api.requests.tables import requests

# Tables of other features, named by what is read of them.
_organizations = sa.table("organizations", sa.column("id", sa.BigInteger), sa.column("slug", sa.Text), schema="api")

_second_word = sa.func.split_part(requests.c.type, ":", 2)

listing = ListSource(
    spec=REQUESTS,
    source=requests.outerjoin(_organizations, _organizations.c.id == requests.c.organization_id),
    id_column=requests.c.id,
    columns={
        "status": requests.c.status,
        "action": sa.func.split_part(requests.c.type, ":", 1),
        "target": requests.c.target,
        # Types such as create:task name the target again instead of a part of it.
        "subresource": sa.func.nullif(_second_word, requests.c.target),
        "format": requests.c.format,
        "project_id": requests.c.project_id,
        "task_id": requests.c.task_id,
        "job_id": requests.c.job_id,
        "org": _organizations.c.slug,
        "org_id": requests.c.organization_id,
        "created_date": requests.c.created_at,
    },
    selected=list(requests.c),
)


def shown_to(principal: Principal, context: OrgContext) -> Condition:
    """Return the requests that the caller made, where the request says."""
    mine = requests.c.owner_id == principal.user_id
    match context.kind:
        case ContextKind.NONE:
            return mine
        case ContextKind.SANDBOX:
            return sa.and_(mine, requests.c.organization_id.is_(None))
        case ContextKind.ORGANIZATION:
            return sa.and_(mine, requests.c.organization_id == context.organization_id)
