"""The query of the data routes."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from limner_common.errors import Invalid
from limner_media.core.chunks import Quality


class DataType(StrEnum):
    """What is asked for."""

    CHUNK = "chunk"
    FRAME = "frame"
    CONTEXT_IMAGE = "context_image"
    PREVIEW = "preview"


@dataclass(frozen=True, slots=True)
class DataQuery:
    """A checked query: what, which one, in which quality."""

    type: DataType
    number: int | None
    index: int | None
    quality: Quality

    def required_number(self) -> int:
        """Return the number.

        Raises:
            Invalid: There is none.
        """
        if self.number is None:
            raise Invalid("Number is not specified", code="number_missing")
        return self.number


def read_query(query: Mapping[str, str]) -> DataQuery:
    """Read and check a query; the quality is compressed unless said otherwise.

    Raises:
        Invalid: A value is missing or wrong.
    """
    if query.get("type") not in list(DataType):
        raise Invalid("Data type not specified or has wrong value", code="bad_data_type")
    quality = query.get("quality") or Quality.COMPRESSED
    if quality not in list(Quality):
        raise Invalid("Wrong quality value", code="bad_quality")
    return DataQuery(DataType(query["type"]), _number(query, "number"), _number(query, "index"), Quality(quality))


def _number(query: Mapping[str, str], name: str) -> int | None:
    text = query.get(name)
    if text is None or text == "":
        return None
    if not text.removeprefix("-").isascii() or not text.removeprefix("-").isdigit() or len(text) > 10:
        raise Invalid(fields={name: ["A valid integer is required."]})
    return int(text)
