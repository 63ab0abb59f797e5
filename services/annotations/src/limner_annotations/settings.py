"""Settings of the service."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class AnnotationsSettings(BaseSettings):
    """What only this service needs to know. Read once from ``LIMNER_ANNOTATIONS_*``."""

    model_config = SettingsConfigDict(env_prefix="LIMNER_ANNOTATIONS_", frozen=True, extra="ignore")

    threaded_bytes: int = Field(256 * 1024, ge=0, description="Documents from this size are worked on in a thread, bytes.")
    threads: int = Field(2, ge=1, description="Large documents that one process works on at a time.")
    cached_min_bytes: int = Field(64 * 1024, ge=0, description="Smaller documents are not cached, bytes.")
    whole_max_bytes: int = Field(
        64 * 1024 * 1024, ge=0, description="Larger documents are streamed from the database and not cached, bytes."
    )
    purge_rows: int = Field(5000, ge=1, description="Rows of deleted jobs removed per transaction.")
    history_days: int = Field(365, ge=1, description="What jobs held is kept for this long, days.")
    history_revisions: int = Field(100, ge=1, description="The last revisions of a job are kept however old they are.")
    prune_rows: int = Field(5000, ge=1, description="Rows of older revisions removed per transaction.")
    prune_interval_seconds: float = Field(3600.0, gt=0, description="Time between two searches for such rows, seconds.")
    import_batch_bytes: int = Field(
        16 * 1024 * 1024, ge=1, description="Longest line of an import, which is one part of a document, bytes."
    )
