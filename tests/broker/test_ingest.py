import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.hub.history.sqlite import Mark
from broker.hub.ingest import Ingest, Taken
from models.contract import topics
from models.contract.codec import encode, encode_observation
from models.contract.observations import Envelope, Gap, People
from models.contract.results import About
from models.errors import BadPayload, BadTopic

NOW = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)
TOPIC = topics.observation("minami", "cam-1", "people", "lobby")


def message(seq: int, *, at: datetime | None = NOW, up_ms: int = 1000, boot: str = "b") -> bytes:
    envelope = Envelope(stream="s", seq=seq, boot=boot, up_ms=up_ms, at=at)
    return encode_observation(envelope, People(count=seq))


def seqs(taken: list[Taken]) -> list[int]:
    return [one.record.seq for one in taken]


def test_a_duplicate_is_dropped_and_its_sender_is_told() -> None:
    ingest = Ingest([])
    assert seqs(ingest.take(TOPIC, message(1), NOW)) == [1]
    assert ingest.behind == set()
    assert ingest.take(TOPIC, message(1), NOW) == []
    assert ingest.behind == {("cam-1", "s")}


def test_nothing_behind_a_hole_is_taken_before_the_hole_is_filled() -> None:
    ingest = Ingest([Mark(device="cam-1", stream="s", seq=4)])
    assert ingest.take(TOPIC, message(6), NOW) == []
    assert ingest.behind == {("cam-1", "s")}
    assert seqs(ingest.take(TOPIC, message(5), NOW)) == [5]
    assert seqs(ingest.take(TOPIC, message(6), NOW)) == [6]


def test_a_hole_that_cannot_be_filled_is_passed_over_and_told_of() -> None:
    ingest = Ingest([Mark(device="cam-1", stream="s", seq=4)])
    about = topics.device("minami", "cam-1", "about")
    ingest.take(about, encode(About(version="1", stream="s", oldest=9)), NOW)
    gap, taken = ingest.take(TOPIC, message(9), NOW)
    assert gap.observation is not None
    assert gap.observation.reading == Gap(since=None, why="5 to 8 are no longer held")
    assert seqs([gap, taken]) == [8, 9]


def test_what_cannot_be_understood_is_kept_counted_and_passed() -> None:
    ingest = Ingest([])
    envelope = b'{"stream":"s","seq":1,"boot":"b","up_ms":1,"at":null,"count":-3}'
    (taken,) = ingest.take(TOPIC, envelope, NOW)
    assert taken.observation is None
    assert taken.record.payload == envelope
    assert taken.record.refused is not None
    assert "count" in taken.record.refused
    assert ingest.refused == {"BadPayload": 1}
    assert seqs(ingest.take(TOPIC, message(2), NOW)) == [2]


@given(payload=st.binary(max_size=200))
def test_random_bytes_are_refused_and_counted_never_more(payload: bytes) -> None:
    ingest = Ingest([])
    with pytest.raises(BadPayload):
        ingest.take(TOPIC, payload, NOW)
    assert ingest.refused == {"BadPayload": 1}
    with pytest.raises(BadPayload):
        ingest.take(TOPIC, payload + b" " * 10_000_000, NOW)


@pytest.mark.parametrize(
    "topic", ["", "machiai/v1/x", "machiai/v2/a/b/obs/people/x", "$SYS/a/b/c/d"]
)
def test_a_foreign_topic_is_refused(topic: str) -> None:
    with pytest.raises(BadTopic):
        Ingest([]).take(topic, message(1), NOW)


def test_an_undated_observation_is_dated_by_how_long_the_device_was_up() -> None:
    ingest = Ingest([])
    (fresh,) = ingest.take(TOPIC, message(1, at=None, up_ms=60_000), NOW)
    (late,) = ingest.take(TOPIC, message(2, at=None, up_ms=61_000), NOW + timedelta(minutes=5))
    assert fresh.record.at == NOW
    assert late.record.at == NOW + timedelta(seconds=1)


def test_a_clock_in_1970_or_far_ahead_is_not_believed() -> None:
    for wrong in (datetime(1970, 1, 1, 0, 1, tzinfo=UTC), NOW + timedelta(hours=1)):
        (taken,) = Ingest([]).take(TOPIC, message(1, at=wrong), NOW)
        assert taken.record.at == NOW


def test_a_backlog_after_a_cut_keeps_its_own_times() -> None:
    ingest = Ingest([])
    long_ago = NOW - timedelta(hours=3)
    (taken,) = ingest.take(TOPIC, message(1, at=long_ago), NOW)
    assert taken.record.at == long_ago
    assert taken.record.received_at == NOW


@given(seed=st.integers(0, 2**32), count=st.integers(1, 40))
def test_however_delivery_repeats_and_reorders_each_is_taken_once_in_order(
    seed: int, count: int
) -> None:
    """A sender that goes back to the mark whenever it is told, over a line that does anything."""
    rng = random.Random(seed)
    ingest = Ingest([])
    taken: list[int] = []
    while len(taken) < count:
        mark = ingest.marks[("cam-1", "s")].seq if ingest.marks else 0
        sent = list(range(max(1, mark - 2), min(count, mark + 5) + 1))
        line = [seq for seq in sent for _ in range(rng.choice([0, 1, 1, 2]))]
        if rng.random() < 0.5:
            rng.shuffle(line)
        for seq in line:
            taken += seqs(ingest.take(TOPIC, message(seq), NOW))
    assert taken == list(range(1, count + 1))
