"""Asks a service to cancel a piece of its work."""

from limner_clients.base import InternalClient
from limner_common.grants import Keyring
from limner_common.http.upstream import Upstreams


async def cancel_work(service: str, work_id: str, upstreams: Upstreams, keyring: Keyring) -> None:
    """Cancel a work item of a service: a queued one at once, a running one at its next step; unknown ones are fine.

    Raises:
        Unavailable: The service cannot be reached.
    """
    await InternalClient(service, upstreams, keyring).call("POST", f"/internal/{service}/work/{work_id}/cancel")
