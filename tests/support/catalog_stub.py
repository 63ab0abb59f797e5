"""A stand-in for ``api`` that answers facts of tasks, for tests of other services."""

import msgspec
from starlette.types import Receive, Scope, Send

from limner_model.facts import ProjectFacts, TaskFacts
from tests.support.installation import TestBench


class CatalogStub:
    """ASGI application with the internal routes of the catalog; change ``tasks`` and ``projects`` at will."""

    def __init__(self) -> None:
        self.tasks: dict[int, TaskFacts] = {}
        self.projects: dict[int, ProjectFacts] = {}
        self.calls: list[str] = []
        self.is_down = False

    def install(self, bench: TestBench, service: str) -> None:
        """Let a service of a test bench reach this as ``api``."""
        bench.container(service).resources.upstreams._apps["api"] = self

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.calls.append(scope["path"])
        _, _, collection, number = scope["path"].split("/")
        facts = self.tasks.get(int(number)) if collection == "tasks" else self.projects.get(int(number))
        status = 503 if self.is_down else 404 if facts is None else 200
        body = msgspec.json.encode(facts if status == 200 else {"detail": "not available", "code": "stub"})
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"application/json")]})
        await send({"type": "http.response.body", "body": body})
