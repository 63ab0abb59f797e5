"""What the database of the environment says when it cannot be used, in words that name the variable."""

import contextlib
from collections.abc import Iterator

import asyncpg

from limner_common.errors import Unavailable


@contextlib.contextmanager
def named_database() -> Iterator[None]:
    """Turn a refused or missing database into a message.

    Raises:
        Unavailable: The database cannot be used.
    """
    try:
        yield
    except (
        OSError,
        asyncpg.PostgresConnectionError,
        asyncpg.ClientConfigurationError,
        asyncpg.InvalidCatalogNameError,
    ) as error:
        raise Unavailable(f"The database of LIMNER_DATABASE_URL cannot be used: {error}") from error
    except asyncpg.InvalidAuthorizationSpecificationError as error:
        raise Unavailable(f"The database of LIMNER_DATABASE_URL refuses us: {error}") from error
