"""Validation failures in the words that existing clients and their users know."""

from typing import Any

_DATE_FORMAT = "YYYY-MM-DDThh:mm[:ss[.uuuuuu]][+HH:MM|-HH:MM|Z]"

#: By Pydantic's error type; the names in braces come from its context.
_SENTENCES = {
    "missing": "This field is required.",
    "string_type": "Not a valid string.",
    "string_too_short": "Ensure this field has at least {min_length} characters.",
    "string_too_long": "Ensure this field has no more than {max_length} characters.",
    "too_short": "Ensure this field has at least {min_length} elements.",
    "too_long": "Ensure this field has no more than {max_length} elements.",
    "int_type": "A valid integer is required.",
    "int_parsing": "A valid integer is required.",
    "int_from_float": "A valid integer is required.",
    "float_type": "A valid number is required.",
    "float_parsing": "A valid number is required.",
    "finite_number": "A valid number is required.",
    "bool_type": "Must be a valid boolean.",
    "bool_parsing": "Must be a valid boolean.",
    "greater_than_equal": "Ensure this value is greater than or equal to {ge}.",
    "less_than_equal": "Ensure this value is less than or equal to {le}.",
    "datetime_type": f"Datetime has wrong format. Use one of these formats instead: {_DATE_FORMAT}.",
    "datetime_parsing": f"Datetime has wrong format. Use one of these formats instead: {_DATE_FORMAT}.",
    "datetime_from_date_parsing": f"Datetime has wrong format. Use one of these formats instead: {_DATE_FORMAT}.",
    "list_type": "Expected a list of items.",
    "model_type": "Invalid data. Expected a dictionary.",
    "model_attributes_type": "Invalid data. Expected a dictionary.",
    "dict_type": "Invalid data. Expected a dictionary.",
}


#: Type of a ``PydanticCustomError`` with several sentences about one field in its context, under the same name.
SENTENCES = "sentences"


def sentences_of(entry: Any) -> list[str]:
    """Return one entry of Pydantic's error list as sentences.

    Args:
        entry: ``type``, ``msg``, ``input`` and, for some types, ``ctx``.
    """
    return list(entry["ctx"][SENTENCES]) if entry["type"] == SENTENCES else [_sentence_of(entry)]


def _sentence_of(entry: Any) -> str:
    kind, given, context = entry["type"], entry.get("input"), entry.get("ctx", {})
    match kind:
        case "value_error":
            return str(context["error"])
        case "enum" | "literal_error":
            return f'"{given}" is not a valid choice.'
        case "string_too_short" if context.get("min_length") == 1:
            return "This field may not be blank."
        case _ if given is None and kind.endswith("_type"):
            return "This field may not be null."
        case _:
            template = _SENTENCES.get(kind)
            return str(entry["msg"]) if template is None else template.format(**context)
