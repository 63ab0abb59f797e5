"""Uploads in all shapes clients use, written straight to the object store: resumable (TUS 1.0.0) and multipart.

A service adds ``upload_tables`` to its metadata, builds one ``Uploads``, and answers its upload routes with
``limner_common.uploads.answers`` and ``limner_common.uploads.forms``. Files gather in a *scope* (such as ``tasks/7/raw``)
until the service claims them for a piece of work, discards them, or ``sweep`` finds that nobody came back.
"""

from limner_common.uploads.answers import answer_creation, answer_head, answer_options, answer_patch
from limner_common.uploads.forms import FileData, FileEnd, FileStart, FormEvent, FormField, FormFields, form_events
from limner_common.uploads.headers import UploadStep, upload_step
from limner_common.uploads.names import base_name, free_name
from limner_common.uploads.store import Uploads
from limner_common.uploads.tables import upload_tables
from limner_common.uploads.values import Upload, WrongOffset

__all__ = [
    "FileData",
    "FileEnd",
    "FileStart",
    "FormEvent",
    "FormField",
    "FormFields",
    "Upload",
    "UploadStep",
    "Uploads",
    "WrongOffset",
    "answer_creation",
    "answer_head",
    "answer_options",
    "answer_patch",
    "base_name",
    "form_events",
    "free_name",
    "upload_step",
    "upload_tables",
]
