"""Makes tasks and labels at ``api`` on behalf of people."""

from collections.abc import Sequence
from typing import Any

import msgspec

from limner_clients.base import InternalClient
from limner_common.grants import Keyring
from limner_common.http.upstream import Upstreams


class NewAttributeBody(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An attribute to make, as in the REST interface."""

    name: str
    mutable: bool
    input_type: str
    default_value: str = ""
    values: list[str] = []


class LabelOrder(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A label to make; with an id, an existing one that gets attributes."""

    id: int | None = None
    name: str | None = None
    type: str | None = None
    attributes: list[NewAttributeBody] = []
    sublabels: list["LabelOrder"] = []


class CatalogOrders:
    """Orders given to ``api`` by a service that acts for a person.

    Args:
        upstreams: The way to ``api``.
        keyring: Signs as the ordering service.
    """

    def __init__(self, upstreams: Upstreams, keyring: Keyring) -> None:
        self._client = InternalClient("api", upstreams, keyring)

    async def reserve_task_id(self) -> int:
        """Set an id aside for a task. Note it down before ``put_task``: then a repeated run makes the same task."""
        task_id: int = msgspec.json.decode(await self._client.call("POST", "/internal/tasks/ids"))["id"]
        return task_id

    async def put_task(self, task_id: int, *, project_id: int, name: str, subset: str, user_id: int, username: str) -> None:
        """Make a task without data in a project. Idempotent.

        Raises:
            NotFound: The project is gone.
            Invalid: The subset cannot be one.
        """
        body: dict[str, Any] = {"project_id": project_id, "name": name, "subset": subset}
        body |= {"user_id": user_id, "username": username}
        await self._call("PUT", f"/internal/tasks/{task_id}", body)

    async def delete_task(self, task_id: int) -> None:
        """Delete a task with all it has. Idempotent."""
        await self._client.call("DELETE", f"/internal/tasks/{task_id}")

    async def extend_labels(self, project_id: int, labels: Sequence[LabelOrder], *, user_id: int, username: str) -> None:
        """Make labels of a project, or add attributes to those it has.

        Raises:
            NotFound: The project is gone.
            Invalid: A label breaks the rules.
        """
        body = {"labels": msgspec.to_builtins(list(labels)), "user_id": user_id, "username": username}
        await self._call("PATCH", f"/internal/projects/{project_id}/labels", body)

    async def _call(self, method: str, path: str, body: dict[str, Any]) -> None:
        headers = {"Content-Type": "application/json"}
        await self._client.call(method, path, content=msgspec.json.encode(body), headers=headers)
