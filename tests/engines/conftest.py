"""Real engines beside the tests of this folder; see ``tests/support/engines.py``."""

from collections.abc import Iterator

import pytest

from tests.support.engines import Engines, engines_of_run, own_engines


@pytest.fixture(scope="session")
def engines() -> Iterator[Engines]:
    """PostgreSQL, Redis, Kafka and MinIO, perhaps shared with other runs: never stopped by a test."""
    with engines_of_run() as engines:
        yield engines


@pytest.fixture(scope="session")
def _own_engines(engines: Engines) -> Iterator[Engines]:
    if engines.is_own:
        yield engines
        return
    with own_engines() as own:
        yield own


@pytest.fixture
def mortal_engines(_own_engines: Engines) -> Iterator[Engines]:
    """Engines of this run alone that a test may stop, kill and pause; they are mended after it."""
    yield _own_engines
    _own_engines.mend()
