"""Answers of the resumable part of the protocol; the same for every kind of upload."""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from limner_common.errors import Forbidden, Gone, NotFound, TooLarge
from limner_common.grants import Grant
from limner_common.http.errors import STATUS_OF
from limner_common.uploads.headers import tus_headers, upload_length, upload_offset
from limner_common.uploads.store import Uploads
from limner_common.uploads.values import Upload, WrongOffset


async def answer_creation(request: Request, uploads: Uploads, *, grant: Grant, scope: str, name: str, path: str) -> Response:
    """Announce a resumable file: 201 with its address and the name it got.

    Args:
        request: POST with ``Upload-Length``.
        uploads: Where it goes.
        grant: The sender's.
        scope: Scope it gathers in.
        name: Safe name, from ``upload_metadata(request.headers)["filename"]``.
        path: Path below which the file is addressed, ending on a slash; the grant's address is put in front.

    Raises:
        Invalid: The length is no number.
        TooLarge: The length is above the limit.
    """
    length_bytes = upload_length(request.headers, max_bytes=uploads.max_bytes)
    upload = await uploads.create(scope, grant.user_id or 0, name, length_bytes)
    headers = {"Location": f"{grant.base_url}{path}{upload.id}", "Upload-Filename": header_text(upload.name)}
    return _answer(201, uploads, headers)


async def answer_patch(request: Request, uploads: Uploads, *, grant: Grant, scope: str, upload_id: str) -> Response:
    """Add a body to a file: 204 with the new offset; 409 and 413 leave the file as it is and say where it stands."""
    upload = await _owned(uploads, grant, scope, upload_id)
    offset_bytes = upload_offset(request.headers)
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and offset_bytes + int(declared) > upload.length_bytes and offset_bytes == upload.offset_bytes:
        return _answer(413, uploads, _state(upload))
    try:
        upload = await uploads.append(upload, offset_bytes, request.stream())
    except WrongOffset as error:
        return _answer(409, uploads, {"Upload-Offset": str(error.offset_bytes)})
    except TooLarge:
        return _answer(413, uploads, _state(await uploads.get(scope, upload_id)))
    return _answer(204, uploads, {**_state(upload), "Upload-Filename": header_text(upload.name)})


async def answer_head(uploads: Uploads, *, grant: Grant, scope: str, upload_id: str) -> Response:
    """Say how far a file is: 200 with offset and length; 404, 410 or 403, and no offset, when nothing can be added to it."""
    try:
        upload = await _owned(uploads, grant, scope, upload_id)
    except (NotFound, Gone, Forbidden) as error:
        return _answer(STATUS_OF[error.kind], uploads, {})
    return _answer(200, uploads, _state(upload))


def answer_options(uploads: Uploads) -> Response:
    """Say what is supported: 204."""
    return _answer(204, uploads, {})


def header_text(name: str) -> str:
    """Return a file name as a header value whose bytes on the wire are UTF-8; headers are encoded as Latin-1."""
    return name.encode().decode("latin-1")


async def _owned(uploads: Uploads, grant: Grant, scope: str, upload_id: str) -> Upload:
    upload = await uploads.get(scope, upload_id)
    if upload.user_id != (grant.user_id or 0):
        raise Forbidden("This upload was begun by somebody else.", code="upload_foreign")
    return upload


def _state(upload: Upload) -> dict[str, str]:
    return {"Upload-Offset": str(upload.offset_bytes), "Upload-Length": str(upload.length_bytes)}


def _answer(status: int, uploads: Uploads, headers: Mapping[str, str]) -> Response:
    return Response(status_code=status, headers={**tus_headers(max_bytes=uploads.max_bytes), **headers})
