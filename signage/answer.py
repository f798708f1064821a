"""The one line that comes first: how busy is it now?"""

from collections.abc import Sequence
from datetime import datetime

from models.calendar import Calendar
from signage.freshness import Life
from signage.view import ServiceView, View
from signage.wording import Words

_BUSY = 3  # the level from which a counter counts as busy
_NAMED = 2  # more busy counters than this are not listed by name


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


def _how_busy(known: Sequence[ServiceView], words: Words) -> str:
    busy = [row.name for row in known if row.level is not None and row.level >= _BUSY]
    if len(busy) == len(known):
        return words("answer.busy")
    if len(busy) > _NAMED:
        return words("answer.many")
    if busy:
        return words("answer.part", names=words("answer.join").join(busy))
    return words("answer.quiet" if all(row.level == 1 for row in known) else "answer.some")
