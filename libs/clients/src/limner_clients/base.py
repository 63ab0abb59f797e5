"""What all internal clients share: the caller's own grant on every call, and errors as domain errors."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from limner_common.errors import Unavailable
from limner_common.grants import GRANT_HEADER, Grant, Keyring
from limner_common.http.errors import problem_from
from limner_common.http.granted import INTERNAL_ACTION
from limner_common.http.upstream import Upstreams
from limner_common.observe import tracing
from limner_common.observe.context import carried


class InternalClient:
    """Calls the internal routes of one service as another.

    Args:
        service: Service that is asked.
        upstreams: The way to it.
        keyring: Signs as the asking service.
    """

    def __init__(self, service: str, upstreams: Upstreams, keyring: Keyring) -> None:
        self._service = service
        self._upstreams = upstreams
        self._keyring = keyring

    @asynccontextmanager
    async def stream(self, method: str, path: str, **options: Any) -> AsyncIterator[httpx.Response]:
        """Open a call whose answer is read piece by piece; options are those of ``httpx.AsyncClient.stream``.

        Raises:
            DomainError: As the service answered it.
            Unavailable: The service cannot be reached.
        """
        grant = self._keyring.sign(Grant(issuer=self._keyring.name, action=INTERNAL_ACTION), ttl_seconds=300)
        headers = {**options.pop("headers", {}), GRANT_HEADER: grant}
        client = self._upstreams.client(self._service)
        with tracing.step(f"call {self._service}", "client") as span:
            try:
                async with client.stream(method, path, headers={**headers, **carried(span)}, **options) as response:
                    if response.status_code >= 400:
                        raise problem_from(response.status_code, await response.aread())
                    yield response
            except httpx.TransportError as error:
                raise Unavailable(f"The service '{self._service}' is not reachable.", retry_after_seconds=2) from error

    async def call(self, method: str, path: str, **options: Any) -> bytes:
        """Make a call and return its whole answer; raises as ``stream``."""
        async with self.stream(method, path, **options) as response:
            return await response.aread()
