"""PgBouncer in front of the engines' PostgreSQL, as platform teams put it there."""

import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tools.engines.daemon import Daemon
from tools.engines.engine import free_ports, is_listening
from tools.engines.postgres import Postgres

_CONFIGURATION = """\
[databases]
* = host=127.0.0.1 port={server_port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = plain
auth_file = {users}
pool_mode = {mode}
default_pool_size = 8
max_client_conn = 500
"""


@dataclass(frozen=True)
class PgBouncer:
    """Where it is reached.

    Attributes:
        port: Its port.
    """

    port: int

    def url(self, database_url: str) -> str:
        """Return a URL of the server as it is reached through here."""
        credentials, _, place = database_url.rpartition("@")
        return f"{credentials}@127.0.0.1:{self.port}/{place.partition('/')[2]}"


@contextmanager
def pgbouncer_before(server: Postgres, mode: str) -> Iterator[PgBouncer]:
    """Run PgBouncer.

    Args:
        server: What it leads to.
        mode: ``transaction`` or ``session``.
    """
    program = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
    assert Path(program).exists(), "install Debian's package pgbouncer"
    folder = Path(tempfile.mkdtemp(prefix="limner-pgbouncer-"))
    folder.chmod(0o711)
    (port,) = free_ports(1)
    configuration, users = folder / "pgbouncer.ini", folder / "users.txt"
    configuration.write_text(_CONFIGURATION.format(server_port=server.port, port=port, users=users, mode=mode))
    users.write_text(f'"postgres" "{server.password}"\n')
    daemon = Daemon(folder, signal.SIGINT, is_mortal=True, identity=server.identity())
    try:
        daemon.start([program, configuration], {})
        daemon.wait_until(lambda: is_listening(port), timeout_seconds=60)
        yield PgBouncer(port)
    finally:
        daemon.kill()
        shutil.rmtree(folder, ignore_errors=True)
