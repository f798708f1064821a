"""The feed's forecast: the coming hours and days of an office, as one document."""

from collections.abc import Iterator
from datetime import datetime
from typing import Literal

import msgspec

from models.contract import codec
from models.contract.ids import Count, Id, Time
from models.contract.results import (
    BestTime,
    HalfHour,
    LotForecast,
    LotStep,
    Result,
    ServiceForecast,
    ServiceStep,
)
from models.site import Names
from signage.feed.feed import LONGEST, SCHEMA_VERSION, SiteItem, site_item
from signage.mirror import Mirror

Known = Literal["known", "no_data"]


class ForecastItem(msgspec.Struct, frozen=True, kw_only=True):
    """Root of what is to come. Times are null where the hub has told of nothing yet."""

    id: Id
    name: Names
    state: Known = "no_data"
    at: Time | None = None
    observed_at: Time | None = None
    valid_until: Time | None = None


class ServiceForecastItem(ForecastItem, frozen=True, kw_only=True):
    """A service: who waits at each step, the wait of who comes then, and the best hour today.

    `today` has the half hours of the day: who usually waits, and who did.
    """

    steps: tuple[ServiceStep, ...] = ()
    best: BestTime | None = None
    today: tuple[HalfHour, ...] = ()


class LotForecastItem(ForecastItem, frozen=True, kw_only=True):
    """A car park: the places that are free at each step."""

    capacity: Count
    steps: tuple[LotStep, ...] = ()


class ForecastDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What an office expects. No step in it has passed, no item is past its `valid_until`."""

    schema_version: Literal["1.0"]
    site: SiteItem
    generated_at: Time
    services: tuple[ServiceForecastItem, ...]
    lots: tuple[LotForecastItem, ...]


def document(mirror: Mirror, now: datetime) -> ForecastDocument:
    """The forecast at `now`."""
    site = mirror.site
    return ForecastDocument(
        schema_version=SCHEMA_VERSION,
        site=site_item(site),
        generated_at=now,
        services=tuple(
            _service(ServiceForecastItem(id=s.id, name=s.name), mirror.service_forecast(s.id), now)
            for s in site.services
        ),
        lots=tuple(
            _lot(
                LotForecastItem(id=lot.id, name=lot.name or {}, capacity=lot.capacity),
                mirror.lot_forecast(lot.id),
                now,
            )
            for lot in site.car_parks
        ),
    )


def render(mirror: Mirror, now: datetime) -> tuple[bytes, datetime]:
    """The document as JSON, and until when it holds if nothing new is heard."""
    made = document(mirror, now)
    ends = [end for end in _ends(made) if end > now]
    return msgspec.json.encode(codec.plain(made)), min([now + LONGEST, *ends])


class Forecasts:
    """The rendered document, kept until a forecast changes: it is long, and other news is not."""

    def __init__(self, mirror: Mirror) -> None:
        self._mirror = mirror
        self._told: tuple[Result | None, ...] = ()
        self._made: tuple[bytes, datetime] | None = None

    def render(self, now: datetime) -> tuple[bytes, datetime]:
        """As `render`, but the same bytes while nothing in them would be another."""
        mirror, site = self._mirror, self._mirror.site
        told: tuple[Result | None, ...] = (
            *(mirror.service_forecast(service.id) for service in site.services),
            *(mirror.lot_forecast(lot.id) for lot in site.car_parks),
        )
        if self._made is None or told != self._told or now >= self._made[1]:
            self._told, self._made = told, render(mirror, now)
        return self._made


def _service(
    item: ServiceForecastItem, told: ServiceForecast | None, now: datetime
) -> ServiceForecastItem:
    if told is None:
        return item
    steps = tuple(step for step in told.steps if step.at > now)
    best = told.best if told.best and told.best.until > now else None
    holds = now < told.valid_until and bool(steps)
    return msgspec.structs.replace(
        item,
        state="known" if holds else "no_data",
        at=told.at,
        observed_at=told.observed_at,
        valid_until=told.valid_until,
        steps=steps if holds else (),
        best=best if holds else None,
        today=told.today if holds else (),
    )


def _lot(item: LotForecastItem, told: LotForecast | None, now: datetime) -> LotForecastItem:
    """The mirror has refused a step with more free places than there are."""
    if told is None:
        return item
    steps = tuple(step for step in told.steps if step.at > now)
    holds = now < told.valid_until and bool(steps)
    return msgspec.structs.replace(
        item,
        state="known" if holds else "no_data",
        at=told.at,
        observed_at=told.observed_at,
        valid_until=told.valid_until,
        capacity=told.capacity if holds else item.capacity,
        steps=steps if holds else (),
    )


def _ends(made: ForecastDocument) -> Iterator[datetime]:
    """Every moment at which something in the document passes."""
    items: tuple[ServiceForecastItem | LotForecastItem, ...] = (*made.services, *made.lots)
    for item in items:
        if item.valid_until is not None:
            yield item.valid_until
        yield from (step.at for step in item.steps)
    for service in made.services:
        if service.best is not None:
            yield service.best.until
