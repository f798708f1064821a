"""What Home Assistant is told that there is: its devices, and what each of them shows.

Source: home-assistant.io, "MQTT Discovery", "MQTT Sensor", "MQTT Binary sensor". One config topic
an entity, and no device payloads: those came with 2024.12, these are read by all.
"""

from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from broker.version import VERSION
from models.contract import topics
from models.site import Names, Site
from signage.staff.words import StaffWords

Kind = Literal["office", "service", "lot", "zone", "device", "display"]

HERE, HUB = "here", "hub"
"""Below our branch: whether we hear the office, and whether its hub is there."""

_SLUG = str.maketrans("/-", "__")
_WAIT = {"device_class": "duration", "unit_of_measurement": "min"}
_ROUND = {"state_class": "measurement", "suggested_display_precision": 0}
_DETAIL = {"entity_category": "diagnostic"}
_COUNT = {"state_class": "measurement"}


class Shown(msgspec.Struct, frozen=True):
    """One entity: a field of what is told of its thing, and how Home Assistant shows it.

    `unit` is the key of a word; `options` are the keys of all words that it can be.
    """

    field: str
    how: dict[str, Any]
    unit: str | None = None
    options: tuple[str, ...] = ()
    is_binary: bool = False


_LEVELS = ("level.1", "level.2", "level.3", "level.4")
STATES = {
    "open": "ha.open",
    "paused": "state.paused",
    "closed": "state.closed",
    "no_data": "state.no_data",
}
VACANCIES = {
    "vacant": "lot.vacant",
    "few": "lot.few",
    "full": "lot.full",
    "closed": "lot.closed",
}

_OFFICE = (
    Shown("hub", {"device_class": "connectivity"}, is_binary=True),
    Shown("trouble", {"device_class": "problem"}, is_binary=True),
)
_SERVICE = (
    Shown("state", {"device_class": "enum", "icon": "mdi:door"}, options=tuple(STATES.values())),
    Shown("level", {"device_class": "enum", "icon": "mdi:signal"}, options=_LEVELS),
    Shown("waiting", {"icon": "mdi:account-multiple"} | _COUNT, "people"),
    Shown("wait", _WAIT | _ROUND),
    Shown("wait_p10", _WAIT | _ROUND),
    Shown("wait_p90", _WAIT | _ROUND),
    Shown("counters_open", {"icon": "mdi:countertop"} | _COUNT),
)
_LOT = (
    Shown(
        "vacancy",
        {"device_class": "enum", "icon": "mdi:parking"},
        options=tuple(VACANCIES.values()),
    ),
    Shown("free", {"icon": "mdi:car"} | _COUNT, "places"),
    Shown("full", {"icon": "mdi:car-off"}, is_binary=True),
    Shown("capacity", {"icon": "mdi:car-multiple"} | _DETAIL, "places"),
)
_ACCESSIBLE = Shown("accessible_free", {"icon": "mdi:wheelchair-accessibility"} | _COUNT, "places")
_ZONE = (
    Shown("people", {"icon": "mdi:account-group"} | _COUNT, "people"),
    Shown("over", {"device_class": "problem"}, is_binary=True),
)
_MACHINE = (
    Shown("connected", {"device_class": "connectivity"} | _DETAIL, is_binary=True),
    Shown("trouble", {"device_class": "problem"}, is_binary=True),
    Shown(
        "temperature",
        {"device_class": "temperature", "unit_of_measurement": "°C"} | _DETAIL | _ROUND,
    ),
    Shown("under_voltage", {"device_class": "problem"} | _DETAIL, is_binary=True),
    Shown("disk_free", {"unit_of_measurement": "%", "icon": "mdi:harddisk"} | _DETAIL | _ROUND),
    Shown("outbox", {"icon": "mdi:tray-full"} | _DETAIL | _COUNT),
    Shown("clock_unset", {"device_class": "problem"} | _DETAIL, is_binary=True),
    Shown(
        "certificate",
        {"device_class": "duration", "unit_of_measurement": "d"} | _DETAIL | _ROUND,
    ),
)


class Thing(msgspec.Struct, frozen=True, kw_only=True):
    """A device as Home Assistant has them: a service, a lot, a zone, a machine, the office."""

    kind: Kind
    id: str
    names: Names | None
    shown: tuple[Shown, ...]
    area: Names | None = None

    @property
    def key(self) -> str:
        """Where it is told of, below our branch."""
        return self.kind if self.kind == "office" else f"{self.kind}/{self.id}"


