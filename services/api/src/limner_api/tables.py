"""The metadata of the service's schema; features add their tables to it."""

from limner_common.db import new_metadata

metadata = new_metadata("api")
