"""Asks ``api`` about tasks and projects."""

from collections import OrderedDict

import msgspec

from limner_clients.base import InternalClient
from limner_common.grants import Keyring
from limner_common.http.upstream import Upstreams
from limner_model.facts import ProjectFacts, TaskFacts

_KEPT = 512


class CatalogClient:
    """Facts of tasks and projects, kept by version.

    Args:
        upstreams: The way to ``api``.
        keyring: Signs as the asking service.
    """

    def __init__(self, upstreams: Upstreams, keyring: Keyring) -> None:
        self._client = InternalClient("api", upstreams, keyring)
        self._tasks: OrderedDict[tuple[int, str], TaskFacts] = OrderedDict()

    async def task(self, task_id: int, version: str | None = None) -> TaskFacts:
        """Return a task's facts.

        Args:
            task_id: Task.
            version: Version named in a grant: a kept copy of it is returned without asking. None asks always.

        Raises:
            NotFound: There is no such task.
            Unavailable: ``api`` cannot be reached.
        """
        if version is not None and (kept := self._tasks.get((task_id, version))) is not None:
            self._tasks.move_to_end((task_id, version))
            return kept
        facts = msgspec.json.decode(await self._client.call("GET", f"/internal/tasks/{task_id}"), type=TaskFacts)
        self._tasks[(task_id, facts.version)] = facts
        while len(self._tasks) > _KEPT:
            self._tasks.popitem(last=False)
        return facts

    async def project(self, project_id: int) -> ProjectFacts:
        """Return a project's facts; raises as ``task``."""
        return msgspec.json.decode(await self._client.call("GET", f"/internal/projects/{project_id}"), type=ProjectFacts)
