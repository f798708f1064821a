"""When an office, a counter or a lot is open, by the site file. Pure: it gets the day."""

from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from functools import lru_cache

from models.site import Hours, Shift, Site, dates_of, days_of, minute_of

_HORIZON_DAYS = 400  # a venue that opens once a year is still found

Interval = tuple[datetime, datetime]
"""From and to, aware."""


class Calendar:
    """Opening times of one site, in aware datetimes of its time zone."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._zone = site.zone_info
        self._counters = {counter.id: counter for counter in site.counters}
        self._services = {service.id: service for service in site.services}
        self._lots = {lot.id: lot for lot in site.lots}
        holidays = site.site.holidays
        self._closed_days = () if isinstance(holidays, str) else tuple(map(dates_of, holidays))
        self._japanese = holidays == "jp"

    def day_of(self, now: datetime) -> date:
        """The local date."""
        return now.astimezone(self._zone).date()

    def tomorrow(self, now: datetime) -> datetime:
        """The next local midnight."""
        return self._interval(self.day_of(now) + timedelta(days=1), "00:00", "00:00")[0]

    def is_holiday(self, day: date) -> bool:
        """Whether the office is shut all day though its weekday is open."""
        if self._japanese and _is_japanese_holiday(day):
            return True
        return any(first <= day <= last for first, last in self._closed_days)

    def office(self, day: date) -> list[Interval]:
        """Opening hours of the office on a day."""
        if self.is_holiday(day):
            return []
        return self._hours(day, self._site.site.hours)

    def service(self, service: str, day: date) -> list[Interval]:
        """Opening hours of a service on a day; none on days that it is not held.

        On a holiday only what names that very day is open, and has hours of its own.
        """
        if not self.is_held(service, day):
            return []
        table = self._services[service]
        if table.hours is None:
            return self.office(day)
        if self.is_holiday(day) and (day, day) not in self._spans(service):
            return []
        return self._hours(day, table.hours)

    def is_held(self, service: str, day: date) -> bool:
        """Whether a service of given dates only is held on a day."""
        return self._services[service].dates is None or self.span(service, day) is not None

    def is_shown(self, service: str, day: date) -> bool:
        """Whether residents are told of it on a day: while it is held, and some days before."""
        return self.is_held(service, day) or self.coming(service, day) is not None

    def span(self, service: str, day: date) -> tuple[date, date] | None:
        """From when to when it is held, where a day is among these."""
        spans = self._spans(service)
        return next((span for span in spans if span[0] <= day <= span[1]), None)

    def coming(self, service: str, day: date) -> tuple[date, date] | None:
        """From when to when it is held next, if that is told of on a day and has not begun."""
        if self.is_held(service, day):
            return None
        told_until = day + timedelta(days=self._services[service].announce_days)
        return next((s for s in self._spans(service) if day < s[0] <= told_until), None)

    def _spans(self, service: str) -> list[tuple[date, date]]:
        return sorted(map(dates_of, self._services[service].dates or ()))

    def lot(self, lot: str, day: date) -> list[Interval]:
        """Opening hours of a lot on a day; those of the office unless it has its own."""
        hours = self._lots[lot].hours
        if hours is None or self.is_holiday(day):
            return self.office(day)
        return self._hours(day, hours)

    def counter(self, counter: str, day: date) -> list[Interval]:
        """When a counter is planned to be staffed on a day."""
        table = self._counters.get(counter)
        hours = self._hours_at(counter, day)
        if table is None or table.open is None or not hours:
            return hours
        return self._shifts(day, table.open)

    def _hours_at(self, counter: str, day: date) -> list[Interval]:
        """Those of the office, unless a service that it serves has its own."""
        served = [s for s in self._services.values() if counter in s.counters]
        if all(service.hours is None for service in served):
            return self.office(day)
        return _merged(hours for service in served for hours in self.service(service.id, day))

    def is_open(self, intervals: Iterable[Interval], now: datetime) -> bool:
        """Whether now lies in one of the intervals; the end is outside."""
        return any(start <= now < end for start, end in intervals)

    def service_opens(self, service: str, now: datetime) -> datetime | None:
        """The next opening of a service after now, or None within the next 400 days."""
        return self._next(now, lambda day: self.service(service, day))

    def lot_opens(self, lot: str, now: datetime) -> datetime | None:
        """The next opening of a lot after now."""
        return self._next(now, lambda day: self.lot(lot, day))

    def office_opens(self, now: datetime) -> datetime | None:
        """The next opening of the office after now."""
        return self._next(now, self.office)

    def _next(self, now: datetime, hours: Callable[[date], list[Interval]]) -> datetime | None:
        today = self.day_of(now)
        for ahead in range(_HORIZON_DAYS):
            for start, _ in hours(today + timedelta(days=ahead)):
                if start > now:
                    return start
        return None

    def _hours(self, day: date, hours: Iterable[Hours]) -> list[Interval]:
        return [
            self._interval(day, h.open, h.close) for h in hours if day.weekday() in days_of(h.days)
        ]

    def _shifts(self, day: date, shifts: Iterable[Shift]) -> list[Interval]:
        return [
            self._interval(day, s.start, s.end) for s in shifts if day.weekday() in days_of(s.days)
        ]

    def _interval(self, day: date, start: str, end: str) -> Interval:
        midnight = datetime(day.year, day.month, day.day, tzinfo=self._zone)
        return (
            midnight + timedelta(minutes=minute_of(start)),
            midnight + timedelta(minutes=minute_of(end)),
        )


def _merged(intervals: Iterable[Interval]) -> list[Interval]:
    """Those that meet as one."""
    made: list[Interval] = []
    for start, end in sorted(intervals):
        if made and start <= made[-1][1]:
            made[-1] = (made[-1][0], max(end, made[-1][1]))
        else:
            made.append((start, end))
    return made


@lru_cache(maxsize=2048)
def _is_japanese_holiday(day: date) -> bool:
    """National holidays, and the days around New Year on which public offices are shut.

    Source: Act on National Holidays (by jpholiday); Act on Holidays of Administrative Organs,
    article 1: 29 December to 3 January.
    """
    import jpholiday  # noqa: PLC0415  0.1 s that a button Pi need not spend

    if (day.month, day.day) >= (12, 29) or (day.month, day.day) <= (1, 3):
        return True
    return bool(jpholiday.is_holiday(day))
