"""What the notice beside a camera must say: it follows from what the camera is told to look at."""

from collections.abc import Collection, Iterator
from datetime import date

import msgspec

from models.errors import BadSite
from models.sensing.plan import Plan
from models.site import Device, Line, Lot, Names, Site, Zone

CAMERA = "camera"
"""The `kind` of sensor that sees."""


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """The cameras of one device."""

    device: Device
    zones: tuple[Zone, ...]  # where people are counted
    lines: tuple[Line, ...]  # over which people are counted
    lots: tuple[Lot, ...]  # where cars are counted
    over_network: bool  # frames come to the device through the office's network
    approved: date | None  # None while one of them may not count yet
    since: date | None  # the first day of counting

    @property
    def places(self) -> tuple[Zone | Line | Lot, ...]:
        """All that is looked at."""
        return (*self.zones, *self.lines, *self.lots)

    @property
    def of_people(self) -> bool:
        """Whether people are counted."""
        return bool(self.zones or self.lines)

    @property
    def of_cars(self) -> bool:
        """Whether cars are counted."""
        return bool(self.lots)


class _Told(Plan, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """Of a camera's settings all that concerns its notice."""

    source: str = ""
    approved: date | None = None
    since: date | None = None


def notices(site: Site) -> tuple[Notice, ...]:
    """One for each device with a camera that looks at something.

    Raises:
        BadSite: settings of a camera are wrong, with the path.
    """
    made = (_notice(site, i, device) for i, device in enumerate(site.devices))
    return tuple(notice for notice in made if notice is not None)


def contact(site: Site) -> Names | None:
    """Whom to ask about the cameras."""
    return site.cameras.contact or site.site.contact


def unapproved(site: Site, devices: Collection[str]) -> Iterator[str]:
    """Why cameras of these devices must not count yet, one line each, with the path."""
    cameras = [
        (f"$.devices[{i}].sensors[{j}]", raw)
        for i, device in enumerate(site.devices)
        for j, raw in enumerate(device.sensors)
        if device.id in devices and raw["kind"] == CAMERA
    ]
    for path, raw in cameras:
        if raw.get("approved") is None:
            yield (
                "want the day on which the notice of this camera was approved, got none"
                f" (docs/privacy.md) - at `{path}.approved`"
            )
    if cameras and contact(site) is None:
        yield "want whom to ask about the cameras, got nobody - at `$.cameras.contact`"


def _notice(site: Site, index: int, device: Device) -> Notice | None:
    told = [
        _told(raw, f"$.devices[{index}].sensors[{j}]")
        for j, raw in enumerate(device.sensors)
        if raw["kind"] == CAMERA
    ]
    zones = {view.zone for one in told for view in one.zones}
    lines = {view.line for one in told for view in one.lines}
    lots = {view.lot for one in told for view in one.lots}
    if not (zones or lines or lots):
        return None
    approved = [one.approved for one in told]
    since = [one.since or one.approved for one in told]
    return Notice(
        device=device,
        zones=tuple(zone for zone in site.zones if zone.id in zones),
        lines=tuple(line for line in site.lines if line.id in lines),
        lots=tuple(lot for lot in site.lots if lot.id in lots),
        over_network=any("://" in one.source for one in told),
        approved=None if None in approved else max(filter(None, approved)),
        since=min(filter(None, since), default=None),
    )


def _told(raw: dict[str, object], path: str) -> _Told:
    try:
        return msgspec.convert(raw, _Told)
    except msgspec.ValidationError as error:
        head, _, tail = str(error).partition(" - at `$")
        raise BadSite(f"{head} - at `{path}{tail.rstrip('`')}`") from None
