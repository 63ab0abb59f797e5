"""Which secrets this process was given, so that they can be taken out of what it says."""

import os
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote, unquote

from pydantic import SecretStr, ValidationError
from pydantic_settings import SettingsError

from limner_common.redaction import Hide, hiding, without_credentials
from limner_common.settings import ServiceSettings

#: Names rather than secrets, and often ordinary words.
_NAMES: Final = frozenset({"objects_s3_access_key"})
#: Shorter ones would take letters out of ordinary words; they protect nothing anyway.
_LEAST_IN_FINDINGS: Final = 4
#: In logs and messages the password of a trial, such as the product's own name, would be everywhere.
_LEAST_IN_LOGS: Final = 8
#: Read where they are used, not with the settings.
_VARIABLES: Final = ("LIMNER_ADMIN_PASSWORD",)


def hide_in_findings(settings: ServiceSettings | None) -> Hide:
    """Return what takes secrets out of a text for whoever asked about these settings; none are known when None."""
    return hiding(_secrets_of(settings), least_length=_LEAST_IN_FINDINGS)


def hide_in_logs(settings: ServiceSettings) -> Hide:
    """Return what takes secrets out of a line of the log."""
    given = filter(None, map(os.environ.get, _VARIABLES))
    return hiding([*_secrets_of(settings), *given], least_length=_LEAST_IN_LOGS)


def without_secrets(text: str) -> str:
    """Return a message for whoever runs a command without what the environment holds, whether or not it can be read."""
    try:
        settings = ServiceSettings()
    except (ValidationError, SettingsError):
        return without_credentials(text)
    return hide_in_logs(settings)(without_credentials(text))


def _secrets_of(settings: ServiceSettings | None) -> Iterator[str]:
    for name in () if settings is None else type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, SecretStr) and name not in _NAMES:
            secret = value.get_secret_value()
            yield secret
            _, _, password = secret.partition("://")[2].rpartition("@")[0].partition(":")
            yield from (password, unquote(password), quote(unquote(password), safe=""))
