"""The site file: one office in TOML, read once, every mistake named by its path."""

import hashlib
import re
import tomllib
from collections.abc import Iterable, Iterator
from datetime import date, time
from pathlib import PurePath
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from models.contract.ids import LONGEST_ID, Id, Level
from models.errors import BadSite

Names = Annotated[dict[str, str], msgspec.Meta(min_length=1)]
"""A name by language tag, as residents call the thing."""

Language = Literal["ja", "ja-Hira", "en", "zh-Hans", "zh-Hant", "ko", "vi", "pt-BR", "tl"]
"""What pages and displays can say, as BCP 47 tags; `ja-Hira` is やさしい日本語 with readings."""

Clock = Annotated[str, msgspec.Meta(pattern=r"^(([01]\d|2[0-3]):[0-5]\d|24:00)(?!\n)$")]
Span = Annotated[
    str,
    msgspec.Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)(?!\n)$"),
]
"""From one time of the day to another; over midnight if that is earlier."""

Days = Annotated[
    str,
    msgspec.Meta(pattern=r"^(mon|tue|wed|thu|fri|sat|sun)(-(mon|tue|wed|thu|fri|sat|sun))?(?!\n)$"),
]
Dates = Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d\d-\d\d(/\d{4}-\d\d-\d\d)?(?!\n)$")]
"""A day, or two with a slash between for all from the first to the second."""

Address = Annotated[str, msgspec.Meta(pattern=r"^https?://\S+(?!\n)$")]
"""Of a page elsewhere."""

Secure = Annotated[str, msgspec.Meta(pattern=r"^https://[^\s/@]+(/\S*)?(?!\n)$", max_length=1024)]
"""Of something that is fetched."""

Longitude = Annotated[float, msgspec.Meta(ge=-180, le=180)]
Latitude = Annotated[float, msgspec.Meta(ge=-90, le=90)]
Pin = Annotated[int, msgspec.Meta(ge=0, le=27)]
"""A pin by its GPIO (BCM) number, as `pinout` shows it."""

Port = Annotated[int, msgspec.Meta(ge=1, le=65535)]
Mailbox = Annotated[str, msgspec.Meta(pattern=r"^[^@\s<>]{1,64}@[^@\s<>]{1,255}(?!\n)$")]
"""Where mails go."""

Positive = Annotated[int, msgspec.Meta(ge=1)]
Minutes = Annotated[float, msgspec.Meta(gt=0, le=600)]
Margin = Annotated[float, msgspec.Meta(ge=0, le=600)]
"""Minutes around a time."""

