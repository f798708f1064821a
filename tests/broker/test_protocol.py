"""An outbox and an ingest, a line between them that does anything, and kills on both sides."""

import random
import shutil
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.hub.belief import Belief
from broker.hub.history.rollup import Rollup
from broker.hub.history.sqlite import Journal, Record, milliseconds
from broker.hub.ingest import Ingest
from broker.outbox import Entry, Outbox, Row
from models.contract import topics
from models.contract.codec import decode_envelope, decode_reading
from models.contract.observations import Beat, People, Pulse, Reading, Skip
from tests.broker.rig import SITE

NOW = datetime(2026, 11, 24, 1, tzinfo=UTC)


def milliseconds_of(payload: bytes) -> int:
    """An event's own millisecond."""
    at = decode_envelope(payload).at
    return milliseconds(at) if at is not None else 0


class Office:
    """One device and one hub. What is said last on the line may come twice, late or never."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.rng = random.Random(seed)
        self.folder = folder
        self.outbox = self._outbox()
        self.now = NOW
        self.pulses: set[int] = set()
        self.acked = 0
        self.image: set[int] | None = None
        self.hub()

    def _outbox(self) -> Outbox:
        outbox = Outbox(self.folder / "outbox.sqlite")
        outbox._db.execute("PRAGMA synchronous = OFF")
        return outbox

    def hub(self) -> None:
        """It starts, again: what was not committed is gone."""
        self.journal = Journal(self.folder / "journal.sqlite")
        self.journal._db.execute("PRAGMA synchronous = OFF")
        self.ingest = Ingest(self.journal.marks())

    def see(self) -> None:
        for _ in range(self.rng.randint(1, 6)):
            seen: list[tuple[str, Reading]] = [
                ("gate", Pulse(direction="in")),
                ("lobby", People(count=1)),
                ("all", Beat()),
            ]
            name, reading = self.rng.choice(seen)
            self.tick()
            if isinstance(reading, Pulse):
                self.pulses.add(milliseconds(self.now))
            entry = Entry(name=name, reading=reading, boot="b", up_ms=1, at=self.now)
            self.outbox.append([entry])

    def tick(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now

    def thin(self) -> None:
        self.outbox._thin()

    def send(self, line: list[Row] | None = None) -> None:
        """From the ack on; the hub commits and acknowledges, or is killed before it does."""
        rows = self.outbox.after(self.acked, self.rng.randint(1, 12), acked=self.acked)
        if line is None:
            often = self.rng.choice([[1], [0, 1], [0, 1, 1, 1, 2]])
            line = [row for row in rows for _ in range(self.rng.choice(often))]
            if self.rng.random() < 0.3:
                self.rng.shuffle(line)
            if self.rng.random() < 0.3:
                self.thin()  # what is on its way is thinned at home
        records: list[Record] = []
        for row in line:
            topic = topics.observation("rig", "pi", row.kind, row.name)
            records += [t.record for t in self.ingest.take(topic, row.payload, self.tick())]
        if self.rng.random() < 0.2:
            self.journal.close()
            self.hub()
            return
        self.journal.commit(records, list(self.ingest.marks.values()), Rollup())
        if self.rng.random() < 0.7:
            self.hear()

    def hear(self) -> None:
        """Acks arrive, in any order, for any stream that was ever heard of."""
        keys = [key for key in self.ingest.marks if key[1] != topics.HUB]
        for device, stream in self.rng.sample(keys, len(keys)):
            seq = self.ingest.acknowledged((device, stream))
            self.acked = max(self.acked, self.outbox.heard(self.acked, stream, seq) or 0)
        self.outbox.acknowledge(self.acked)

    def restart(self) -> None:
        """The agent: it does not know how far the hub is."""
        self.outbox.close()
        self.outbox = self._outbox()
        self.acked = 0

    def copy(self) -> None:
        """An image of the card is made."""
        self.outbox._db.execute("PRAGMA wal_checkpoint")
        shutil.copy(self.folder / "outbox.sqlite", self.folder / "image")
        self.image = self.held()

    def put_back(self) -> None:
        """And written to the card: what only the card had is gone, and nobody can have it."""
        if self.image is None:
            return
        gone = self.held() - self.image
        self.outbox.close()
        shutil.copy(self.folder / "image", self.folder / "outbox.sqlite")
        self.outbox = self._outbox()
        self.acked = 0
        self.pulses -= gone - self.journalled().keys()

    def held(self) -> set[int]:
        """The pulses in the outbox."""
        rows = self.outbox._db.execute("SELECT payload FROM observation WHERE kind = 'pulse'")
        return {milliseconds_of(payload) for (payload,) in rows}

    def journalled(self) -> Counter[int]:
        """How often each pulse stands in the journal."""
        records = self.journal.records()
        return Counter(milliseconds_of(r.payload) for r in records if r.kind == "pulse")

    def finish(self) -> None:
        """A line that works, in the end."""
        for _ in range(1000):
            if self.acked == self.outbox.last:
                break
            rows = self.outbox.after(self.acked, 100, acked=self.acked)
            for row in rows:
                topic = topics.observation("rig", "pi", row.kind, row.name)
                records = [t.record for t in self.ingest.take(topic, row.payload, self.tick())]
                self.journal.commit(records, list(self.ingest.marks.values()), Rollup())
            self.hear()


STEPS = ["see", "see", "send", "send", "send", "thin", "restart", "restart", "hear"]


def run(folder: Path, seed: int, steps: list[str]) -> Office:
    """What remains, after all was delivered."""
    office = Office(folder, seed)
    for step in steps:
        getattr(office, step)()
    office.see()
    office.finish()
    Belief(SITE, office.journal)
    return office


@settings(max_examples=200)
@given(seed=st.integers(0, 2**32), steps=st.lists(st.sampled_from(STEPS), max_size=40))
def test_whatever_is_thinned_lost_repeated_or_killed_every_event_is_journalled_once(
    tmp_path_factory: pytest.TempPathFactory, seed: int, steps: list[str]
) -> None:
    office = run(tmp_path_factory.mktemp("office"), seed, steps)
    records = list(office.journal.records())
    covered: dict[str, int] = defaultdict(int)
    for record in records:
        assert record.seq == covered[record.stream] + 1, "a hole, or one twice"
        reading = decode_reading(record.kind, record.payload)
        covered[record.stream] = reading.upto if isinstance(reading, Skip) else record.seq
    assert office.journalled() == Counter(office.pulses)
    opened = [r.payload for r in records if decode_envelope(r.payload).seq == 1]
    thinned = sum(b'"upto"' in payload for payload in opened)
    assert sum(record.kind == "gap" for record in records) <= thinned, "nothing is missing"
    assert not [record for record in records if record.refused]
    office.journal.close()
    office.outbox.close()


@settings(max_examples=200)
@given(
    seed=st.integers(0, 2**32),
    steps=st.lists(st.sampled_from([*STEPS, "copy", "put_back", "put_back"]), max_size=60),
)
def test_however_often_the_card_is_put_back_to_an_older_copy_nothing_else_is_lost_or_doubled(
    tmp_path_factory: pytest.TempPathFactory, seed: int, steps: list[str]
) -> None:
    office = run(tmp_path_factory.mktemp("office"), seed, ["copy", *steps])
    assert office.journalled() == Counter(office.pulses)
    assert not [record for record in office.journal.records() if record.refused]
    office.journal.close()
    office.outbox.close()
