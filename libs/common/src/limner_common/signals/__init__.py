"""Signals: how one process tells others that something changed."""

from limner_common.signals.port import Signal, Signals

__all__ = ["Signal", "Signals"]
