"""What all parts of a synthetic day share: its hours, its chance, and its clock of milliseconds."""

import hashlib
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.calendar import Calendar, Interval
from models.contract.observations import KIND_OF, Reading
from models.site import Service, Site
from models.world.day import Event, Steps
from models.world.laws import Floats, Params, factor

MINUTE_MS = 60_000
MARGIN_MS = 15 * MINUTE_MS
"""Cameras and displays are looked at so long before and after the hours."""

Ints = NDArray[np.int64]
Span = tuple[int, int]
"""From and to, milliseconds since midnight; the end is outside."""


class Row(NamedTuple):
    """An event in the making: milliseconds since midnight, name below its kind, reading."""

    ms: int
    name: str
    reading: Reading


class Tally:
    """A number that changes by steps."""

    def __init__(self, changes: Iterable[tuple[int, int]]) -> None:
        """Take (ms, change) in any order; before the first it is 0."""
        ordered = sorted(changes)
        self._ms: Ints = np.array([ms for ms, _ in ordered], dtype=np.int64)
        self._number: Ints = np.cumsum([0, *(change for _, change in ordered)])

    def on(self, grid: Ints) -> Ints:
        """(n,) numbers at (n,) times, each after the changes of its millisecond."""
        return self._number[np.searchsorted(self._ms, grid, side="right")]

    def steps(self, today: "Today") -> Steps:
        """The whole of it, for the truth."""
        ms = np.unique(np.concatenate([np.zeros(1, np.int64), self._ms]))
        return Steps(tuple(map(today.at, ms.tolist())), tuple(self.on(ms).tolist()))


class Today:
    """The plan of one day of one office, and its chance. Its clock counts milliseconds."""

    def __init__(self, site: Site, day: date, seed: int, params: Params) -> None:
        self.site = site
        self.day = day
        self.params = params
        self.calendar = Calendar(site)
        self._seed = seed
        self._midnight = midnight(site, day)
        self.length_ms = self.ms(midnight(site, day + timedelta(days=1)))
        self.services = tuple(
            s for s in site.services if s.counters and self.calendar.service(s.id, day)
        )
        self.shifts = self._shifts()
        self.load = factor(self.rng("load"), params.load_sd)
        self.speed = factor(self.rng("speed"), params.speed_sd)

    def rng(self, part: str) -> np.random.Generator:
        """Chance of one part of the day, so that a change in one leaves the others alone."""
        words = f"{self._seed}\n{self.site.id}\n{self.day}\n{part}"
        return np.random.default_rng(int.from_bytes(hashlib.sha256(words.encode()).digest()))

    def ms(self, moment: datetime) -> int:
        """Milliseconds since midnight, by a clock that no summer time moves."""
        return round((moment.astimezone(UTC) - self._midnight) / timedelta(milliseconds=1))

    def at(self, ms: int) -> datetime:
        """The instant that many milliseconds after midnight."""
        return self._midnight + timedelta(milliseconds=ms)

    def spans(self, intervals: Iterable[Interval]) -> list[Span]:
        """Opening times as milliseconds, in order, those that touch made one."""
        merged: list[Span] = []
        for start, end in sorted(
            (self.ms(a), min(self.ms(b), self.length_ms)) for a, b in intervals
        ):
            if merged and start <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
            elif start < end:
                merged.append((start, end))
        return merged

    def tickets(self, service: Service) -> list[Span]:
        """When a service gives tickets: in its hours, and while a counter for it is to come."""
        last = max((self.shifts[c][-1][1] for c in service.counters if c in self.shifts), default=0)
        hours = self.spans(self.calendar.service(service.id, self.day))
        return [(start, min(end, last)) for start, end in hours if start < last]

    def profile(self, spans: Iterable[Span]) -> Floats:
        """(minutes of the day,) relative arrivals, 0 outside of the spans."""
        hours, weights = zip(*self.params.profile, strict=True)
        minutes = np.arange(self.length_ms // MINUTE_MS)
        shape: Floats = np.interp((minutes + 0.5) / 60, hours, weights)
        return shape * self.within(spans)

    def within(self, spans: Iterable[Span]) -> Floats:
        """(minutes of the day,) 1 inside of the spans and 0 outside."""
        mask = np.zeros(self.length_ms // MINUTE_MS)
        for start, end in spans:
            mask[start // MINUTE_MS : end // MINUTE_MS] = 1
        return mask

    def arrivals(self, rng: np.random.Generator, per_minute: Floats) -> Ints:
        """(n,) times in order, of a Poisson process with these (minutes of the day,) rates."""
        counts = rng.poisson(per_minute)
        starts = np.repeat(np.arange(len(counts)) * MINUTE_MS, counts)
        return np.sort(starts + rng.integers(0, MINUTE_MS, len(starts)))

    def grid(self, spans: Iterable[Span], every_ms: int, until_ms: int = 0) -> Ints:
        """Times at which something is looked at: through the spans, with a margin."""
        listed = list(spans)
        if not listed:
            return np.zeros(0, np.int64)
        start = max(0, listed[0][0] - MARGIN_MS)
        end = min(max(listed[-1][1], until_ms) + MARGIN_MS, self.length_ms - 1)
        return np.arange(start, end + 1, every_ms, dtype=np.int64)

    def events(self, rows: Iterable[Row]) -> tuple[Event, ...]:
        """The rows of this day as events, in time order."""
        return tuple(
            Event(self.at(row.ms), KIND_OF[type(row.reading)], row.name, row.reading)
            for row in sorted(rows, key=lambda row: row.ms)
            if 0 <= row.ms < self.length_ms
        )

    def _shifts(self) -> dict[str, list[Span]]:
        """When each counter that has something to do today is planned to be staffed."""
        needed = {counter for service in self.services for counter in service.counters}
        plans = {
            c.id: self.spans(self.calendar.counter(c.id, self.day)) for c in self.site.counters
        }
        return {counter: plan for counter, plan in plans.items() if counter in needed and plan}


def midnight(site: Site, day: date) -> datetime:
    """When a day begins at this office, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=site.zone_info).astimezone(UTC)
