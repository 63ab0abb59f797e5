"""Sources and targets of files in request bodies of tasks and projects."""

from typing import Any

from pydantic import BaseModel

from limner_api.bodies import Id
from limner_api.tasks.rules import Location, check_storage
from limner_common.errors import Invalid


class StorageBody(BaseModel):
    """Where files come from or go to."""

    location: Location = Location.LOCAL
    cloud_storage_id: Id | None = None


def read_storage(field: str, body: StorageBody | None) -> dict[str, Any] | None:
    """Return a storage as it is kept and shown, None when absent.

    Args:
        field: The field it was sent in.
        body: What was sent.

    Raises:
        Invalid: It is a cloud storage that does not exist.
    """
    if body is None:
        return None
    storage = check_storage(field, body.location, body.cloud_storage_id)
    if storage.cloud_storage_id is not None:
        message = f'Invalid pk "{storage.cloud_storage_id}" - object does not exist.'
        raise Invalid(fields={field: {"cloud_storage_id": [message]}}, code="cloud_storage_unknown")
    return {"location": str(storage.location), "cloud_storage_id": None}
