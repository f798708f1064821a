"""What cannot be is not believed, whoever says it: that part is dropped, the rest holds."""

from datetime import timedelta

import msgspec

from models.contract.results import (
    AccuracyResult,
    BestTime,
    HalfHour,
    Measured,
    People,
    Result,
    ServiceForecast,
    ServiceStep,
    Spread,
)

LONGEST_S = 86_400.0
"""Nobody waits for longer than a day."""

_DAY = timedelta(days=1)
_MOST = 100_000.0  # people at one counter


def sane(result: Result) -> Result:
    """The result without steps, half hours and measurements that cannot be."""
    if isinstance(result, ServiceForecast):
        return msgspec.structs.replace(
            result,
            steps=tuple(step for step in result.steps if _can_be(step)),
            best=result.best if result.best and _can_be(result.best) else None,
            today=_day(result.today),
        )
    if isinstance(result, AccuracyResult):
        return msgspec.structs.replace(
            result,
            total=result.total if result.total and _was(result.total) else None,
            levels=tuple(one for one in result.levels if _was(one)),
            days=tuple(one for one in result.days if _was(one)),
        )
    return result


def _can_be(step: ServiceStep | BestTime) -> bool:
    return _in_order(step.waiting, _MOST) and (step.wait is None or _in_order(step.wait, LONGEST_S))


def _in_order(told: People | Spread, most: float) -> bool:
    low, middle, high = msgspec.structs.astuple(told)
    return bool(0 <= low <= middle <= high <= most)


def _day(halves: tuple[HalfHour, ...]) -> tuple[HalfHour, ...]:
    """The half hours of one day; nothing if they are not in order or of more than a day."""
    moments = [half.at for half in halves]
    if moments != sorted(set(moments)) or (halves and moments[-1] - moments[0] > _DAY):
        return ()
    return tuple(_half(half) for half in halves)


def _half(half: HalfHour) -> HalfHour:
    return HalfHour(at=half.at, usual=_people(half.usual), came=_people(half.came))


def _people(value: float | None) -> float | None:
    return value if value is not None and 0 <= value <= _MOST else None


def _was(one: Measured) -> bool:
    """Whether tickets can have waited so; a service without a ticket has measured nothing."""
    times_s = (one.told_s, one.came_s, one.error_s)
    return bool(
        one.count and all(0 <= time_s <= LONGEST_S for time_s in times_s) and 0 <= one.coverage <= 1
    )
