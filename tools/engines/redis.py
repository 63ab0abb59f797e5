"""Redis as a cache: bounded memory, what is used least leaves, nothing kept over a restart."""

from pathlib import Path

from redis import Redis as RedisClient
from redis.exceptions import RedisError

from tools.engines.engine import Engine

_CONFIGURATION = """\
bind 127.0.0.1
port {main}
tls-port {tls}
tls-cert-file {certificate}
tls-key-file {key}
tls-auth-clients no
requirepass {password}
maxmemory 256mb
maxmemory-policy allkeys-lfu
databases {databases}
save ""
appendonly no
dir {folder}
"""


class Redis(Engine):
    """A server with a password and many numbered databases, so that runs of tests have one each."""

    name = "redis"
    port_names = ("main", "tls")
    databases = 256

    def url(self, database: int = 0) -> str:
        """Return the URL of a numbered database."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/{database}"

    @property
    def tls_url(self) -> str:
        """The URL of the first database over TLS."""
        return f"rediss://:{self.password}@127.0.0.1:{self.ports['tls']}/0"

    def settings(self) -> dict[str, str]:
        """The product's variables that lead to this engine."""
        return {"LIMNER_REDIS_URL": self.url()}

    def prepare(self) -> None:
        """Write its configuration; the password lies in a file that only its owner reads."""
        path = self.folder / "redis.conf"
        path.touch(0o600)
        path.write_text(
            _CONFIGURATION.format(
                **self.ports,
                certificate=self.certificates.certificate,
                key=self.certificates.key,
                password=self.password,
                databases=self.databases,
                folder=self.folder,
            )
        )

    def command(self) -> list[str | Path]:
        """The command of its process."""
        return [self.supplies.program("redis-server"), self.folder / "redis.conf"]

    def answers(self) -> bool:
        """Say whether it serves requests now."""
        client = RedisClient.from_url(self.url(), socket_timeout=2)
        try:
            return bool(client.ping())
        except (RedisError, OSError):
            return False
        finally:
            client.close()
