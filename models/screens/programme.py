"""What a screen shows at a moment, by its playlist. Pure, so that any day can be asked for.

The board and what covers it take turns. Of what is on, only the highest priority is shown; among
that, an item of weight 2 comes twice as often as one of weight 1, evenly spread (the weighted
round-robin of nginx). A turn begins with the board and covers it for a minute at most.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import cycle, pairwise
from typing import Final
from zoneinfo import ZoneInfo

import msgspec

from models.calendar import Calendar
from models.screens.playlist import Item, Playlist, is_for
from models.site import dates_of, days_of, minute_of

_DAY = timedelta(days=1)
_MIDNIGHT: Final = 24 * 60


class Showing(msgspec.Struct, frozen=True):
    """From when to when an item is shown; without one it is the board."""

    start: datetime
    end: datetime
    item: Item | None


class Programme:
    """The showings of one screen."""

    def __init__(
        self,
        playlist: Playlist,
        calendar: Calendar,
        zone: ZoneInfo,
        languages: Sequence[str],
        *,
        speed: float = 1.0,
    ) -> None:
        """Take how fast the clock runs: a showing lasts as long for who looks at it."""
        self._items = tuple(item for item in playlist.items if is_for(item, languages))
        self._playlist = playlist
        self._calendar = calendar
        self._zone = zone
        self._languages = languages
        self._speed = speed

    def showings(self, since: datetime, until: datetime) -> Iterator[Showing]:
        """All that overlap a span of time, in order and without a gap."""
        day = self._calendar.day_of(since)
        while self._moment(day, 0) < until:
            for start, end, items in self.stretches(day):
                if end > since and start < until:
                    for showing in self._turns(start, end, items):
                        if showing.end > since and showing.start < until:
                            yield showing
            day += _DAY

    def at(self, moment: datetime) -> Showing:
        """What is shown at a moment."""
        return next(self.showings(moment, moment + timedelta(microseconds=1)))

    def on(self, moment: datetime) -> list[Item]:
        """What may be shown at a moment: of all that is on, the highest priority."""
        on = [item for item in self._items if self._is_on(item, moment)]
        highest = max((item.priority for item in on), default=0)
        return [item for item in on if item.priority == highest]

    def stretches(self, day: date) -> list[tuple[datetime, datetime, list[Item]]]:
        """A day in pieces, in each of which the same is on."""
        first, last = self._moment(day, 0), self._moment(day, _MIDNIGHT)
        spans = [s for item in self._items for d in (day - _DAY, day) for s in self._spans(item, d)]
        edges = {edge for span in spans for edge in span if first < edge < last}
        found: list[tuple[datetime, datetime, list[Item]]] = []
        for start, end in pairwise(sorted({first, last, *edges})):
            on = self.on(start)
            if found and found[-1][2] == on:
                start, _, _ = found.pop()  # noqa: PLW2901  it only goes on
            found.append((start, end, on))
        return found

    def _turns(self, start: datetime, end: datetime, items: Sequence[Item]) -> Iterator[Showing]:
        """The loop of what is on in a stretch, again and again."""
        loop = list(self._loop(items))
        if not loop:
            yield Showing(start, end, None)
            return
        at = start
        for seconds, item in cycle(loop):
            until = min(end, at + timedelta(seconds=seconds * self._speed))
            yield Showing(at, until, item)
            at = until
            if at >= end:
                return

    def _loop(self, items: Sequence[Item]) -> Iterator[tuple[float, Item | None]]:
        """Each item as often as it weighs, with the board before each turn."""
        cover_s = self._playlist.cover_seconds
        left_s = 0
        for item in _spread(items):
            length_s = min(cover_s, item.length_s(self._languages))
            if length_s > left_s:
                yield self._playlist.board_seconds, None
                left_s = cover_s
            yield length_s, item
            left_s -= length_s

    def _is_on(self, item: Item, moment: datetime) -> bool:
        today = self._calendar.day_of(moment)
        return any(
            start <= moment < end
            for day in (today - _DAY, today)
            for start, end in self._spans(item, day)
        )

    def _spans(self, item: Item, day: date) -> Iterator[tuple[datetime, datetime]]:
        """When it is on that begins on a day; its end may lie on the next one."""
        if not self._has(item, day):
            return
        for span in item.hours or ("00:00-24:00",):
            start, end = map(minute_of, span.split("-"))
            yield (
                self._moment(day, start),
                self._moment(day, end if end > start else end + _MIDNIGHT),
            )

    def _has(self, item: Item, day: date) -> bool:
        """Whether it is on on a day."""
        if item.dates and not any(
            first <= day <= last for first, last in map(dates_of, item.dates)
        ):
            return False
        is_weekday = not item.days or any(day.weekday() in days_of(span) for span in item.days)
        if item.holidays is None:
            return is_weekday
        is_holiday = self._calendar.is_holiday(day)
        if item.holidays == "also":
            return is_holiday or is_weekday
        return is_weekday and is_holiday is (item.holidays == "only")

    def _moment(self, day: date, minute: int) -> datetime:
        """A wall clock's time; where the clock leaps over it, the moment of the leap or after."""
        days, minute = divmod(minute, _MIDNIGHT)
        midnight = datetime(day.year, day.month, day.day, tzinfo=self._zone) + days * _DAY
        return (midnight + timedelta(minutes=minute)).astimezone(UTC)


def _spread(items: Sequence[Item]) -> Iterator[Item]:
    """Each as often as it weighs, evenly: smooth weighted round-robin."""
    total = sum(item.weight for item in items)
    credits_ = [0] * len(items)
    for _ in range(total):
        for i, item in enumerate(items):
            credits_[i] += item.weight
        best = max(range(len(items)), key=credits_.__getitem__)
        credits_[best] -= total
        yield items[best]
