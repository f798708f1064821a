"""Which five minutes of a month the office is open: closed days are no quiet ones."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Literal

import msgspec

from models.calendar import Calendar, Interval
from models.errors import BadUsage
from models.report.kept import SLOT_MS
from models.site import Site

What = Literal["service", "lot", "zone"]
HALF_MINUTES = 30
_SLOT_MINUTES = SLOT_MS // 60_000


class Slot(msgspec.Struct, frozen=True):
    """Five minutes in which something is open, and the minutes from local midnight to it."""

    ms: int
    minute: int

    @property
    def hour(self) -> int:
        """Of the local clock."""
        return self.minute // 60

    @property
    def half(self) -> int:
        """Half hours since local midnight."""
        return self.minute // HALF_MINUTES


class Span(msgspec.Struct, frozen=True):
    """Days from the first to the last, both within."""

    first: date
    last: date

    def days(self) -> Iterator[date]:
        """In order."""
        for number in range((self.last - self.first).days + 1):
            yield self.first + timedelta(days=number)


def month_of(text: str) -> Span:
    """The days of "2026-10".

    Raises:
        BadUsage: no such month.
    """
    try:
        first = date.fromisoformat(f"{text}-01")
    except ValueError:
        raise BadUsage(f"want a month like 2026-10, got {text[:20]!r} - at --month") from None
    return month_with(first)


def month_with(day: date) -> Span:
    """The month that a day lies in."""
    first = day.replace(day=1)
    following = (first + timedelta(days=32)).replace(day=1)
    return Span(first, following - timedelta(days=1))


def month_before(month: Span) -> Span:
    """The one before it."""
    return month_with(month.first - timedelta(days=1))


def year_before(month: Span) -> Span:
    """The same month of the year before."""
    return month_with(month.first.replace(year=month.first.year - 1))


class Plan:
    """The opening hours of one office, cut into slots."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.calendar = Calendar(site)
        self._zone = site.zone_info
        self.slots = cache(self._slots)

    def open_days(self, span: Span) -> list[date]:
        """On which the office opens."""
        return [day for day in span.days() if self.calendar.office(day)]

    def is_open(self, day: date) -> bool:
        """Whether the office opens on a day."""
        return bool(self.calendar.office(day))

    def edges_ms(self, span: Span) -> tuple[int, int]:
        """When the first day begins and the last one ends."""
        return self.midnight_ms(span.first), self.midnight_ms(span.last + timedelta(days=1))

    def midnight_ms(self, day: date) -> int:
        """When a day begins here."""
        begins = datetime(day.year, day.month, day.day, tzinfo=self._zone)
        return round(begins.timestamp() * 1000)

    def day_of(self, ms: int) -> date:
        """The local day of a moment."""
        return datetime.fromtimestamp(ms / 1000, UTC).astimezone(self._zone).date()

    def minute_of(self, ms: int) -> int:
        """Minutes from local midnight to a moment, by the clock on the wall."""
        local = datetime.fromtimestamp(ms / 1000, UTC).astimezone(self._zone)
        return local.hour * 60 + local.minute

    def _slots(self, what: What, name: str, day: date) -> tuple[Slot, ...]:
        """Slots of which all lies in the opening hours, in order."""
        return tuple(
            Slot(ms, self.minute_of(ms))
            for start, end in _merged(self._hours(what, name, day))
            for ms in range(-(-start // SLOT_MS) * SLOT_MS, end - SLOT_MS + 1, SLOT_MS)
        )

    def _hours(self, what: What, name: str, day: date) -> list[Interval]:
        if what == "service":
            return self.calendar.service(name, day)
        if what == "lot":
            return self.calendar.lot(name, day)
        return self.calendar.office(day)


def whole_halves(slots: tuple[Slot, ...]) -> dict[int, list[Slot]]:
    """The slots by half hours, but for those halves of which only a part is open."""
    halves: dict[int, list[Slot]] = {}
    for slot in slots:
        halves.setdefault(slot.half, []).append(slot)
    return {h: own for h, own in halves.items() if len(own) == HALF_MINUTES // _SLOT_MINUTES}


def _merged(hours: list[Interval]) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    for start, end in sorted(
        (round(a.timestamp() * 1000), round(b.timestamp() * 1000)) for a, b in hours
    ):
        if spans and start <= spans[-1][1]:
            spans[-1] = spans[-1][0], max(end, spans[-1][1])
        else:
            spans.append((start, end))
    return spans
