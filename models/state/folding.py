"""What each kind of observation changes. One method a kind; none of them asks for the time."""

from collections import deque
from typing import cast

from models.contract.observations import (
    Bookings,
    Cars,
    Counter,
    Crossing,
    Gap,
    Observation,
    Pause,
    People,
    PostNotice,
    Press,
    Pulse,
    Queue,
    SetCount,
    SetLevel,
    Ticket,
)
from models.contract.results import Spread
from models.state.accuracy import Called, Came, Promise
from models.state.clerks import Clerks
from models.state.crowds import Crowds
from models.state.displays import Display
from models.state.house import House
from models.state.lots import Look
from models.state.memory import Memory, Rest, Said
from models.state.notices import Notices
from models.state.plan import within
from models.state.setback import STEP_S, forget_after
from models.state.waits import shown, told

_TOLD_EVERY = 3  # tickets, of which one is told a wait to learn from
_PROMPT_S = 30.0  # what came later says nothing about what could be told in time
_SHORT_GAP_S = 120.0  # of opening hours, in which hardly a ticket is missed
_NAMES = 64  # that nobody declared; what is more is counted together
_CAME = 10_000  # told waits that came true since somebody asked; of more the newest
_UNKNOWN_GAP_S = 7200.0  # taken for a gap of which nobody knows how long it was


