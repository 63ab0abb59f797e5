"""Real PostgreSQL, Redis, Kafka and MinIO, started natively under one folder; ``python -m tools.engines --help``."""

from tools.engines.engine import Engine
from tools.engines.problems import EngineProblem
from tools.engines.stack import Stack

__all__ = ["Engine", "EngineProblem", "Stack"]
