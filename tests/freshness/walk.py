"""A random walk through everything that can go wrong; after each step every surface is read."""

import random
from datetime import timedelta

from models.contract.observations import (
    Beat,
    Cars,
    Counter,
    People,
    PostNotice,
    Pulse,
    Queue,
    Reading,
    SetCount,
    SetLevel,
    Ticket,
)
from models.site import Site
from signage.wording import Words
from tests.freshness.ledger import Ledger
from tests.freshness.showing import Showing
from tests.freshness.world import World
from tests.signage.office import NOON, HandClock

_HOUR = 3600.0
_WAITING = 8  # at most: a longer line would only make the walk slower
_MORNING, _EVENING = 23, 9  # hours in UTC; no walk through a whole night


class Walk:
    """One seed, any number of steps; `old` holds every value that was shown past its end."""

    def __init__(self, site: Site, seed: int) -> None:
        self.site = site
        self.rng = random.Random(seed)
        self.clock = HandClock(NOON)
        self.ledger = Ledger(Words("ja", site.zone_info))
        self.world = World(site, self.clock, self.rng, self.ledger)
        mirrors = [line.mirror for line in self.world.lines]
        self.showing = Showing(site, self.clock, mirrors, self.rng)
        self.old: list[str] = []
        self._numbers = iter(range(1, 1_000_000))
        self._waiting: list[tuple[str, str]] = []

    # ── steps ─────────────────────────────────────────────────────────────────────────────────

    def step(self) -> None:
        """Something happens, time passes, and everything is read."""
        actions = [
            (40, self._observe),
            (20, self._beat),
            (10, self._silence),
            (3, self._device_dies_or_returns),
            (3, self._device_is_cut_or_returns),
            (1, self._device_loses_or_finds_the_time),
            (3, self._hub_dies_or_returns),
            (1, self._hub_clock_jumps),
            (3, self._line_is_cut_or_returns),
            (1, self.world.restart_broker),
            (2, self.world.persist),
            (4, self.world.pass_on_late),
            (2, self.showing.a_clock_jumps),
            (2, self.showing.the_stream_is_cut_or_returns),
            (2, self._time_jumps),
        ]
        weights = [weight for weight, _ in actions]
        self.rng.choices([action for _, action in actions], weights)[0]()
        self._pass(self.rng.choice((0.0, 0.2, 1.0, 3.0, 10.0)))
        self.world.deliver()
        if self.rng.random() < 0.5:
            self.world.results()
        self.showing.serve()
        for where, key, value in self.showing.said():
            found = self.ledger.old(key, value, self.clock.now())
            self.old += [f"{where}: {what}" for what in found]

    def _pass(self, seconds: float, *, asleep: bool = False) -> None:
        self.clock.move(round(seconds, 3))
        self.showing.pass_time(round(seconds, 3), asleep=asleep)

    def _observe(self) -> None:
        now = self.clock.now()
        kind = self.rng.choice(("people", "cars", "pulse", "ticket", "ticket", "ticket", "staff"))
        devices = self.world.devices
        number = next(self._numbers)
        if kind == "people":
            devices["cam-lobby"].keep("lobby", People(count=number), now)
            if devices["cam-lobby"].alive:
                end = now + timedelta(seconds=self.site.freshness.camera_s)
                self.ledger.see("zone/lobby", f"{number}人", end)
                self.ledger.see("zone/lobby", f"people={number}", end)
        elif kind == "cars":
            count = self.rng.randrange(40)
            devices["cam-lot"].keep("front", Cars(occupied=count, seen=40), now)
        elif kind == "pulse":
            name, direction = self.rng.choice((("front-in", "in"), ("front-out", "out")))
            devices["gates"].keep(name, Pulse(direction=direction), now)  # type: ignore[arg-type]
        elif kind == "ticket":
            self._ticket(number)
        else:
            self._staff(number)

    def _ticket(self, number: int) -> None:
        desk, now = self.world.devices["desk"], self.clock.now()
        if not desk.alive:
            return
        self._desk_is_there()
        if len(self._waiting) < _WAITING and self.rng.random() < 0.6:
            service = self.rng.choice(("certificates", "moving", "insurance", "mynumber"))
            self._waiting.append((service, f"A{number}"))
            desk.keep(service, Ticket(number=f"A{number}", event="issued"), now)
        elif self._waiting:
            service, name = self._waiting.pop(0)
            counter = {"certificates": "c1", "moving": "c3"}.get(service, "c5")
            desk.keep(service, Ticket(number=name, event="called", counter=counter), now)

    def _staff(self, number: int) -> None:
        web, now = self.world.devices["web"], self.clock.now()
        until = now + timedelta(seconds=self.rng.choice((60, 600, 7200)))
        text = {"ja": f"お知らせ{number}"}
        readings: list[tuple[str, Reading]] = [
            ("tax-return", SetLevel(level=self.rng.randint(1, 4))),
            ("tax-return", Queue(waiting=number, called=f"Z{number}", open=1)),
            ("front", SetCount(count=self.rng.randrange(40), by="hanako")),
            ("c6", Counter(open=self.rng.random() < 0.7)),
            ("n1", PostNotice(by="hanako", until=until, texts=text)),
            ("n2", PostNotice(by="hanako", texts=text, cancel=self.rng.random() < 0.5)),
        ]
        web.keep(*self.rng.choice(readings), now)

    def _beat(self) -> None:
        for device in self.world.devices.values():
            device.keep("all", Beat(), self.clock.now())
        self._desk_is_there()

    def _desk_is_there(self) -> None:
        """Calls are known for as long after it as tickets are."""
        if self.world.devices["desk"].alive:
            end = self.clock.now() + timedelta(seconds=self.site.freshness.ticket_s)
            self.ledger.see("calls", "", end)

    def _silence(self) -> None:
        self._pass(self.rng.uniform(1, 100))

    def _device_dies_or_returns(self) -> None:
        device = self.rng.choice(list(self.world.devices.values()))
        device.alive = not device.alive

    def _device_is_cut_or_returns(self) -> None:
        device = self.rng.choice(list(self.world.devices.values()))
        device.cut = not device.cut

    def _device_loses_or_finds_the_time(self) -> None:
        device = self.rng.choice(list(self.world.devices.values()))
        device.has_clock = not device.has_clock

    def _hub_dies_or_returns(self) -> None:
        if self.world.hub_alive:
            self.world.kill_hub()
        else:
            self.world.start_hub()

    def _hub_clock_jumps(self) -> None:
        hours = self.rng.choice((-1, 0, 0, 1))
        self.world.hub_ahead = timedelta(hours=hours)

    def _line_is_cut_or_returns(self) -> None:
        line = self.rng.choice(self.world.lines)
        if line.up:
            line.cut()
        else:
            line.connect(self.world.retained)

    def _time_jumps(self) -> None:
        if _EVENING <= self.clock.now().hour < _MORNING:  # on to the next morning
            seconds = self.rng.uniform(12, 14) * _HOUR
        else:
            seconds = self.rng.choice((200.0, 700.0, 2000.0))
        self._pass(seconds, asleep=self.rng.random() < 0.5)
