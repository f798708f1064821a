"""An outbox and an ingest, a line between them that does anything, and kills on both sides."""

import random
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.hub.belief import Belief
from broker.hub.history.rollup import Rollup
from broker.hub.history.sqlite import Journal, Record
from broker.hub.ingest import Ingest
from broker.outbox import Entry, Outbox, Row
from models.contract import topics
from models.contract.codec import decode_reading
from models.contract.observations import Beat, People, Pulse, Reading, Skip
from tests.broker.rig import SITE

NOW = datetime(2026, 11, 24, 1, tzinfo=UTC)


class Office:
    """One device and one hub. What is said last on the line may come twice, late or never."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.rng = random.Random(seed)
        self.folder = folder
        self.outbox = self._outbox()
        self.pulses = 0
        self.acked = 0
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
            self.pulses += isinstance(reading, Pulse)
            entry = Entry(name=name, reading=reading, boot="b", up_ms=1, at=NOW)
            self.outbox.append([entry])

    def thin(self) -> None:
        self.outbox._thin()

    def send(self, line: list[Row] | None = None) -> None:
        """From the ack on; the hub commits and acknowledges, or is killed before it does."""
        rows = self.outbox.after(self.acked, self.rng.randint(1, 12))
        if line is None:
            line = [row for row in rows for _ in range(self.rng.choice([0, 1, 1, 1, 2]))]
            if self.rng.random() < 0.3:
                self.rng.shuffle(line)
            if self.rng.random() < 0.3:
                self.thin()  # what is on its way is thinned at home
        records: list[Record] = []
        for row in line:
            topic = topics.observation("rig", "pi", row.kind, row.name)
            records += [taken.record for taken in self.ingest.take(topic, row.payload, NOW)]
        if self.rng.random() < 0.2:
            self.journal.close()
            self.hub()
            return
        self.journal.commit(records, list(self.ingest.marks.values()), Rollup())
        if self.rng.random() < 0.7:
            self.hear()

    def hear(self) -> None:
        """The ack arrives."""
        self.acked = max(self.acked, self.ingest.acknowledged(("pi", self.outbox.stream)))
        self.outbox.acknowledge(self.acked)

    def restart(self) -> None:
        """The agent: it does not know how far the hub is."""
        self.outbox.close()
        self.outbox = self._outbox()
        self.acked = 0

    def finish(self) -> None:
        """A line that works, in the end."""
        for _ in range(1000):
            if self.acked == self.outbox.last:
                break
            rows = self.outbox.after(self.acked, 100)
            for row in rows:
                topic = topics.observation("rig", "pi", row.kind, row.name)
                records = [t.record for t in self.ingest.take(topic, row.payload, NOW)]
                self.journal.commit(records, list(self.ingest.marks.values()), Rollup())
            self.hear()


@given(
    seed=st.integers(0, 2**32),
    steps=st.lists(
        st.sampled_from(["see", "see", "send", "send", "send", "thin", "restart", "hear"]),
        max_size=40,
    ),
)
def test_whatever_is_thinned_lost_repeated_or_killed_every_event_is_journalled_once(
    tmp_path_factory: pytest.TempPathFactory, seed: int, steps: list[str]
) -> None:
    office = Office(tmp_path_factory.mktemp("office"), seed)
    for step in steps:
        getattr(office, step)()
    office.see()
    office.finish()
    records = list(office.journal.records())
    covered: dict[str, int] = defaultdict(int)
    for record in records:
        assert record.seq == covered[record.stream] + 1, "a hole, or one twice"
        reading = decode_reading(record.kind, record.payload)
        covered[record.stream] = reading.upto if isinstance(reading, Skip) else record.seq
    assert sum(record.kind == "pulse" for record in records) == office.pulses
    assert covered == {office.outbox.stream: office.outbox.last}
    assert not [record for record in records if record.kind == "gap" or record.refused]
    Belief(SITE, office.journal)
    office.journal.close()
    office.outbox.close()
