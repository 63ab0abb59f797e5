"""The cheapest authenticated request."""

from bench.bare import bare_server
from bench.harness import Bench
from bench.measures import Row, at_most

_CLIENTS = 16
_SECONDS = 3.0
_ROUNDS = 3


def run(bench: Bench) -> None:
    """Hold ``users/self`` against one row read by a bare application, in turns."""
    ours, limits, tails, rates = [], [], [], []
    with bare_server("round-trip", bench.database_url()) as port, bench.memory.usage() as usage:
        bench.load(["/api/users/self"], clients=_CLIENTS, seconds=1.0)
        for _ in range(_ROUNDS):
            bare = bench.load(["/"], clients=_CLIENTS, seconds=_SECONDS, port=port)
            load = bench.load(["/api/users/self"], clients=_CLIENTS, seconds=_SECONDS)
            ours.append(1000 / load.rate)
            limits.append(1000 / bare.rate)
            tails.append(load.percentile(0.95))
            rates.append(load.rate)
    row = Row(
        what=f"users/self, {_CLIENTS} clients: server time per request",
        unit="ms",
        samples=ours,
        limit_name="bare FastAPI and one SQL round trip",
        limit_samples=limits,
        aim=at_most(2.5),
        notes={"requests_per_second": rates, "p95_seconds": tails},
    )
    bench.add(row, usage)
    bench.add(Row(f"users/self, {_CLIENTS} clients: p95 of latency", "s", tails))