Seconds = Annotated[float, msgspec.Meta(gt=0, le=86_400)]
Inches = Annotated[float, msgspec.Meta(ge=5, le=300)]
Pixels = Annotated[int, msgspec.Meta(ge=600, le=16_384)]
Metres = Annotated[float, msgspec.Meta(ge=0.5, le=100)]

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Root of all tables of the site file: unknown keys are refused."""


class Hours(Table, frozen=True, kw_only=True):
    """When the office is open; the last ticket is given at `close`."""

    days: Days
    open: Clock
    close: Clock


class Shift(Table, frozen=True, kw_only=True):
    """When a counter is staffed. `from` is a word of Python, so the field has another name."""

    days: Days
    start: Clock = msgspec.field(name="from")
    end: Clock = msgspec.field(name="to")


class Office(Table, frozen=True, kw_only=True):
    """`[site]`."""

    id: Id
    name: Names
    timezone: str = "Asia/Tokyo"
    hours: tuple[Hours, ...]
    holidays: Literal["jp", "none"] | tuple[Dates, ...] = "jp"
    languages: tuple[Language, ...] = ("ja", "en")
    url: str | None = None  # the public page, for the QR on displays
    contact: Names | None = None  # whom to ask: a section, its telephone, an address
    location: tuple[Longitude, Latitude] | None = None  # degrees (WGS 84)
    city: Names | None = None  # whose page lists it, where one web process serves several
    guide: str | None = None  # the file of purposes and floors, beside this one: docs/guide.md


class Instead(Table, frozen=True, kw_only=True):
    """`services.instead`: a way not to come."""

    name: Names
    url: Address | None = None
    note: Names | None = None  # what it costs, what one needs for it


class Service(Table, frozen=True, kw_only=True):
    """`[[services]]`: what residents come for."""

    id: Id
    name: Names
    counters: tuple[Id, ...] = ()
    service_minutes: Minutes = 7
    levels_minutes: tuple[Minutes, Minutes, Minutes] = (15, 30, 60)
    dates: tuple[Dates, ...] | None = None  # only on these days; None is every open day
    announce_days: Annotated[int, msgspec.Meta(ge=0, le=60)] = 7  # before them it is told of
    hours: tuple[Hours, ...] | None = None  # None is the office's
    place: Names | None = None  # where, if not in the office itself
    address: Names | None = None  # of that place
    map: Address | None = None
    instead: tuple[Instead, ...] = ()
    quick: tuple[Names, ...] = ()  # what staff put up with one touch
    bookings: Literal["first", "own-counter"] | None = None  # who calls those with a reservation
    booked_tickets: Annotated[str, msgspec.Meta(min_length=1, max_length=16)] | None = None


class CounterTable(Table, frozen=True, kw_only=True):
    """`[[counters]]`: a window with a clerk behind it."""

    id: Id
    name: Names | None = None
    open: tuple[Shift, ...] | None = None  # None is whenever the office is open


class Zone(Table, frozen=True, kw_only=True):
    """`[[zones]]`: where people wait."""

    id: Id
    name: Names | None = None
    capacity: Positive
    services: tuple[Id, ...] = ()


class Line(Table, frozen=True, kw_only=True):
    """`[[lines]]`: a doorway that people cross."""

    id: Id
    name: Names | None = None
    zone: Id | None = None  # which zone `in` leads into


class Lot(Table, frozen=True, kw_only=True):
    """`[[lots]]`: a car park."""

    id: Id
    name: Names | None = None
    capacity: Positive
    few: Annotated[int, msgspec.Meta(ge=0)] = 5
    accessible: Annotated[int, msgspec.Meta(ge=0)] = 0  # bays among them for disabled visitors
    accessible_of: Id | None = None  # these are those bays of that lot: told with it
    hours: tuple[Hours, ...] | None = None  # None is the office's


class Gate(Table, frozen=True, kw_only=True):
    """`[[gates]]`: where cars pass into and out of a lot."""

    id: Id
    lot: Id
    name: Names | None = None


class Meaning(Table, frozen=True, kw_only=True):
    """What a gesture on a button says; exactly one of the keys."""

    next: Id | None = None  # this counter calls its next customer
    toggle: Id | None = None  # this counter opens, or closes if it was open
    level: Level | None = None  # so busy are `services`
    services: tuple[Id, ...] = ()


class Button(Table, frozen=True, kw_only=True):
    """`[[buttons]]`: what clerks press."""

    id: Id
    short: Meaning | None = None
    double: Meaning | None = None
    long: Meaning | None = None


class Device(Table, frozen=True, kw_only=True):
    """`[[devices]]`: a Raspberry Pi, or whatever else runs an agent.

    `sensors` are tables whose keys belong to their kind: `edge/sensors/<kind>.py` reads them.
    """

    id: Id
    name: Names | None = None
    sensors: tuple[dict[str, Any], ...] = ()
    outbox_mib: Annotated[int, msgspec.Meta(ge=1)] = 256


class Switch(Table, frozen=True, kw_only=True):
    """`displays.switch`: a switch at the display's own Pi that puts up an emergency.

    Each closes a pin to ground: a wire that breaks is an open switch, and no emergency.
    """

    pin: Pin
    drill_pin: Pin | None = None  # while this one is closed too, it is a drill
    bounce_ms: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 50
    texts: Names | None = None  # None: leave the building, in all languages


class Awake(Table, frozen=True, kw_only=True):
    """`displays.awake`: when the panel is on. The page is black else, and CEC switches it off."""

    before_minutes: Margin = 30  # before the office opens
    after_minutes: Margin = 30  # after it closes


class Display(Table, frozen=True, kw_only=True):
    """`[[displays]]`: a screen in a lobby."""

    id: Id
    name: Names | None = None
    services: tuple[Id, ...] = ()  # none named: all
    lots: tuple[Id, ...] = ()
    zones: tuple[Id, ...] = ()
    languages: tuple[Language, ...] = ("ja", "en")
    panel_inches: Inches = 43  # from corner to corner
    panel_px: tuple[Pixels, Pixels] = (1920, 1080)  # width and height as it hangs
    reader_m: Metres = 5  # to the farthest reader: text is so large that they can read it
    voice: tuple[Language, ...] = ("ja",)  # in which calls are said, one after the other
    quiet: tuple[Span, ...] = ()  # when calls are shown without a sound
    touch: bool = False  # it is the guide, and is touched
    place: Id | None = None  # where in the guide it stands: "you are here"
    edge_mm: Annotated[int, msgspec.Meta(ge=0, le=2500)] = 800  # its lower edge above the floor
    low: bool = False  # controls are within a wheelchair's reach from the start
    playlist: Secure | None = None  # one on the network, besides that in the display's folder
    switch: Switch | None = None
    siren: bool = False  # sounds while there is an emergency, not in a drill
    awake: Awake | None = None  # None: day and night

    @property
    def notice(self) -> str:
        """The name of the notice that its switch puts up."""
        return f"switch-{self.id}"


class Broker(Table, frozen=True, kw_only=True):
    """`[broker]`: where Mosquitto is. Secrets are files that are named here, never values.

    `{id}` in a path stands for who connects: a device, `hub`, `web` or a display.
    """

    host: str = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=1, le=65535)] = 8883
    ca: str | None = "/etc/machiai/pki/ca.pem"
    cert: str | None = "/etc/machiai/pki/{id}.pem"
    key: str | None = "/etc/machiai/pki/{id}.key"
    readers: tuple[Id, ...] = ()  # programs of others that read what the public is told


class Freshness(Table, frozen=True, kw_only=True):
    """`[freshness]`: how long a value holds after what it rests on was seen."""

    camera_s: Seconds = 90
    ticket_s: Seconds = 90
    gate_s: Seconds = 300
    button_s: Seconds = 1800
    bookings_s: Seconds = 86_400  # some are told once a night; their age is shown


class Emergency(Table, frozen=True, kw_only=True):
    """`[emergency]`: who may put one up."""

    drills_by_one: bool = False  # a drill needs no second person


class Cameras(Table, frozen=True, kw_only=True):
    """`[cameras]`: what the notice beside each camera says, and does not follow from it."""

    operator: Names | None = None  # None is the office
    contact: Names | None = None  # None is that of `[site]`
    purpose: Names | None = None  # None is: to tell how busy it is, and the places that are free


class MailTable(Table, frozen=True, kw_only=True):
    """`[notify.mail]`: the server that takes our mails. The password is a file, never a value."""

    sender: Mailbox = msgspec.field(name="from")
    host: str = "localhost"
    port: Port = 587
    tls: Literal["starttls", "tls", "none"] = "starttls"
    ca: str | None = None  # whom to trust; None is whom the system trusts
    user: str | None = None
    password_file: str | None = None


class PushTable(Table, frozen=True, kw_only=True):
    """`[notify.push]`: Web Push to browsers that were asked."""

    contact: Mailbox  # whom the push services write to if something is wrong
    key_file: str | None = None  # None: made at the first start, in the state folder
    services: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)] = (
        "fcm.googleapis.com",
        "updates.push.services.mozilla.com",
        "push.apple.com",
        "notify.windows.com",
    )


class LineTable(Table, frozen=True, kw_only=True):
    """`[notify.line]`: messages by the office's account at LINE."""

    token_file: str
    secret_file: str


