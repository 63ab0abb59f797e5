"""Reads and writes objects of jobs and tasks at ``annotations``."""

from collections.abc import AsyncIterable, AsyncIterator, Collection, Mapping
from typing import Any, Literal

import httpx
import msgspec

from limner_clients.base import InternalClient
from limner_common.errors import Unavailable
from limner_common.grants import Keyring
from limner_common.http.upstream import Upstreams
from limner_model.annotations import LabeledData, Shape, Tag, Track

Kind = Literal["tags", "shapes", "tracks"]
ImportMode = Literal["replace", "append"]

_IMPORT_TIMEOUT = httpx.Timeout(3600, connect=5)


class JobRevision(msgspec.Struct, frozen=True, kw_only=True):
    """The present state of one job: its revision, numbers of objects, and the size of their documents in bytes."""

    job_id: int
    revision: int
    tags: int = 0
    shapes: int = 0
    tracks: int = 0
    document_bytes: int = 0


class ImportResult(msgspec.Struct, frozen=True, kw_only=True):
    """What an import did: the revision of each job after it, and how many objects were written over all jobs."""

    revisions: dict[int, int]
    objects: int


class ImportAuthor(msgspec.Struct, frozen=True, kw_only=True):
    """Who is named in the history as the author of an import; ``reason`` is one line for people."""

    user_id: int | None = None
    username: str = ""
    reason: str = ""


class ObjectStream:
    """Objects in the order of frames, as batches of whole frames.

    Iterate once. Each batch is a document with the tracks that begin on its frames, and the tags and shapes of its
    frames; frames grow from batch to batch. Memory is that of one batch. Attributes that labels gained after an object
    was written are absent (``limner_model.attributes.fill_defaults``, and the sweeps of ``limner_model.interpolation``,
    fill them).

    Attributes:
        revisions: Revision of each job that is read; known once the first batch was asked for.
    """

    def __init__(self, client: InternalClient, path: str, parameters: Mapping[str, str]) -> None:
        self.revisions: dict[int, int] = {}
        self._client = client
        self._path = path
        self._parameters = dict(parameters)

    async def __aiter__(self) -> AsyncIterator[LabeledData]:
        """Yield the batches.

        Raises:
            NotFound: There is no such job, task or revision.
            Unavailable: The service cannot be reached, or the stream broke before its end.
        """
        objects = 0
        async with self._client.stream("GET", self._path, params=self._parameters) as response:
            async for line in _lines(response):
                part = _decode(line)
                match part:
                    case _Head():
                        self.revisions = {job.job_id: job.revision for job in part.jobs}
                    case _Frames():
                        objects += len(part.tracks) + len(part.tags) + len(part.shapes)
                        yield LabeledData(tags=part.tags, shapes=part.shapes, tracks=part.tracks)
                    case _End() if part.objects == objects:
                        return
        raise Unavailable("The stream of annotations broke off.", retry_after_seconds=2)


