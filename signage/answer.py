"""The line that comes first: how busy is it now, and when will it be quieter?"""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from models.calendar import Calendar
from models.contract.results import BestTime, ServiceForecast, ServiceResult
from models.freshness import Life
from models.site import Service
from signage.curve import best_hour
from signage.view import ServiceView, View
from signage.wording import Words

BUSY = 3
"""The level from which a counter counts as busy."""

_NAMED = 2  # more busy counters than this are not listed by name
_LEAST = timedelta(minutes=30)  # a quieter time that several share is at least so long


class Busy(msgspec.Struct, frozen=True):
    """A busy service: as it is, as it is now, and what comes."""

    service: Service
    now: ServiceResult
    forecast: ServiceForecast | None


def answer(rows: Sequence[ServiceView], words: Words, calendar: Calendar, now: datetime) -> View:
    """One sentence on all services, as long-lived as the shortest-lived that it rests on."""
    known = [row for row in rows if row.has_values and row.level is not None]
    gone = words("answer.unknown")
    if known:
        seen = [row.life.observed_at for row in known if row.life.observed_at]
        ends = [row.life.valid_until for row in known if row.life.valid_until]
        life = Life("open", min(seen, default=None), min(ends))
        return View(
            life=life,
            phase=life.phase(now),
            age=words.age(life.observed_at, now) if life.observed_at else "",
            level=max(row.level or 0 for row in known),
            word=_how_busy(known, words),
            stale=gone,
        )
    if rows and all(row.phase == "closed" for row in rows):
        first = min(
            rows, key=lambda row: row.life.opens_at.timestamp() if row.life.opens_at else 1e12
        )
        today = calendar.office(calendar.day_of(now))
        is_over = bool(today) and today[-1][1] <= now
        word = words("closed.today" if is_over else "state.closed")
        return View(life=first.life, phase="closed", word=word, note=first.note, stale=gone)
    if rows and all(row.phase in ("closed", "paused") for row in rows):
        first = next(row for row in rows if row.phase == "paused")
        word = words("paused.now")
        return View(life=first.life, phase="paused", word=word, note=first.note, stale=gone)
    return View(life=Life(), phase="no_data", word=gone)


def quieter(busy: Sequence[Busy], words: Words, now: datetime) -> View | None:
    """When all that is busy now will not be: the hour that they share, until it begins.

    None if nothing is busy, if one of them stays so or nobody knows, or if they share no hour.
    """
    told = [(each.forecast, best_hour(each.forecast, now), each) for each in busy]
    hours = [
        (forecast, best)
        for forecast, best, each in told
        if forecast and best and _is_better(best, each)
    ]
    if not busy or len(hours) < len(busy):
        return None
    since = max(best.since for _, best in hours)
    if min(best.until for _, best in hours) < since + _LEAST:
        return None
    life = Life(
        "open",
        min(forecast.at for forecast, _ in hours),
        min(since, *(forecast.valid_until for forecast, _ in hours)),
    )
    word = words("answer.best", time=words.time(since))
    return View(life=life, phase=life.phase(now), word=word)


def _is_better(best: BestTime, busy: Busy) -> bool:
    """Whether it will no longer be busy then; where no wait is known, half as many people."""
    if best.wait is not None:
        return 0 <= best.wait.p50_s <= 60.0 * busy.service.levels_minutes[BUSY - 2]
    return busy.now.waiting is not None and 0 <= 2 * best.waiting.p50 <= busy.now.waiting


def _how_busy(known: Sequence[ServiceView], words: Words) -> str:
    busy = [row.name for row in known if row.level is not None and row.level >= BUSY]
    if len(busy) == len(known):
        return words("answer.busy")
    if len(busy) > _NAMED:
        return words("answer.many")
    if busy:
        return words("answer.part", names=words("answer.join").join(busy))
    return words("answer.quiet" if all(row.level == 1 for row in known) else "answer.some")
