"""Checking documents that come from outside, before anything else reads them."""

from limner_model.validation.checks import validate_labeled_data
from limner_model.validation.decoding import decode_labeled_data
from limner_model.validation.errors import AnnotationError, InvalidAnnotations

__all__ = ["AnnotationError", "InvalidAnnotations", "decode_labeled_data", "validate_labeled_data"]
