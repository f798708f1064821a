"""The demo's truth: what was told, beside what came."""

import asyncio
from collections import deque
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import msgspec
from aiohttp import web

from models.calendar import Calendar
from models.contract.results import ServiceResult, Spread
from models.site import Site
from models.world.day import Day, TicketTruth
from models.world.office import live
from signage.assets import environment
from signage.cache import Cache
from signage.mirror import Mirror
from signage.pages.page import Page, html
from signage.wording import Words

_HELD = 64  # results of a service that are remembered: some minutes of the fastest demo
_ROWS = 20
_SIDE = 300.0  # of the plot, in its own units
_TICKS = 4
_TICK_S = 0.5
_STEPS = (5, 10, 15, 30, 60, 120, 600)  # minutes between ticks


class Told(msgspec.Struct, frozen=True):
    """A ticket and the wait that was on show when it was issued; None if none was."""

    ticket: TicketTruth
    wait: Spread | None

    @property
    def came_s(self) -> float:
        """The wait that came, in seconds; only for a ticket that was called."""
        return self.ticket.wait_s or 0.0

    @property
    def inside(self) -> bool:
        """Whether what came lies between p10 and p90."""
        return self.wait is not None and self.wait.p10_s <= self.came_s <= self.wait.p90_s


class Score(msgspec.Struct, frozen=True):
    """How well it was told, over all tickets called so far."""

    told: int
    untold: int
    error_minutes: str
    inside_percent: int


class Truth:
    """Notes what the mirror says about each ticket of a day as it is issued."""

    def __init__(self, mirror: Mirror, day: Day, since: datetime) -> None:
        """Start at `since`: of tickets issued earlier nobody knows what was told."""
        self._mirror = mirror
        self._day = day
        self._tickets = deque(t for t in day.tickets if t.issued_at >= since)
        self._results: dict[str, deque[ServiceResult]] = {}
        self._told: list[Told] = []

    def tick(self, now: datetime) -> None:
        """Take in what the mirror holds, then the tickets issued up to now."""
        for service in self._mirror.site.services:
            held = self._results.setdefault(service.id, deque(maxlen=_HELD))
            result = self._mirror.service(service.id)
            if result is not None and (not held or held[-1] != result):
                held.append(result)
        while self._tickets and self._tickets[0].issued_at <= now:
            ticket = self._tickets.popleft()
            self._told.append(Told(ticket, self._on_show(ticket.service, ticket.issued_at)))

    def called(self, now: datetime) -> list[Told]:
        """The tickets that have been called, the last one first."""
        known = [
            told
            for told in self._told
            if told.ticket.called_at is not None and told.ticket.called_at <= now
        ]
        return sorted(known, key=lambda told: told.ticket.called_at or now, reverse=True)

    def free(self, lot: str, capacity: int, now: datetime) -> int | None:
        """How many places of a lot are truly free."""
        cars = self._day.cars.get(lot)
        return None if cars is None else capacity - cars.on(now)

    def _on_show(self, service: str, at: datetime) -> Spread | None:
        """The wait of the last result made before `at`, if it still held then."""
        for result in reversed(self._results.get(service, ())):
            if result.at <= at:
                return result.wait if at < result.valid_until else None
        return None


def score(called: Sequence[Told]) -> Score:
    """The mean absolute error of the median and the share inside the interval."""
    errors = [abs(t.wait.p50_s - t.came_s) for t in called if t.wait is not None]
    inside = sum(told.inside for told in called)
    n = len(errors)
    return Score(
        told=n,
        untold=len(called) - n,
        error_minutes=f"{sum(errors) / n / 60:.1f}" if n else "",
        inside_percent=round(100 * inside / n) if n else 0,
    )


