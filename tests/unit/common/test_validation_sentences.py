"""Validation failures in the words existing clients know."""

from typing import Annotated, Any, Literal

import pytest
from pydantic import AfterValidator, AwareDatetime, BaseModel, Field, ValidationError
from pydantic_core import PydanticCustomError

from limner_common.http.errors import from_validation
from limner_common.http.sentences import SENTENCES


def _refuse(_value: str) -> str:
    raise PydanticCustomError(SENTENCES, "no", {SENTENCES: ["One.", "Two."]})


class Inner(BaseModel):
    name: Annotated[str, Field(min_length=1, max_length=3)]


class Body(BaseModel):
    text: Annotated[str, Field(min_length=5)] = "fives"
    count: Annotated[int, Field(ge=1, le=9)] = 1
    ratio: float = 1.0
    flag: bool = True
    role: Literal["a", "b"] = "a"
    when: AwareDatetime | None = None
    inners: list[Inner] = []
    refused: Annotated[str, AfterValidator(_refuse)] = ""


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"text": "four"}, {"text": ["Ensure this field has at least 5 characters."]}),
        ({"text": None}, {"text": ["This field may not be null."]}),
        ({"text": 1}, {"text": ["Not a valid string."]}),
        ({"count": "x"}, {"count": ["A valid integer is required."]}),
        ({"count": 0}, {"count": ["Ensure this value is greater than or equal to 1."]}),
        ({"ratio": "x"}, {"ratio": ["A valid number is required."]}),
        ({"flag": "x"}, {"flag": ["Must be a valid boolean."]}),
        ({"role": "king"}, {"role": ['"king" is not a valid choice.']}),
        ({"inners": [{"name": ""}]}, {"inners": {"0": {"name": ["This field may not be blank."]}}}),
        ({"inners": [{}]}, {"inners": {"0": {"name": ["This field is required."]}}}),
        ({"inners": "x"}, {"inners": ["Expected a list of items."]}),
        ({"refused": "x"}, {"refused": ["One.", "Two."]}),
    ],
)
def test_sentence(given: dict[str, Any], expected: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as raised:
        Body.model_validate(given)
    assert from_validation(list(raised.value.errors())).fields == expected


def test_every_entry_of_a_date_says_the_format() -> None:
    with pytest.raises(ValidationError) as raised:
        Body.model_validate({"when": "yesterday"})
    fields = from_validation(list(raised.value.errors())).fields
    assert fields is not None
    assert fields["when"][0].startswith("Datetime has wrong format.")


def test_broken_json_is_one_sentence() -> None:
    error = from_validation([{"type": "json_invalid", "loc": ("body", 3), "msg": "", "ctx": {"error": "Expecting value"}}])
    assert (error.message, error.fields) == ("JSON parse error - Expecting value", None)
