"""What request bodies may hold."""

import pytest
from pydantic import BaseModel, ValidationError

from limner_api.bodies import MAX_INTEGER, BugTracker, Count, Id, Name, RawText, Text


class Body(BaseModel):
    name: Name = "n"
    tracker: BugTracker = ""
    text: Text = ""
    raw: RawText = ""
    id: Id | None = None
    count: Count | None = None


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"name": " a b "}, "a b"),
        ({"name": 5}, "5"),
        ({"text": 1.5}, "1.5"),
        ({"raw": " x "}, " x "),
        ({"raw": ""}, ""),
        ({"tracker": "t" * 2000}, "t" * 2000),
        ({"id": "7"}, 7),
        ({"id": None}, None),
        ({"count": MAX_INTEGER}, MAX_INTEGER),
    ],
)
def test_values_are_read_leniently(given: dict[str, object], kept: object) -> None:
    (field,) = given
    assert getattr(Body.model_validate(given), field) == kept


@pytest.mark.parametrize(
    "given",
    [
        {"name": ""},
        {"name": "  "},
        {"name": "n" * 257},
        {"name": None},
        {"name": True},
        {"name": ["a"]},
        {"text": "a\x00"},
        {"raw": "\ud800"},
        {"tracker": "t" * 2001},
        {"id": True},
        {"id": 1.5},
        {"id": 2**63},
        {"count": -1},
        {"count": MAX_INTEGER + 1},
    ],
    ids=repr,
)
def test_what_cannot_be_kept_is_refused(given: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Body.model_validate(given)