def scatter(called: Sequence[Told]) -> dict[str, Any]:
    """Told to the right, came upwards, on the same scale: a dot on the diagonal was right."""
    known = [(told, told.wait) for told in called if told.wait is not None]
    longest_s = max([600.0, *(max(t.came_s, wait.p90_s) for t, wait in known)])
    step = next((s for s in _STEPS if s * 60 * _TICKS >= longest_s), _STEPS[-1])
    scale = _SIDE / (step * 60 * _TICKS)
    return {
        "ticks": [
            {"minutes": step * i, "y": round(_SIDE * (1 - i / _TICKS), 1)}
            for i in range(_TICKS + 1)
        ],
        "dots": [
            {
                "x": round(wait.p50_s * scale, 1),
                "low": round(wait.p10_s * scale, 1),
                "high": round(wait.p90_s * scale, 1),
                "y": round(_SIDE - told.came_s * scale, 1),
                "inside": told.inside,
            }
            for told, wait in known
        ],
    }


class DemoPage:
    """`/demo` and the part of it that changes."""

    def __init__(self, site: Site, mirror: Mirror, cache: Cache, page: Page) -> None:
        self._site = site
        self._mirror = mirror
        self._cache = cache
        self._page = page
        self.truth: Truth | None = None  # until the day is made, and on a day with no tickets

    async def page(self, request: web.Request) -> web.Response:
        """The whole page."""
        return self._response("demo.html", request)

    async def part(self, request: web.Request) -> web.Response:
        """What changes in it."""
        return self._response("demo_part.html", request)

    def _response(self, template: str, request: web.Request) -> web.Response:
        language = self._page.language(request)

        def render(now: datetime) -> tuple[bytes, datetime]:
            context = self._page.context(language, now, "/demo/part")
            context |= self._found(self._page.words(language), now)
            made = environment().get_template(template).render(context)
            return made.encode(), context["board"].good_until

        return html(self._cache((template, language), render).body, self._mirror)

    def _found(self, words: Words, now: datetime) -> dict[str, Any]:
        called = self.truth.called(now) if self.truth else []
        names = {service.id: words.name(service.name) for service in self._site.services}
        return {
            "score": score(called),
            "scatter": scatter(called),
            "rows": [
                {
                    "number": told.ticket.number,
                    "service": names.get(told.ticket.service, told.ticket.service),
                    "issued": told.ticket.issued_at.astimezone(self._site.zone_info).strftime(
                        "%H:%M"
                    ),
                    "told": words("unknown") if told.wait is None else _minutes(told.wait.p50_s),
                    "spread": words("unknown")
                    if told.wait is None
                    else f"{_minutes(told.wait.p10_s)}–{_minutes(told.wait.p90_s)}",
                    "came": _minutes(told.came_s),
                    "inside": told.inside,
                }
                for told in called[:_ROWS]
            ],
            "lots": [self._lot(lot.id, words, now) for lot in self._site.car_parks],
        }

    def _lot(self, name: str, words: Words, now: datetime) -> dict[str, object]:
        lot = next(lot for lot in self._site.car_parks if lot.id == name)
        result = self._mirror.lot(name)
        told = result.free if result is not None and now < result.valid_until else None
        unknown = words("unknown")
        truly = self.truth.free(name, lot.capacity, now) if self.truth else None
        return {
            "name": words.name(lot.name),
            "free": unknown if truly is None else truly,
            "told": unknown if told is None else told.p50,
            "spread": unknown if told is None else f"{told.p10}–{told.p90}",
        }


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.1f}"


async def note(page: DemoPage, mirror: Mirror, seed: int) -> None:
    """Live each day of the demo's office beside the mirror."""
    calendar = Calendar(mirror.site)
    today: date | None = None
    version = -1
    while True:
        now = mirror.clock.now()
        if calendar.day_of(now) != today:
            today = calendar.day_of(now)
            made = await asyncio.to_thread(live, mirror.site, today, seed)
            page.truth = Truth(mirror, made, since=now)
        if page.truth is not None:
            page.truth.tick(now)
        try:
            async with asyncio.timeout(_TICK_S):
                version = await mirror.changed(version)
        except TimeoutError:
            continue
