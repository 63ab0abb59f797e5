"""Starting imports of files that were uploaded."""

from collections.abc import AsyncIterator, Mapping

import msgspec

from limner_common.db import Database
from limner_common.errors import Conflict, Invalid
from limner_common.ids import new_token
from limner_common.requests import RequestDescription, payload_with_request
from limner_common.uploads import FileData, FileEnd, FileStart, FormEvent, Upload, Uploads, base_name
from limner_common.work import WorkQueue
from limner_exports.formats import ScopeKind
from limner_exports.importing.orders import (
    ANNOTATIONS_TYPE,
    DATASET_TYPE,
    IMPORT,
    IMPORT_DATASET,
    ImportMode,
    ImportOrder,
    dedupe_key,
    upload_scope,
)
from limner_exports.parameters import import_format, read_flag, refuse_cloud_storage
from limner_exports.target import Target

#: Form field of the file by what is imported into.
_FIELDS = {ScopeKind.PROJECT: "dataset_file", ScopeKind.TASK: "annotation_file", ScopeKind.JOB: "annotation_file"}


class Imports:
    """Commands on imports.

    Args:
        database: The service's database.
        queue: Where the work waits.
        uploads: Files that were sent.
    """

    def __init__(self, database: Database, queue: WorkQueue, uploads: Uploads) -> None:
        self._database = database
        self._queue = queue
        self._uploads = uploads

    def read_order(self, target: Target, query: Mapping[str, str]) -> ImportOrder:
        """Return the order that a query gives.

        Raises:
            Invalid: A parameter is wrong or the format unknown.
        """
        refuse_cloud_storage(query)
        spec = import_format(query, target.dimension)
        mode = query.get("import_mode") or ImportMode.REPLACE
        if mode not in list(ImportMode):
            raise Invalid(fields={"import_mode": [f'"{mode}" is not a valid choice.']})
        return ImportOrder(
            kind=target.kind,
            id=target.id,
            task_id=target.task_id,
            format=spec.display_name,
            mode=ImportMode(mode),
            conv_mask_to_poly=read_flag(query, "conv_mask_to_poly", default=True),
            file_name=query.get("filename", ""),
        )

    async def start_uploaded(self, target: Target, order: ImportOrder) -> RequestDescription:
        """Queue the import of the file that was uploaded step by step; returns the request that tells of it.

        Raises:
            Invalid: There is no such file, or it is not finished.
            Conflict: An import into the target is queued or running.
        """
        uploads = await self._uploads.settle(upload_scope(target))
        named = [upload for upload in uploads if not order.file_name or upload.name == base_name(order.file_name)]
        if not named:
            raise Invalid("No such file were uploaded", code="no_file")
        return await self._start(target, order, named[-1])

    async def start_form(self, target: Target, order: ImportOrder, events: AsyncIterator[FormEvent]) -> RequestDescription:
        """Queue the import of the file in a form; raises as ``start_uploaded``. Files of other fields are ignored."""
        field = _FIELDS[target.kind]
        scope = f"{upload_scope(target)}/{new_token()}"
        await self._uploads.receive_form(scope, target.user_id, _first_file(events, field))
        uploads = await self._uploads.settle(scope)
        if not uploads:
            raise no_file(target)
        try:
            return await self._start(target, order, uploads[0])
        except Conflict:
            await self._uploads.remove(uploads)  # nobody can refer to it again
            raise

    async def _start(self, target: Target, order: ImportOrder, upload: Upload) -> RequestDescription:
        is_dataset = target.kind is ScopeKind.PROJECT
        request = target.new_request(DATASET_TYPE if is_dataset else ANNOTATIONS_TYPE, order.format)
        order = msgspec.structs.replace(order, file_name=upload.name)
        async with self._database.begin() as uow:
            await self._queue.enqueue(
                uow,
                item_id=request.id,
                kind=IMPORT_DATASET if is_dataset else IMPORT,
                payload=payload_with_request(request, msgspec.to_builtins(order)),
                owner=f"user:{target.user_id}",
                dedupe_key=dedupe_key(target.kind, target.id),
            )
            await self._uploads.claim(uow, [upload], request.id)
        return request


def no_file(target: Target) -> Invalid:
    """Return the error of a form without the file."""
    return Invalid(fields={_FIELDS[target.kind]: ["No file was submitted."]}, code="no_file")


async def _first_file(events: AsyncIterator[FormEvent], field: str) -> AsyncIterator[FormEvent]:
    """Yield the first file of one field; all else is passed over."""
    is_taking = is_taken = False
    async for event in events:
        match event:
            case FileStart():
                is_taking = event.field == field and not is_taken
                is_taken = is_taken or is_taking
            case FileData() | FileEnd():
                pass
            case _:
                continue
        if is_taking:
            yield event
