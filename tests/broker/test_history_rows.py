"""Rows of the journal are narrow, and each payload comes back byte for byte."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.hub.history.rollup import Rollup
from broker.hub.history.sqlite import Journal, Mark, Record, milliseconds
from models.contract.codec import encode_observation
from models.contract.observations import KIND_OF, Beat, Envelope, People, Pulse, Reading, Ticket

NOW = datetime(2026, 11, 24, 1, tzinfo=UTC)


def record(payload: bytes, seq: int = 1, at: datetime = NOW, kind: str = "people") -> Record:
    return Record(
        device="pi",
        stream="s",
        seq=seq,
        kind=kind,
        name="lobby",
        at_ms=milliseconds(at),
        received_ms=milliseconds(NOW) + 7,
        payload=payload,
    )


def forms(journal: Journal) -> list[int]:
    rows = journal._db.execute(
        "SELECT form FROM observation JOIN source ON source.id = source ORDER BY observation.id"
    )
    return [form for (form,) in rows]


def kept(journal: Journal, *records: Record) -> list[Record]:
    """What comes back of what is written."""
    last = max((mark.seq for mark in journal.marks()), default=0)
    after = journal._db.execute("SELECT coalesce(max(id), 0) FROM observation").fetchone()[0]
    journal.commit(records, [Mark(device="pi", stream="s", seq=last + 1)], Rollup())
    return list(journal.records(after))


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Journal:
    return Journal(tmp_path_factory.mktemp("rows") / "j.sqlite")


READINGS: st.SearchStrategy[Reading] = st.one_of(
    st.builds(People, count=st.integers(0, 9999)),
    st.builds(Pulse, direction=st.sampled_from(["in", "out"]), total=st.integers(0, 10**9)),
    st.builds(Ticket, number=st.text(min_size=1, max_size=8), event=st.just("issued")),
    st.just(Beat()),
)
TIMES = st.integers(1, 4 * 10**12).map(
    lambda ms: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
)
ENVELOPES = st.builds(
    Envelope,
    stream=st.just("s"),
    seq=st.integers(1, 2**53),
    boot=st.text(max_size=12),
    up_ms=st.integers(0, 2**53),
    at=st.one_of(st.none(), TIMES),
)


@given(reading=READINGS, envelope=ENVELOPES, off_ms=st.sampled_from([0, 0, 1, -60_000]))
def test_what_an_outbox_writes_comes_back_as_it_was(
    journal: Journal, reading: Reading, envelope: Envelope, off_ms: int
) -> None:
    dated = (envelope.at or NOW) + timedelta(milliseconds=off_ms)
    payload = encode_observation(envelope, reading)
    one = record(payload, envelope.seq, dated, KIND_OF[type(reading)])
    assert kept(journal, one) == [one]


@given(payload=st.one_of(st.binary(max_size=80), st.text(max_size=80).map(str.encode)))
def test_what_nobody_understands_comes_back_as_it_was(journal: Journal, payload: bytes) -> None:
    assert kept(journal, record(payload)) == [record(payload)]


@pytest.mark.parametrize(
    "payload",
    [
        b'{"stream":"s","seq":1,"boot":"b","up_ms":5,"at":"2026-11-24T01:00:00.001Z","count":3}',
        b'{"stream":"s","seq":1,"boot":"b","up_ms":5,"at":"2026-11-24T01:00:00Z","count":3}',
        b'{"stream":"t","seq":1,"boot":"b","up_ms":5,"at":null,"count":3}',
        b'{"stream":"s","seq":2,"boot":"b","up_ms":5,"at":null,"count":3}',
        b'{"stream":"s","seq":01,"boot":"b","up_ms":5,"at":null,"count":3}',
        b'{"stream":"s","seq":1,"boot":"b","up_ms":05,"at":null,"count":3}',
        b'{"stream":"s","seq":1,"boot":"b","up_ms":99999999999999999999,"at":null,"count":3}',
        b'{"stream":"s","seq":1,"boot":"\\u0041","up_ms":5,"at":null}',
        b'{"stream":"s","seq":1,"boot":"b","up_ms":5,"at":null,"note":"a\x00b"}',
        b'{"stream": "s", "seq": 1, "boot": "b", "up_ms": 5, "at": null, "count": 3}',
    ],
)
def test_what_is_written_in_another_way_is_kept_whole(tmp_path: Path, payload: bytes) -> None:
    own = Journal(tmp_path / "j.sqlite")
    assert kept(own, record(payload)) == [record(payload)]
    assert forms(own) == [0]
    own.close()


def size(journal: Journal, folder: Path) -> int:
    journal._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return (folder / "j.sqlite").stat().st_size


def test_the_usual_row_with_all_that_it_says_is_well_below_half_of_its_payload(
    tmp_path: Path,
) -> None:
    own = Journal(tmp_path / "j.sqlite")
    rows = []
    for seq in range(1, 5001):
        at = NOW + timedelta(seconds=seq)
        envelope = Envelope(stream="s", seq=seq, boot="0b7c2f5e-1a7e-4b3c", up_ms=seq * 1000, at=at)
        rows.append(record(encode_observation(envelope, People(count=seq % 60)), seq, at))
    before = size(own, tmp_path)
    assert kept(own, *rows) == rows
    assert set(forms(own)) == {1}
    payloads = sum(len(row.payload) for row in rows)
    assert size(own, tmp_path) - before < 0.4 * payloads
    own.close()
