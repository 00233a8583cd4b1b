"""How benchmarks print what they saw."""

from collections.abc import Sequence
from statistics import median, quantiles


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """A table; the first row is its head."""
    head, *body = rows
    lines = [head, ["---"] * len(head), *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def percentile(values: Sequence[float], share: int) -> float:
    """What `share` percent of the values do not exceed."""
    return quantiles(values, n=100, method="inclusive")[share - 1]


def middle(values: Sequence[float], digits: int = 0) -> str:
    """The median, and the least and the most when there are several."""
    spread = f" ({min(values):.{digits}f}-{max(values):.{digits}f})" if len(values) > 1 else ""
    return f"{median(values):.{digits}f}{spread}"
