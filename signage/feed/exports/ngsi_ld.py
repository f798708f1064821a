"""Entities of NGSI-LD as the Smart Data Models name them, in the simplified form (`keyValues`).

Source: dataModel.Parking 0.1.3, dataModel.Transportation 0.0.3, dataModel.QueueManagement 0.0.1.
NGSI-LD has no `null`: what is not known is left out, and where a model wants what is not known
(when people were counted, where a car park lies), the whole entity is.
"""

from collections.abc import Iterator
from typing import Literal

import msgspec

from models.contract.ids import Count, Time
from models.place import Location
from models.site import Site
from signage.feed.exports.place import name_of
from signage.feed.feed import LotItem, ServiceItem, SiteDocument, ZoneItem

TYPE = "application/ld+json"
CONTEXT = (
    "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.8.jsonld",
    "https://raw.githubusercontent.com/smart-data-models/dataModel.Parking/master/context.jsonld",
    "https://raw.githubusercontent.com/smart-data-models/dataModel.Transportation/master/context.jsonld",
    "https://raw.githubusercontent.com/smart-data-models/dataModel.QueueManagement/master/context.jsonld",
)

_UNSET = msgspec.UNSET
_FULL = {"vacant": "spacesAvailable", "few": "almostFull", "full": "full"}
_SERVICE: dict[str, Literal["Open", "Closed", "Suspended"]] = {
    "open": "Open",
    "closed": "Closed",
    "paused": "Suspended",
}


class Point(msgspec.Struct, frozen=True, kw_only=True):
    """GeoJSON: longitude first."""

    type: Literal["Point"] = "Point"
    coordinates: Location


class Entity(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag=True):
    """Root of all entities; the class is the `type`. Nobody shows them after `validUntil`."""

    context: tuple[str, ...] = msgspec.field(name="@context", default=CONTEXT)
    id: str
    name: str
    source: str | msgspec.UnsetType = _UNSET
    date_modified: Time | msgspec.UnsetType = msgspec.field(name="dateModified", default=_UNSET)
    valid_until: Time | msgspec.UnsetType = msgspec.field(name="validUntil", default=_UNSET)
    location: Point | msgspec.UnsetType = _UNSET


class OffStreetParking(Entity, frozen=True, kw_only=True):
    """A car park; only where its place is known."""

    parking_site_id: str = msgspec.field(name="parkingSiteId")
    total: Count = msgspec.field(name="totalSpotNumber")
    available: Count | msgspec.UnsetType = msgspec.field(name="availableSpotNumber", default=_UNSET)
    occupied: Count | msgspec.UnsetType = msgspec.field(name="occupiedSpotNumber", default=_UNSET)
    occupancy: float | msgspec.UnsetType = _UNSET
    status: tuple[str, ...] | msgspec.UnsetType = _UNSET
    observed_at: Time | msgspec.UnsetType = msgspec.field(
        name="observationDateTime", default=_UNSET
    )


class CrowdFlowObserved(Entity, frozen=True, kw_only=True):
    """The people in a zone; only while they are known."""

    observed_at: Time = msgspec.field(name="dateObserved")
    people: Count = msgspec.field(name="peopleCount")
    congested: bool | msgspec.UnsetType = _UNSET


class QueueMonitor(Entity, frozen=True, kw_only=True):
    """The queue of a service."""

    office: str = msgspec.field(name="officeName")
    service: str = msgspec.field(name="serviceName")
    service_id: str = msgspec.field(name="serviceId")
    status: Literal["Open", "Closed", "Suspended"] | msgspec.UnsetType = msgspec.field(
        name="serviceStatus", default=_UNSET
    )
    called: str | msgspec.UnsetType = msgspec.field(name="ticketServedLabel", default=_UNSET)
    waiting: Count | msgspec.UnsetType = msgspec.field(name="ticketsToServe", default=_UNSET)


Entities = tuple[OffStreetParking | CrowdFlowObserved | QueueMonitor, ...]


def entities(document: SiteDocument, site: Site, location: Location | None) -> Entities:
    """All that the document tells, by the models."""
    return tuple(_made(document, site, None if location is None else Point(coordinates=location)))


def _made(
    document: SiteDocument, site: Site, point: Point | None
) -> Iterator[OffStreetParking | CrowdFlowObserved | QueueMonitor]:
    language = site.site.languages[0]
    source = site.site.url or _UNSET
    if point is not None:
        for lot in document.lots:
            yield _parking(lot, site.id, language, point, source)
    for zone in document.zones:
        if zone.observed_at is not None and zone.people is not None:
            yield _crowd(zone, site.id, language, point, source)
    office = name_of(document.site.name, language, site.id)
    for service in document.services:
        yield _queue(service, (site.id, office), language, point, source)


def _parking(
    lot: LotItem, site: str, language: str, point: Point, source: str | msgspec.UnsetType
) -> OffStreetParking:
    free = lot.free.p50 if lot.state == "open" and lot.free is not None else None
    status: tuple[str, ...] | msgspec.UnsetType = _UNSET
    if lot.state == "closed":
        status = ("closed",)
    elif lot.state == "open":
        status = ("open",) if lot.vacancy is None else ("open", _FULL[lot.vacancy])
    return OffStreetParking(
        id=f"urn:ngsi-ld:OffStreetParking:{site}:{lot.id}",
        name=name_of(lot.name, language, lot.id),
        source=source,
        date_modified=lot.at or _UNSET,
        valid_until=lot.valid_until or _UNSET,
        location=point,
        parking_site_id=lot.id,
        total=lot.capacity,
        available=_UNSET if free is None else free,
        occupied=_UNSET if free is None else lot.capacity - free,
        occupancy=_UNSET if free is None or not lot.capacity else round(1 - free / lot.capacity, 3),
        status=status,
        observed_at=lot.observed_at or _UNSET,
    )


def _crowd(
    zone: ZoneItem, site: str, language: str, point: Point | None, source: str | msgspec.UnsetType
) -> CrowdFlowObserved:
    assert zone.observed_at is not None  # noqa: S101  only such are told
    assert zone.people is not None  # noqa: S101
    return CrowdFlowObserved(
        id=f"urn:ngsi-ld:CrowdFlowObserved:{site}:{zone.id}",
        name=name_of(zone.name, language, zone.id),
        source=source,
        date_modified=zone.at or _UNSET,
        valid_until=zone.valid_until or _UNSET,
        location=point or _UNSET,
        observed_at=zone.observed_at,
        people=zone.people,
        congested=_UNSET if zone.over is None else zone.over,
    )


def _queue(
    service: ServiceItem,
    office: tuple[str, str],
    language: str,
    point: Point | None,
    source: str | msgspec.UnsetType,
) -> QueueMonitor:
    site, office_name = office
    name = name_of(service.name, language, service.id)
    return QueueMonitor(
        id=f"urn:ngsi-ld:QueueMonitor:{site}:{service.id}",
        name=name,
        source=source,
        date_modified=service.at or _UNSET,
        valid_until=service.valid_until or _UNSET,
        location=point or _UNSET,
        office=office_name,
        service=name,
        service_id=service.id,
        status=_SERVICE.get(service.state, _UNSET),
        called=service.called or _UNSET,
        waiting=_UNSET if service.waiting is None else service.waiting,
    )