class Notify(Table, frozen=True, kw_only=True):
    """`[notify]`: a notice when a ticket is near. Each way is there if its table is."""

    mail: MailTable | None = None
    push: PushTable | None = None
    line: LineTable | None = None


class Oidc(Table, frozen=True, kw_only=True):
    """`[staff.oidc]`: staff come in by the city's own accounts (OpenID Connect)."""

    issuer: Secure
    client_id: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    secret_file: str | None = None  # None: a public client, by PKCE alone
    ca: str | None = None  # whom to trust; None is whom the system trusts
    scopes: tuple[str, ...] = ("openid", "profile")
    name_claim: str = "preferred_username"  # what people cannot change themselves
    groups_claim: str = "groups"
    viewer: tuple[str, ...] = ()  # groups that may look
    counter: tuple[str, ...] = ()  # and enter what is seen at the counter
    facility: tuple[str, ...] = ()  # and all else


class Staff(Table, frozen=True, kw_only=True):
    """`[staff]`: the staff's pages, below `/staff`."""

    local: bool = True  # accounts by `machiai staff`, too
    idle_minutes: Minutes = 60  # without a click; then one logs in again
    longest_minutes: Annotated[float, msgspec.Meta(gt=0, le=1440)] = 600  # from log-in on
    audit_days: Annotated[int, msgspec.Meta(ge=1, le=3660)] = 365
    metrics_token_file: str | None = None  # None: no /metrics
    oidc: Oidc | None = None


