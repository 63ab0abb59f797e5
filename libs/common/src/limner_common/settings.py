"""Settings shared by all services; each service adds its own class with its own prefix, read once by the composition."""

from enum import StrEnum
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from limner_common.db.connecting import check_url, with_parameters
from limner_common.objects.locations import S3Addressing


class SSLMode(StrEnum):
    """How much of TLS is asked of PostgreSQL, in libpq's words."""

    DISABLE = "disable"
    ALLOW = "allow"
    PREFER = "prefer"
    REQUIRE = "require"
    VERIFY_CA = "verify-ca"
    VERIFY_FULL = "verify-full"


class ServiceSettings(BaseSettings):
    """What every process needs to know. Read once from ``LIMNER_*`` by the composition root."""

    model_config = SettingsConfigDict(env_prefix="LIMNER_", frozen=True, extra="ignore")

    database_sslmode: SSLMode | None = Field(
        None, description="TLS to PostgreSQL as libpq names it; as the URL says (else prefer) when unset."
    )
    database_ca_file: Path | None = Field(
        None, description="PEM file of the authorities that vouch for PostgreSQL; needed by verify-ca and verify-full."
    )
    database_certificate_file: Path | None = Field(None, description="PEM file of our certificate for PostgreSQL.")
    database_key_file: Path | None = Field(None, description="PEM file of that certificate's key.")
    database_url: SecretStr = Field(
        SecretStr("postgresql://postgres@localhost/limner"),
        validate_default=True,
        description="PostgreSQL URL; each service uses its own schema.",
    )
    database_direct_url: SecretStr | None = Field(
        None, description="The same database without PgBouncer, for what needs a session of its own; as the URL when unset."
    )
    database_replica_url: SecretStr | None = Field(
        None, description="A streaming replica that lists are read from while it is up to date; none when unset."
    )
    database_is_behind_pgbouncer: bool = Field(
        False, description="The URL leads to PgBouncer in transaction mode: prepare nothing, read in transactions."
    )
    database_pool_size: int = Field(16, ge=1, description="Connections kept open per service and process.")
    database_pool_overflow: int = Field(0, ge=0, description="Connections opened beyond that under load.")
    database_pool_wait_seconds: float = Field(
        10.0, gt=0, description="How long a request waits for a connection before it is answered 503, seconds."
    )
    database_statement_seconds: float = Field(
        30.0, gt=0, description="Longest statement of a request; longer ones are ended and answered 503, seconds."
    )
    database_long_statement_seconds: float = Field(
        600.0, gt=0, description="Longest statement of workers, consumers, relay and housekeeping, seconds."
    )
    database_idle_transaction_seconds: float = Field(
        60.0, gt=0, description="How long a request's transaction may do nothing before PostgreSQL ends it, seconds."
    )
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
    cache_folder: Path | None = Field(None, description="Folder of the cache; with Redis too, what is built stays here.")
    cache_max_bytes: int = Field(4 * 1024**3, ge=0, description="Size bound of the cache, bytes.")
    cache_memory_bytes: int = Field(
        64 * 1024**2, ge=0, description="Bytes of cached values that each process keeps in memory; 0 keeps none."
    )
    scratch_folder: Path | None = Field(
        None, description="Folder for temporary files of all processes; below that of the system when unset."
    )
    redis_url: SecretStr | None = Field(
        None, description="Redis that replicas share: redis://, rediss:// (TLS) or unix://, with user and password."
    )
    redis_prefix: str = Field("limner:", description="What names of keys and channels in Redis begin with.")
    redis_ca_file: Path | None = Field(
        None, description="PEM file of the authorities that vouch for Redis with TLS; the usual ones when unset."
    )
    redis_max_item_bytes: int = Field(64 * 1024**2, ge=0, description="Longest value kept in Redis, bytes.")
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
    traces_url: str | None = Field(
        None, description="OTLP/HTTP address that traces are sent to, such as http://collector:4318; none when unset."
    )
    traces_sample_ratio: float = Field(
        1.0, ge=0, le=1, description="Part of the traces that begin here which are recorded, 0 to 1."
    )
    traces_service_prefix: str = Field("limner-", description="Put before the names of services in traces.")
    has_relay: bool = Field(
        True, description="Whether `limner serve` also publishes the service's facts; false where `limner relay` does."
    )
    drain_seconds: float = Field(
        3.0, ge=0, description="How long `limner serve` goes on answering, no longer ready, after it was asked to end."
    )
    log_level: str = Field("info", description="Least level logged: debug, info, warning or error.")
    is_log_json: bool = Field(True, description="Log one JSON object a line; readable text when false.")
    max_body_bytes: int = Field(2 * 1024**3, ge=1, description="Largest JSON body of one request, bytes.")
    max_upload_bytes: int = Field(25 * 1024**3, ge=1, description="Largest uploaded file, bytes.")

    # Pydantic reads fields in order: the TLS settings stand before the URLs that they go into.
    @field_validator("database_url", "database_direct_url", "database_replica_url")
    @classmethod
    def _with_tls(cls, url: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        """Check a URL, and put the TLS settings into it, so that whoever connects by it does so alike."""
        if url is None:
            return None
        check_url(url.get_secret_value())
        parameters = {
            "sslmode": info.data.get("database_sslmode"),
            "sslrootcert": info.data.get("database_ca_file"),
            "sslcert": info.data.get("database_certificate_file"),
            "sslkey": info.data.get("database_key_file"),
        }
        texts = {name: None if value is None else str(value) for name, value in parameters.items()}
        return SecretStr(with_parameters(url.get_secret_value(), texts))
