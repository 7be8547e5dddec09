"""What a scrape tells."""

from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from antiphon.gateway.observe.metrics import Metrics

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scraped(metrics: Metrics) -> Samples:
    """Every sample of ours, as Prometheus would read it."""
    metrics.flush()
    return read(generate_latest(metrics.registry).decode())


def read(exposition: str) -> Samples:
    return {
        (sample.name.removeprefix("antiphon_gateway_"), frozenset(sample.labels.items())): (
            sample.value
        )
        for family in text_string_to_metric_families(exposition)
        for sample in family.samples
        if sample.name.startswith("antiphon_") and not sample.name.endswith("_created")
    }


def value(samples: Samples, name: str, **labels: str) -> float | None:
    return samples.get((name, frozenset(labels.items())))


def total(samples: Samples, name: str, **labels: str) -> float:
    """Over all other labels."""
    wanted = labels.items()
    return sum(n for (of, has), n in samples.items() if of == name and wanted <= has)


def labels(samples: Samples, name: str, label: str) -> set[str]:
    return {dict(has).get(label, "") for of, has in samples if of == name}
