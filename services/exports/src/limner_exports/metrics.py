"""Metrics of the service itself; what all services share is measured in ``limner_common``."""

from prometheus_client import Counter, Histogram

from limner_common.observe.metrics import WORK_BUCKETS

DATASET_SECONDS = Histogram(
    "limner_exports_dataset_seconds",
    "Time to write or read the annotations of a dataset, by direction: export or import. Making media is not part of it.",
    ["direction", "format"],
    buckets=WORK_BUCKETS,
)
OBJECTS = Counter("limner_exports_objects", "Objects in datasets that were written or stored.", ["direction", "format"])
