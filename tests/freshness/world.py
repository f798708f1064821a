"""An office in which anything may die, be cut, come late or tell the wrong time."""

import random
from datetime import datetime, timedelta

from broker.hub.publish import Publisher
from models.contract import codec, topics
from models.contract.observations import KIND_OF, Envelope, Observation, Reading
from models.contract.results import RESULTS, CallsResult, Result, State
from models.site import Site
from models.state.office import Office
from signage.mirror import Mirror
from tests.freshness.ledger import Ledger
from tests.signage.office import HandClock


class Device:
    """Observes while it lives, and keeps what it cannot deliver."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.alive = True
        self.cut = False
        self.seq = 0
        self.kept: list[tuple[str, Reading, datetime]] = []
        self.has_clock = True

    def keep(self, name: str, reading: Reading, now: datetime) -> None:
        if self.alive:
            self.kept.append((name, reading, now))


class Line:
    """A mirror's connection to the broker."""

    def __init__(self, mirror: Mirror) -> None:
        self.mirror = mirror
        self.up = True
        self.late: list[tuple[str, bytes]] = []
        mirror.connection(up=True)

    def connect(self, retained: dict[str, bytes]) -> None:
        self.up = True
        self.late.clear()
        self.mirror.connection(up=True)
        for topic, payload in retained.items():
            self.mirror.apply(topic, payload, retain=True)

    def cut(self) -> None:
        self.up = False
        self.mirror.connection(up=False)


class World:
    """Devices, a hub with the real fold, a broker, the mirrors of a web and a display process."""

    def __init__(self, site: Site, clock: HandClock, rng: random.Random, ledger: Ledger) -> None:
        self.site, self.clock, self.rng, self.ledger = site, clock, rng, ledger
        self.devices = {d.id: Device(d.id) for d in site.devices}
        self.devices["web"] = Device("web")
        self.office = Office(site)
        self.hub_alive = True
        self.hub_ahead = timedelta()
        self.retained: dict[str, bytes] = {}
        self.persisted: dict[str, bytes] = {}
        self.lines = [Line(Mirror(site, clock)) for _ in range(2)]
        self._state = topics.result(site.id, "state")
        self._publisher = Publisher(site.id, self.publish)
        self.say_state("ready")

    @property
    def hub_now(self) -> datetime:
        """What time the hub believes it is."""
        return self.clock.now() + self.hub_ahead

    # ── the hub ───────────────────────────────────────────────────────────────────────────────

    def deliver(self, most: int = 1000) -> None:
        """Devices that can reach the hub hand over what they keep, in order."""
        if not self.hub_alive:
            return
        for device in self.devices.values():
            if device.cut or not device.alive:
                continue
            for name, reading, seen_at in device.kept[:most]:
                # without a clock of its own it is dated by the hub's, as much earlier as it is old
                at = seen_at if device.has_clock else seen_at + self.hub_ahead
                device.seq += 1
                envelope = Envelope(stream=device.name, seq=device.seq, boot="b", up_ms=0, at=at)
                seen = Observation(
                    site=self.site.id,
                    device=device.name,
                    kind=KIND_OF[type(reading)],
                    name=name,
                    envelope=envelope,
                    reading=reading,
                )
                self.office.fold(seen, at.timestamp(), self.hub_now.timestamp())
            del device.kept[:most]

    def results(self) -> None:
        """The hub says what has changed."""
        if self.hub_alive:
            self._publisher.results(self.office.results(self.hub_now))

    def say_state(self, word: str) -> None:
        """The hub, or the broker for it, says whether it is there."""
        state = State(state="ready" if word == "ready" else "lost", at=self.hub_now)
        self.publish(self._state, codec.encode(state), True)

    def kill_hub(self) -> None:
        if self.hub_alive:
            self.hub_alive = False
            self.say_state("lost")

    def start_hub(self) -> None:
        """From its last snapshot."""
        self.office = Office.load(self.site, self.office.dump())
        self.hub_alive = True
        self._publisher.forget()
        self.say_state("ready")
        self.results()

    # ── the broker ────────────────────────────────────────────────────────────────────────────

    def publish(self, topic: str, payload: bytes, retain: bool) -> bool:  # noqa: FBT001
        """Keep it, note until when it may be shown, and pass it on: at once, late or never.

        Not late and from a clock that is ahead: nobody could tell these two apart.
        """
        self._note(topic, payload)
        if retain:
            self.retained[topic] = payload
        for line in self.lines:
            if not line.up:
                continue
            fate = self.rng.random()
            if fate < 0.03 and self.hub_ahead <= timedelta():
                line.late.append((topic, payload))
            elif fate > 0.01:
                line.mirror.apply(topic, payload, retain=False)
        return True

    def pass_on_late(self) -> None:
        """What was held up arrives, in any order, some of it twice."""
        for line in self.lines:
            held, line.late = line.late, []
            self.rng.shuffle(held)
            for topic, payload in held + held[:1]:
                if line.up:
                    line.mirror.apply(topic, payload, retain=False)

    def restart_broker(self) -> None:
        """It comes back with what it had last written to disk."""
        for line in self.lines:
            line.cut()
        self.retained = dict(self.persisted)
        if self.hub_alive:
            self._publisher.forget()
        for line in self.lines:
            line.connect(self.retained)

    def persist(self) -> None:
        """The broker writes to disk, now and then.

        What it wrote while the hub's clock was ahead, and sends again as much later, nobody could
        tell from new.
        """
        if self.hub_ahead <= timedelta():
            self.persisted = dict(self.retained)

    def _note(self, topic: str, payload: bytes) -> None:
        kind, _, name = topic.removeprefix(topics.result(self.site.id, "")).partition("/")
        wanted: type[Result] | None = CallsResult if kind == "calls" else RESULTS.get(kind)
        if wanted is not None and payload:
            key = kind if kind in ("calls", "notice") else f"{kind}/{name}"
            self.ledger.tell(key, codec.decode(wanted, payload), self.clock.now())
