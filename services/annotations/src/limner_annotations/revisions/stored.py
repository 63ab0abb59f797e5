"""An object as it is read: its document, and enough to sort and merge by. Pure."""

from typing import NamedTuple


class StoredDoc(NamedTuple):
    """One object of a job."""

    job_id: int
    kind: int
    id: int
    frame: int
    doc: bytes
