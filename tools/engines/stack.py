"""The four engines of one folder, and the file that says where they are."""

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from tools.engines.engine import Engine
from tools.engines.kafka import Kafka
from tools.engines.minio import MinIO
from tools.engines.postgres import Postgres
from tools.engines.redis import Redis
from tools.engines.supplies import Supplies

#: The checkout's folder of engines. ``ENGINES_SUPPLIES`` names another folder for what is fetched, for several checkouts.
HOME = Path(__file__).parents[2] / ".engines"


def shared_supplies() -> Supplies:
    """Return the supplies that all stacks of this checkout use."""
    return Supplies(Path(os.environ.get("ENGINES_SUPPLIES") or HOME / "supplies"))


class Stack:
    """PostgreSQL, Redis, Kafka and MinIO under one folder.

    Args:
        folder: Where their data, logs and ``engines.json`` are.
        is_throwaway: They belong to one run of tests and end with it.
    """

    def __init__(self, folder: Path = HOME, *, is_throwaway: bool = False) -> None:
        self.folder = folder
        supplies = shared_supplies()
        self.postgres = Postgres(folder / "postgres", supplies, is_throwaway=is_throwaway)
        self.redis = Redis(folder / "redis", supplies, is_throwaway=is_throwaway)
        self.kafka = Kafka(folder / "kafka", supplies, is_throwaway=is_throwaway)
        self.minio = MinIO(folder / "minio", supplies, is_throwaway=is_throwaway)

    @property
    def engines(self) -> tuple[Engine, ...]:
        """All of them."""
        return (self.postgres, self.redis, self.kafka, self.minio)

    @property
    def state_path(self) -> Path:
        """The file with their addresses, credentials and processes."""
        return self.folder / "engines.json"

    @property
    def is_running(self) -> bool:
        """True while all of them run and answer."""
        return all(engine.is_running for engine in self.engines) and all(engine.answers() for engine in self.engines)

    def start(self, names: Sequence[str] = ()) -> None:
        """Start those that do not run yet; all, unless some are named.

        Raises:
            EngineProblem: One cannot be started; those that can are running then.
        """
        chosen = self._named(names)
        with self._alone():
            try:
                # Fetching and starting wait for others most of the time.
                with ThreadPoolExecutor(len(chosen)) as pool:
                    for started in [pool.submit(engine.start) for engine in chosen]:
                        started.result()
            finally:
                self._write_state()

    def stop(self, names: Sequence[str] = ()) -> None:
        """End those that run; all, unless some are named."""
        if not self.folder.exists():
            return
        with self._alone():
            for engine in self._named(names):
                engine.stop()
            self._write_state()

    def settings(self) -> dict[str, str]:
        """The product's variables that lead to these engines."""
        return {name: value for engine in self.engines for name, value in engine.settings().items()}

    def _named(self, names: Sequence[str]) -> list[Engine]:
        return [engine for engine in self.engines if not names or engine.name in names]

    def _write_state(self) -> None:
        state = {}
        for engine in self.engines:
            process = engine.daemon.process()
            if process is not None:
                settings = engine.settings()
                state[engine.name] = {"pid": process.pid, "ports": engine.ports, "settings": settings}
        if state:
            self.state_path.touch(0o600)
            self.state_path.write_text(json.dumps(state, indent=2) + "\n")
        else:
            self.state_path.unlink(missing_ok=True)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # two commands at once would start an engine twice
            yield
