"""Durable work: items in PostgreSQL with leases, heartbeat, retry with backoff, cancel, progress and fair share."""

from limner_common.work.queue import WorkItem, WorkQueue, WorkState
from limner_common.work.worker import Handler, WorkCancelled, WorkContext, Worker

__all__ = ["Handler", "WorkCancelled", "WorkContext", "WorkItem", "WorkQueue", "WorkState", "Worker"]
