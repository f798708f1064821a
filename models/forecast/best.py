"""The best hour to come today, from what is expected."""

import itertools
from collections.abc import Sequence
from datetime import timedelta

from models.contract.results import BestTime, People, ServiceStep, Spread

_HALF = timedelta(minutes=30)
_NEARLY_S, _NEARLY = 120.0, 0.5
"""A wait so much longer, in seconds, or so many more people are as good: the earlier is told."""


def best_hour(today: Sequence[ServiceStep]) -> BestTime | None:
    """The hour with the shortest wait, or with the fewest people where no wait is known.

    Args:
        today: the half hours that are to come today, in order; each lasts until the next.

    Returns:
        None if less than an hour is left.
    """
    pairs = [(one, two) for one, two in itertools.pairwise(today) if two.at - one.at == _HALF]
    if not pairs:
        return None
    by_wait = all(step.wait is not None for step in today)
    values = [
        (_value(one, by_wait=by_wait) + _value(two, by_wait=by_wait)) / 2 for one, two in pairs
    ]
    enough = min(values) + (_NEARLY_S if by_wait else _NEARLY)
    first, second = next(pair for pair, v in zip(pairs, values, strict=True) if v <= enough)
    waits = [step.wait for step in (first, second) if step.wait is not None]
    return BestTime(
        since=first.at,
        until=second.at + _HALF,
        waiting=_mean_people(first.waiting, second.waiting),
        wait=_mean_wait(*waits) if len(waits) == 2 else None,  # noqa: PLR2004  both half hours
    )


def _value(step: ServiceStep, *, by_wait: bool) -> float:
    return step.wait.p50_s if by_wait and step.wait is not None else step.waiting.p50


def _mean_people(one: People, two: People) -> People:
    return People(
        p10=round((one.p10 + two.p10) / 2, 1),
        p50=round((one.p50 + two.p50) / 2, 1),
        p90=round((one.p90 + two.p90) / 2, 1),
    )


def _mean_wait(one: Spread, two: Spread) -> Spread:
    return Spread(
        p10_s=round((one.p10_s + two.p10_s) / 2),
        p50_s=round((one.p50_s + two.p50_s) / 2),
        p90_s=round((one.p90_s + two.p90_s) / 2),
    )
