"""What a device says of itself and the hub of the office, all of it retained."""

from datetime import date
from typing import Literal

import msgspec

from models.contract.ids import Count, Id, Level, Seq, Short, Text, Time, Whole

DeviceStatus = Literal["ready", "alert", "disconnected", "lost"]
ServiceStatus = Literal["open", "paused", "closed", "no_data"]
LotStatus = Literal["open", "closed", "no_data"]
Vacancy = Literal["vacant", "few", "full"]
Layer = Literal["board", "content", "guide", "dark", "takeover", "emergency", "identify"]
Phase = Literal["fresh", "ageing", "stale", "closed", "paused", "no_data"]


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """Root of all messages that are not observations."""


class State(Message, frozen=True, kw_only=True):
    """Is a device there? The will says `lost`."""

    state: DeviceStatus
    at: Time | None = None
    why: str = ""


class SensorAbout(Message, frozen=True, kw_only=True):
    """One sensor of a device; `basis` says by what it sees (a model, a driver)."""

    kind: str
    names: tuple[str, ...] = ()
    basis: str = ""


class About(Message, frozen=True, kw_only=True):
    """What a device is. `oldest` is the lowest `seq` that its outbox still holds.

    `up_ms` is how long it has been up as it says so: from this the hub knows when it booted.
    """

    version: str
    board: str = ""
    boot: str = ""
    up_ms: Whole | None = None
    stream: str = ""
    oldest: Seq = 1
    sensors: tuple[SensorAbout, ...] = ()
    calibrated: str | None = None
    site_hash: str = ""


class Health(Message, frozen=True, kw_only=True):
    """How a device feels, once a minute. Unknown is null."""

    at: Time | None
    temperature_c: float | None = None
    under_voltage: bool | None = None
    disk_free_share: float | None = None
    outbox: Count = 0
    clock_synchronised: bool = False
    certificate_days: int | None = None
    sensor_age_s: dict[str, float | None] = {}
    refused: dict[str, Whole] = {}


class ScreenRow(Message, frozen=True, kw_only=True):
    """A service, lot or zone as it was on a screen, read back from what is painted there.

    `numbers` are those that stand in each of its places, by what the place is for; `ago_s` is 0 if
    it is painted now.
    """

    id: Id
    ago_s: Count = 0
    phase: Phase
    level: Level | None = None
    numbers: dict[str, tuple[Whole, ...]] = {}


class ScreenNotice(Message, frozen=True, kw_only=True):
    """An emergency as it was on a screen."""

    id: Short
    ago_s: Count = 0


class Screen(Message, frozen=True, kw_only=True):
    """What a display really paints, once a minute and after each change.

    `places` are those that a row of this display has room for; the clock is as it shows it.
    """

    at: Time | None = None
    layer: Layer
    language: str = ""
    page: Count = 0
    pages: Count = 1
    places: tuple[str, ...] = ()
    clock: Short | None = None
    services: tuple[ScreenRow, ...] = ()
    lots: tuple[ScreenRow, ...] = ()
    zones: tuple[ScreenRow, ...] = ()
    called: tuple[Short, ...] | None = None
    emergencies: tuple[ScreenNotice, ...] = ()


class Ack(Message, frozen=True, kw_only=True):
    """All of `stream` up to `seq` is durable at the hub."""

    stream: str
    seq: Whole


class Spread(Message, frozen=True, kw_only=True):
    """A wait in seconds that will be exceeded 9, 5 and 1 times in 10."""

    p10_s: float
    p50_s: float
    p90_s: float


class Free(Message, frozen=True, kw_only=True):
    """Free places: fewer than p10 are free once in 10 times."""

    p10: int
    p50: int
    p90: int


class Result(Message, frozen=True, kw_only=True):
    """Root of the hub's results. Nobody shows a value after `valid_until`."""

    at: Time
    observed_at: Time | None = None
    valid_until: Time


class Booked(Message, frozen=True, kw_only=True):
    """Reservations of one service, as its book said at `as_of`: those of today that are to come."""

    as_of: Time
    left: Count
    next_at: Time | None = None
    free_at: Time | None = None


class ServiceResult(Result, frozen=True, kw_only=True):
    """One service: how busy, how many wait, how long.

    `booked` is there only where its book of reservations is read, and is not too old.
    """

    state: ServiceStatus
    level: Level | None = None
    waiting: Count | None = None
    called: Short | None = None
    counters_open: Count | None = None
    wait: Spread | None = None
    basis: str = ""
    opens_at: Time | None = None
    booked: Booked | msgspec.UnsetType = msgspec.UNSET


class AccessibleResult(Message, frozen=True, kw_only=True):
    """The accessible bays of a lot."""

    vacancy: Vacancy | None = None
    free: Free | None = None
    capacity: Count


class LotResult(Result, frozen=True, kw_only=True):
    """One car park."""

    state: LotStatus
    vacancy: Vacancy | None = None
    free: Free | None = None
    capacity: Count
    accessible: AccessibleResult | None = None
    basis: str = ""
    opens_at: Time | None = None


class ZoneResult(Result, frozen=True, kw_only=True):
    """One waiting zone."""

    state: Literal["open", "closed", "no_data"]
    people: Count | None = None
    capacity: Count | None = None
    level: Level | None = None
    over: bool | None = None
    basis: str = ""