class HomeAssistantBroker(Table, frozen=True, kw_only=True):
    """`[homeassistant.broker]`: Home Assistant's own broker, where it has one."""

    host: str
    port: Port = 1883
    ca: str | None = None  # whom to trust; None: without TLS
    user: str | None = None
    password_file: str | None = None


class HomeAssistant(Table, frozen=True, kw_only=True):
    """`[homeassistant]`: the office in a facility's Home Assistant."""

    prefix: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,64}(?!\n)$")] = "homeassistant"
    user: Id = "ha"  # Home Assistant's name at the office's broker
    broker: HomeAssistantBroker | None = None  # None: it listens at the office's


class History(Table, frozen=True, kw_only=True):
    """`[history]`: what the hub and the web process keep, and for how long."""

    raw_days: Annotated[int, msgspec.Meta(ge=7, le=3660)] = 90  # every observation
    rollup_years: Annotated[int, msgspec.Meta(ge=1, le=30)] = 5  # what they come to, by 5 minutes


class Influx(Table, frozen=True, kw_only=True):
    """`[influx]`: a time series server of the city's, which gets what is counted as it comes."""

    url: Annotated[str, msgspec.Meta(pattern=r"^https?://[^\s/@?#]+(/[^\s?#]*)?(?!\n)$")]
    bucket: Annotated[str, msgspec.Meta(min_length=1, max_length=255)] = "machiai"
    org: Annotated[str, msgspec.Meta(max_length=255)] = ""  # InfluxDB 2 wants one
    token_file: str | None = None  # None: without one
    ca: str | None = None  # whom to trust; None is whom the system trusts


class Site(Table, frozen=True, kw_only=True):
    """One office. `digest` is the hash of the file it was read from, `folder` where that lies."""

    site: Office
    services: tuple[Service, ...] = ()
    counters: tuple[CounterTable, ...] = ()
    zones: tuple[Zone, ...] = ()
    lines: tuple[Line, ...] = ()
    lots: tuple[Lot, ...] = ()
    gates: tuple[Gate, ...] = ()
    buttons: tuple[Button, ...] = ()
    devices: tuple[Device, ...] = ()
    displays: tuple[Display, ...] = ()
    cameras: Cameras = Cameras()
    broker: Broker = Broker()
    freshness: Freshness = Freshness()
    emergency: Emergency = Emergency()
    history: History = History()
    influx: Influx | None = None
    notify: Notify | None = None
    staff: Staff | None = None
    homeassistant: HomeAssistant | None = None
    digest: str = ""
    folder: str | None = None  # None: it was no file, and nothing can lie beside it

    @property
    def id(self) -> str:
        """The office's id, the first level of its topics."""
        return self.site.id

    @property
    def car_parks(self) -> tuple[Lot, ...]:
        """The lots that are told each for itself; accessible bays are told with theirs."""
        return tuple(lot for lot in self.lots if lot.accessible_of is None)

    @property
    def zone_info(self) -> ZoneInfo:
        """The office's time zone."""
        return ZoneInfo(self.site.timezone)

    def device(self, device: str) -> Device:
        """The device of this id.

        Raises:
            BadSite: no such device.
        """
        for candidate in self.devices:
            if candidate.id == device:
                return candidate
        known = ", ".join(d.id for d in self.devices) or "none"
        raise BadSite(f"want a device of {known}, got {device!r} - at `$.devices`")

    def display(self, display: str) -> Display:
        """The display of this id.

        Raises:
            BadSite: no such display.
        """
        for candidate in self.displays:
            if candidate.id == display:
                return candidate
        known = ", ".join(d.id for d in self.displays) or "none"
        raise BadSite(f"want a display of {known}, got {display!r} - at `$.displays`")


