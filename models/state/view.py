"""The office at one moment: what is known, and until when it holds."""

from datetime import UTC, datetime, timedelta

from models.contract.results import Spread
from models.forecast.usual import SLOT_S, Then
from models.state import crowds, waits
from models.state.house import House
from models.state.memory import Memory
from models.state.waits import Holder
from models.wait import estimator
from models.wait.draws import spread_of_runs
from models.wait.durations import Floats
from models.wait.retold import retold

DAY = timedelta(days=1)


class View:
    """A memory of today, the site and now. `until_s` are seconds since 1970; 0 is never."""

    def __init__(self, memory: Memory, house: House, now: datetime, *, assume_alive: bool) -> None:
        self.memory = memory
        self.house = house
        self.now = now
        self.now_s = now.timestamp()
        self.plan = house.plans.at(self.now_s)
        self.fresh = house.site.freshness
        self.assume_alive = assume_alive
        self._played: dict[str, dict[Holder, Floats]] = {}

    def wait(self, service: str, *, counted: bool = False) -> tuple[Spread | None, str, float]:
        """The wait of who comes now, what it rests on, and until when that holds."""
        if self.knows_line(service):
            return self.told(service, None), "tickets", self.tickets_until_s(service)
        until_s = self.display_until_s(service)
        if until_s > self.now_s:
            raw = waits.shown(self.memory, self.house, service, counted=counted)
            return raw, "queue", until_s
        return self._unseen(service)

    def knows_line(self, service: str) -> bool:
        """Whether it is known who waits with a ticket."""
        is_blind = self.memory.services[service].tickets.blind_s is not None
        return not is_blind and self.tickets_until_s(service) > self.now_s

    def told(self, service: str, number: str | None) -> Spread | None:
        """The wait of the holder of a ticket that waits, or of who takes one now.

        The line is played once for all of them, and for all services that share counters.
        """
        group = self.house.group[service][0]
        if group not in self._played:
            self._played[group] = waits.played(self.memory, self.house, service, self.now_s)
        runs = self._played[group].get((service, number))
        raw = None if runs is None else spread_of_runs(runs)
        return raw and self.memory.services[service].learnt.conformal.apply(raw)

    def _unseen(self, service: str) -> tuple[Spread | None, str, float]:
        """The wait where no ticket and no display tells of the line."""
        basis, until_s = self._crowd_basis(service)
        crowd = crowds.crowd_of(self.memory, self.house, service, self.now_s) if basis else None
        if crowd is None:
            return None, "", 0.0
        return estimator(basis)(crowd), basis, until_s

    def _crowd_basis(self, service: str) -> tuple[str, float]:
        """Which of the sensors that tell of a crowd are fresh, and until when."""
        group = self.house.group[service][0]
        eyes_s = [
            min(self.zone_until_s(zone.id), self.zone_span_s(zone.id)[0] + self.fresh.ticket_s)
            for zone in self.house.site.zones
            if group in self.house.groups_in(zone.id) and self.memory.zones[zone.id].is_seen
        ]
        eye_s = max(eyes_s, default=0.0)
        by = self.memory.crowds[group].by
        if by == "buttons":
            until_s = self.until_s(f"calls/{group}", self.fresh.ticket_s)
            if until_s > self.now_s:
                is_seen = eye_s > self.now_s
                return ("buttons+camera", min(until_s, eye_s)) if is_seen else ("buttons", until_s)
        elif by == "door":
            until_s = min(self.until_s(f"crossings/{group}", self.fresh.ticket_s), eye_s)
            if until_s > self.now_s:
                return "camera+door", until_s
        return "", 0.0

    def remaining(
        self, service: str, number: str, before: tuple[Spread, datetime] | None = None
    ) -> Spread | None:
        """The wait from now on of the holder of a ticket; `before` is what was told, and when."""
        if self.tickets_until_s(service) <= self.now_s:
            return None
        raw = waits.told(self.memory, self.house, service, number, self.now_s)
        told = raw and self.memory.services[service].learnt.conformal.apply(raw)
        if told is None or before is None:
            return told
        return retold(before[0], (self.now - before[1]).total_seconds(), told)

    def cars(self, lot: str, ahead_s: float = 0.0) -> tuple[float, float, float] | None:
        """Parked cars at 10, 50 and 90 %, now or so much later."""
        then = self._then(ahead_s) if ahead_s else None
        return self.memory.lots[lot].cars.quantiles(self.now_s, self.house.lots[lot].capacity, then)

    def people(self, service: str, ahead_s: float) -> tuple[float, float, float] | None:
        """People who wait in the hour around then, at 10, 50 and 90 %."""
        return self.memory.services[service].busy.ahead(self.now_s, self._then(ahead_s))

    def waited(
        self, service: str, ahead_s: float, now: Spread | None
    ) -> tuple[float, float, float] | None:
        """Seconds at 10, 50 and 90 % for who comes then; `now` is what is told who comes now."""
        slot = (self.now_s - self.plan.start_s) / SLOT_S
        told = None if now is None else (slot, now.p50_s)
        return self.memory.services[service].waited.ahead(self._then(ahead_s), told)

    def _then(self, ahead_s: float) -> Then:
        """A moment to come, by the day that the memory stands for: the office may still sleep."""
        then_s = self.now_s + ahead_s
        plan = self.house.plans.at(then_s)
        days = round((plan.start_s - self.memory.day_s) / DAY.total_seconds())
        return Then(days, plan.kind, (then_s - plan.start_s) / SLOT_S)

    def until_s(self, thing: str, limit_s: float) -> float:
        """Until when all is known that happened to a thing that events feed; 0 is never."""
        heard_s = self.memory.beats.heard_of(thing)
        if heard_s is None:
            return 0.0
        return (self.now_s if self.assume_alive else heard_s) + limit_s

    def tickets_until_s(self, service: str) -> float:
        """Until when it is known who waits with a ticket."""
        return self.until_s(f"tickets/{service}", self.fresh.ticket_s)

    def display_until_s(self, service: str) -> float:
        """Until when the newest look at a polled display holds."""
        seen_s = self.memory.services[service].display.seen_s
        if seen_s is None:
            return 0.0
        return (self.now_s if self.assume_alive else seen_s) + self.fresh.ticket_s

    def zone_until_s(self, zone: str) -> float:
        """Until when what is known of a zone holds."""
        return self.zone_span_s(zone)[1]

    def zone_span_s(self, zone: str) -> tuple[float, float]:
        """When a zone was last seen, and until when that holds.

        What its doorways say was seen with each beat of their devices: nobody has crossed.
        """
        state, fresh = self.memory.zones[zone], self.fresh
        if state.seen_s is None:
            return 0.0, 0.0
        spans = []
        if state.by_hand or not state.by_door:
            seen_s = self.now_s if self.assume_alive else state.seen_s
            spans.append((seen_s, seen_s + (fresh.button_s if state.by_hand else fresh.camera_s)))
        if state.by_door and zone in self.house.doors:
            until_s = self.until_s(f"doors/{zone}", fresh.camera_s)
            spans.append((until_s - fresh.camera_s, until_s))
        return max(spans, key=lambda span: span[1], default=(0.0, 0.0))


def time_of(at_s: float) -> datetime:
    """Aware, to the millisecond."""
    return datetime.fromtimestamp(round(at_s, 3), UTC)