class AnnotationsClient:
    """What other services do with annotations.

    Args:
        upstreams: The way to ``annotations``.
        keyring: Signs as the asking service.
    """

    def __init__(self, upstreams: Upstreams, keyring: Keyring) -> None:
        self._client = InternalClient("annotations", upstreams, keyring)

    async def states(self, task_id: int) -> list[JobRevision]:
        """Return the state of each job of a task that was ever written, by id; other jobs are empty at revision 0."""
        answer = await self._client.call("GET", f"/internal/tasks/{task_id}/annotations")
        return msgspec.json.decode(answer, type=_States).jobs

    async def state(self, task_id: int) -> dict[int, int]:
        """Return the revision of each job of a task that was ever written, for pinning later reads."""
        return {job.job_id: job.revision for job in await self.states(task_id)}

    def stream_job(self, job_id: int, *, revision: int | None = None, kinds: Collection[Kind] | None = None) -> ObjectStream:
        """Open the objects of one job of any type, at a revision or as they are now."""
        parameters = _kinds(kinds)
        if revision is not None:
            parameters["revision"] = str(revision)
        return ObjectStream(self._client, f"/internal/jobs/{job_id}/objects", parameters)

    def stream_task(
        self,
        task_id: int,
        *,
        version: str | None = None,
        pins: Mapping[int, int] | None = None,
        kinds: Collection[Kind] | None = None,
    ) -> ObjectStream:
        """Open the merged objects of a task's annotation jobs.

        Args:
            task_id: Task.
            version: Version of the task's facts, which spares a question to the catalog.
            pins: Revision to read by job; a job that is missing is read as empty. None reads what is there now.
            kinds: Only these kinds; None for all.
        """
        parameters = _kinds(kinds)
        if version is not None:
            parameters["version"] = version
        if pins is not None:
            parameters["pins"] = ",".join(f"{job_id}:{revision}" for job_id, revision in sorted(pins.items()))
        return ObjectStream(self._client, f"/internal/tasks/{task_id}/objects", parameters)

    async def import_job(
        self,
        job_id: int,
        documents: AsyncIterable[LabeledData],
        *,
        task_id: int,
        mode: ImportMode,
        request_id: str,
        author: ImportAuthor,
    ) -> ImportResult:
        """Write documents into one job as one revision; what is not on its frames is left out.

        Args:
            job_id: Job of any type.
            documents: Parts of what is imported, some thousand objects each; a track is whole in one part. Ids in them
                are ignored, sources are kept.
            task_id: Task of the job.
            mode: What becomes of what is there.
            request_id: Names the import: a second call with it does nothing and returns what the first one did.
            author: Who is named in the history.

        Raises:
            Invalid: A part is refused; nothing is written.
            NotFound: There is no such job.
            Unavailable: The service cannot be reached; call again with the same ``request_id``.
        """
        parameters = {"task_id": str(task_id)} | _order(mode, request_id, author)
        return await self._import(f"/internal/jobs/{job_id}/import", documents, parameters)

    async def import_task(
        self,
        task_id: int,
        documents: AsyncIterable[LabeledData],
        *,
        mode: ImportMode,
        request_id: str,
        author: ImportAuthor,
    ) -> ImportResult:
        """Write documents into the annotation jobs of a task, one revision each, all or none; as ``import_job``."""
        parameters = _order(mode, request_id, author)
        return await self._import(f"/internal/tasks/{task_id}/import", documents, parameters)

    async def _import(self, path: str, documents: AsyncIterable[LabeledData], parameters: Mapping[str, str]) -> ImportResult:
        async def body() -> AsyncIterator[bytes]:
            async for document in documents:
                yield msgspec.json.encode(document) + b"\n"

        answer = await self._client.call("POST", path, params=parameters, content=body(), timeout=_IMPORT_TIMEOUT)
        return msgspec.json.decode(answer, type=ImportResult)


class _Head(msgspec.Struct, tag_field="part", tag="head"):
    jobs: list[JobRevision]


class _Frames(msgspec.Struct, tag_field="part", tag="frames"):
    tracks: list[Track] = []
    tags: list[Tag] = []
    shapes: list[Shape] = []


class _End(msgspec.Struct, tag_field="part", tag="end"):
    objects: int


class _States(msgspec.Struct):
    jobs: list[JobRevision]


_decode = msgspec.json.Decoder(_Head | _Frames | _End).decode


async def _lines(response: httpx.Response) -> AsyncIterator[bytes]:
    """Yield the lines of an answer as they come."""
    pieces: list[bytes] = []
    async for piece in response.aiter_bytes():
        first, *others = piece.split(b"\n")
        pieces.append(first)
        for line in others:
            yield b"".join(pieces)
            pieces = [line]


def _kinds(kinds: Collection[Kind] | None) -> dict[str, str]:
    return {} if kinds is None else {"kinds": ",".join(kinds)}


def _order(mode: ImportMode, request_id: str, author: ImportAuthor) -> dict[str, str]:
    order: dict[str, Any] = {"mode": mode, "request_id": request_id} | msgspec.to_builtins(author)
    return {name: str(value) for name, value in order.items() if value is not None}
