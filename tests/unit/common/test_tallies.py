"""The tally of one process."""

import pytest

from limner_common.tallies import MemoryTally
from tests.support.tally_conformance import TallyConformance


class TestMemoryTally(TallyConformance):
    @pytest.fixture
    def tally(self) -> MemoryTally:
        return MemoryTally()
