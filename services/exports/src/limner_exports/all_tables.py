"""The service's metadata with the tables of all features in it. Each feature that has tables is named here."""

from limner_exports.exporting import tables as exporting
from limner_exports.importing import tables as importing
from limner_exports.tables import metadata

FEATURES = (exporting, importing)

__all__ = ["FEATURES", "metadata"]
