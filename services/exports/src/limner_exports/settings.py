"""Settings of the exports service."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class ExportsSettings(BaseSettings):
    """What only this service needs to know. Read once from ``LIMNER_EXPORTS_*`` when the container is built."""

    model_config = SettingsConfigDict(env_prefix="LIMNER_EXPORTS_", frozen=True, extra="ignore")

    result_lifetime_hours: float = Field(24.0, gt=0, description="How long the file of an export can be downloaded, hours.")
    older_result_seconds: float = Field(
        600.0, ge=0, description="A client of the older kind that asks again after this long gets a fresh export, seconds."
    )
    upload_expiry_hours: float = Field(48.0, gt=0, description="An upload without a byte for this long is removed, hours.")
    sweep_interval_seconds: float = Field(
        600.0, gt=0, description="Time between two searches for expired results and uploads, seconds."
    )
    threads: int = Field(4, ge=2, description="Threads that write and read archives; each export or import needs one.")
    import_part_bytes: int = Field(
        4 * 1024 * 1024, ge=1, description="Annotations sent to storage at once during an import, about so many bytes."
    )
    max_import_errors: int = Field(50, ge=1, description="Wrong items collected before an import gives up.")
    data_poll_seconds: float = Field(
        0.5, gt=0, description="Time between two looks whether the pictures of an imported dataset are ready, seconds."
    )
