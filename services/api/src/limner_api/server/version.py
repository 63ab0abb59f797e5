"""Versions the server reports."""

from importlib.metadata import PackageNotFoundError, version

#: The version of the REST API we speak; existing clients compare it with their own.
API_VERSION = "2.80.0"


def product_version() -> str:
    """Return the version of this product, or "" in a checkout that is not installed."""
    try:
        return version("limner-api")
    except PackageNotFoundError:
        return ""
