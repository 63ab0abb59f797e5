"""Uploads: files that gather in a scope, straight into the object store, until somebody claims or discards them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import timedelta
from uuid import uuid4

from limner_common.db.engine import Database
from limner_common.db.uow import UnitOfWork
from limner_common.errors import Invalid, NotFound
from limner_common.ids import new_uuid
from limner_common.objects.port import ObjectMissing, ObjectStore
from limner_common.uploads.feed import BodyFeed
from limner_common.uploads.forms import FormEvent, FormFields
from limner_common.uploads.names import base_name, free_name, object_extension
from limner_common.uploads.receiving import FormReceiver
from limner_common.uploads.repository import UploadRepository
from limner_common.uploads.tables import UploadTables
from limner_common.uploads.values import Upload, WrongOffset

_SWEPT_AT_ONCE = 200


class Uploads:
    """Receives files of one service.

    Nothing but the piece in transit is in memory. A resumable file arrives in parts, each an object; when the last byte
    is here they are composed into one. Every step can be repeated after a crash.

    Args:
        database: Where the rows are; every method opens its own units of work unless it takes one.
        objects: Where the bytes go.
        tables: From ``upload_tables`` for the service's metadata.
        folder: First segment of the keys, the service's name; a scope's objects lie below ``<folder>/<scope>/``.
        max_bytes: Largest file.
        part_bytes: A body is made safe after this many bytes, so this much is lost at most when a process dies.
    """

    def __init__(
        self,
        database: Database,
        objects: ObjectStore,
        tables: UploadTables,
        *,
        folder: str,
        max_bytes: int,
        part_bytes: int = 64 << 20,
    ) -> None:
        self.max_bytes = max_bytes
        self._database = database
        self._objects = objects
        self._rows = UploadRepository(tables)
        self._folder = folder
        self._part_bytes = part_bytes

    async def create(self, scope: str, user_id: int, name: str, length_bytes: int) -> Upload:
        """Announce a resumable file; it gets the next free name.

        Args:
            scope: Where it gathers; a relative path valid in object keys.
            user_id: Who sends it; part of the file's id.
            name: Safe name.
            length_bytes: Its declared length.
        """
        row = {
            "id": f"{user_id}_{uuid4()}",
            "scope": scope,
            "user_id": user_id,
            "name": name,
            "length_bytes": length_bytes,
            "offset_bytes": 0,
            "key": f"{self._folder}/{scope}/{new_uuid().hex}{object_extension(name)}",
            "is_complete": False,
        }
        async with self._database.begin() as uow:
            return await self._rows.insert(uow, row)

    async def get(self, scope: str, upload_id: str) -> Upload:
        """Return a file.

        Raises:
            NotFound: There is none of this id in the scope.
        """
        async with self._database.read() as connection:
            found = await self._rows.get(connection, scope, upload_id)
        if found is None:
            raise NotFound("There is no such upload.", code="upload_unknown")
        return found

    async def append(self, upload: Upload, offset_bytes: int, blocks: AsyncIterator[bytes]) -> Upload:
        """Add the bytes of a body at the file's end, and complete the file when it is whole.

        When the connection breaks, what arrived is kept and the file as it then stands returned.

        Args:
            upload: The file as last seen.
            offset_bytes: Where the sender believes the file ends.
            blocks: The body.

        Raises:
            WrongOffset: The file ends elsewhere; also when another body was added meanwhile.
            TooLarge: The body goes beyond the declared length; nothing of its last part is kept.
        """
        if offset_bytes != upload.offset_bytes:
            raise WrongOffset(upload.offset_bytes)
        feed = BodyFeed(blocks, limit_bytes=upload.length_bytes - upload.offset_bytes)
        while await feed.has_more():
            upload = await self._add_part(upload, feed.piece(self._part_bytes))
        return await self.complete(upload)

    async def complete(self, upload: Upload) -> Upload:
        """Make one object of a file whose bytes are all here; does nothing for others. Idempotent."""
        if upload.is_complete or upload.offset_bytes < upload.length_bytes:
            return upload
        async with self._database.read() as connection:
            keys = await self._rows.part_keys(connection, upload.id)
        await self._join(upload, keys)
        async with self._database.begin() as uow:
            await self._rows.complete(uow, upload.id)
        return await self.get(upload.scope, upload.id)

    async def receive_form(
        self,
        scope: str,
        user_id: int,
        events: AsyncIterator[FormEvent],
        *,
        clean_name: Callable[[str], str] = base_name,
    ) -> FormFields:
        """Store the files of a form as complete uploads of a scope, and return its text fields.

        All or none of the files are there afterwards.

        Args:
            scope: Where the files gather.
            user_id: Who sends them.
            events: From ``form_events``.
            clean_name: Turns what the client calls a file into a safe name; raises ``Invalid`` otherwise.

        Raises:
            Invalid: The form is malformed or cut short, or a name not allowed.
            TooLarge: A file is larger than allowed.
        """
        batch = f"{user_id}_{uuid4()}"
        folder = f"{self._folder}/{scope}/{new_uuid().hex}/"
        row = {"id": batch, "scope": scope, "user_id": user_id, "name": None, "key": folder}
        async with self._database.begin() as uow:
            await self._rows.insert_all(uow, [{**row, "length_bytes": 0, "offset_bytes": 0, "is_complete": False}])
        receiver = FormReceiver(self._objects, folder, clean_name, max_bytes=self.max_bytes)
        try:
            await receiver.receive(events)
            async with self._database.begin() as uow:
                await self._rows.lock_scope(uow, scope)
                await self._enter(uow, scope, user_id, receiver)
                await self._rows.delete(uow, [batch])
        except BaseException:
            await asyncio.shield(self._drop_batch(batch, folder))
            raise
        return receiver.fields

    async def settle(self, scope: str) -> list[Upload]:
        """Return the unclaimed files of a scope in the order they were announced, each of them complete.

        Raises:
            Invalid: Bytes of a file are missing; the message names it.
        """
        async with self._database.read() as connection:
            found = await self._rows.in_scope(connection, scope)
        for upload in found:
            if upload.offset_bytes < upload.length_bytes:
                raise Invalid(f"The upload of {upload.name} is not finished.", code="upload_unfinished")
        return [await self.complete(upload) for upload in found]

    async def claim(self, uow: UnitOfWork, uploads: Sequence[Upload], work_id: str) -> None:
        """Give files to a piece of work: from now on neither ``settle`` nor ``sweep`` nor ``discard`` sees them."""
        await self._rows.claim(uow, [upload.id for upload in uploads], work_id)

    async def claimed(self, work_id: str) -> list[Upload]:
        """Return the files that a piece of work owns, in the order they were announced."""
        async with self._database.read() as connection:
            return await self._rows.claimed(connection, work_id)

    async def forget(self, uow: UnitOfWork, uploads: Sequence[Upload]) -> None:
        """Remove the rows of files whose objects belong to something else now."""
        await self._rows.delete(uow, [upload.id for upload in uploads])

    async def remove(self, uploads: Sequence[Upload]) -> None:
        """Remove files with their objects. Idempotent."""
        for upload in uploads:
            if upload.key.endswith("/"):
                await self._objects.delete_prefix(upload.key)
            else:
                await self._objects.delete(upload.key)
                if not upload.is_complete:
                    await self._objects.delete_prefix(_parts_folder(upload.key))
        async with self._database.begin() as uow:
            await self._rows.delete(uow, [upload.id for upload in uploads])

    async def discard(self, scope: str) -> None:
        """Remove the unclaimed files of a scope, as when an upload begins anew. Idempotent."""
        async with self._database.read() as connection:
            found = await self._rows.in_scope(connection, scope)
        if found:
            await self.remove(found)

    async def sweep(self, older_than: timedelta) -> int:
        """Remove unclaimed files that nobody touched for so long; returns how many. Safe to run in several processes."""
        count = 0
        while True:
            async with self._database.read() as connection:
                found = await self._rows.abandoned(connection, older_than, _SWEPT_AT_ONCE)
            if not found:
                return count
            await self.remove(found)
            count += len(found)

    async def _add_part(self, upload: Upload, blocks: AsyncIterator[bytes]) -> Upload:
        # The random end keeps two bodies for the same offset apart; only one of them is noted.
        key = f"{_parts_folder(upload.key)}{upload.offset_bytes:014d}-{new_uuid().hex[-8:]}"
        info = await self._objects.put_stream(key, blocks)
        async with self._database.begin() as uow:
            is_noted = await self._rows.advance(uow, upload, key, info.size_bytes)
        current = await self.get(upload.scope, upload.id)
        if not is_noted:
            await self._objects.delete(key)
            raise WrongOffset(current.offset_bytes)
        return current

    async def _join(self, upload: Upload, keys: Sequence[str]) -> None:
        if not keys:
            await self._objects.put_bytes(upload.key, b"")
            return
        try:
            await self._objects.compose(upload.key, keys)
        except ObjectMissing:
            # A crash, or another request, came between joining the parts and noting it.
            if not await self._objects.exists(upload.key):
                raise
        await self._objects.delete_prefix(_parts_folder(upload.key))

    async def _enter(self, uow: UnitOfWork, scope: str, user_id: int, receiver: FormReceiver) -> None:
        taken = await self._rows.names(uow, scope)
        rows = []
        for file in receiver.files:
            name = free_name(file.name, taken)
            taken.add(name)
            rows.append(
                {
                    "id": f"{user_id}_{uuid4()}",
                    "scope": scope,
                    "user_id": user_id,
                    "name": name,
                    "length_bytes": file.size_bytes,
                    "offset_bytes": file.size_bytes,
                    "key": file.key,
                    "is_complete": True,
                }
            )
        await self._rows.insert_all(uow, rows)

    async def _drop_batch(self, batch: str, folder: str) -> None:
        await self._objects.delete_prefix(folder)
        async with self._database.begin() as uow:
            await self._rows.delete(uow, [batch])


def _parts_folder(key: str) -> str:
    return f"{key}.parts/"
