"""Reading metrics: of this process's registry, and of pages."""

from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families


def value(name: str, **labels: str) -> float:
    """Return what a series of this process shows now; 0 when it was never touched."""
    return REGISTRY.get_sample_value(name, labels) or 0.0


def samples(page: str, name: str) -> dict[tuple[str, ...], float]:
    """Return the series of a metric on a page, by their labels' values in the order of the labels' names."""
    return {
        tuple(text for _, text in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if sample.name == name
    }
