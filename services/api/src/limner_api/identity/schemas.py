"""Bodies of the routes under ``/api/auth``."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, Field, StringConstraints
from pydantic_core import PydanticCustomError

from limner_api.identity.passwords import PASSWORD_MAX_LENGTH, problems_of
from limner_api.users.schemas import checked_email, checked_username
from limner_common.http.sentences import SENTENCES


def _checked_password(value: str) -> str:
    if problems := problems_of(value):
        raise PydanticCustomError(SENTENCES, "This password is not accepted.", {SENTENCES: problems})
    return value


Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=150)]
Username = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=5, max_length=150), AfterValidator(checked_username)
]
Email = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=254), AfterValidator(checked_email)]
NewPassword = Annotated[str, AfterValidator(_checked_password)]
RepeatedPassword = Annotated[str, StringConstraints(max_length=PASSWORD_MAX_LENGTH)]


class LoginBody(BaseModel):
    """Name or address, and password."""

    username: str | None = None
    email: str | None = None
    password: str | None = None


class RegisterBody(BaseModel):
    """A new account."""

    username: Username
    password1: NewPassword
    password2: RepeatedPassword
    email: Email | None = None
    first_name: Name | None = None
    last_name: Name | None = None


class PasswordChangeBody(BaseModel):
    """A new password, and the old one as proof."""

    old_password: str = Field(min_length=1)
    new_password1: NewPassword
    new_password2: RepeatedPassword


class PasswordResetBody(BaseModel):
    """Whose password is to be reset."""

    email: Email


class PasswordResetConfirmBody(BaseModel):
    """A new password, and the link's parts as proof."""

    uid: str = Field(min_length=1)
    token: str = Field(min_length=1)
    new_password1: NewPassword
    new_password2: RepeatedPassword
