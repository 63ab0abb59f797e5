"""Settings of the media service."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from limner_media.core.images import DEFAULT_MAX_PIXELS


class MediaSettings(BaseSettings):
    """What only this service needs to know. Read once from ``LIMNER_MEDIA_*`` when the container is built."""

    model_config = SettingsConfigDict(env_prefix="LIMNER_MEDIA_", frozen=True, extra="ignore")

    pool_processes: int = Field(2, ge=1, description="Processes that decode and encode for requests.")
    pool_queue_limit: int = Field(
        64, ge=1, description="Calls that may wait for these processes; more requests are told to come back (429)."
    )
    pool_call_seconds: int = Field(120, ge=1, description="Longest decoding or encoding of one request, seconds.")
    ingest_processes: int = Field(1, ge=1, description="Processes that scan videos, unpack archives and render PDFs.")
    ingest_call_seconds: int = Field(6 * 3600, ge=1, description="Longest look into one file, seconds.")
    open_videos_per_process: int = Field(4, ge=1, description="Videos each process keeps open for sequential access.")
    is_prefetching: bool = Field(True, description="Whether the chunk after the one asked for is built ahead.")
    max_image_pixels: int = Field(DEFAULT_MAX_PIXELS, ge=1, description="Largest image, pixels.")
    max_frames: int = Field(5_000_000, ge=1, description="Most frames of one task.")
    max_archive_members: int = Field(500_000, ge=1, description="Most files in one archive.")
    max_archive_bytes: int = Field(256 << 30, ge=1, description="Largest archive once unpacked, bytes.")
    max_archive_ratio: float = Field(200.0, gt=1, description="Unpacked over packed size above which an archive is refused.")
    max_remote_bytes: int = Field(25 << 30, ge=1, description="Largest file fetched from an address, bytes.")
    remote_downloads: int = Field(4, ge=1, description="Remote files fetched at the same time for one task.")
    upload_expiry_hours: float = Field(48.0, gt=0, description="An upload without a byte for this long is removed, hours.")
    sweep_interval_seconds: float = Field(3600.0, gt=0, description="Time between two searches for such uploads, seconds.")
