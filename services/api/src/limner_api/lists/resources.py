"""Which fields each list can be filtered, searched and sorted by: names and kinds. Repositories give the columns.

Users are named by their user names (``owner``, ``assignee``, ``user``), parents by theirs (``project_name``, ``parent``);
``tracker_link`` is the bug tracker.

Source: the list operations of the public API, 2.80.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from limner_api.lists.fields import Field, FieldMap, FieldSpec, Kind

NUMBER = FieldSpec(Kind.INTEGER)
TEXT = FieldSpec(Kind.TEXT)
FLAG = FieldSpec(Kind.BOOLEAN)
DATE = FieldSpec(Kind.DATE)


def one_of(*choices: str, **aliases: str) -> FieldSpec:
    """Return the spec of a text with known values; keywords are older spellings of them."""
    return FieldSpec(Kind.TEXT, frozenset(choices), aliases)


STATUS = one_of("annotation", "validation", "completed")
DIMENSION = one_of("1d", "2d", "3d")
MEDIA_TYPE = one_of("image", "point_cloud", "audio")
MODE = one_of("annotation", "interpolation")
STAGE = one_of("annotation", "validation", "acceptance")
STATE = one_of("new", "in progress", "completed", "rejected")
JOB_TYPE = one_of("annotation", "ground_truth", "replica", consensus_replica="replica")
LABEL_TYPE = one_of(
    *("any", "cuboid", "ellipse", "mask", "points", "polygon", "polyline", "rectangle", "skeleton", "interval", "tag"),
    bbox="rectangle",
    cuboid_3d="cuboid",
)
ROLE = one_of("worker", "supervisor", "maintainer", "owner")
WEBHOOK_TYPE = one_of("organization", "project", "server")
REQUEST_STATUS = one_of("queued", "started", "failed", "finished")
VALIDATION_MODE = one_of("gt", "gt_pool")
PROVIDER = one_of("AWS_S3_BUCKET", "AZURE_CONTAINER", "GOOGLE_CLOUD_STORAGE")
CREDENTIALS = one_of(
    "KEY_SECRET_KEY_PAIR", "ACCOUNT_NAME_TOKEN_PAIR", "KEY_FILE_PATH", "ANONYMOUS_ACCESS", "CONNECTION_STRING"
)

Columns = Mapping[str, sa.ColumnElement[Any]]


@dataclass(frozen=True, slots=True)
class ListSpec:
    """What one list can be asked for.

    Attributes:
        fields: All fields it knows.
        filter: Names usable in JSON logic.
        simple: Names that are query parameters of their own.
        search: Text fields that ``search`` looks in.
        sort: Names usable in ``sort``.
        default_sort: Order without ``sort``, in the same notation.
    """

    fields: Mapping[str, FieldSpec]
    filter: frozenset[str]
    simple: frozenset[str]
    search: tuple[str, ...]
    sort: frozenset[str]
    default_sort: str = "-id"

    def filter_map(self, columns: Columns) -> FieldMap:
        """Return what JSON logic may name, with its columns; ``columns`` must hold all of them."""
        return {name: Field(columns[name], self.fields[name]) for name in sorted(self.filter)}

    def simple_map(self, columns: Columns) -> FieldMap:
        """Return what query parameters may name, with its columns; ``columns`` must hold all of them."""
        return {name: Field(columns[name], self.fields[name]) for name in sorted(self.simple)}

    def search_columns(self, columns: Columns) -> list[sa.ColumnElement[Any]]:
        """Return the columns ``search`` looks in; ``columns`` must hold all of them."""
        return [columns[name] for name in self.search]

    def sort_columns(self, columns: Columns) -> Columns:
        """Return what can be sorted by, with its columns; ``columns`` must hold all of them."""
        return {name: columns[name] for name in sorted(self.sort)}


def _spec(
    fields: Mapping[str, FieldSpec],
    *,
    not_simple: str,
    search: str = "",
    only_simple: str = "",
    only_sort: str = "",
    not_sort: str = "",
    default_sort: str = "-id",
) -> ListSpec:
    """Build a list whose fields can be filtered, sorted and given as parameters except where names say otherwise."""
    names = frozenset(fields)
    extra = frozenset(only_simple.split()), frozenset(only_sort.split())
    filterable = names - extra[0] - extra[1]
    return ListSpec(
        fields=MappingProxyType(dict(fields)),
        filter=filterable,
        simple=names - extra[1] - frozenset(not_simple.split()),
        search=tuple(search.split()),
        sort=names - extra[0] - frozenset(not_sort.split()),
        default_sort=default_sort,
    )


PROJECTS = _spec(
    {"id": NUMBER, "name": TEXT, "owner": TEXT, "assignee": TEXT, "status": STATUS, "updated_date": DATE},
    not_simple="id updated_date",
    search="name owner assignee",
)
TASKS = _spec(
    {
        "id": NUMBER,
        "name": TEXT,
        "owner": TEXT,
        "assignee": TEXT,
        "status": STATUS,
        "subset": TEXT,
        "mode": MODE,
        "dimension": DIMENSION,
        "media_type": MEDIA_TYPE,
        "validation_mode": VALIDATION_MODE,
        "project_id": NUMBER,
        "project_name": TEXT,
        "tracker_link": TEXT,
        "created_date": DATE,
        "updated_date": DATE,
    },
    not_simple="id created_date updated_date",
    search="name owner assignee subset project_name tracker_link",
)
JOBS = _spec(
    {
        "id": NUMBER,
        "assignee": TEXT,
        "stage": STAGE,
        "state": STATE,
        "type": JOB_TYPE,
        "mode": MODE,
        "dimension": DIMENSION,
        "media_type": MEDIA_TYPE,
        "parent_job_id": NUMBER,
        "task_id": NUMBER,
        "task_name": TEXT,
        "project_id": NUMBER,
        "project_name": TEXT,
        "updated_date": DATE,
    },
    not_simple="id updated_date",
    search="assignee task_name project_name",
)
#: ``job_id``, ``task_id`` and ``project_id`` choose whose labels are listed; at most one of them may be given.
LABELS = _spec(
    {
        "id": NUMBER,
        "name": TEXT,
        "color": TEXT,
        "type": LABEL_TYPE,
        "parent": TEXT,
        "parent_id": NUMBER,
        "job_id": NUMBER,
        "task_id": NUMBER,
        "project_id": NUMBER,
    },
    not_simple="id",
    only_simple="job_id task_id project_id",
    search="name parent",
    default_sort="id",
)
LABEL_PARENTS = ("job_id", "task_id", "project_id")
USERS = _spec(
    {"id": NUMBER, "username": TEXT, "first_name": TEXT, "last_name": TEXT, "is_active": FLAG},
    not_simple="id",
    search="username first_name last_name",
)
ORGANIZATIONS = _spec(
    {"id": NUMBER, "slug": TEXT, "name": TEXT, "owner": TEXT},
    not_simple="id",
    search="slug name owner",
)
MEMBERSHIPS = _spec({"id": NUMBER, "user": TEXT, "role": ROLE}, not_simple="id", search="user")
INVITATIONS = _spec(
    {"id": NUMBER, "owner": TEXT, "user_id": NUMBER, "accepted": FLAG, "created_date": DATE},
    not_simple="id",
    only_sort="created_date",
    not_sort="id",
    search="owner",
    default_sort="-created_date",
)
ISSUES = _spec(
    {
        "id": NUMBER,
        "owner": TEXT,
        "assignee": TEXT,
        "resolved": FLAG,
        "frame_id": NUMBER,
        "job_id": NUMBER,
        "task_id": NUMBER,
    },
    not_simple="id",
    search="owner assignee",
)
COMMENTS = _spec(
    {"id": NUMBER, "owner": TEXT, "issue_id": NUMBER, "frame_id": NUMBER, "job_id": NUMBER},
    not_simple="id",
    search="owner",
)
REQUESTS = _spec(
    {
        "status": REQUEST_STATUS,
        "action": TEXT,
        "target": TEXT,
        "subresource": TEXT,
        "format": TEXT,
        "project_id": NUMBER,
        "task_id": NUMBER,
        "job_id": NUMBER,
        "org": TEXT,
        "org_id": NUMBER,
        "created_date": DATE,
    },
    not_simple="",
    only_sort="created_date",
    not_sort="target subresource format project_id task_id job_id org org_id",
    default_sort="-created_date",
)
ACCESS_TOKENS = _spec(
    {
        "id": NUMBER,
        "name": TEXT,
        "read_only": FLAG,
        "created_date": DATE,
        "updated_date": DATE,
        "expiry_date": DATE,
        "last_used_date": DATE,
    },
    not_simple="id created_date updated_date expiry_date last_used_date",
    search="name",
)
WEBHOOKS = _spec(
    {
        "id": NUMBER,
        "owner": TEXT,
        "target_url": TEXT,
        "description": TEXT,
        "type": WEBHOOK_TYPE,
        "project_id": NUMBER,
        "updated_date": DATE,
    },
    not_simple="id description updated_date",
    search="owner target_url description",
)
CLOUD_STORAGES = _spec(
    {
        "id": NUMBER,
        "owner": TEXT,
        "name": TEXT,
        "resource": TEXT,
        "description": TEXT,
        "provider_type": PROVIDER,
        "credentials_type": CREDENTIALS,
    },
    not_simple="id description",
    search="owner name resource description",
)
