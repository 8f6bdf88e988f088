"""Reads the Prometheus page of a process."""

import urllib.request
from typing import Final

from prometheus_client.parser import text_string_to_metric_families

_BOUND_S: Final = 5.0


def samples(port: int, name: str, *, under: str = "", **labels: str) -> float:
    """Sum of the samples of one name whose labels are these, among others; 0 where there are none.

    Args:
        port: of the page.
        name: of the samples.
        under: what the label ``method`` begins with.
        labels: other labels.

    Raises:
        OSError: the page does not answer.
    """
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://127.0.0.1:{port}/metrics", timeout=_BOUND_S) as answer:
        page = answer.read().decode()
    return sum(
        sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if sample.name == name
        and labels.items() <= sample.labels.items()
        and sample.labels.get("method", "").startswith(under)
    )
