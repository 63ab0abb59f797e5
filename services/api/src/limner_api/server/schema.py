"""The API's description, put together from all services and kept for a while: anybody may ask for it."""

import asyncio
import time
from typing import Any

import httpx
from fastapi import FastAPI

from limner_api.gateway.table import ROUTES
from limner_api.server.openapi import Document, public_document
from limner_common.http.upstream import Upstreams

_KEPT_SECONDS = 60.0


class PublicSchema:
    """The OpenAPI document of the public API.

    Args:
        upstreams: The way to the services whose routes the gateway forwards.
    """

    def __init__(self, upstreams: Upstreams) -> None:
        self._upstreams = upstreams
        self._lock = asyncio.Lock()
        self._document: Document = {}
        self._made_at = -_KEPT_SECONDS

    async def document(self, app: FastAPI) -> Document:
        """Return the document, at most a minute old; routes of a service that is away are left out."""
        async with self._lock:
            if time.monotonic() - self._made_at > _KEPT_SECONDS:
                others = await self._documents_of_others()
                self._document = await asyncio.to_thread(public_document, app, others)
                self._made_at = time.monotonic()
        return self._document

    async def _documents_of_others(self) -> list[dict[str, Any]]:
        documents = []
        for name in sorted({route.service for route in ROUTES}):
            if not self._upstreams.has(name):
                continue
            try:
                answer = await self._upstreams.client(name).get(f"/internal/{name}/openapi.json")
            except httpx.TransportError:
                continue
            if answer.status_code == 200:
                documents.append(answer.json())
        return documents
