"""Settings shared by all services; each service adds its own class with its own prefix, read once by the composition."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from limner_common.objects.locations import S3Addressing


class ServiceSettings(BaseSettings):
    """What every process needs to know. Read once from ``LIMNER_*`` by the composition root."""

    model_config = SettingsConfigDict(env_prefix="LIMNER_", frozen=True, extra="ignore")

    database_url: SecretStr = Field(
        SecretStr("postgresql://postgres@localhost/limner"), description="PostgreSQL URL; each service uses its own schema."
    )
    database_pool_size: int = Field(16, ge=1, description="Most connections open per service and process.")
    objects_folder: Path | None = Field(None, description="Folder of the object store, when it is a folder.")
    objects_s3_url: str | None = Field(None, description="S3 endpoint such as https://host:9000, when it is S3.")
    objects_s3_bucket: str = Field("limner", description="Bucket of the object store.")
    objects_s3_access_key: SecretStr | None = Field(None, description="S3 access key.")
    objects_s3_secret_key: SecretStr | None = Field(None, description="S3 secret key.")
    objects_s3_region: str | None = Field(None, description="S3 region, when the server wants one.")
    objects_s3_public_url: str | None = Field(
        None, description="The same endpoint as browsers reach it; signed links use it. The endpoint itself when unset."
    )
    objects_s3_addressing: S3Addressing = Field(
        S3Addressing.AUTO, description="Where the bucket's name goes: path, virtual (into the host's name), or auto."
    )
    objects_s3_ca_file: Path | None = Field(
        None, description="PEM file of the authorities that vouch for the S3 endpoint; the usual ones when unset."
    )
    objects_s3_timeout_seconds: float = Field(
        60.0, gt=0, description="How long the S3 endpoint may keep silent in the middle of a request, seconds."
    )
    cache_folder: Path | None = Field(None, description="Folder of the cache.")
    cache_max_bytes: int = Field(4 * 1024**3, ge=0, description="Size bound of the cache, bytes.")
    share_folder: Path | None = Field(None, description="Folder offered as the server's file share; none when unset.")
    egress_allow: list[str] = Field(
        default_factory=list, description="Hosts or networks that downloads may reach although they are private."
    )
    keys: dict[str, str] = Field(
        default_factory=dict, description="Public grant keys by service, base64 of 32 raw bytes each (JSON object)."
    )
    private_key: SecretStr | None = Field(None, description="This service's private grant key, base64 of 32 raw bytes.")
    upstreams: dict[str, str] = Field(default_factory=dict, description="Base URL by service (JSON object).")
    kafka_servers: str | None = Field(
        None, description="Kafka brokers, host:port with commas between; events go through the database when unset."
    )
    kafka_prefix: str = Field(
        "",
        pattern=r"^[a-zA-Z0-9._-]{0,60}$",
        description="Begins the names of topics and groups, so that several installations can share a cluster.",
    )
    kafka_partitions: int | None = Field(
        None, ge=1, description="Partitions of each topic that is created; as in proto/topics.yaml when unset."
    )
    kafka_replication: int | None = Field(
        None, ge=1, description="Replicas of each topic that is created; three, or one per broker, when unset."
    )
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="How to speak with the brokers."
    )
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "SCRAM-SHA-512", description="How to log in, with a SASL protocol."
    )
    kafka_username: str | None = Field(None, description="User, with a SASL protocol.")
    kafka_password: SecretStr | None = Field(None, description="The user's password.")
    kafka_ca_file: Path | None = Field(
        None, description="Certificates (PEM) that brokers are checked against; those of the system when unset."
    )
    kafka_certificate_file: Path | None = Field(None, description="Our certificate (PEM), where brokers ask for one.")
    kafka_key_file: Path | None = Field(None, description="Its private key (PEM), when it is in a file of its own.")
    log_level: str = Field("info", description="Least level logged: debug, info, warning or error.")
    is_log_json: bool = Field(True, description="Log one JSON object a line; readable text when false.")
    max_body_bytes: int = Field(2 * 1024**3, ge=1, description="Largest JSON body of one request, bytes.")
    max_upload_bytes: int = Field(25 * 1024**3, ge=1, description="Largest uploaded file, bytes.")
