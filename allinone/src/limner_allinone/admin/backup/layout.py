"""What a backup consists of, and where its parts lie in the target."""

import secrets
from datetime import datetime

import msgspec

from limner_common.errors import Conflict, Invalid

FORMAT = 1
MARKER = "limner-backups.json"
BACKUPS = "backups/"
CONTENT = "objects/"


class File(msgspec.Struct, frozen=True, kw_only=True):
    """A file of the backup: its name below the backup's folder, its length and its SHA-256 as stored."""

    name: str
    size_bytes: int
    sha256: str


class TableDump(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of a table in PostgreSQL's binary COPY format, compressed.

    Attributes:
        name: Table, without its schema.
        columns: Columns in the order of the file.
        rows: How many there are.
        digest: Sum over the rows of a hash of each, in whatever order they come; see ``tables.DIGEST``.
        file: Where they are.
    """

    name: str
    columns: list[str]
    rows: int
    digest: str
    file: File


class SequenceDump(msgspec.Struct, frozen=True, kw_only=True):
    """Where a sequence stands; ``value`` is None when it was never used."""

    name: str
    value: int | None


class SchemaDump(msgspec.Struct, frozen=True, kw_only=True):
    """A schema: its version as Alembic knows it ("" where it has none), its tables with parents first, its sequences."""

    name: str
    revision: str
    tables: list[TableDump]
    sequences: list[SequenceDump]


class Missing(msgspec.Struct, frozen=True, kw_only=True):
    """An object that the database speaks of and the store did not have."""

    key: str
    kind: str
    task_id: int | None = None


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """A whole backup.

    Attributes:
        format: Version of this description.
        id: Names it in its target; ids of later backups sort behind.
        product_version: Limner that made it.
        snapshot_at: The moment whose state it holds.
        finished_at: When it was complete.
        schemas: The database.
        events: File of the facts on their way, and how many.
        inventory: Files of the inventory in order of keys.
        objects: How many objects, and their bytes.
        copied: How many of them were not in the target already, and their bytes.
        missing: The first of the missing objects.
        missing_count: How many objects were missing.
        has_secrets: Whether the grant keys are in it.
    """

    format: int = FORMAT
    id: str
    product_version: str
    snapshot_at: datetime
    finished_at: datetime
    schemas: list[SchemaDump]
    events: File
    event_count: int
    inventory: list[File]
    objects: int
    object_bytes: int
    copied: int
    copied_bytes: int
    missing: list[Missing]
    missing_count: int
    has_secrets: bool


def new_id(moment: datetime) -> str:
    """Return an id such as ``20261128T012100123Z-3f9a``; ids sort by their moment, in milliseconds."""
    return f"{moment:%Y%m%dT%H%M%S}{moment.microsecond // 1000:03}Z-{secrets.token_hex(2)}"


def content_key(sha256: str) -> str:
    """Return where content lies in a target."""
    return f"{CONTENT}{sha256[:2]}/{sha256}"


def manifest_key(backup_id: str) -> str:
    """Return where a backup's manifest lies."""
    return f"{BACKUPS}{backup_id}/manifest.json"


def decode_manifest(data: bytes, backup_id: str) -> Manifest:
    """Return a manifest as it was stored.

    Raises:
        Conflict: A newer version of this product wrote it.
        Invalid: It is damaged.
    """
    try:
        if msgspec.json.decode(data, type=_Version).format > FORMAT:
            raise Conflict(f"Backup {backup_id} was made by a newer version of Limner. Use that version.")
        return msgspec.json.decode(data, type=Manifest)
    except msgspec.MsgspecError as error:
        raise Invalid(f"The manifest of backup {backup_id} is damaged: {error}.") from error


class _Version(msgspec.Struct):
    format: int
