"""What a sensor saw: one frozen reading a kind, and the envelope that its outbox adds."""

from datetime import date
from typing import Annotated, Literal

import msgspec

from models.contract.ids import Count, Id, Level, Seq, Short, Text, Time, Whole

Direction = Literal["in", "out"]
Gesture = Literal["short", "double", "long"]
TicketEvent = Literal["issued", "called", "served", "absent", "cancelled"]
Minute = Annotated[int, msgspec.Meta(ge=0, le=1439)]


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """Root of all readings. A reading knows neither who saw it nor when."""


class People(Reading, frozen=True, kw_only=True):
    """People in a zone. Name: the zone."""

    count: Count


class Crossing(Reading, frozen=True, kw_only=True):
    """Somebody crossed a line. Name: the line."""

    direction: Direction


class Pulse(Reading, frozen=True, kw_only=True):
    """A car passed a gate. Name: the gate.

    `total` counts this direction since the stream began; the outbox fills it in, in the same
    transaction that makes the pulse durable.
    """

    direction: Direction
    total: Count = 0


class Cars(Reading, frozen=True, kw_only=True):
    """Occupied slots, and how many slots could be seen. Name: the lot."""

    occupied: Count
    seen: Count


class Press(Reading, frozen=True, kw_only=True):
    """A button was pressed. Name: the button; the site file says what it means."""

    gesture: Gesture


class Ticket(Reading, frozen=True, kw_only=True):
    """Something happened to a ticket. Name: the service."""

    number: Short
    event: TicketEvent
    counter: Id | None = None


class Queue(Reading, frozen=True, kw_only=True):
    """What a polled queue display shows. Name: the service."""

    waiting: Count
    called: Short | None = None
    open: Count | None = None


class BookedSlot(msgspec.Struct, frozen=True, kw_only=True):
    """Reservations that begin at one minute of a local day; how many there may be, if known."""

    minute: Minute
    booked: Count
    places: Count | None = None


class Bookings(Reading, frozen=True, kw_only=True):
    """All reservations of one local day, as counts: who they are stays where they were read.

    What was said of that day before holds no more. Name: the service.
    """

    day: date
    slots: tuple[BookedSlot, ...] = ()


class Counter(Reading, frozen=True, kw_only=True):
    """A counter opened or closed; None is by its timetable again. Name: the counter."""

    open: bool | None


class SetLevel(Reading, frozen=True, kw_only=True):
    """How busy staff say it is; None takes back what was said last. Name: the service."""

    level: Level | None


class Pause(Reading, frozen=True, kw_only=True):
    """Staff pause a service, or go on with it. Name: the service."""

    paused: bool
    until: Time | None = None


class SetCount(Reading, frozen=True, kw_only=True):
    """Counted by hand. Name: the lot or the zone."""

    count: Count
    by: Short


class PostNotice(Reading, frozen=True, kw_only=True):
    """An announcement is put up, or taken down with `cancel`. Name: the notice."""

    by: Short
    cancel: bool = False
    severity: Literal["info", "warning", "emergency"] = "info"
    drill: bool = False
    since: Time | None = msgspec.field(name="from", default=None)
    until: Time | None = None
    texts: dict[str, Text] = {}


class Beat(Reading, frozen=True, kw_only=True):
    """A watermark: all that this device saw before has a smaller `seq`. Name: `all`."""


class Skip(Reading, frozen=True, kw_only=True):
    """What stood from this `seq` to `upto` was thinned and will not come. Name: `all`."""

    upto: Seq


class Gap(Reading, frozen=True, kw_only=True):
    """Events of a sensor may be missing since then. Name: the sensor."""

    since: Time | None
    why: Short


KINDS: dict[str, type[Reading]] = {
    "people": People,
    "crossing": Crossing,
    "pulse": Pulse,
    "cars": Cars,
    "press": Press,
    "ticket": Ticket,
    "queue": Queue,
    "bookings": Bookings,
    "counter": Counter,
    "level": SetLevel,
    "pause": Pause,
    "set": SetCount,
    "notice": PostNotice,
    "beat": Beat,
    "skip": Skip,
    "gap": Gap,
}
"""Every kind of observation, by its topic level."""

KIND_OF: dict[type[Reading], str] = {reading: kind for kind, reading in KINDS.items()}

GAUGES = frozenset({"people", "cars", "queue"})
"""Kinds that may be thinned when a disk is full: the newest says it all. Events never are."""


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """What an outbox adds to a reading, so that it is counted once and dated right.

    `after` stands in the first of a stream only: `<stream>/<seq>` of what the outbox gave before.
    """

    stream: Id
    seq: Seq
    boot: Short
    up_ms: Whole
    at: Time | None = None
    after: Short | msgspec.UnsetType = msgspec.UNSET


class Observation(msgspec.Struct, frozen=True, kw_only=True):
    """A reading with its envelope and the topic that it came on."""

    site: str
    device: str
    kind: str
    name: str
    envelope: Envelope
    reading: Reading
