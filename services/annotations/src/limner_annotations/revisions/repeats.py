"""A save that is sent again, because its answer got lost, is answered as it was and not done twice (docs/adr/0015).

Whoever passes requests on gives each an id, and sends it again under that id when a connection breaks before the answer. The
revision that a request writes remembers it; no job has two revisions of one request.
"""

from collections.abc import Collection, Sequence
from hashlib import blake2b

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg
from starlette.requests import Request

from limner_annotations.container import AnnotationsContainer
from limner_annotations.revisions.documents import Batch, Kind, ObjectRow
from limner_annotations.revisions.tables import objects, revisions
from limner_common.db import Database
from limner_common.observe.context import REQUEST_ID_HEADER


async def save_key(container: AnnotationsContainer, request: Request, body: bytes = b"") -> bytes | None:
    """Return what tells a request from all others but its repetitions; None when it has no id.

    The id alone would not do: some clients send the same one with everything they ask.
    """
    request_id = request.headers.get(REQUEST_ID_HEADER)
    if request_id is None:
        return None
    start = f"{request_id}\n{request.method} {request.url.path}?{request.url.query}\n".encode()
    return await container.compute(len(body), lambda: blake2b(start + body, digest_size=16).digest())


async def find_saved(
    database: Database, job_ids: Collection[int], key: bytes | None
) -> dict[int, tuple[int, list[ObjectRow]]]:
    """Return the revisions that a request wrote, by job, and what they put there, by kind and id; at most two statements."""
    if key is None:
        return {}
    wanted = revisions.c.job_id == sa.any_(sa.cast([*job_ids], pg.ARRAY(sa.BigInteger)))
    async with database.read() as connection:
        found = await connection.execute(
            sa.select(revisions.c.job_id, revisions.c.revision).where(wanted, revisions.c.save_key == key)
        )
        saved: dict[int, tuple[int, list[ObjectRow]]] = {row.job_id: (row.revision, []) for row in found}
        if not saved:
            return {}
        written = sa.tuple_(objects.c.job_id, objects.c.created_rev)
        query = sa.select(objects).where(written.in_([(job_id, revision) for job_id, (revision, _) in saved.items()]))
        for row in await connection.execute(query.order_by(objects.c.kind, objects.c.id)):
            kept = (Kind(row.kind), row.id, row.frame, row.last_frame, row.label_id, row.type, row.doc)
            saved[row.job_id][1].append(ObjectRow(*kept))
    return saved


class _Sent(msgspec.Struct):
    id: int | None = None


class _SentObjects(msgspec.Struct):
    tags: list[_Sent] = []
    shapes: list[_Sent] = []
    tracks: list[_Sent] = []


def in_order_sent(body: bytes, rows: Sequence[ObjectRow]) -> Batch:
    """Return what a document made of its objects in the order in which it has them; pure, O(size).

    Args:
        body: The document: an object is there under its own id, or, without one that was known, under a new one.
        rows: What it wrote, by id. New ids were given in the order of the document.
    """
    sent = msgspec.json.decode(body or b"{}", type=_SentObjects)
    ordered: list[ObjectRow] = []
    for kind in Kind:
        by_id = {row.id: row for row in rows if row.kind is kind}
        ids = [item.id for item in getattr(sent, kind.field)]
        fresh = iter(sorted(by_id.keys() - set(ids)))
        ordered += [by_id[item_id if item_id in by_id else next(fresh)] for item_id in ids]
    return Batch(ordered)
