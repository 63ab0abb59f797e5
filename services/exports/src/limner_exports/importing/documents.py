"""What is read from a dataset, on its way to storage: in parts of bounded size, read in a thread."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Executor

from limner_exports.faults import format_faults
from limner_exports.formats import ImportBatch
from limner_model.annotations import LabeledData, Shape, Tag, Track, TrackedShape

#: About how many bytes of JSON an object, a number and an attribute take.
_OBJECT_BYTES = 220
_NUMBER_BYTES = 9
_ATTRIBUTE_BYTES = 60


class Documents:
    """The parts of one import; iterate once.

    Attributes:
        objects: How many objects have been handed out.
        warnings: What was left out, for the log and the result.
        error: What ended the reading; the transport in between would hide it.
    """

    def __init__(
        self, batches: Iterator[ImportBatch], executor: Executor, *, part_bytes: int, on_part: Callable[[int], None]
    ) -> None:
        self.objects = 0
        self.warnings: list[str] = []
        self.error: Exception | None = None
        self._batches = batches
        self._executor = executor
        self._part_bytes = part_bytes
        self._on_part = on_part

    async def __aiter__(self) -> AsyncIterator[LabeledData]:
        """Yield the parts.

        Raises:
            Invalid: The dataset is wrong; the message names file and item.
        """
        try:
            async for part in self._parts():
                yield part
        except Exception as error:
            self.error = error
            raise

    async def _parts(self) -> AsyncIterator[LabeledData]:
        loop = asyncio.get_running_loop()
        while True:
            with format_faults():
                batch = await loop.run_in_executor(self._executor, next, self._batches, None)
            if batch is None:
                return
            self.warnings += batch.warnings
            for part in split_batch(batch, self._part_bytes):
                self.objects += len(part.tags) + len(part.shapes) + len(part.tracks)
                self._on_part(self.objects)
                yield part


def split_batch(batch: ImportBatch, part_bytes: int) -> Iterator[LabeledData]:
    """Cut a batch into documents of about so many bytes of JSON; an object is never cut. Empty batches give none."""
    part, weight = LabeledData(), 0
    for collection, objects in (("tags", batch.tags), ("shapes", batch.shapes), ("tracks", batch.tracks)):
        for item in objects:
            size = _size_of(item)
            if weight and weight + size > part_bytes:
                yield part
                part, weight = LabeledData(), 0
            getattr(part, collection).append(item)
            weight += size
    if weight:
        yield part


def _size_of(item: Tag | Shape | Track) -> int:
    size = _OBJECT_BYTES + _ATTRIBUTE_BYTES * len(item.attributes)
    if isinstance(item, Shape):
        size += _NUMBER_BYTES * len(item.points)
        size += sum(_OBJECT_BYTES + _NUMBER_BYTES * len(element.points) for element in item.elements)
    elif isinstance(item, Track):
        size += sum(map(_keyframe_size, item.shapes))
        size += sum(_OBJECT_BYTES + sum(map(_keyframe_size, element.shapes)) for element in item.elements)
    return size


def _keyframe_size(shape: TrackedShape) -> int:
    return _OBJECT_BYTES + _NUMBER_BYTES * len(shape.points) + _ATTRIBUTE_BYTES * len(shape.attributes)
