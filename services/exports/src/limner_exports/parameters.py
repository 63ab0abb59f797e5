"""Parameters of queries that exports and imports have in common."""

from collections.abc import Mapping

from limner_common.errors import Invalid, NotAllowed
from limner_exports.formats import FormatSpec, UnknownFormat, find_exporter, find_importer

_TRUE = frozenset({"true", "1", "yes", "on"})
_FALSE = frozenset({"false", "0", "no", "off", ""})


def read_flag(query: Mapping[str, str], name: str, *, default: bool) -> bool:
    """Return a boolean; Python's and JSON's spellings are accepted.

    Raises:
        Invalid: It is neither true nor false.
    """
    text = query.get(name)
    if text is None:
        return default
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise Invalid(fields={name: ["Must be a valid boolean."]})


def refuse_cloud_storage(query: Mapping[str, str]) -> None:
    """Check that no cloud storage is asked for.

    Raises:
        Invalid: One is.
    """
    location = query.get("location") or "local"
    if location not in ("local", "cloud_storage"):
        raise Invalid(fields={"location": [f'"{location}" is not a valid choice.']})
    if location == "cloud_storage" or query.get("cloud_storage_id"):
        raise Invalid("Cloud storages are not available on this server; use location=local.", code="no_cloud_storages")


def export_format(query: Mapping[str, str], dimension: str) -> FormatSpec:
    """Return the format that an export asks for.

    Args:
        query: With ``format``.
        dimension: Of the task's data, or empty.

    Raises:
        Invalid: There is no such format, or it is for data of another dimension.
        NotAllowed: It is switched off.
    """
    try:
        spec = find_exporter(_format_name(query))
    except UnknownFormat:
        raise Invalid("Unknown format specified for the request", code="unknown_format") from None
    return check_format(spec, dimension)


def import_format(query: Mapping[str, str], dimension: str) -> FormatSpec:
    """Return the format of a file that is to be imported; raises as ``export_format``."""
    name = _format_name(query)
    try:
        spec = find_importer(name)
    except UnknownFormat:
        raise Invalid(f"Unknown input format '{name}'", code="unknown_format") from None
    return check_format(spec, dimension)


def check_format(spec: FormatSpec, dimension: str) -> FormatSpec:
    """Return a format that can be used for data of a dimension, see ``export_format``."""
    if not spec.enabled:
        raise NotAllowed(f"The format '{spec.display_name}' is switched off on this server.")
    if dimension and spec.dimension != dimension:
        raise Invalid(
            f"The format '{spec.display_name}' is for {spec.dimension} data, these are {dimension}.",
            code="wrong_dimension",
        )
    return spec


def _format_name(query: Mapping[str, str]) -> str:
    name = query.get("format")
    if not name:
        raise Invalid("Format is not specified", code="no_format")
    return name
