"""The service's container: adapters and settings its features use."""

from limner_common.requests import request_observer
from limner_common.service import Resources
from limner_common.work import WorkQueue


def new_queue() -> WorkQueue:
    """Return the service's queue, which tells of its work as background requests."""
    return WorkQueue(request_observer("analytics"))


class AnalyticsContainer:
    """Everything routes, consumers and workers of the service reach their adapters through."""

    def __init__(self, resources: Resources) -> None:
        self.resources = resources
        self.keyring = resources.keyring
        self.database = resources.database
        self.queue = new_queue()

    async def __aenter__(self) -> "AnalyticsContainer":
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        return None
