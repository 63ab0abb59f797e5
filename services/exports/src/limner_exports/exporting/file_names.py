r"""Names of downloaded files. Existing clients take nothing but ``[A-Za-z0-9_.\- ]``, at most 254 characters."""

import re
import unicodedata
from datetime import datetime

from limner_exports.formats import ScopeKind

_NOT_PLAIN = re.compile(r"[^A-Za-z0-9_.\-]+")
_NOT_ALLOWED = re.compile(r"[^A-Za-z0-9_.\- ]+")
_MAX_NAME_LENGTH = 100
_MAX_FILE_LENGTH = 200
_EXTENSION = ".zip"


def result_name(kind: ScopeKind, object_id: int, name: str, format_name: str, *, has_images: bool, made_at: datetime) -> str:
    """Return the usual name of a result.

    Args:
        kind: Project, task or job.
        object_id: Its id, used where there is no name.
        name: Its name, any text; empty for jobs.
        format_name: Display name of the format.
        has_images: Whether pictures are in it.
        made_at: When the export was asked for.

    Returns:
        ``<kind>_<name or id>_<annotations|dataset>_<Y_m_d_H_M_S>_<format>.zip``, lower case.

    Source: CLIENT-FLOWS.md §12.
    """
    subject = _plain(name)[:_MAX_NAME_LENGTH].strip("_") or str(object_id)
    content = "dataset" if has_images else "annotations"
    return f"{kind}_{subject}_{content}_{made_at:%Y_%m_%d_%H_%M_%S}_{_plain(format_name)}{_EXTENSION}".lower()


def wanted_name(name: str) -> str:
    """Return a name a user asked for in a form that all clients accept; empty when nothing is left of it."""
    last = name.replace("\\", "/").rpartition("/")[2]
    allowed = _NOT_ALLOWED.sub("_", _ascii(last.removesuffix(_EXTENSION)))
    stem = allowed.strip(" .")[:_MAX_FILE_LENGTH]
    return stem + _EXTENSION if stem else ""


def _plain(text: str) -> str:
    return _NOT_PLAIN.sub("_", _ascii(text)).strip("_")


def _ascii(text: str) -> str:
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
