"""PostgreSQL over TCP with a password, as a platform team would run it."""

import os
import pwd
import signal
import subprocess
from pathlib import Path
from typing import Any

import asyncpg

from tools.engines.engine import Engine, ask
from tools.engines.problems import EngineProblem

_CONFIGURATION = """\
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
ssl = on
ssl_cert_file = '{certificate}'
ssl_key_file = '{key}'
password_encryption = 'scram-sha-256'
max_connections = 300
shared_buffers = 128MB
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
"""
#: Safe against a killed server, not against a power cut: nothing of a test run outlives one.
_THROWAWAY = """\
fsync = off
full_page_writes = off
"""


class Postgres(Engine):
    """A cluster with the superuser ``postgres``."""

    name = "postgres"
    stop_signal = signal.SIGINT

    def url(self, database: str = "postgres") -> str:
        """Return the URL of a database."""
        return f"postgresql://postgres:{self.password}@127.0.0.1:{self.port}/{database}"

    def settings(self) -> dict[str, str]:
        """The product's variables that lead to this engine."""
        return {"LIMNER_DATABASE_URL": self.url("limner")}

    def identity(self) -> dict[str, Any]:
        """PostgreSQL refuses to run as root."""
        if os.geteuid() != 0:
            return {}
        account = _account()
        return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": [], "cwd": "/"}

    def environment(self) -> dict[str, str]:
        """Variables that its process gets beside ours."""
        return {"LC_ALL": "C.UTF-8", "TZ": "UTC"}

    def prepare(self) -> None:
        """Make the cluster when it is new, and write its configuration."""
        if not (self._data / "PG_VERSION").exists():
            self._initialise()
        self._give_away(self.certificates.key)
        configuration = _CONFIGURATION.format(
            port=self.port, certificate=self.certificates.certificate, key=self.certificates.key
        )
        extra = _THROWAWAY if self.is_throwaway else ""
        (self._data / "postgresql.auto.conf").write_text(configuration + extra)

    def command(self) -> list[str | Path]:
        """The command of its process."""
        return [self.supplies.postgres() / "postgres", "-D", self._data]

    def answers(self) -> bool:
        """Say whether it takes connections; makes the database ``limner`` when it is missing."""
        return ask(self._greet())

    async def _greet(self) -> None:
        connection = await asyncpg.connect(self.url(), timeout=10)
        try:
            if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = 'limner'"):
                await connection.execute("CREATE DATABASE limner")
        finally:
            await connection.close()

    def _initialise(self) -> None:
        self._data.mkdir(mode=0o700, exist_ok=True)
        password_file = self.folder / "password"
        password_file.touch(0o600)
        password_file.write_text(self.password)
        self._give_away(self._data, password_file)
        command = [
            self.supplies.postgres() / "initdb",
            *("-D", self._data, "-U", "postgres", "-E", "UTF8", "--locale", "C.UTF-8"),
            *("--auth", "scram-sha-256", "--pwfile", password_file, "--no-sync", "--no-instructions"),
        ]
        result = subprocess.run(
            command, env={**os.environ, **self.environment()}, capture_output=True, text=True, **self.identity()
        )
        password_file.unlink()
        if result.returncode:
            raise EngineProblem(
                f"PostgreSQL's data could not be made in {self._data}: {result.stderr.strip()[-500:]}. "
                "As root it runs as another user, who must be able to reach that folder."
            )

    def _give_away(self, *paths: Path) -> None:
        if os.geteuid() == 0:
            account = _account()
            for path in paths:
                os.chown(path, account.pw_uid, account.pw_gid)

    @property
    def _data(self) -> Path:
        return self.folder / "data"


def _account() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise EngineProblem("PostgreSQL does not run as root, and this machine has neither a user 'postgres' nor 'nobody'.")
