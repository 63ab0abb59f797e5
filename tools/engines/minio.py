"""MinIO: a single drive, addressed by path."""

from pathlib import Path

import httpx

from tools.engines.engine import Engine


class MinIO(Engine):
    """An S3 server with one root user."""

    name = "minio"
    user = "limner"

    @property
    def url(self) -> str:
        """The S3 endpoint."""
        return f"http://127.0.0.1:{self.port}"

    def settings(self) -> dict[str, str]:
        """The product's variables that lead to this engine."""
        return {
            "LIMNER_OBJECTS_S3_URL": self.url,
            "LIMNER_OBJECTS_S3_ACCESS_KEY": self.user,
            "LIMNER_OBJECTS_S3_SECRET_KEY": self.password,
        }

    def environment(self) -> dict[str, str]:
        """The root user, and no look at servers elsewhere."""
        return {
            "MINIO_ROOT_USER": self.user,
            "MINIO_ROOT_PASSWORD": self.password,
            "MINIO_BROWSER": "off",
            "MINIO_UPDATE": "off",
        }

    def prepare(self) -> None:
        """Make the drive's folder."""
        (self.folder / "data").mkdir(exist_ok=True)

    def command(self) -> list[str | Path]:
        """The command of its process."""
        return [self.supplies.minio(), "server", "--quiet", "--address", f"127.0.0.1:{self.port}", self.folder / "data"]

    def answers(self) -> bool:
        """Say whether it serves requests now."""
        try:
            return httpx.get(f"{self.url}/minio/health/ready", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False
