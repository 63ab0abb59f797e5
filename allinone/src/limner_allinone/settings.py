"""Settings of the ``limner`` command beyond those of services."""

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from limner_common.objects.locations import S3Addressing


class BackupSettings(BaseSettings):
    """How a bucket with backups is reached; what is not set is as for the installation's own bucket."""

    model_config = SettingsConfigDict(env_prefix="LIMNER_BACKUP_", frozen=True, extra="ignore")

    s3_url: str | None = Field(None, description="S3 endpoint, such as https://host:9000.")
    s3_access_key: SecretStr | None = Field(None, description="S3 access key.")
    s3_secret_key: SecretStr | None = Field(None, description="S3 secret key.")
    s3_region: str | None = Field(None, description="S3 region.")
    s3_addressing: S3Addressing | None = Field(None, description="path, virtual or auto.")
    s3_ca_file: Path | None = Field(None, description="PEM file of the authorities that vouch for the endpoint.")
    s3_timeout_seconds: float | None = Field(None, gt=0, description="How long the endpoint may keep silent, seconds.")
