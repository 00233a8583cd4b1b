"""How benchmarks print what they saw."""

import random
from collections.abc import Sequence
from statistics import median, quantiles

RESAMPLES = 10_000


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


def ratio_with_interval(
    rates: Sequence[float], base: Sequence[float]
) -> tuple[float, float, float]:
    """The median of the rounds' ratios, and its 95 % interval (bootstrap over rounds).

    The median, because the machine's other work comes in bursts that spoil single turns.
    """
    ratios = [rate / its_base for rate, its_base in zip(rates, base, strict=True)]
    rng = random.Random(1)
    drawn = sorted(median(rng.choices(ratios, k=len(ratios))) for _each in range(RESAMPLES))
    return median(ratios), drawn[int(0.025 * RESAMPLES)], drawn[int(0.975 * RESAMPLES)]
