"""The page that says how true the told waits were: sums over 28 days, so anybody may see it."""

from datetime import datetime
from typing import Any

from aiohttp import web

from models.contract.results import AccuracyResult, Measured
from models.site import Service, Site
from signage.mirror import Mirror
from signage.pages.page import Page
from signage.wording import Words

Row = tuple[str, int, str, str, str, int]
"""Of what, how many tickets; told, came and error in minutes; how many in 100 were in the range."""


class AccuracyPage:
    """`/accuracy`: what was told beside what came, by service, level and day."""

    def __init__(self, site: Site, mirror: Mirror, page: Page) -> None:
        self._site = site
        self._mirror = mirror
        self._page = page

    async def page(self, request: web.Request) -> web.Response:
        """The whole page."""
        return self._page.still("accuracy.html", request, self._tables)

    def _tables(self, words: Words, now: datetime) -> tuple[dict[str, Any], list[datetime]]:
        fresh = [(service, self._fresh(service, now)) for service in self._site.services]
        tables = [(words.name(service.name), _rows(found, words)) for service, found in fresh]
        return {"tables": tables}, [found.valid_until for _, found in fresh if found is not None]

    def _fresh(self, service: Service, now: datetime) -> AccuracyResult | None:
        found = self._mirror.accuracy(service.id)
        return found if found is not None and now < found.valid_until else None


def _rows(found: AccuracyResult | None, words: Words) -> list[Row]:
    """All tickets, then by the level that was told, then by day, the newest first."""
    if found is None or found.total is None:
        return []
    return [
        _row(words("accuracy.all"), found.total, words),
        *(_row(words(f"level.{one.level}"), one, words) for one in found.levels),
        *(_row(words.date(one.day), one, words) for one in reversed(found.days)),
    ]


def _row(name: str, one: Measured, words: Words) -> Row:
    told, came, error = (words.minutes(s) for s in (one.told_s, one.came_s, one.error_s))
    return name, one.count, told, came, error, round(100 * one.coverage)
