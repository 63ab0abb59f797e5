"""Tallies: how often something happened lately."""

from limner_common.tallies.memory import MemoryTally
from limner_common.tallies.port import Count, Tally

__all__ = ["Count", "MemoryTally", "Tally"]