class Call(Message, frozen=True, kw_only=True):
    """One called ticket."""

    number: Short
    service: Id
    counter: Id | None = None
    at: Time


class CallsResult(Result, frozen=True, kw_only=True):
    """The last ten called tickets, newest first.

    `recent` are those that a screen must have called out (`models/screens/announce.py`), `missed`
    those whose holder did not come, each with the time at which that was said.
    """

    calls: tuple[Call, ...] = ()
    recent: tuple[Call, ...] = ()
    missed: tuple[Call, ...] = ()


class LineTicket(Message, frozen=True, kw_only=True):
    """One ticket that waits. `ahead` are called before it; `wait` is how much longer it waits."""

    number: Short
    ahead: Count
    wait: Spread | None = None


class LineResult(Result, frozen=True, kw_only=True):
    """The tickets that wait for a service, in the order in which they will be called."""

    tickets: tuple[LineTicket, ...] = ()


class NoticeResult(Result, frozen=True, kw_only=True):
    """An announcement or emergency, in as many languages as were given, or the drill of one."""

    severity: Literal["info", "warning", "emergency"]
    drill: bool = False
    since: Time | None = msgspec.field(name="from", default=None)
    until: Time | None = None
    texts: dict[str, Text] = {}


class ProposalResult(Result, frozen=True, kw_only=True):
    """An emergency, or its drill, that one of the staff wants to tell and nobody has confirmed."""

    by: Short
    drill: bool = False
    since: Time | None = msgspec.field(name="from", default=None)
    until: Time | None = None
    texts: dict[str, Text] = {}


class NoticesResult(Result, frozen=True, kw_only=True):
    """All notices that stand. What is not among them is over, whoever still has it.

    `edition` grows with each that is put up or taken down, and never falls with a clock.
    """

    edition: Whole
    names: tuple[Id, ...] = ()


class AlertResult(Result, frozen=True, kw_only=True):
    """What staff must see to now; it is taken away when it is over."""

    what: Literal["over", "screen"]
    since: Time
    why: str


class Measured(Message, frozen=True, kw_only=True):
    """Told waits that came true: means in seconds, and the share that came within p10 to p90."""

    count: Count
    told_s: float
    came_s: float
    error_s: float
    coverage: float


class MeasuredLevel(Measured, frozen=True, kw_only=True):
    """Those that were told as so busy."""

    level: Level


class MeasuredDay(Measured, frozen=True, kw_only=True):
    """Those of one day, by the local date."""

    day: date


class AccuracyResult(Result, frozen=True, kw_only=True):
    """How true the waits were that one service told, over the last 28 days."""

    total: Measured | None = None
    levels: tuple[MeasuredLevel, ...] = ()
    days: tuple[MeasuredDay, ...] = ()


class People(Message, frozen=True, kw_only=True):
    """People who wait in the hour around a moment."""

    p10: float
    p50: float
    p90: float


class ServiceStep(Message, frozen=True, kw_only=True):
    """A service at one moment to come. `wait` is that of who comes then."""

    at: Time
    waiting: People
    wait: Spread | None = None


class BestTime(Message, frozen=True, kw_only=True):
    """The hour in which to come today."""

    since: Time = msgspec.field(name="from")
    until: Time
    waiting: People
    wait: Spread | None = None


class HalfHour(Message, frozen=True, kw_only=True):
    """People who wait for a service in a half hour of today: usually, and as it came."""

    at: Time
    usual: float | None = None
    came: float | None = None


class ServiceForecast(Result, frozen=True, kw_only=True):
    """The coming hours and days of one service, and how today compares with what is usual."""

    steps: tuple[ServiceStep, ...] = ()
    best: BestTime | None = None
    today: tuple[HalfHour, ...] = ()


class LotStep(Message, frozen=True, kw_only=True):
    """A car park at one moment to come."""

    at: Time
    free: Free


class LotForecast(Result, frozen=True, kw_only=True):
    """The coming hours and days of one car park."""

    capacity: Count
    steps: tuple[LotStep, ...] = ()


class Shipping(Message, frozen=True, kw_only=True):
    """How far a city's time series server is behind the hub; `why` it takes nothing now.

    `missing` observations were forgotten here before it had them; `refused` points it will not
    take.
    """

    lag_s: Whole
    waiting: Whole
    missing: Whole = 0
    refused: Whole = 0
    why: str = ""


class HubAbout(Message, frozen=True, kw_only=True):
    """What the hub is, and how many messages it has refused, by reason."""

    version: str
    site_hash: str
    refused: dict[str, Whole] = {}
    shipping: Shipping | None = None


RESULTS: dict[str, type[Result]] = {
    "service": ServiceResult,
    "lot": LotResult,
    "zone": ZoneResult,
    "line": LineResult,
    "notice": NoticeResult,
    "proposal": ProposalResult,
    "alert": AlertResult,
    "accuracy": AccuracyResult,
    "forecast/service": ServiceForecast,
    "forecast/lot": LotForecast,
}
"""Results by the topic levels below `hub/`; each has a name below it."""

DEVICE_MESSAGES: dict[str, type[Message]] = {
    "state": State,
    "about": About,
    "health": Health,
    "screen": Screen,
    "ack": Ack,
}
