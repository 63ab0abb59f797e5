"""Settings from the environment, read once, with messages that name the variable."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import ValidationError
from pydantic_settings import SettingsError

from limner_common.errors import DomainError, ErrorKind
from limner_common.settings import ServiceSettings

_FIELD = re.compile(r'field "(\w+)"')


class Misconfigured(DomainError):
    """The settings do not describe something that can run; the message names the setting."""

    kind = ErrorKind.INVALID


def read_settings(*required: str) -> ServiceSettings:
    """Return the settings of this process.

    Args:
        required: Fields that must be set in the environment.

    Raises:
        Misconfigured: A variable is missing or wrong.
    """
    with named_settings():
        settings = ServiceSettings()
    missing = [f"LIMNER_{name.upper()}" for name in required if name not in settings.model_fields_set]
    if missing:
        raise Misconfigured(f"Set {' and '.join(missing)}.")
    if required and settings.database_is_behind_pgbouncer and settings.database_direct_url is None:
        raise Misconfigured(
            "Set LIMNER_DATABASE_DIRECT_URL to PostgreSQL itself: listening, locks of sessions and migrations cannot go "
            "through PgBouncer, which LIMNER_DATABASE_IS_BEHIND_PGBOUNCER says is at LIMNER_DATABASE_URL."
        )
    return settings


@contextmanager
def named_settings() -> Iterator[None]:
    """Say of settings that cannot be read which variable is wrong.

    Raises:
        Misconfigured: A class of settings found a wrong value in the block.
    """
    try:
        yield
    except SettingsError as error:
        field = _FIELD.search(str(error))
        name = f"LIMNER_{field[1].upper()}" if field else "A variable"
        raise Misconfigured(f"{name} is not JSON.") from error
    except ValidationError as error:
        service = error.title.removesuffix("Settings").upper()
        prefix = "LIMNER_" if service == "SERVICE" else f"LIMNER_{service}_"
        places = [".".join(map(str, entry["loc"])).upper() for entry in error.errors()]
        problems = [f"{prefix}{place}: {entry['msg']}" for place, entry in zip(places, error.errors(), strict=True)]
        raise Misconfigured(". ".join(problems) + ".") from error
