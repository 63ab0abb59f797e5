"""Uploaded archives as files that the readers can open."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import Executor
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from tempfile import NamedTemporaryFile

from limner_common.errors import Invalid
from limner_common.objects import ObjectMissing, ObjectStore, local_path
from limner_common.uploads import Upload
from limner_exports.faults import format_faults
from limner_exports.formats import SafeArchive


class Archives:
    """Opens archives that were uploaded.

    Args:
        objects: Where they lie.
        scratch: Folder for a copy, where the store has no files.
        executor: Threads to read in.
    """

    def __init__(self, objects: ObjectStore, scratch: Path, executor: Executor) -> None:
        self._objects = objects
        self._scratch = scratch
        self._executor = executor

    @asynccontextmanager
    async def open(self, upload: Upload) -> AsyncIterator[SafeArchive]:
        """Open an archive or a bare annotation file; a copy of it is removed in the end.

        Raises:
            Invalid: The upload is gone, or it is not an archive that can be trusted.
        """
        try:
            path = local_path(self._objects.location(upload.key))
            copy = None if path is not None else await self._copy(upload.key)
        except ObjectMissing:
            raise Invalid("The uploaded file is no longer there; send it again.", code="upload_gone") from None
        source = path or copy
        assert source is not None
        try:
            with format_faults():
                opening = partial(SafeArchive, source, name=upload.name)
                archive = await asyncio.get_running_loop().run_in_executor(self._executor, opening)
            with archive:
                yield archive
        finally:
            if copy is not None:
                _unlink(copy)

    async def remove(self, upload: Upload) -> None:
        """Remove an uploaded file that was forgotten; that it is gone is no error."""
        await self._objects.delete(upload.key)

    async def _copy(self, key: str) -> Path:
        loop = asyncio.get_running_loop()
        with NamedTemporaryFile(dir=self._scratch, prefix="import-", delete=False) as file:
            path = Path(file.name)
            try:
                async with self._objects.open_range(key) as body:
                    async for block in body:
                        await loop.run_in_executor(self._executor, file.write, block)
            except BaseException:
                _unlink(path)
                raise
        return path


def _unlink(path: Path) -> None:
    path.unlink(missing_ok=True)
