"""Car parks in the format of ParkAPI, version 1.0, which apps like ParkenDD read.

Source: README of offenesdresden/ParkAPI. Its times are UTC without an offset; what it has no
`null` for (`free` of a lot without live data) is left out.
"""

from datetime import UTC, datetime
from typing import Literal

import msgspec

from broker.version import VERSION
from models.contract.ids import Count, Id
from models.place import Location
from models.site import Site
from signage.feed.exports.place import name_of
from signage.feed.feed import LotItem, SiteDocument

_STATES: dict[str, Literal["open", "closed", "nodata"]] = {
    "open": "open",
    "closed": "closed",
    "no_data": "nodata",
}


class Coordinates(msgspec.Struct, frozen=True, kw_only=True):
    """Degrees, WGS 84."""

    lat: float
    lng: float


class ParkApiLot(msgspec.Struct, frozen=True, kw_only=True):
    """A car park. `free` is missing where it is not known."""

    id: Id
    name: str
    lot_type: str = "Parkplatz"
    total: Count
    free: Count | msgspec.UnsetType = msgspec.UNSET
    state: Literal["open", "closed", "nodata"]
    forecast: bool
    coords: Coordinates | None
    region: str


class ParkApiCity(msgspec.Struct, frozen=True, kw_only=True):
    """`/{city}`: a city is an office here."""

    last_updated: str
    last_downloaded: str
    data_source: str
    lots: tuple[ParkApiLot, ...]


class ParkApi(msgspec.Struct, frozen=True, kw_only=True):
    """`/`: which cities there are, their ids by their names."""

    api_version: Literal["1.0"] = "1.0"
    server_version: str
    reference: str
    cities: dict[str, Id]


def cities(*sites: Site) -> ParkApi:
    """The list of cities; of two with one name the second is known by its id."""
    named: dict[str, Id] = {}
    for site in sites:
        name = name_of(site.site.name, site.site.languages[0], site.id)
        named[site.id if name in named else name] = site.id
    return ParkApi(server_version=VERSION, reference=sites[0].site.url or "", cities=named)


def city(document: SiteDocument, site: Site, location: Location | None) -> ParkApiCity:
    """The car parks of one office."""
    language = site.site.languages[0]
    seen = [lot.observed_at for lot in document.lots if lot.observed_at is not None]
    return ParkApiCity(
        last_updated=_time(max(seen, default=document.generated_at)),
        last_downloaded=_time(document.generated_at),
        data_source=site.site.url or "",
        lots=tuple(_lot(lot, document, language, location) for lot in document.lots),
    )


def _lot(
    lot: LotItem, document: SiteDocument, language: str, location: Location | None
) -> ParkApiLot:
    known = lot.state == "open" and lot.free is not None
    return ParkApiLot(
        id=lot.id,
        name=name_of(lot.name, language, lot.id),
        total=lot.capacity,
        free=lot.free.p50 if known and lot.free is not None else msgspec.UNSET,
        state="nodata" if lot.state == "open" and not known else _STATES[lot.state],
        forecast=False,
        coords=None if location is None else Coordinates(lat=location[1], lng=location[0]),
        region=name_of(document.site.name, language, document.site.id),
    )


def _time(at: datetime) -> str:
    """UTC, whole seconds, no offset.

    >>> _time(datetime(2026, 11, 24, 1, 32, tzinfo=UTC))
    '2026-11-24T01:32:00'
    """
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
