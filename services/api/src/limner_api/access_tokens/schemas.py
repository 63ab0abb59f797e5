"""Bodies of the routes under ``/api/auth/access_tokens``."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, StringConstraints

from limner_common.clock import utc_now


def _checked_expiry(value: datetime) -> datetime:
    if value <= utc_now():
        raise ValueError("The expiry date must be in the future.")
    return value


TokenName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=50)]
Expiry = Annotated[AwareDatetime, AfterValidator(_checked_expiry)]


class AccessTokenCreate(BaseModel):
    """A new token; without ``expiry_date`` it works until it is revoked."""

    name: TokenName
    expiry_date: Expiry | None = None
    read_only: bool = False


class AccessTokenUpdate(BaseModel):
    """What can be changed of a token; what is not sent stays."""

    name: TokenName = ""
    expiry_date: Expiry | None = None
    read_only: bool = False
