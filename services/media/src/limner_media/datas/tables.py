"""Tables of data and frames."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql as pg

from limner_media.tables import metadata


def _piece_columns() -> list[sa.Column[object]]:
    # Where the bytes of one file lie; see ``limner_media.sources.pieces``.
    return [
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("is_share", sa.Boolean, nullable=False),
        sa.Column("offset_bytes", sa.BigInteger, nullable=False),
        sa.Column("stored_bytes", sa.BigInteger, nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("method", sa.SmallInteger, nullable=False),
        sa.Column("crc32", sa.BigInteger),
    ]


data = sa.Table(
    "data",
    metadata,
    sa.Column("task_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("token", sa.Text, nullable=False),  # names this data in cache keys and ETags
    sa.Column("mode", sa.Text, nullable=False),  # annotation | interpolation
    sa.Column("dimension", sa.Text, nullable=False),  # 2d | 3d
    sa.Column("media_type", sa.Text, nullable=False),  # image | point_cloud
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("chunk_size", sa.Integer, nullable=False),
    sa.Column("image_quality", sa.SmallInteger, nullable=False),
    sa.Column("start_frame", sa.Integer, nullable=False),  # source numbers, both inclusive
    sa.Column("stop_frame", sa.Integer, nullable=False),
    sa.Column("step", sa.Integer, nullable=False),
    sa.Column("original_chunk_type", sa.Text, nullable=False),  # imageset | video
    sa.Column("compressed_chunk_type", sa.Text, nullable=False),
    sa.Column("storage", sa.Text, nullable=False),  # local | share
    sa.Column("storage_method", sa.Text, nullable=False),  # as asked for; chunks are always cut on demand
    sa.Column("sorting_method", sa.Text, nullable=False),
    sa.Column("video", pg.JSONB),  # name, width, height and where its bytes lie
    sa.Column("video_index", sa.LargeBinary),
    sa.Column("chapters", pg.JSONB),
    sa.Column("deleted_frames", pg.ARRAY(sa.Integer), nullable=False),  # task-relative, ascending
    sa.Column("chunks_updated_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
)

# Frames of image and point cloud tasks; videos have none. No foreign key: a COPY of a million rows would pay for it.
frames = sa.Table(
    "frames",
    metadata,
    sa.Column("task_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("width", sa.Integer, nullable=False),
    sa.Column("height", sa.Integer, nullable=False),
    sa.Column("format", sa.Text, nullable=False),  # image format in upper case, PCD, or BIN (a scan that becomes PCD)
    sa.Column("is_upright", sa.Boolean, nullable=False),  # the stored bytes are the original quality
    sa.Column("related", pg.ARRAY(sa.Integer), nullable=False),  # numbers in related_files
    *_piece_columns(),
)

related_files = sa.Table(
    "related_files",
    metadata,
    sa.Column("task_id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("name", sa.Text, nullable=False),
    *_piece_columns(),
)
