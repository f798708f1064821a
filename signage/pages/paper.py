"""The page for paper: how busy it is, what is to come today, and where the newest stands."""

from datetime import datetime
from typing import Any

import msgspec
from aiohttp import web

from models.site import Service, Site
from signage.curve import best_of
from signage.mirror import Mirror
from signage.pages.outlook import Hour, outlook_of
from signage.pages.page import Page
from signage.qr import qr
from signage.wording import Words


class Today(msgspec.Struct, frozen=True):
    """What is to come of one service today, by the hours of the table."""

    name: str
    hours: dict[int, Hour]
    best: str


class PaperPage:
    """`/print`: one sheet of A4 that needs no colour."""

    def __init__(self, site: Site, mirror: Mirror, page: Page) -> None:
        self._site = site
        self._mirror = mirror
        self._page = page
        self._qr = qr(site.site.url) if site.site.url else None

    async def page(self, request: web.Request) -> web.Response:
        """The whole page."""
        return self._page.still("print.html", request, self._sheet)

    def _sheet(self, words: Words, now: datetime) -> tuple[dict[str, Any], list[datetime]]:
        shows = self._page.painter(words.language).shows
        today = [self._today(s, words, now) for s in self._site.services if shows(s.id, now)]
        given = {
            "date": words.date(now.astimezone(self._site.zone_info).date()),
            "hours": sorted({hour for one in today for hour in one.hours}),
            "today": today,
            "qr": self._qr,
            "url": self._site.site.url,
        }
        return given, [self._page.board(words.language, now).good_until]

    def _today(self, service: Service, words: Words, now: datetime) -> Today:
        forecast = self._mirror.service_forecast(service.id)
        outlook = outlook_of(service, forecast, words, self._site, now)
        here = words.date(now.astimezone(self._site.zone_info).date())
        hours = next((day.hours for day in outlook.days if day.day == here), ())
        return Today(
            outlook.name,
            {at: hour for at, hour in zip(outlook.hours, hours, strict=False) if hour.level},
            best_of(forecast, words, now),
        )
