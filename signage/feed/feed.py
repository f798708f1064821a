"""The feed: what a site says, as one document for whoever wants to build on it."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any, Literal

import msgspec

from models.calendar import Calendar
from models.contract import codec
from models.contract.ids import Count, Id, Level, Short, Text, Time
from models.contract.results import (
    AccessibleResult,
    Booked,
    Free,
    LotStatus,
    NoticeResult,
    Result,
    ServiceStatus,
    Spread,
    Vacancy,
)
from models.freshness import Life, State
from models.place import Location
from models.site import Names, Service, Site
from signage.mirror import Mirror

SCHEMA_VERSION: Literal["1.0"] = "1.0"
LONGEST = timedelta(hours=1)
"""A document is made anew at least so often."""


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """Root of what has an age. Times are null where the hub has never reported."""

    id: Id
    name: Names
    at: Time | None = None
    observed_at: Time | None = None
    valid_until: Time | None = None
    basis: str = ""


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """A way not to come."""

    name: Names
    url: str | None = None


class ServiceItem(Item, frozen=True, kw_only=True):
    """A service. Unknown is null; wait in seconds, exceeded 9, 5 and 1 times in 10.

    `dates` are the first and last day on which it is held, null if it has none.
    """

    place: Names | None = None
    address: Names | None = None
    map: str | None = None
    dates: tuple[date, date] | None = None
    state: ServiceStatus = "no_data"
    level: Level | None = None
    waiting: Count | None = None
    called: Short | None = None
    counters_open: Count | None = None
    wait: Spread | None = None
    opens_at: Time | None = None
    booked: Booked | msgspec.UnsetType = msgspec.UNSET
    instead: tuple[Way, ...] = ()


class LotItem(Item, frozen=True, kw_only=True):
    """A car park. Full is `vacancy: full`, closed is `state: closed`, unknown is null."""

    state: LotStatus = "no_data"
    vacancy: Vacancy | None = None
    free: Free | None = None
    capacity: Count
    accessible: AccessibleResult | None = None
    opens_at: Time | None = None


class ZoneItem(Item, frozen=True, kw_only=True):
    """A place where people wait."""

    state: Literal["open", "closed", "no_data"] = "no_data"
    people: Count | None = None
    capacity: Count
    level: Level | None = None
    over: bool | None = None


class CallItem(msgspec.Struct, frozen=True, kw_only=True):
    """A called ticket."""

    number: Short
    service: Id
    counter: Id | None
    at: Time


class NoticeItem(msgspec.Struct, frozen=True, kw_only=True):
    """An announcement or an emergency that holds now."""

    id: Id
    severity: Literal["info", "warning", "emergency"]
    drill: bool = False
    since: Time | None = msgspec.field(name="from", default=None)
    until: Time | None = None
    texts: dict[str, Text]
    at: Time
    valid_until: Time


class SiteItem(msgspec.Struct, frozen=True, kw_only=True):
    """An office; `location` is longitude and latitude in degrees (WGS 84)."""

    id: Id
    name: Names
    timezone: str
    url: str | None = None
    location: Location | None = None


class SiteDocument(msgspec.Struct, frozen=True, kw_only=True):
    """All that an office says at one moment. No value in it is past its `valid_until`."""

    schema_version: Literal["1.0"]
    site: SiteItem
    generated_at: Time
    services: tuple[ServiceItem, ...]
    lots: tuple[LotItem, ...]
    zones: tuple[ZoneItem, ...]
    calls: tuple[CallItem, ...]
    notices: tuple[NoticeItem, ...]


class Sites(msgspec.Struct, frozen=True, kw_only=True):
    """The offices that are served here."""

    sites: tuple[SiteItem, ...]


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """What went wrong (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str = ""


def site_item(site: Site) -> SiteItem:
    """The office itself."""
    office = site.site
    return SiteItem(
        id=site.id,
        name=office.name,
        timezone=office.timezone,
        url=office.url,
        location=office.location,
    )


def document(mirror: Mirror, now: datetime) -> SiteDocument:
    """The feed's document at `now`."""
    site = mirror.site
    calendar = Calendar(site)
    today = calendar.day_of(now)
    calls = mirror.calls()
    return SiteDocument(
        schema_version=SCHEMA_VERSION,
        site=site_item(site),
        generated_at=now,
        services=tuple(
            ServiceItem(
                id=item.id,
                name=item.name,
                place=item.place,
                address=item.address,
                map=item.map,
                dates=calendar.span(item.id, today) or calendar.coming(item.id, today),
                instead=tuple(Way(name=way.name, url=way.url) for way in item.instead),
                **_coming(item, calendar, now, _living(mirror.service(item.id), now)),
            )
            for item in site.services
            if calendar.is_shown(item.id, today)
        ),
        lots=tuple(
            LotItem(
                id=item.id,
                name=item.name or {},
                **{"capacity": item.capacity, **_living(mirror.lot(item.id), now)},
            )
            for item in site.car_parks
        ),
        zones=tuple(
            ZoneItem(
                id=item.id,
                name=item.name or {},
                **{**_living(mirror.zone(item.id), now), "capacity": item.capacity},
            )
            for item in site.zones
        ),
        calls=()
        if calls is None or now >= calls.valid_until
        else tuple(
            CallItem(number=c.number, service=c.service, counter=c.counter, at=c.at)
            for c in calls.calls
        ),
        notices=notices(mirror, now),
    )


def notices(mirror: Mirror, now: datetime) -> tuple[NoticeItem, ...]:
    """What holds at `now`."""
    return tuple(
        NoticeItem(id=name, **_fields(notice, NoticeItem))
        for name, notice in mirror.notices().items()
        if _holds(notice, now)
    )


def render(mirror: Mirror, now: datetime) -> tuple[bytes, datetime]:
    """The document as JSON, and until when it holds if nothing new is heard."""
    return msgspec.json.encode(codec.plain(document(mirror, now))), good_until(mirror, now)


def good_until(mirror: Mirror, now: datetime) -> datetime:
    """Until when what is made of the document at `now` holds if nothing new is heard."""
    return min([now + LONGEST, *(end for end in _ends(mirror, now) if end > now)])


def render_sites(*sites: Site) -> bytes:
    """The list of offices as JSON."""
    return msgspec.json.encode(codec.plain(Sites(sites=tuple(map(site_item, sites)))))


def _living(result: Result | None, now: datetime) -> dict[str, Any]:
    """The fields of a result; of one that has run out only its times and what never ages."""
    if result is None:
        return {}
    state: State = getattr(result, "state", "no_data")
    life = Life(state, result.observed_at, result.valid_until, getattr(result, "opens_at", None))
    phase = life.phase(now)
    if phase in ("stale", "no_data") or now >= result.valid_until:
        kept = {name: getattr(result, name) for name in Result.__struct_fields__}
        kept |= {"basis": getattr(result, "basis", ""), "state": "no_data"}
        return kept | {"state": "closed", "opens_at": life.opens_at} if phase == "closed" else kept
    return {name: getattr(result, name) for name in result.__struct_fields__}


def _coming(
    item: Service, calendar: Calendar, now: datetime, living: dict[str, Any]
) -> dict[str, Any]:
    """What is announced is closed until it begins, whether or not anything is heard of it."""
    if calendar.coming(item.id, calendar.day_of(now)) is None:
        return living
    return living | {"state": "closed", "opens_at": calendar.service_opens(item.id, now)}


def _fields(source: msgspec.Struct, into: type[msgspec.Struct]) -> dict[str, Any]:
    wanted = set(into.__struct_fields__)
    return {name: getattr(source, name) for name in source.__struct_fields__ if name in wanted}


def _holds(notice: NoticeResult, now: datetime) -> bool:
    since = notice.since or now
    return since <= now < min(notice.valid_until, notice.until or notice.valid_until)


def _ends(mirror: Mirror, now: datetime) -> Iterator[datetime]:
    """Every moment at which something in the document runs out or begins."""
    site = mirror.site
    if any(service.dates is not None for service in site.services):
        yield Calendar(site).tomorrow(now)
    results: list[Result | None] = [mirror.service(item.id) for item in site.services]
    results += [mirror.lot(item.id) for item in site.car_parks]
    results += [mirror.zone(item.id) for item in site.zones]
    results += [mirror.calls(), *mirror.notices().values()]
    for result in results:
        if result is None:
            continue
        yield result.valid_until
        for name in ("opens_at", "since", "until"):
            moment = getattr(result, name, None)
            if moment is not None:
                yield moment