def parse(text: str, where: str = "site file", folder: str | None = None) -> Site:
    """Read a site file.

    Args:
        text: TOML.
        where: the file's name, for the message.
        folder: where it lies, for the files that it names.

    Raises:
        BadSite: with one line for each mistake, each ending with the path of what is wrong.
    """
    try:
        tree = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadSite(f"{where}: want TOML, {error}") from None
    for own in ("digest", "folder"):
        if own in tree:
            raise BadSite(f"{where}: Object contains unknown field `{own}`")
    try:
        site = msgspec.convert(tree, Site)
    except (msgspec.ValidationError, RecursionError) as error:
        raise BadSite(f"{where}: {error}") from None
    mistakes = [f"{where}: {mistake}" for mistake in _mistakes(site)]
    if mistakes:
        raise BadSite("\n".join(mistakes))
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return msgspec.structs.replace(site, digest=digest, folder=folder)


def short_name(path: str) -> str:
    """The last part of a path, for messages."""
    return PurePath(path).name


def days_of(span: str) -> frozenset[int]:
    """Weekdays of "mon-fri" as numbers, Monday 0; a span may run over the week's end.

    >>> sorted(days_of("fri-mon"))
    [0, 4, 5, 6]
    """
    first, _, last = span.partition("-")
    start = WEEKDAYS.index(first)
    end = WEEKDAYS.index(last or first)
    return frozenset((start + i) % 7 for i in range((end - start) % 7 + 1))


def minute_of(clock: str) -> int:
    """Minutes since midnight of "08:30"; 24:00 is the end of the day."""
    hour, minute = clock.split(":")
    return int(hour) * 60 + int(minute)


def dates_of(span: str) -> tuple[date, date]:
    """First and last day of "2026-02-16/2026-03-15" or of one day.

    Raises:
        ValueError: no such day.
    """
    first, _, last = span.partition("/")
    return date.fromisoformat(first), date.fromisoformat(last or first)


def is_within(span: str, minute: int) -> bool:
    """Whether a minute since midnight is in "12:00-12:45"; a span may run over midnight.

    >>> is_within("12:00-12:45", 12 * 60), is_within("22:00-06:00", 5 * 60 + 59)
    (True, True)
    """
    start, end = map(minute_of, span.split("-"))
    return start <= minute < end if start < end else minute >= start or minute < end


