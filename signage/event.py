"""A service of given dates (申請イベント会場): when it is held, and what is said before and after.

It is told by the site file alone, so that it is there some days before its first, with no equipment
and no hub, and is gone on the day after its last.
"""

from datetime import datetime, timedelta

import msgspec

from models.calendar import Calendar
from models.freshness import Life
from models.site import Service
from signage.view import View
from signage.wording import Words

_LOOK_DAYS = 14


def as_event(base: View, service: Service, calendar: Calendar, words: Words, now: datetime) -> View:
    """The view of a service that is not held yet, or no more; any other as it is."""
    today = calendar.day_of(now)
    coming = calendar.coming(service.id, today)
    if coming is not None:
        opens_at = calendar.service_opens(service.id, now)
        life = Life("closed", base.life.observed_at, opens_at, opens_at)
        when = words.moment(opens_at) if opens_at else words.date(coming[0])
        note = words("event.from", when=when)
        return View(life=life, phase="closed", word=words("event.coming"), note=note)
    if base.phase == "closed" and base.life.opens_at is None and _is_over(service, calendar, now):
        return msgspec.structs.replace(base, note=words("event.over"))
    return base


def _is_over(service: Service, calendar: Calendar, now: datetime) -> bool:
    """Whether its last day has come to its end."""
    today = calendar.day_of(now)
    span = calendar.span(service.id, today)
    is_last = span is not None and span[1] == today
    return is_last and all(end <= now for _, end in calendar.service(service.id, today))


def when_held(service: Service, calendar: Calendar, words: Words, now: datetime) -> tuple[str, ...]:
    """「2月16日（火）～3月15日（月）」, 「9:00～16:00」.

    Nothing of a service that has no dates, or that has neither an address nor hours of its own.
    """
    if service.address is None and service.hours is None:
        return ()
    today = calendar.day_of(now)
    span = calendar.span(service.id, today) or calendar.coming(service.id, today)
    if span is None:
        return ()
    first, last = span
    days = words.date(first)
    if first != last:
        days = words("event.days", first=days, last=words.date(last))
    start = max(first, today)
    coming = (start + timedelta(days=n) for n in range(min((last - start).days, _LOOK_DAYS) + 1))
    hours = next((found for day in coming if (found := calendar.service(service.id, day))), [])
    said = (words("event.hours", open=words.clock(a), close=words.clock(b)) for a, b in hours)
    return days, *said
