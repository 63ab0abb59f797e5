"""What an import is asked to do; kept in the work item, so that doing it again gives the same."""

from enum import StrEnum

import msgspec

from limner_exports.formats import ScopeKind
from limner_exports.target import Target

IMPORT = "import"
IMPORT_DATASET = "import_dataset"
ANNOTATIONS_TYPE = "import:annotations"
DATASET_TYPE = "import:dataset"


class ImportMode(StrEnum):
    """What becomes of what is there."""

    REPLACE = "replace"
    APPEND = "append"


class ImportOrder(msgspec.Struct, frozen=True, kw_only=True):
    """The payload of an import.

    Attributes:
        kind: Project, task or job.
        id: Its id.
        task_id: The task, or that of the job; None for projects.
        format: Display name of the format.
        mode: What becomes of the annotations that are there.
        conv_mask_to_poly: Whether masks become polygons in the formats that ask.
        file_name: What the user calls the file.
    """

    kind: ScopeKind
    id: int
    task_id: int | None = None
    format: str
    mode: ImportMode = ImportMode.REPLACE
    conv_mask_to_poly: bool = True
    file_name: str = ""


def upload_scope(target: Target) -> str:
    """Return the scope in which one person's files for a target gather."""
    return f"imports/{target.kind}/{target.id}/{target.user_id}"


def dedupe_key(kind: ScopeKind, object_id: int) -> str:
    """Return what keeps two imports into the same object from running at a time."""
    return f"{IMPORT}:{kind}:{object_id}"
