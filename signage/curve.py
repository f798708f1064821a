"""Today's curve of a service: what is usual, what was, and what is to come, ready to be drawn."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from models.contract.results import BestTime, HalfHour, People, Phase, ServiceForecast
from models.freshness import Life
from signage.wording import Words

WIDE, HIGH = 320, 64
"""About, in units of the drawing, without the hours below it. Whole ones: they are shorter."""

HALF_HOUR = timedelta(minutes=30)
_LEAST = 4.0  # people: a line of two is no mountain


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """One half hour. Heights count from the ground; None is not known."""

    x: int  # its middle
    usual: int | None
    came: int | None
    low: int | None
    expected: int | None
    high: int | None


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One half hour in words and numbers of people, for who does not see the drawing."""

    time: str
    usual: str
    people: str
    is_to_come: bool


class Curve(msgspec.Struct, frozen=True, kw_only=True):
    """One day of one service. What was stays; what is to come goes when the forecast has aged."""

    life: Life
    phase: Phase
    wide: int
    unit: int  # of which a bar is a little less
    bars: tuple[Bar, ...]
    hours: tuple[tuple[float, str], ...]  # where a whole hour begins, and which
    now: float | None
    most: str  # people at the top
    rows: tuple[Told, ...]


def curve_of(forecast: ServiceForecast | None, words: Words, now: datetime) -> Curve | None:
    """The day of a forecast; None without one, or while nothing is usual yet.

    Args:
        forecast: the newest of a service; one past its time says nothing.
        words: of the language.
        now: aware.
    """
    if forecast is None or not forecast.today or forecast.valid_until <= now:
        return None
    halves = forecast.today
    first, last = halves[0].at, halves[-1].at + HALF_HOUR
    coming = {step.at: step.waiting for step in forecast.steps if step.at < last}
    known = [value for half in halves for value in _values(half, coming.get(half.at))]
    if not known:
        return None
    most = max(_LEAST, *known)
    count = round((last - first) / HALF_HOUR)
    unit = 2 * max(1, round(WIDE / count / 2))

    def x(at: datetime) -> float:
        return round((at - first) / HALF_HOUR * unit, 1)

    def high(value: float | None) -> int | None:
        return None if value is None else round(value / most * HIGH)

    bars, rows = [], []
    for half in halves:
        will = coming.get(half.at) if half.came is None else None
        bars.append(
            Bar(
                x=round(x(half.at)) + unit // 2,
                usual=high(half.usual),
                came=high(half.came),
                low=high(will.p10) if will else None,
                expected=high(will.p50) if will else None,
                high=high(will.p90) if will else None,
            )
        )
        rows.append(_told(half, will, words))
    life = Life("open", forecast.at, forecast.valid_until)
    return Curve(
        life=life,
        phase=life.phase(now),
        wide=count * unit,
        unit=unit,
        bars=tuple(bars),
        hours=tuple((x(half.at), hour) for half in halves if (hour := words.hour(half.at))),
        now=x(now) if first <= now < last else None,
        most=words("people", count=round(most)),
        rows=tuple(rows),
    )


def _values(half: HalfHour, will: People | None) -> Sequence[float]:
    return [v for v in (half.usual, half.came, will.p90 if will else None) if v is not None]


def _told(half: HalfHour, will: People | None, words: Words) -> Told:
    value = will.p50 if will else half.came
    return Told(
        time=words.clock(half.at),
        usual=_people(half.usual, words),
        people=_people(value, words),
        is_to_come=will is not None,
    )


def best_hour(forecast: ServiceForecast | None, now: datetime) -> BestTime | None:
    """The hour to come today, until it begins; None if that is now or nobody knows."""
    if forecast is None or forecast.best is None or forecast.valid_until <= now:
        return None
    return forecast.best if forecast.best.since > now else None


def best_of(forecast: ServiceForecast | None, words: Words, now: datetime) -> str:
    """When it is likely to be quieter today; nothing if that is now or nobody knows."""
    best = best_hour(forecast, now)
    return words("curve.best", time=words.time(best.since)) if best else ""


def _people(value: float | None, words: Words) -> str:
    return words("unknown") if value is None else str(round(value))
