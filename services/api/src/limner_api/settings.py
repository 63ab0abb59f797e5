"""Settings of the api service."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class ApiSettings(BaseSettings):
    """What only this service needs to know. Read once from ``LIMNER_API_*`` when the container is built."""

    model_config = SettingsConfigDict(env_prefix="LIMNER_API_", frozen=True, extra="ignore")

    web_folder: Path | None = Field(None, description="Folder of the built web client; not served when unset.")
    public_url: str | None = Field(
        None, description="Scheme and host that clients see, such as https://label.example; taken from requests when unset."
    )
    is_behind_proxy: bool = Field(
        False, description="Believe X-Forwarded-Proto, -Host and -For; only when a proxy always sets them."
    )
    trusted_origins: list[str] = Field(
        default_factory=list, description="Origins besides our own that may use sessions over https (JSON list)."
    )
    session_seconds: int = Field(14 * 86400, ge=60, description="Lifetime of a session after login or renewal, seconds.")
    sessions_per_user_max: int = Field(200, ge=1, description="Sessions kept per user; the oldest end first.")
    access_tokens_per_user_max: int = Field(50, ge=1, description="Personal access tokens a user may have.")
    is_registration_enabled: bool = Field(True, description="Whether people may make accounts themselves.")
    password_reset_seconds: int = Field(86400, ge=60, description="How long a password reset link works, seconds.")
    password_threads: int = Field(2, ge=1, description="Passwords hashed at a time; each takes a core and 46 MiB.")
    login_failures_max: int = Field(10, ge=1, description="Wrong passwords per account and address before a pause.")
    login_failures_seconds: int = Field(300, ge=1, description="Length of that pause, seconds.")
    has_invitation_consent: bool = Field(
        False, description="Whether people must accept invitations before they are members."
    )
    invitation_seconds: int = Field(7 * 86400, ge=60, description="How long an invitation can be accepted, seconds.")