class Folding:
    """Applies observations to a memory. Times are seconds since 1970."""

    def __init__(self, memory: Memory, house: House) -> None:
        self.memory = memory
        self.house = house
        self.clerks = Clerks(memory, house)
        self.crowds = Crowds(memory, house)
        self.notices = Notices(memory, house.site)
        self.came: deque[tuple[str, Came]] = deque(maxlen=_CAME)
        self._kinds = {
            "people": self._people,
            "pulse": self._pulse,
            "cars": self._cars,
            "press": self._press,
            "ticket": self._ticket,
            "queue": self._queue,
            "bookings": self._bookings,
            "counter": self._counter,
            "level": self._level,
            "pause": self._pause,
            "set": self._set,
            "notice": self._notice,
            "gap": self._gap,
            "crossing": self._crossing,
        }

    def apply(self, seen: Observation, at_s: float, received_s: float) -> None:
        """Fold one observation.

        Args:
            seen: what was observed.
            at_s: when.
            received_s: when the hub got it; nothing happens later than that.
        """
        at_s = min(at_s, received_s)
        memory, plans = self.memory, self.house.plans
        if not memory.day_s <= received_s < memory.day_s + 82_800.0:  # 23 h: surely the same day
            plan = plans.at(received_s)
            if plan.start_s > memory.day_s or received_s < memory.day_s - 86_400.0:
                memory.begin_day(plan, self.house)
        if received_s < memory.now_s - STEP_S:
            forget_after(memory, received_s)
        memory.now_s = received_s
        memory.beats.hear(seen.device, at_s)
        fold = self._kinds.get(seen.kind)
        if fold is not None:
            fold(seen, at_s, received_s)

    def _strange(self, seen: Observation) -> None:
        """Something of which the site file knows nothing."""
        unknown, key = self.memory.unknown, f"{seen.kind}/{seen.name}"
        if key not in unknown and len(unknown) >= _NAMES:
            key = "others"
        unknown[key] = unknown.get(key, 0) + 1

    def _ticket(self, seen: Observation, at_s: float, received_s: float) -> None:
        reading = cast("Ticket", seen.reading)
        state = self.memory.services.get(seen.name)
        if state is None:
            self._strange(seen)
            return
        self.memory.beats.feed(f"tickets/{seen.name}", seen.device, at_s)
        if at_s < self.memory.day_s:
            return  # it came over night; those people have gone home
        tickets = state.tickets
        state.busy.see(len(tickets.waiting), at_s)
        if reading.event == "issued":
            ticket = tickets.issue(reading.number, at_s)
            if ticket and self.house.is_booked(seen.name, reading.number):
                ticket.due_s = state.book.take_ticket(at_s)
            elif ticket and tickets.issued % _TOLD_EVERY == 0 and received_s - at_s < _PROMPT_S:
                ticket.told = told(self.memory, self.house, seen.name, reading.number, at_s)
                tells = ticket.told and state.learnt.conformal.apply(ticket.told)
                self._promise(seen.name, reading.number, tells, at_s)
        elif reading.event == "called":
            tickets.machine_calls = True
            self._came(seen.name, state.accuracy.call(reading.number, at_s, self.memory.day_s))
            self.clerks.call(seen.name, reading.number, reading.counter, at_s, received_s)
        else:
            tickets.waiting.pop(reading.number, None)
            state.accuracy.drop(reading.number)
            if reading.event == "absent":
                self.clerks.miss(seen.name, reading.number, reading.counter, at_s)
            else:
                self.clerks.settle(seen.name, reading.number)
            for counter in self.clerks.serving(seen.name, reading.number):
                self.clerks.finish(counter, at_s, reading.event)

    def _promise(self, service: str, key: str, tells: Spread | None, at_s: float) -> None:
        """Note what is told now of a wait that begins, to be held against what comes."""
        if tells is not None:
            limits = self.house.services[service].levels_minutes
            level = 1 + sum(tells.p50_s > 60.0 * limit for limit in limits)
            self.memory.services[service].accuracy.tell(key, Promise(at_s, tells, level))

    def _called_by_button(self, counter: str, at_s: float) -> None:
        """Hold what was told against the wait of whom a counter has just called."""
        desk = self.memory.counters[counter]
        if desk.busy is not None and desk.number is not None and desk.called_s == at_s:
            state = self.memory.services[desk.busy.service]
            came = state.accuracy.call(desk.number, at_s, self.memory.day_s)
            self._came(desk.busy.service, came)

    def _came(self, service: str, *came: Came | None) -> None:
        """Told waits have come true, for whoever keeps them."""
        self.came += ((service, one) for one in came if one is not None)

    def _promise_last(self, service: str, before: Called | None, at_s: float) -> None:
        """The same for the last in the line that a display shows; `before` is what it showed."""
        state = self.memory.services[service]
        now = _called(state.display)
        self._came(service, *state.accuracy.reach(before, now, self.memory.day_s))
        last = "" if now is None else str(now[0] + state.display.waiting)
        if last and state.display.waiting and last not in state.accuracy.promises:
            tells = shown(self.memory, self.house, service, counted=True)
            self._promise(service, last, tells, at_s)

    def _press(self, seen: Observation, at_s: float, received_s: float) -> None:
        meaning = self.house.meaning(seen.name, cast("Press", seen.reading).gesture)
        if meaning is None:
            self._strange(seen)
        elif at_s < self.memory.day_s:
            return
        elif meaning.next is not None:
            self.clerks.call_next(meaning.next, at_s, received_s)
            self._called_by_button(meaning.next, at_s)
            self.crowds.press(meaning.next, seen.device, at_s)
        elif meaning.toggle is not None:
            counter = self.memory.counters[meaning.toggle]
            spans = self.house.plans.at(at_s).counters[meaning.toggle]
            is_open = counter.is_open(spans, at_s)
            counter.say(open=not is_open, at_s=at_s, spans=spans, breaks=self.memory.breaks)
        elif meaning.level is not None:
            for service in meaning.services:
                self._say_level(service, meaning.level, at_s)

    def _counter(self, seen: Observation, at_s: float, _received_s: float) -> None:
        counter = self.memory.counters.get(seen.name)
        if counter is None:
            self._strange(seen)
        elif at_s >= self.memory.day_s:
            plan, says = self.house.plans.at(at_s), cast("Counter", seen.reading).open
            spans = plan.counters.get(seen.name, plan.office)
            self.crowds.turn(seen.name, at_s, open=within(spans, at_s) if says is None else says)
            counter.say(open=says, at_s=at_s, spans=spans, breaks=self.memory.breaks)

    def _level(self, seen: Observation, at_s: float, _received_s: float) -> None:
        level = cast("SetLevel", seen.reading).level
        if seen.name not in self.memory.services:
            self._strange(seen)
        elif level is not None:
            self._say_level(seen.name, level, at_s)
        else:
            state = self.memory.services[seen.name]
            if at_s >= max(state.level_s, self.memory.day_s):
                before, state.before = state.before, Said()
                state.level, state.level_s = before.level, before.at_s

    def _say_level(self, service: str, level: int, at_s: float) -> None:
        state = self.memory.services[service]
        if at_s >= max(state.level_s, self.memory.day_s):
            if level != state.level:  # else it is said again: a second touch takes nothing away
                state.before = Said(state.level, state.level_s)
            state.level, state.level_s = level, at_s
            self.crowds.level(service, level, at_s)

    def _pause(self, seen: Observation, at_s: float, _received_s: float) -> None:
        state, reading = self.memory.services.get(seen.name), cast("Pause", seen.reading)
        if state is None:
            self._strange(seen)
        elif at_s >= max(state.rest_s, self.memory.day_s):
            until_s = None if reading.until is None else reading.until.timestamp()
            state.rest = Rest(at_s, until_s) if reading.paused else None
            state.rest_s = at_s

    def _queue(self, seen: Observation, at_s: float, _received_s: float) -> None:
        state = self.memory.services.get(seen.name)
        if state is None:
            self._strange(seen)
        elif at_s >= self.memory.day_s:
            self.memory.beats.feed(f"queue/{seen.name}", seen.device, at_s)
            service_s = self.house.services[seen.name].service_minutes * 60.0
            reading, before = cast("Queue", seen.reading), _called(state.display)
            came = state.display.show(reading, at_s, self.memory.day_s, service_s)
            state.busy.see(state.display.waiting, at_s)
            if self.memory.beats.heard_of(f"tickets/{seen.name}") is None:
                for since_s, wait_s in came:
                    state.waited.note(wait_s, since_s)
                self._promise_last(seen.name, before, at_s)

    def _bookings(self, seen: Observation, at_s: float, received_s: float) -> None:
        state, reading = self.memory.services.get(seen.name), cast("Bookings", seen.reading)
        if state is None or self.house.services[seen.name].bookings is None:
            self._strange(seen)
            return
        today = self.house.plans.at(received_s).day
        if not state.book.take(reading, at_s, today, self.house.site.zone_info):
            self._strange(seen)

    def _people(self, seen: Observation, at_s: float, _received_s: float) -> None:
        zone = self.memory.zones.get(seen.name)
        if zone is None:
            self._strange(seen)
        else:
            zone.see(
                cast("People", seen.reading).count,
                at_s,
                seen.device,
                capacity=self.house.zones[seen.name].capacity,
                fresh_s=self.house.site.freshness.camera_s,
            )
            self.crowds.people(seen.name, zone.people, at_s)

    def _pulse(self, seen: Observation, at_s: float, _received_s: float) -> None:
        lot = self.house.lot_of.get(seen.name)
        if lot is None:
            self._strange(seen)
            return
        self.memory.beats.feed(f"gates/{lot}", seen.device, at_s)
        state, table = self.memory.lots[lot], self.house.lots[lot]
        is_in = cast("Pulse", seen.reading).direction == "in"
        state.pulse_s = max(at_s, state.pulse_s or 0.0)
        state.cars.pulse(into=is_in, at_s=at_s, capacity=table.capacity)
        state.cars.judge(table.capacity, table.few)

    def _cars(self, seen: Observation, at_s: float, _received_s: float) -> None:
        state, table = self.memory.lots.get(seen.name), self.house.lots.get(seen.name)
        if state is None or table is None:
            self._strange(seen)
        elif at_s > (state.camera_s or 0.0):
            reading = cast("Cars", seen.reading)
            if reading.seen:
                state.camera_s = at_s
            state.see(Look(reading.occupied, reading.seen, at_s))
            state.cars.camera(reading.occupied, reading.seen, at_s, table.capacity)
            state.cars.judge(table.capacity, table.few)

    def _set(self, seen: Observation, at_s: float, _received_s: float) -> None:
        count = cast("SetCount", seen.reading).count
        if seen.name in self.memory.lots:
            state, table = self.memory.lots[seen.name], self.house.lots[seen.name]
            state.set_s = max(at_s, state.set_s or 0.0)
            state.see(Look(count, table.capacity, at_s, by_hand=True))
            state.cars.set(count, at_s, table.capacity)
            state.cars.judge(table.capacity, table.few)
        elif seen.name in self.memory.zones:
            self.memory.zones[seen.name].count(
                count,
                at_s,
                capacity=self.house.zones[seen.name].capacity,
                fresh_s=self.house.site.freshness.camera_s,
            )
        else:
            self._strange(seen)

    def _notice(self, seen: Observation, at_s: float, _received_s: float) -> None:
        self.notices.take(seen, cast("PostNotice", seen.reading), at_s)

    def _gap(self, seen: Observation, at_s: float, _received_s: float) -> None:
        """Events may be missing of the sensor that is named, or of all that its device feeds."""
        is_today = at_s >= self.memory.day_s  # else those whose tickets it missed have gone home
        since = cast("Gap", seen.reading).since
        since_s = at_s - _UNKNOWN_GAP_S if since is None else min(since.timestamp(), at_s)
        office = self.house.plans.at(at_s).office
        missed_s = sum(max(min(end, at_s) - max(start, since_s), 0.0) for start, end in office)
        is_long = missed_s > _SHORT_GAP_S
        for thing in self._fed_by(seen):
            kind, _, name = thing.partition("/")
            if kind == "gates" and name in self.memory.lots:
                self.memory.lots[name].cars.gap(at_s - since_s, self.house.lots[name].capacity)
            elif kind == "tickets" and name in self.memory.services and is_today and is_long:
                self.memory.services[name].tickets.miss(at_s)
            elif kind == "doors" and name in self.memory.zones:
                self.memory.zones[name].miss(at_s, is_long=is_long)
            elif kind in {"calls", "crossings"} and is_today and is_long:
                self.crowds.miss(name, at_s)

    def _fed_by(self, gap: Observation) -> list[str]:
        """The things that a gap leaves unknown."""
        if gap.name in self.house.lot_of:
            return [f"gates/{self.house.lot_of[gap.name]}"]
        line = self.house.lines.get(gap.name)
        if line is not None and line.zone is not None:
            return [f"doors/{line.zone}"]
        return self.memory.beats.fed(gap.device)

    def _crossing(self, seen: Observation, at_s: float, _received_s: float) -> None:
        line = self.house.lines.get(seen.name)
        step = 1 if cast("Crossing", seen.reading).direction == "in" else -1
        if at_s >= self.memory.day_s:
            self.crowds.cross(seen.name, step, seen.device, at_s)
        if step < 0 and at_s >= self.memory.day_s and (line or seen.name == "entrance"):
            self.clerks.leavers.go(at_s)
        if line is None:
            if seen.name != "entrance":
                self._strange(seen)
        elif line.zone is not None:
            self.memory.beats.feed(f"doors/{line.zone}", seen.device, at_s)
            zone = self.house.zones[line.zone]
            self.memory.zones[zone.id].cross(step, at_s, capacity=zone.capacity)


def _called(display: Display) -> Called | None:
    """The number called last and when it was read."""
    return None if display.number is None else (display.number, display.number_s)
