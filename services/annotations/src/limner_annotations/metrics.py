"""Metrics of the service itself; what all services share is measured in ``limner_common``."""

from prometheus_client import Counter

SAVES = Counter("limner_annotations_saves", "Revisions that were written, by what made them.", ["change"])
OBJECTS = Counter(
    "limner_annotations_objects", "Objects written by saves, by action: created, updated or deleted.", ["action"]
)
