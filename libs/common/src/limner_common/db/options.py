"""How a service's connections are made and how long they may take."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DatabaseOptions:
    """Everything about a database but its address. The defaults suit tests and commands: nothing is limited.

    Attributes:
        application_name: What ``pg_stat_activity`` shows; ``limner-<schema>`` when None.
        pool_overflow: Connections opened beyond the pool under load, closed again after use. Opening one costs more than
            waiting for most statements, so there are none by default.
        pool_wait_seconds: How long a request waits for a connection of the pool.
        statement_seconds: Longest statement; no limit when None.
        long_statement_seconds: Longest statement of units of work that are not behind a request, see ``Database.begin``.
        idle_transaction_seconds: How long a transaction may do nothing before the server ends its connection.
        is_behind_pgbouncer: The address leads to PgBouncer in transaction mode, see docs/adr/0010-lists-from-a-replica.md.
        direct_url: The same database without PgBouncer, for what needs a session of its own: LISTEN and session locks.
        replica_url: A streaming replica that lists are read from, see ``limner_common.db.replica``.
    """

    application_name: str | None = None
    pool_overflow: int = 0
    pool_wait_seconds: float = 10.0
    statement_seconds: float | None = None
    long_statement_seconds: float | None = None
    idle_transaction_seconds: float | None = None
    is_behind_pgbouncer: bool = False
    direct_url: str | None = None
    replica_url: str | None = None
