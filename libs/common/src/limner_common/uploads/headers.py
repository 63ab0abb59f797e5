"""The headers of the upload protocol: TUS 1.0.0 (https://tus.io/protocols/resumable-upload) and CVAT's steps around it."""

import base64
import binascii
from collections.abc import Mapping
from enum import StrEnum

from limner_common.errors import Invalid, TooLarge
from limner_common.http.errors import TUS_HEADER, TUS_VERSION


class UploadStep(StrEnum):
    """What a POST on an upload address means; told by which header is there, whatever its value."""

    FINISH = "finish"
    """``Upload-Finish``: all files are here, start the work; the body holds its parameters."""
    CREATE = "create"
    """``Upload-Length``: announce one resumable file."""
    MULTIPLE = "multiple"
    """``Upload-Multiple``: a multipart body with a group of whole files."""
    START = "start"
    """``Upload-Start``: an upload begins; the body is empty."""
    ONE_SHOT = "one_shot"
    """None of them: the body is everything."""


_STEPS = (
    ("upload-finish", UploadStep.FINISH),
    ("upload-length", UploadStep.CREATE),
    ("upload-multiple", UploadStep.MULTIPLE),
    ("upload-start", UploadStep.START),
)


def upload_step(headers: Mapping[str, str]) -> UploadStep:
    """Return what a POST means; ``headers`` are looked up without regard to case (Starlette's)."""
    return next((step for name, step in _STEPS if name in headers), UploadStep.ONE_SHOT)


def upload_length(headers: Mapping[str, str], *, max_bytes: int) -> int:
    """Return the declared length of a file in bytes.

    Raises:
        Invalid: It is no number.
        TooLarge: It is above ``max_bytes``.
    """
    length = _number(headers, "upload-length")
    if length > max_bytes:
        raise TooLarge(f"The file is larger than the limit of {max_bytes} bytes.", code="file_too_large")
    return length


def upload_offset(headers: Mapping[str, str]) -> int:
    """Return the offset a piece is meant for, in bytes.

    Raises:
        Invalid: It is missing or no number.
    """
    return _number(headers, "upload-offset")


def upload_metadata(headers: Mapping[str, str]) -> dict[str, str]:
    """Return ``Upload-Metadata`` decoded: comma-separated pairs of a key and a base64 value, which may be missing.

    Raises:
        Invalid: A value is no base64 of UTF-8 text.
    """
    found = {}
    for pair in headers.get("upload-metadata", "").split(","):
        key, _, value = pair.strip().partition(" ")
        if not key:
            continue
        try:
            found[key] = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError) as error:
            raise Invalid(f"The upload metadata '{key}' is not base64 of UTF-8 text.", code="bad_metadata") from error
    return found


def tus_headers(*, max_bytes: int) -> dict[str, str]:
    """Return the headers that every answer of the protocol carries."""
    return {
        TUS_HEADER: TUS_VERSION,
        "Tus-Version": TUS_VERSION,
        "Tus-Extension": "creation",
        "Tus-Max-Size": str(max_bytes),
        "Cache-Control": "no-store",
        "Access-Control-Expose-Headers": "Tus-Resumable, Upload-Length, Upload-Offset, Upload-Filename, Location",
    }


def _number(headers: Mapping[str, str], name: str) -> int:
    text = headers.get(name, "")
    if not (text.isascii() and text.isdigit()) or len(text) > 18:
        raise Invalid(f"The header {name.title()} is not a number of bytes.", code="bad_upload_header")
    return int(text)