def at_minute(minute: int) -> time:
    """The time of day of a minute since midnight, 24:00 being the last microsecond."""
    return time(minute // 60, minute % 60) if minute < 24 * 60 else time.max


def _mistakes(site: Site) -> Iterator[str]:
    """All that a type cannot say."""
    try:
        _ = site.zone_info
    except (ZoneInfoNotFoundError, ValueError, OSError):
        yield f"want a time zone like Asia/Tokyo, got {site.site.timezone!r} - at `$.site.timezone`"
    lists: dict[str, tuple[Any, ...]] = {
        "services": site.services,
        "counters": site.counters,
        "zones": site.zones,
        "lines": site.lines,
        "lots": site.lots,
        "gates": site.gates,
        "buttons": site.buttons,
        "devices": site.devices,
        "displays": site.displays,
    }
    for path, items in lists.items():
        yield from _twice(path, items)
    ids = {path: {item.id for item in items} for path, items in lists.items()}
    yield from _unknown(site, ids)
    yield from _spans(site)
    yield from _meanings(site)
    yield from _bays(site)
    yield from _notices(site)
    yield from _switches(site)
    yield from _doors(site)
    for i, service in enumerate(site.services):
        if service.booked_tickets is not None and service.bookings is None:
            yield f"want `bookings` where tickets tell of them - at `$.services[{i}].bookings`"
    yield from _facilities(site)
    yield from _servers(site)
    for i, device in enumerate(site.devices):
        if device.id == "hub":
            yield f"want another id than `hub`, it is the hub's own - at `$.devices[{i}].id`"
        for j, sensor in enumerate(device.sensors):
            if not isinstance(sensor.get("kind"), str):
                yield f"want a `kind` - at `$.devices[{i}].sensors[{j}].kind`"


def _twice(path: str, items: Iterable[Any]) -> Iterator[str]:
    seen: set[str] = set()
    for i, item in enumerate(items):
        if item.id in seen:
            yield f"want each id once, got {item.id!r} again - at `$.{path}[{i}].id`"
        seen.add(item.id)


def _unknown(site: Site, ids: dict[str, set[str]]) -> Iterator[str]:
    """References to what is not declared."""

    def missing(path: str, kind: str, names: Iterable[str | None]) -> Iterator[str]:
        for name in names:
            if name is not None and name not in ids[kind]:
                yield f"want one of `{kind}`, got {name!r} - at `$.{path}`"

    for i, service in enumerate(site.services):
        yield from missing(f"services[{i}].counters", "counters", service.counters)
    for i, zone in enumerate(site.zones):
        yield from missing(f"zones[{i}].services", "services", zone.services)
    for i, line in enumerate(site.lines):
        yield from missing(f"lines[{i}].zone", "zones", [line.zone])
    for i, gate in enumerate(site.gates):
        yield from missing(f"gates[{i}].lot", "lots", [gate.lot])
    for i, display in enumerate(site.displays):
        yield from missing(f"displays[{i}].services", "services", display.services)
        yield from missing(f"displays[{i}].lots", "lots", display.lots)
        yield from missing(f"displays[{i}].zones", "zones", display.zones)
    for path, meaning in _said(site):
        yield from missing(f"{path}.next", "counters", [meaning.next])
        yield from missing(f"{path}.toggle", "counters", [meaning.toggle])
        yield from missing(f"{path}.services", "services", meaning.services)


def _said(site: Site) -> Iterator[tuple[str, Meaning]]:
    """Every gesture that has a meaning, with its path."""
    for i, button in enumerate(site.buttons):
        for gesture in ("short", "double", "long"):
            meaning: Meaning | None = getattr(button, gesture)
            if meaning is not None:
                yield f"buttons[{i}].{gesture}", meaning


def _spans(site: Site) -> Iterator[str]:
    """Times and dates that run backwards or do not exist."""
    spans = [(f"site.hours[{i}]", h.open, h.close) for i, h in enumerate(site.site.hours)]
    for i, lot in enumerate(site.lots):
        spans += [(f"lots[{i}].hours[{j}]", h.open, h.close) for j, h in enumerate(lot.hours or ())]
    for i, service in enumerate(site.services):
        own = service.hours or ()
        spans += [(f"services[{i}].hours[{j}]", h.open, h.close) for j, h in enumerate(own)]
    for i, counter in enumerate(site.counters):
        spans += [
            (f"counters[{i}].open[{j}]", s.start, s.end) for j, s in enumerate(counter.open or ())
        ]
    for path, start, end in spans:
        if minute_of(end) <= minute_of(start):
            yield f"want an end after {start}, got {end} - at `$.{path}`"
    holidays = site.site.holidays
    dates = [] if isinstance(holidays, str) else [("site.holidays", holidays)]
    dates += [(f"services[{i}].dates", s.dates) for i, s in enumerate(site.services) if s.dates]
    for path, listed in dates:
        for j, span in enumerate(listed):
            try:
                first, last = dates_of(span)
            except ValueError:
                yield f"want a day of the calendar, got {span!r} - at `$.{path}[{j}]`"
                continue
            if last < first:
                yield f"want the first day before the last, got {span!r} - at `$.{path}[{j}]`"


def _meanings(site: Site) -> Iterator[str]:
    """Gestures that say nothing or two things."""
    for path, meaning in _said(site):
        words = [meaning.next, meaning.toggle, meaning.level]
        if sum(word is not None for word in words) != 1:
            yield f"want one of next, toggle, level - at `$.{path}`"
        if meaning.level is not None and not meaning.services:
            yield f"want the services that are so busy - at `$.{path}.services`"


def _bays(site: Site) -> Iterator[str]:
    """Accessible bays of no lot, of two or more than there are."""
    lots = {lot.id: lot for lot in site.car_parks}
    of: set[str] = set()
    for i, lot in enumerate(site.lots):
        if lot.accessible > lot.capacity:
            yield f"want at most the capacity {lot.capacity} - at `$.lots[{i}].accessible`"
        if lot.accessible_of is None:
            continue
        whole = lots.get(lot.accessible_of)
        if whole is None or whole.id in of:
            known = ", ".join(sorted(lots.keys() - of)) or "none"
            want = f"want a lot of {known}, got {lot.accessible_of!r}"
            yield f"{want} - at `$.lots[{i}].accessible_of`"
        elif whole.accessible != lot.capacity:
            want = f"want {whole.accessible}, the accessible bays of {whole.id}"
            yield f"{want}, got {lot.capacity} - at `$.lots[{i}].capacity`"
        of.add(lot.accessible_of)


def _doors(site: Site) -> Iterator[str]:
    """Staff's pages that nobody could come into."""
    if site.staff is None:
        return
    oidc = site.staff.oidc
    if oidc is None:
        if not site.staff.local:
            yield "want `staff.oidc` where there are no local accounts - at `$.staff.local`"
        return
    if not (site.site.url or "").startswith("https://"):
        yield f"want https://… for the way back to us, got {site.site.url!r} - at `$.site.url`"
    if not (oidc.viewer or oidc.counter or oidc.facility):
        yield "want a group that may come in - at `$.staff.oidc.viewer`"
    if "openid" not in oidc.scopes:
        yield "want `openid` among them - at `$.staff.oidc.scopes`"


def _facilities(site: Site) -> Iterator[str]:
    """A Home Assistant that nobody could tell from us, or that would not let us in."""
    table = site.homeassistant
    if table is None:
        return
    if table.broker is None and table.user == "homeassistant":
        yield "want another name than machiai's own there - at `$.homeassistant.user`"
    broker = table.broker
    if broker is not None and (broker.user is None) != (broker.password_file is None):
        yield "want both of user, password_file or neither - at `$.homeassistant.broker`"


_HERE = re.compile(r"http://(127\.0\.0\.1|localhost|\[::1\])(:\d+)?(/|$)")


def _servers(site: Site) -> Iterator[str]:
    """A server that everything would be sent to for all to read on the way."""
    url = "https://" if site.influx is None else site.influx.url
    if not url.startswith("https://") and not _HERE.match(url):
        yield f"want https://… for a server elsewhere, got {url} - at `$.influx.url`"


def _switches(site: Site) -> Iterator[str]:
    """Switches whose notice would have no name, or that are their own drill."""
    for i, display in enumerate(site.displays):
        switch = display.switch
        if switch is None:
            continue
        if len(display.notice) > LONGEST_ID:
            most = LONGEST_ID - len(display.notice) + len(display.id)
            yield f"want at most {most} signs where there is a switch - at `$.displays[{i}].id`"
        if switch.pin == switch.drill_pin:
            yield f"want another pin than the switch's - at `$.displays[{i}].switch.drill_pin`"


def _notices(site: Site) -> Iterator[str]:
    """Notices that cannot be sent, or whose links would lead nowhere."""
    notify = site.notify
    if notify is None:
        return
    if notify == Notify():
        yield "want one of mail, push, line - at `$.notify`"
    if not (site.site.url or "").startswith("https://"):
        yield f"want https://... for links in notices, got {site.site.url!r} - at `$.site.url`"
    mail = notify.mail
    if mail is not None and (mail.user is None) != (mail.password_file is None):
        yield "want both of user, password_file or neither - at `$.notify.mail`"
    if mail is not None and mail.user is not None and mail.tls == "none":
        yield "want tls where a password is sent - at `$.notify.mail.tls`"
