"""Tables of jobs, their revisions, and the objects in them (docs/adr/0002)."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from limner_annotations.tables import metadata

#: Parts of ``objects``; a job's objects are all in one of them.
PARTITIONS = 16

#: Ids of objects, skeleton elements and keyframes are taken in blocks of this size; each value starts a block.
ID_BLOCK = 1000

object_ids = sa.Sequence("object_ids", start=1, increment=ID_BLOCK, metadata=metadata)

# One row per job that was ever written. Writers lock it, so saves of a job happen one after the other.
job_states = sa.Table(
    "job_states",
    metadata,
    sa.Column("job_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("task_id", sa.BigInteger, nullable=False, index=True),
    sa.Column("revision", sa.BigInteger, nullable=False, server_default="0"),
    # Fingerprint of the attributes that all current documents are filled for; empty when they differ among themselves.
    sa.Column("labels_version", sa.Text, nullable=False, server_default=""),
    # Labels that current objects may have: a superset, so that deleted labels find their jobs.
    sa.Column("label_ids", pg.ARRAY(sa.BigInteger), nullable=False, server_default="{}"),
    sa.Column("tags", sa.Integer, nullable=False, server_default="0"),
    sa.Column("shapes", sa.Integer, nullable=False, server_default="0"),
    sa.Column("tracks", sa.Integer, nullable=False, server_default="0"),
    sa.Column("document_bytes", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    # The oldest revision that can be read beside 0, and the one up to which ended objects are removed (docs/adr/0013).
    sa.Column("kept_from", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("pruned_to", sa.BigInteger, nullable=False, server_default="0"),
    # A deleted job keeps its row, so that a save that was under way does not bring it back.
    sa.Column("deleted_at", sa.DateTime(timezone=True)),
)
sa.Index("ix_job_states_unpruned", job_states.c.job_id, postgresql_where=job_states.c.pruned_to < job_states.c.kept_from)
sa.Index("ix_job_states_label_ids", job_states.c.label_ids, postgresql_using="gin")

revisions = sa.Table(
    "revisions",
    metadata,
    sa.Column("job_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("revision", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
    sa.Column("user_id", sa.BigInteger),
    sa.Column("username", sa.Text, nullable=False, server_default=""),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False, server_default=""),
    sa.Column("created", sa.Integer, nullable=False),
    sa.Column("updated", sa.Integer, nullable=False),
    sa.Column("deleted", sa.Integer, nullable=False),
    # Of the request that wrote it, so that it writes no second one when it is sent again (docs/adr/0015).
    sa.Column("save_key", sa.LargeBinary),
)
sa.Index(
    "ux_revisions_save_key",
    revisions.c.job_id,
    revisions.c.save_key,
    unique=True,
    postgresql_where=revisions.c.save_key.is_not(None),
)

# One row per version of an object. ``doc`` is its wire document in JSON; the columns before it are what queries need of it.
objects = sa.Table(
    "objects",
    metadata,
    sa.Column("job_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("created_rev", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("ended_rev", sa.BigInteger),
    sa.Column("kind", sa.SmallInteger, nullable=False),
    sa.Column("frame", sa.Integer, nullable=False),
    sa.Column("last_frame", sa.Integer, nullable=False),
    sa.Column("label_id", sa.BigInteger, nullable=False),
    sa.Column("type", sa.SmallInteger, nullable=False),
    sa.Column("doc", sa.LargeBinary, nullable=False),
    postgresql_partition_by="HASH (job_id)",
)
sa.Index(
    "ix_objects_current",
    objects.c.job_id,
    objects.c.kind,
    objects.c.frame,
    objects.c.id,
    postgresql_where=objects.c.ended_rev.is_(None),
)
