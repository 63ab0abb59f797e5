"""The metadata of the service's schema; features add their tables to it."""

from limner_common.db import new_metadata
from limner_common.uploads import upload_tables

metadata = new_metadata("exports")
uploads = upload_tables(metadata)
