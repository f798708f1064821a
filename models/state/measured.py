"""What is published of how true the told waits were."""

from datetime import timedelta
from typing import Any

from models.contract.results import AccuracyResult, Measured, MeasuredDay, MeasuredLevel
from models.state.accuracy import Score, together
from models.state.view import DAY, View, time_of

_NOON = timedelta(hours=12)


def accuracy_result(view: View, service: str) -> AccuracyResult:
    """The last 28 days of a service; it holds until the end of tomorrow, for it changes slowly."""
    accuracy = view.memory.services[service].accuracy
    levels = accuracy.by_level()
    total = together(levels)
    zone = view.house.site.zone_info
    return AccuracyResult(
        at=view.now,
        observed_at=None if accuracy.scored_s is None else time_of(accuracy.scored_s),
        valid_until=time_of(view.plan.end_s) + DAY,
        total=Measured(**_means(total)) if total.count else None,
        levels=tuple(
            MeasuredLevel(level=n, **_means(score))
            for n, score in enumerate(levels, 1)
            if score.count
        ),
        days=tuple(
            MeasuredDay(
                day=(time_of(day.day_s) + _NOON).astimezone(zone).date(),
                **_means(together(day.levels)),
            )
            for day in accuracy.days
        ),
    )


def _means(score: Score) -> dict[str, Any]:
    return {
        "count": score.count,
        "told_s": round(score.told_s / score.count, 1),
        "came_s": round(score.came_s / score.count, 1),
        "error_s": round(score.error_s / score.count, 1),
        "coverage": round(score.inside / score.count, 3),
    }
