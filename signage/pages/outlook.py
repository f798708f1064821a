"""The calendar of the next 14 days: how busy each service is likely to be, by the hour."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import msgspec
from aiohttp import web

from models.contract.results import ServiceForecast, Spread
from models.site import Service, Site
from signage.mirror import Mirror
from signage.pages.page import Page
from signage.wording import SHAPES, Words


class Hour(msgspec.Struct, frozen=True):
    """One hour of one day; without a level nobody knows, or it is shut."""

    level: int | None
    shape: str
    said: str


class DayOutlook(msgspec.Struct, frozen=True):
    """One day, by the hours of the table."""

    day: str
    hours: tuple[Hour, ...]


class Outlook(msgspec.Struct, frozen=True):
    """One service; no hours and no days without a forecast."""

    name: str
    hours: tuple[int, ...] = ()
    days: tuple[DayOutlook, ...] = ()


class OutlookPage:
    """`/outlook`: a table a service, days down and hours across."""

    def __init__(self, site: Site, mirror: Mirror, page: Page) -> None:
        self._site = site
        self._mirror = mirror
        self._page = page

    async def page(self, request: web.Request) -> web.Response:
        """The whole page."""
        return self._page.still("outlook.html", request, self._outlooks)

    def _outlooks(self, words: Words, now: datetime) -> tuple[dict[str, Any], list[datetime]]:
        shows = self._page.painter(words.language).shows
        services = [service for service in self._site.services if shows(service.id, now)]
        told = {s.id: self._mirror.service_forecast(s.id) for s in services}
        tables = [outlook_of(s, told[s.id], words, self._site, now) for s in services]
        ends = [one.valid_until for one in told.values() if one and one.valid_until > now]
        return {"outlooks": tables}, ends


def outlook_of(
    service: Service, forecast: ServiceForecast | None, words: Words, site: Site, now: datetime
) -> Outlook:
    """What is to come of one service; a forecast past its time says nothing."""
    name = words.name(service.name)
    if forecast is None or forecast.valid_until <= now:
        return Outlook(name)
    waits: dict[tuple[date, int], list[Spread]] = {}
    for step in forecast.steps:
        local = step.at.astimezone(site.zone_info)
        if step.at > now and step.wait is not None:
            waits.setdefault((local.date(), local.hour), []).append(step.wait)
    hours = tuple(sorted({hour for _, hour in waits}))
    days = sorted({day for day, _ in waits})
    return Outlook(
        name,
        hours,
        tuple(
            DayOutlook(
                words.date(day),
                tuple(_hour(waits.get((day, hour), []), service, words) for hour in hours),
            )
            for day in days
        ),
    )


def _hour(waits: Sequence[Spread], service: Service, words: Words) -> Hour:
    """The busier of its half hours."""
    if not waits:
        return Hour(None, SHAPES[None], words("unknown"))
    busiest = max(waits, key=lambda wait: wait.p50_s)
    level = 1 + sum(busiest.p50_s > 60.0 * limit for limit in service.levels_minutes)
    return Hour(level, SHAPES[level], f"{words(f'level.{level}')} {words.wait(busiest)}")