def things(site: Site) -> Iterator[Thing]:
    """The office first: the others are reached by it."""
    office = site.site.name
    halls = {service: zone.name for zone in site.zones for service in zone.services}
    yield Thing(kind="office", id=site.id, names=office, shown=_OFFICE)
    for service in site.services:
        area = service.place or halls.get(service.id) or office
        yield Thing(kind="service", id=service.id, names=service.name, shown=_SERVICE, area=area)
    for lot in site.car_parks:
        shown = (*_LOT, _ACCESSIBLE) if lot.accessible else _LOT
        yield Thing(kind="lot", id=lot.id, names=lot.name, shown=shown, area=lot.name or office)
    for zone in site.zones:
        yield Thing(kind="zone", id=zone.id, names=zone.name, shown=_ZONE, area=zone.name or office)
    for device in site.devices:
        yield Thing(kind="device", id=device.id, names=device.name, shown=_MACHINE, area=office)
    for display in site.displays:
        yield Thing(kind="display", id=display.id, names=display.name, shown=_MACHINE, area=office)


def words_of(site: Site) -> StaffWords:
    """The words of a facility's people: the first language of the site, if staff have it."""
    language = "ja" if site.site.languages[0].startswith("ja") else "en"
    return StaffWords(language, site.zone_info)


def configs(site: Site, words: StaffWords, expire_s: int) -> dict[str, bytes]:
    """Config payloads by topic, below Home Assistant's prefix; the office's come first.

    Args:
        site: the office.
        words: in which all is named.
        expire_s: how long each message of ours holds.
    """
    made = {}
    for thing in things(site):
        for shown in thing.shown:
            name = f"{thing.key}/{shown.field}".replace("/", "_")
            topic = topics.discovered(site.id, name)[int(shown.is_binary)]
            config = _config(site, thing, shown, words) | {"expire_after": expire_s}
            made[topic] = msgspec.json.encode(config, enc_hook=str)
    return made


def _config(site: Site, thing: Thing, shown: Shown, words: StaffWords) -> dict[str, Any]:
    """One entity. Its id is the same in each language, and in every version of this program."""
    branch = topics.home_assistant(site.id)
    told = f"{branch}/{thing.key}"
    field = f"value_json.{shown.field}"
    slug = f"{site.id}/{thing.key}/{shown.field}".translate(_SLUG)
    watched = [HERE, HUB] if thing.kind in ("service", "lot", "zone") else [HERE]
    how: dict[str, Any] = {**shown.how}
    if shown.unit is not None:
        how["unit_of_measurement"] = words(f"ha.unit.{shown.unit}")
    if shown.options:
        how["options"] = [words(key) for key in shown.options]
    if shown.is_binary:
        how |= {"payload_on": "True", "payload_off": "False"}
    return {
        "name": words(f"ha.{shown.field}"),
        "unique_id": f"machiai/{site.id}/{thing.key}/{shown.field}",
        "object_id": slug,
        "default_entity_id": f"{'binary_sensor' if shown.is_binary else 'sensor'}.{slug}",
        "state_topic": told,
        "value_template": f"{{{{ {field} }}}}",
        "availability_mode": "all",
        "availability": [
            *({"topic": f"{branch}/{leaf}"} for leaf in watched),
            {
                "topic": told,
                "value_template": f"{{{{ 'offline' if {field} is none else 'online' }}}}",
            },
        ],
        "device": _device(site, thing, words),
        "origin": {"name": "machiai", "sw_version": VERSION},
        **how,
    }


def _device(site: Site, thing: Thing, words: StaffWords) -> dict[str, Any]:
    office = f"machiai/{site.id}"
    is_office = thing.kind == "office"
    said: dict[str, Any] = {
        "identifiers": [office if is_office else f"{office}/{thing.key}"],
        "name": words.pick(thing.names)[1] if thing.names else thing.id,
        "manufacturer": "machiai",
        "model": words(f"ha.kind.{thing.kind}"),
    }
    if thing.area is not None:
        said["suggested_area"] = words.pick(thing.area)[1]
    if not is_office:
        return said | {"via_device": office}
    if site.site.url is not None:
        said["configuration_url"] = site.site.url
    return said | {"sw_version": VERSION}
