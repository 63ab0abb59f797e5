"""The parameters of data, from JSON or a form.

Source: domain/MEDIA.md §2; cvat-api/CLIENT-FLOWS.md §6.3.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails

from limner_common.errors import Invalid
from limner_media.core.selection import SortingMethod

_STEP = re.compile(r"\s*step\s*=\s*([1-9]\d{0,8})\s*")
_LISTS = ("server_files", "remote_files", "server_files_exclude", "upload_file_order")
_Number = Annotated[int, Field(ge=0, le=2_147_483_647)]


class DataParams(BaseModel):
    """How a task's data are to be made. Unknown fields are ignored, as existing clients send some."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    image_quality: Annotated[int, Field(ge=0, le=100)] = 70
    chunk_size: Annotated[int, Field(gt=0, le=2_147_483_647)] | None = None
    start_frame: _Number = 0
    stop_frame: _Number | None = None
    frame_filter: Annotated[str, Field(max_length=256)] = ""
    server_files: list[str] = []
    remote_files: list[str] = []
    server_files_exclude: list[str] = []
    use_zip_chunks: bool = False
    use_cache: bool = False
    copy_data: bool = False
    storage_method: Literal["file_system", "cache"] | None = None
    sorting_method: SortingMethod = SortingMethod.LEXICOGRAPHICAL
    filename_pattern: Annotated[str, Field(min_length=1)] | None = None
    job_file_mapping: list[list[str]] | None = None
    upload_file_order: list[str] | None = None
    cloud_storage_id: int | None = None
    validation_params: Any = None

    @property
    def step(self) -> int:
        """Source frames from one frame to the next."""
        match = _STEP.fullmatch(self.frame_filter)
        return int(match[1]) if match else 1

    @property
    def method(self) -> str:
        """The storage method to report."""
        return "cache" if self.use_cache or self.storage_method == "cache" else "file_system"

    @field_validator("frame_filter")
    @classmethod
    def _check_filter(cls, value: str) -> str:
        if value.strip() and not _STEP.fullmatch(value):
            raise ValueError("Invalid frame filter expression")
        return value

    @field_validator("cloud_storage_id")
    @classmethod
    def _check_cloud(cls, value: int | None) -> None:
        if value is not None:
            raise ValueError("Data cannot be taken from a cloud storage yet.")

    @field_validator("validation_params")
    @classmethod
    def _check_validation(cls, value: Any) -> None:
        if value is not None:
            raise ValueError("Validation frames cannot be chosen when data are added; make a ground truth job afterwards.")

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        if self.stop_frame is not None and self.stop_frame < self.start_frame:
            raise ValueError("Stop frame must be more or equal start frame")
        if self.filename_pattern is not None and self.server_files_exclude:
            raise ValueError("filename_pattern and server_files_exclude cannot be used together")
        if self.upload_file_order is not None and self.sorting_method is not SortingMethod.PREDEFINED:
            raise ValueError("upload_file_order can only be used with predefined sorting")
        if self.job_file_mapping is not None:
            self._check_mapping()
        return self

    def _check_mapping(self) -> None:
        allowed = (SortingMethod.LEXICOGRAPHICAL, SortingMethod.PREDEFINED)
        for name, is_used in (
            ("start_frame", self.start_frame != 0),
            ("stop_frame", self.stop_frame is not None),
            ("frame_filter", self.step != 1),
            ("sorting_method", self.sorting_method not in allowed),
            ("filename_pattern", self.filename_pattern is not None),
            ("server_files_exclude", bool(self.server_files_exclude)),
        ):
            if is_used:
                raise ValueError(f"job_file_mapping cannot be used together with {name}")


def read_params(raw: Mapping[str, Any] | None) -> DataParams:
    """Check parameters as they came in JSON or in a form.

    Raises:
        Invalid: With messages by field.
    """
    values = {name: value for name, value in (raw or {}).items() if value != ""}
    for name in _LISTS:
        if isinstance(values.get(name), str):
            values[name] = [values[name]]
    if isinstance(values.get("job_file_mapping"), str):
        try:
            values["job_file_mapping"] = orjson.loads(values["job_file_mapping"])
        except orjson.JSONDecodeError:
            raise Invalid(fields={"job_file_mapping": ["Value must be valid JSON."]}) from None
    try:
        return DataParams.model_validate(values)
    except ValidationError as error:
        raise Invalid(fields=_fields(error.errors())) from None


def _fields(errors: list[ErrorDetails]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for error in errors:
        first, *deeper = [str(part) for part in error["loc"]] or ["non_field_errors"]
        message = [_sentence(error)]
        if deeper:
            fields.setdefault(first, {})[deeper[0]] = message
        else:
            fields[first] = message
    return fields


_SENTENCES = {
    "missing": "This field is required.",
    "int_parsing": "A valid integer is required.",
    "int_type": "A valid integer is required.",
    "int_from_float": "A valid integer is required.",
    "bool_parsing": "Must be a valid boolean.",
    "bool_type": "Must be a valid boolean.",
    "string_type": "Not a valid string.",
    "list_type": "Expected a list of items.",
    "less_than_equal": "Ensure this value is less than or equal to {le}.",
    "greater_than_equal": "Ensure this value is greater than or equal to {ge}.",
    "greater_than": "Ensure this value is greater than {gt}.",
    "string_too_long": "Ensure this field has no more than {max_length} characters.",
    "string_too_short": "This field may not be blank.",
}


def _sentence(error: ErrorDetails) -> str:
    context = error.get("ctx", {})
    if error["type"] == "value_error":
        return str(context["error"])
    if error["type"] in ("enum", "literal_error"):
        return f'"{error["input"]}" is not a valid choice.'
    return _SENTENCES.get(error["type"], error["msg"]).format(**context)
