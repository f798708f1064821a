"""Journals to be shipped, and what of them must be at the server in the end."""

import os
import random
from pathlib import Path

from broker.hub.history.points import Row, Stamps, seen_line
from broker.hub.history.rollup import SLOT_MS, Rollup
from broker.hub.history.sqlite import Journal, Mark, Record, from_milliseconds
from models.contract import topics
from models.contract.codec import decode_observation, encode_observation
from models.contract.observations import (
    KIND_OF,
    Beat,
    Cars,
    Crossing,
    Envelope,
    Gap,
    People,
    Pulse,
    Queue,
    Reading,
    Ticket,
    TicketEvent,
)

SITE = "rig"
EVERY_MS = 250
EVENTS: tuple[TicketEvent, ...] = ("issued", "called", "served", "absent")


class Filled:
    """A journal with observations of a few devices, four a second of each, some in bursts."""

    def __init__(self, path: Path, seed: int = 1, start_ms: int = 1_795_482_000_000) -> None:
        self.path = path
        self.journal = Journal(path)
        self.at_ms = start_ms
        self._chance = random.Random(seed)
        self._seq = {mark.device: mark.seq for mark in self.journal.marks()}
        self._told_slot = 0

    def write(self, count: int, *, state: bytes | None = b"state") -> None:
        """So many more rows, in one commit."""
        records, rolled_up = [], Rollup()
        for _ in range(count):
            burst = self._chance.random() < 0.2
            self.at_ms += 0 if burst else self._chance.choice([1, EVERY_MS])
            device = self._chance.choice(["cam", "gates", "desk"])
            name, reading = self._reading(device)
            seq = self._seq[device] = self._seq.get(device, 0) + 1
            at = from_milliseconds(self.at_ms)
            envelope = Envelope(stream=f"s-{device}", seq=seq, boot="b", up_ms=self.at_ms, at=at)
            kind, payload = KIND_OF[type(reading)], encode_observation(envelope, reading)
            records.append(
                Record(
                    device=device,
                    stream=f"s-{device}",
                    seq=seq,
                    kind=kind,
                    name=name,
                    at_ms=self.at_ms,
                    received_ms=self.at_ms,
                    payload=payload,
                )
            )
            topic = topics.observation(SITE, device, kind, name)
            rolled_up.add(decode_observation(topic, payload), self.at_ms)
        self._tell(rolled_up)
        marks = [Mark(device=d, stream=f"s-{d}", seq=seq) for d, seq in self._seq.items()]
        self.journal.commit(records, marks, rolled_up, state)

    def live(self, slots: int) -> None:
        """So many slots go by, with a few rows in each."""
        for _ in range(slots):
            self.write(12)
            self.at_ms = (self.at_ms // SLOT_MS + 1) * SLOT_MS

    def _reading(self, device: str) -> tuple[str, Reading]:
        chance = self._chance
        one, two = chance.randint(0, 40), chance.randint(1, 3)
        options: dict[str, list[tuple[str, Reading]]] = {
            "cam": [
                ("lobby", People(count=one)),
                ("lobby", People(count=one)),
                ("front", Cars(occupied=one, seen=40)),
                ("door", Crossing(direction=chance.choice(["in", "out"]))),
                ("all", Beat()),
            ],
            "gates": [
                ("gate", Pulse(direction=chance.choice(["in", "out"]), total=1)),
                ("all", Beat()),
                ("gate", Gap(since=None, why="the line was cut")),
            ],
            "desk": [
                ("tax", Ticket(number=f"A{one}", event=chance.choice(EVENTS))),
                ("tax", Queue(waiting=one, open=two)),
            ],
        }
        return chance.choice(options[device])

    def _tell(self, rolled_up: Rollup) -> None:
        """What the hub says of itself at the beginning of each slot, and of tickets."""
        for slot in range(max(self._told_slot, self.at_ms // SLOT_MS), self.at_ms // SLOT_MS + 1):
            self._told_slot, at_ms = slot + 1, slot * SLOT_MS
            wait_s = 300.0 + 60 * (slot % 7)
            rolled_up.tell("service", "tax", (
                ("open", 1), ("no_data", 0), ("waiting", slot % 11), ("level", 2),
                ("counters_open", 1 + slot % 3),
                ("wait_p10_s", wait_s / 2), ("wait_p50_s", wait_s), ("wait_p90_s", wait_s * 2),
            ), at_ms)  # fmt: skip
            lot = (("open", 1), ("no_data", 0), ("free", 9), ("full", 0), ("few", 0))
            rolled_up.tell("lot", "front", (*lot, ("capacity", 40)), at_ms)
            zone = (("open", 1), ("no_data", 0), ("people", slot % 13), ("over", 0))
            rolled_up.tell("zone", "lobby", zone, at_ms)
            for measure, value in (("error_s", 90), ("within", 1), ("came_s", 420)):
                rolled_up.count("service", "tax", measure, value, at_ms)

    def newest(self) -> int:
        """The newest row."""
        (row,) = self.journal._db.execute("SELECT max(id) FROM journal").fetchone()
        return int(row)

    def lines(self) -> set[str]:
        """All points of its observations: what a server must have."""
        stamps, made = Stamps(), set()
        for number, record in enumerate(self.journal.records(), 1):
            row = Row(number, record.device, record.kind, record.name, record.at_ms, record.payload)
            line = seen_line(SITE, row, stamps)
            assert line is not None
            made.add(line)
        return made


def is_whole() -> bool:
    """Whether somebody has the time for all of it."""
    return os.environ.get("MACHIAI_INFLUX") == "whole"


def resident_kib() -> int:
    """Of this process, now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 1024
