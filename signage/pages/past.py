"""What was told until now: the usual by weekday and hour, and each day as open data."""

import asyncio
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from aiohttp import web

from models.site import Service, Site
from signage.feed.history import EVERY_S, Days, History, Waits
from signage.mirror import Mirror
from signage.pages.outlook import DayOutlook, Hour, Outlook
from signage.pages.page import Page
from signage.wording import SHAPES, Words

_DAYS = 28
_MONDAY = date(2026, 1, 5)
_LISTED = 31  # days; all of them are in the feed


class PastPage:
    """`/history`: a table a service, weekdays down and hours across, and the days there are."""

    def __init__(self, site: Site, mirror: Mirror, page: Page, days: Days | None) -> None:
        self._site = site
        self._mirror = mirror
        self._page = page
        self._days = days
        self._reading = asyncio.Lock()
        self._read_at: datetime | None = None
        self._waits: Waits = {}
        self._history = History(site=site.id, days=())

    async def page(self, request: web.Request) -> web.Response:
        """The whole page."""
        await self._read(self._mirror.clock.now())
        return self._page.still("history.html", request, self._told)

    async def _read(self, now: datetime) -> None:
        """Read the files again, as often as a row is written."""
        every = timedelta(seconds=EVERY_S)
        async with self._reading:
            if self._days is None or (self._read_at and abs(now - self._read_at) < every):
                return
            today = now.astimezone(self._site.zone_info).date()
            last = [today - timedelta(days=ago) for ago in range(_DAYS)]
            self._waits = await asyncio.to_thread(self._days.waits, last)
            self._history = await asyncio.to_thread(self._days.history)
            self._read_at = now

    def _told(self, words: Words, now: datetime) -> tuple[dict[str, Any], list[datetime]]:
        given = {
            "tables": [usual_of(s, self._waits, words) for s in self._site.services],
            "days": [(words.full_date(d.day), d.url, d.day) for d in self._history.days[:_LISTED]],
        }
        return given, [now + timedelta(seconds=EVERY_S)]


def usual_of(service: Service, waits: Waits, words: Words) -> Outlook:
    """One service's table; without a row for a weekday of which nothing is known."""
    found = {(day, hour): mean_s for (of, day, hour), mean_s in waits.items() if of == service.id}
    hours = tuple(sorted({hour for _, hour in found}))
    return Outlook(
        words.name(service.name),
        hours,
        tuple(
            DayOutlook(
                words.weekday(_MONDAY + timedelta(days=day)),
                tuple(
                    _hour(found.get((day, hour)), service.levels_minutes, words) for hour in hours
                ),
            )
            for day in sorted({day for day, _ in found})
        ),
    )


def _hour(mean_s: float | None, levels_minutes: Sequence[float], words: Words) -> Hour:
    if mean_s is None:
        return Hour(None, SHAPES[None], words("unknown"))
    level = 1 + sum(mean_s > 60.0 * limit for limit in levels_minutes)
    mean = words("history.mean", minutes=round(mean_s / 60))
    return Hour(level, SHAPES[level], f"{words(f'level.{level}')} {mean}")
