"""All that the hub must not forget: the state of today and what was learnt, as plain values."""

import msgspec

from models.contract.results import Call, NoticeResult, ProposalResult
from models.errors import BadPayload
from models.forecast.busy import Busy
from models.forecast.waited import Waited
from models.site import Service
from models.state.accuracy import Accuracy
from models.state.beats import Beats
from models.state.bookings import Book
from models.state.counters import Breaks, Counter
from models.state.crowd import CrowdState
from models.state.displays import Display
from models.state.exits import Exits
from models.state.house import House
from models.state.lots import LotState
from models.state.plan import Plan, within
from models.state.tickets import Tickets
from models.state.zones import ZoneState
from models.wait.durations import first_guess
from models.wait.line import Learnt
from models.wait.pace import Pace
from models.wait.speed import Speed


class Said(msgspec.Struct, frozen=True):
    """How busy staff said it is, at a moment in seconds since 1970."""

    level: int | None = None
    at_s: float = 0.0


class Rest(msgspec.Struct, frozen=True):
    """A pause by staff. Seconds since 1970; `until_s` is None until they say that it is over."""

    since_s: float
    until_s: float | None = None


class ServiceState(msgspec.Struct):
    """One service. `level_s` is when staff last said how busy it is, seconds since 1970.

    `before` is what they had said before that; `rest_s` is when they last paused it or went on.
    """

    learnt: Learnt
    tickets: Tickets = msgspec.field(default_factory=Tickets)
    display: Display = msgspec.field(default_factory=Display)
    busy: Busy = msgspec.field(default_factory=Busy)
    waited: Waited = msgspec.field(default_factory=Waited)
    seen_counters: dict[str, float] = {}
    level: int | None = None
    level_s: float = 0.0
    before: Said = Said()
    rest: Rest | None = None
    rest_s: float = 0.0
    accuracy: Accuracy = msgspec.field(default_factory=Accuracy)
    book: Book = msgspec.field(default_factory=Book)


class Memory(msgspec.Struct):
    """The office. `day_s` is the local midnight, seconds since 1970, of the day it stands for.

    `now_s` is when the hub got the newest observation, by its clock. `edition` counts the changes
    of the notices: see `NoticesResult`.
    """

    day_s: float = 0.0
    now_s: float = 0.0
    services: dict[str, ServiceState] = {}
    crowds: dict[str, CrowdState] = {}
    counters: dict[str, Counter] = {}
    lots: dict[str, LotState] = {}
    zones: dict[str, ZoneState] = {}
    notices: dict[str, NoticeResult] = {}
    proposals: dict[str, ProposalResult] = {}
    edition: int = 0
    beats: Beats = msgspec.field(default_factory=Beats)
    breaks: Breaks = msgspec.field(default_factory=Breaks)
    pace: Pace = msgspec.field(default_factory=Pace)
    speed: Speed = msgspec.field(default_factory=Speed)
    exits: Exits = msgspec.field(default_factory=Exits)
    calls: list[Call] = []
    missed: list[Call] = []
    unknown: dict[str, int] = {}

    def begin_day(self, plan: Plan, house: House) -> None:
        """Midnight has passed: tickets start again, what was learnt fades a little."""
        first, self.day_s = not self.day_s, plan.start_s
        self.calls, self.missed = [], []
        self.pace = Pace()
        self.speed = Speed()
        self.exits.begin_day()
        for service in self.services.values():
            service.tickets.begin_day()
            service.display.begin_day()
            service.busy.begin_day(plan.start_s, plan.kind)
            service.waited.begin_day(plan.start_s, plan.kind)
            service.accuracy.begin_day(plan.start_s)
            service.book.begin_day(plan.day)
            service.seen_counters = {}
            service.level, service.before, service.rest = None, Said(), None
            if not first:
                service.learnt.forget()
        for crowd in self.crowds.values():
            crowd.begin_day()
            if not first:
                crowd.forget()
        for counter in self.counters.values():
            counter.begin_day()
        for name, state in self.lots.items():
            if state.pulse_s is not None and not within(plan.lots[name], plan.start_s):
                state.cars.night(plan.start_s, house.lots[name].capacity)
                state.cars.judge(house.lots[name].capacity, house.lots[name].few)
            state.cars.begin_day(plan.start_s, plan.kind, plan.lots[name])
        if not within(plan.office, plan.start_s):
            for name, zone in self.zones.items():
                zone.empty(plan.start_s, house.zones[name].capacity)


def fitted(memory: Memory, house: House) -> Memory:
    """The same memory for this site file: what is gone is dropped, what is new begins."""
    memory.services = {
        name: memory.services.get(name) or _begun(service)
        for name, service in house.services.items()
    }
    groups = {group[0] for group in house.group.values()}
    memory.crowds = {name: memory.crowds.get(name) or CrowdState() for name in sorted(groups)}
    declared = {name: memory.counters.get(name) or Counter() for name in house.counters}
    memory.counters = declared | memory.counters  # with those that only a ticket machine names
    memory.lots = {name: memory.lots.get(name) or LotState() for name in house.lots}
    memory.zones = {name: memory.zones.get(name) or ZoneState() for name in house.zones}
    return memory


def _begun(service: Service) -> ServiceState:
    return ServiceState(learnt=Learnt(durations=first_guess(service.service_minutes)))


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Memory)


def dumped(memory: Memory) -> bytes:
    """The memory as bytes; equal memories give equal bytes."""
    return _encoder.encode(memory)


def loaded(data: bytes) -> Memory:
    """The memory from its bytes.

    Raises:
        BadPayload: they are none.
    """
    try:
        return _decoder.decode(data)
    except (msgspec.MsgspecError, ValueError) as error:
        raise BadPayload(f"want the hub's folded state, got {len(data)} bytes: {error}") from None
