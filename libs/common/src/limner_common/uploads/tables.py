"""The tables a service needs to receive uploads."""

from dataclasses import dataclass

import sqlalchemy as sa


@dataclass(frozen=True, slots=True)
class UploadTables:
    """``uploads``: one row per file; ``upload_parts``: the pieces of files that are not complete yet."""

    uploads: sa.Table
    parts: sa.Table


def upload_tables(metadata: sa.MetaData) -> UploadTables:
    """Add the tables to a service's metadata."""
    uploads = sa.Table(
        "uploads",
        metadata,
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("position", sa.BigInteger, sa.Identity(), nullable=False),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("user_id", sa.BigInteger, nullable=False),
        # Null while a multipart body is being received: the row then stands for all objects below ``key``.
        sa.Column("name", sa.Text),
        sa.Column("length_bytes", sa.BigInteger, nullable=False),
        sa.Column("offset_bytes", sa.BigInteger, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("is_complete", sa.Boolean, nullable=False),
        sa.Column("claimed_by", sa.Text, index=True),  # work item that owns the file now
        sa.Column("touched_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now(), index=True),
        sa.UniqueConstraint("scope", "name"),
    )
    parts = sa.Table(
        "upload_parts",
        metadata,
        sa.Column("upload_id", sa.Text, sa.ForeignKey(uploads.c.id, ondelete="CASCADE"), primary_key=True),
        sa.Column("start_bytes", sa.BigInteger, primary_key=True),
        sa.Column("key", sa.Text, nullable=False),
    )
    return UploadTables(uploads, parts)
