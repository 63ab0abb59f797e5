"""Settings of the api service."""

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

_BASE_PATH = re.compile(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+")


class ApiSettings(BaseSettings):
    """What only this service needs to know. Read once from ``LIMNER_API_*`` when the container is built."""

    model_config = SettingsConfigDict(env_prefix="LIMNER_API_", frozen=True, extra="ignore")

    web_folder: Path | None = Field(None, description="Folder of the built web client; not served when unset.")
    public_url: str | None = Field(
        None,
        description="Address that clients see, such as https://label.example or https://example.org/label; "
        "scheme and host are taken from requests when unset.",
    )
    base_path: str = Field(
        "", description='Path below which clients see everything, such as "/label"; that of public_url when unset.'
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

    @field_validator("public_url")
    @classmethod
    def _check_public_url(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
            raise ValueError("begin with http:// or https:// and a host; a path may follow")
        return value.rstrip("/")

    @model_validator(mode="before")
    @classmethod
    def _take_path_of_public_url(cls, values: dict[str, Any]) -> dict[str, Any]:
        path = urlsplit(values.get("public_url") or "").path
        return values if values.get("base_path") else {**values, "base_path": path}

    @field_validator("base_path")
    @classmethod
    def _check_base_path(cls, value: str) -> str:
        path = value.rstrip("/")
        if path and not _BASE_PATH.fullmatch(path):
            raise ValueError("begin with a slash and use letters, digits and -._~ between slashes")
        return path

    @model_validator(mode="after")
    def _check_agreement(self) -> "ApiSettings":
        if self.public_url is not None and urlsplit(self.public_url).path != self.base_path:
            raise ValueError(f"the path of public_url ({self.public_url}) is not base_path ({self.base_path})")
        return self
