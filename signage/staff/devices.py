"""How the office's machines are: what is wrong, what residents miss because of it, what to do."""

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime

import msgspec
from aiohttp import web

from models.calendar import Calendar
from models.care.office import Unit, units
from models.care.trouble import SEVERITIES, Kind, Severity
from models.contract.results import Health, Shipping
from models.errors import BadUsage
from signage.staff.room import Act, Done, Part, Person, Role, Room, View
from signage.staff.telling import MARKS, Line, Telling
from signage.staff.words import StaffWords

TELL: Mapping[str, tuple[str, ...]] = {
    "device": ("identify",),
    "display": ("identify", "reload", "restart"),
    "hub": (),
    "web": (),
}
"""What staff may tell a machine; the broker lets nothing else pass (`broker/acl.py`)."""

_AGAIN_S = 60


class Fact(msgspec.Struct, frozen=True):
    """One thing that a machine said of itself; `is_bad` if that is why it stands where it does."""

    label: str
    value: str
    is_bad: bool = False


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A machine as the page has it."""

    id: str
    kind: str
    name: str
    severity: Severity | None
    mark: str
    last: str
    lines: list[Line]
    facts: list[Fact]
    tell: tuple[str, ...]


class Devices(Part):
    """The first page of all who are in."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._calendar = Calendar(room.site)
        self._calendar.office_opens(room.clock.now())  # the calendar's data is read here, once

    def menu(self) -> Mapping[str, str]:
        """It stands first."""
        return {"/devices": "menu.devices"}

    def pages(self) -> Mapping[str, tuple[Role, View]]:
        """The page."""
        return {"/devices": ("viewer", self._page)}

    def acts(self) -> Mapping[str, tuple[Role, Act]]:
        """Its buttons."""
        return {"/devices": ("facility", self._tell)}

    async def _page(self, request: web.Request, person: Person) -> web.Response:
        room, words = self._room, self._room.words(person)
        now, heard = room.clock.now(), room.watching.heard()
        telling = Telling(room.site, words)
        shown = [
            _shown(unit, telling, words, now)
            for unit in units(room.site, self._calendar, heard, now)
        ]
        counts = {
            severity: sum(one.severity == severity for one in shown)
            for severity in (*SEVERITIES, None)
        }
        answer = room.page(
            person,
            "staff_devices.html",
            wrong=[one for one in shown if one.severity is not None],
            well=[one for one in shown if one.severity is None],
            counts=[(severity, MARKS[severity], count) for severity, count in counts.items()],
            now=words.moment(now),
            is_heard=heard.listening_s is not None,
            again="auto" in request.query,
            may_tell=person.may("facility"),
        )
        if "auto" in request.query:
            answer.headers["Refresh"] = str(_AGAIN_S)
        return answer

    async def _tell(self, fields: Mapping[str, str], person: Person) -> Done:
        """Tell a machine to do something now."""
        words, who, name = self._room.words(person), fields.get("who", ""), fields.get("name", "")
        site = self._room.site
        kind = "device" if any(one.id == who for one in site.devices) else "hub"
        kind = "display" if any(one.id == who for one in site.displays) else kind
        if name not in TELL[kind]:
            raise BadUsage(words("tell.unknown", who=who[:40], name=name[:40]))
        if not self._room.order(who, name):
            raise BadUsage(words("tell.nobody"))
        said = words(f"tell.said.{name}", who=Telling(site, words).who(who))
        return Done(f"{who}: {name}", "/devices", said)


def _shown(unit: Unit, telling: Telling, words: StaffWords, now: datetime) -> Shown:
    severity = unit.troubles[0].severity if unit.troubles else None
    state = unit.told.state
    hears = state is not None and state.state in ("ready", "alert")
    return Shown(
        id=unit.id,
        kind=unit.kind,
        name=telling.who(unit.id),
        severity=severity,
        mark=MARKS[severity],
        last=telling.last(unit, now),
        lines=[telling.line(trouble, now) for trouble in unit.troubles],
        facts=list(_facts(unit, telling, words)),
        tell=TELL[unit.kind] if hears else (),
    )


def _facts(unit: Unit, telling: Telling, words: StaffWords) -> Iterator[Fact]:
    """What it said of itself; what is unknown is left out."""
    kinds = {trouble.kind for trouble in unit.troubles}
    health, about, screen = unit.told.health, unit.told.about, unit.told.screen
    if health is not None:
        yield from _machine(health, words, kinds)
        for title, age_s in sorted(health.sensor_age_s.items()):
            yield Fact(telling.sensor(title), telling.age(age_s))
        if refused := sum(health.refused.values()):
            yield Fact(words("fact.refused"), str(refused))
    if screen is not None:
        yield Fact(words("fact.shows"), words(f"layer.{screen.layer}"), "screen" in kinds)
    if about is not None:
        yield Fact(words("fact.version"), about.version, "version" in kinds)
        if about.board:
            yield Fact(words("fact.board"), about.board)
    if unit.shipping is not None:
        yield from _shipping(unit.shipping, telling, words, kinds)


def _shipping(
    shipping: Shipping, telling: Telling, words: StaffWords, kinds: AbstractSet[Kind]
) -> Iterator[Fact]:
    """How far the city's own server is."""
    said = words("fact.shipping.all")
    if shipping.waiting:
        said = words("fact.shipping.upto", age=telling.age(shipping.lag_s))
    yield Fact(words("fact.shipping"), said, "shipping" in kinds)
    if shipping.missing:
        yield Fact(words("fact.shipping.missing"), str(shipping.missing), is_bad=True)
    if shipping.refused:
        yield Fact(words("fact.shipping.refused"), str(shipping.refused), is_bad=True)


def _machine(health: Health, words: StaffWords, kinds: AbstractSet[Kind]) -> Iterator[Fact]:
    """How a computer feels, whatever is wired to it."""
    right = "right" if health.clock_synchronised else "unset"
    is_off = bool({"clock_unset", "clock_off"} & kinds)
    yield Fact(words("fact.outbox"), str(health.outbox), "outbox" in kinds)
    yield Fact(words("fact.clock"), words(f"fact.clock.{right}"), is_off)
    if health.temperature_c is not None:
        yield Fact(words("fact.temperature"), f"{health.temperature_c:.0f} °C", "hot" in kinds)
    if health.under_voltage is not None:
        supply = words("fact.supply.weak" if health.under_voltage else "fact.supply.well")
        yield Fact(words("fact.supply"), supply, "voltage" in kinds)
    if health.disk_free_share is not None:
        free = f"{health.disk_free_share * 100:.0f} %"
        yield Fact(words("fact.disk"), free, "disk" in kinds)
    if health.certificate_days is not None:
        left = words("fact.certificate.days", count=health.certificate_days)
        yield Fact(words("fact.certificate"), left, "certificate" in kinds)
