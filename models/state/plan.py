"""One local day of the calendar, in seconds since 1970, so that a fold need not ask it again."""

from datetime import UTC, date, datetime, timedelta

import msgspec

from models.calendar import Calendar, Interval
from models.forecast.usual import REST
from models.site import Site

Spans = tuple[tuple[float, float], ...]
"""From and to, in seconds since 1970, in order."""


class Plan(msgspec.Struct, frozen=True):
    """A local day: from midnight to midnight, and when what is open."""

    day: date
    start_s: float
    end_s: float
    office: Spans
    services: dict[str, Spans]
    counters: dict[str, Spans]
    lots: dict[str, Spans]
    is_holiday: bool = False

    @property
    def kind(self) -> int:
        """What days are alike: the weekday, or that it is shut though its weekday is open."""
        return REST if self.is_holiday else self.day.weekday()

    def covers(self, at_s: float) -> bool:
        """Whether a moment lies in this day."""
        return self.start_s <= at_s < self.end_s

    def edge_after(self, spans: Spans, at_s: float) -> float:
        """The next opening or closing of today, or midnight."""
        return min((edge for span in spans for edge in span if edge > at_s), default=self.end_s)


def within(spans: Spans, at_s: float) -> bool:
    """Whether a moment lies in one of the spans; the end is outside."""
    return any(start <= at_s < end for start, end in spans)


class Plans:
    """The plans of a site by day; those of two days are kept."""

    def __init__(self, site: Site) -> None:
        self.calendar = Calendar(site)
        self._site = site
        self._kept: list[Plan] = []

    def at(self, at_s: float) -> Plan:
        """The plan of the local day of a moment."""
        for plan in self._kept:
            if plan.covers(at_s):
                return plan
        plan = self._made(self.calendar.day_of(datetime.fromtimestamp(at_s, UTC)))
        self._kept = [plan, *self._kept[:1]]
        return plan

    def _made(self, day: date) -> Plan:
        calendar, site = self.calendar, self._site
        midnight = datetime(day.year, day.month, day.day, tzinfo=site.zone_info)
        return Plan(
            day=day,
            start_s=midnight.timestamp(),
            end_s=(midnight + timedelta(days=1)).timestamp(),
            office=_spans(calendar.office(day)),
            services={s.id: _spans(calendar.service(s.id, day)) for s in site.services},
            counters={c.id: _spans(calendar.counter(c.id, day)) for c in site.counters},
            lots={lot.id: _spans(calendar.lot(lot.id, day)) for lot in site.lots},
            is_holiday=calendar.is_holiday(day),
        )


def _spans(intervals: list[Interval]) -> Spans:
    return tuple(sorted((start.timestamp(), end.timestamp()) for start, end in intervals))
