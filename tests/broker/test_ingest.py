import random
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.hub.history.sqlite import Mark, from_milliseconds, milliseconds
from broker.hub.ingest import MOST_STREAMS, Ingest, Taken
from models.contract import topics
from models.contract.codec import decode_envelope, encode, encode_observation
from models.contract.observations import Envelope, Gap, People, Skip
from models.contract.results import About
from models.errors import BadPayload, BadTopic

NOW = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)
TOPIC = topics.observation("minami", "cam-1", "people", "lobby")
SKIP = topics.observation("minami", "cam-1", "skip", "all")
ABOUT = topics.device("minami", "cam-1", "about")


def message(
    seq: int,
    *,
    at: datetime | None = NOW,
    up_ms: int = 1000,
    boot: str = "b",
    stream: str = "s",
    after: str | msgspec.UnsetType = msgspec.UNSET,
) -> bytes:
    envelope = Envelope(stream=stream, seq=seq, boot=boot, up_ms=up_ms, at=at, after=after)
    return encode_observation(envelope, People(count=seq))


def seqs(taken: list[Taken]) -> list[int]:
    return [one.record.seq for one in taken]


def test_a_duplicate_is_dropped_and_its_sender_is_told() -> None:
    ingest = Ingest([])
    assert seqs(ingest.take(TOPIC, message(1), NOW)) == [1]
    assert ingest.repeated == set()
    assert ingest.take(TOPIC, message(1), NOW) == []
    assert ingest.repeated == {("cam-1", "s")}
    assert ingest.behind == set()


def test_nothing_behind_a_hole_is_taken_before_the_hole_is_filled() -> None:
    ingest = Ingest([Mark(device="cam-1", stream="s", seq=4)])
    assert ingest.take(TOPIC, message(6), NOW) == []
    assert ingest.behind == {("cam-1", "s")}
    assert seqs(ingest.take(TOPIC, message(5), NOW)) == [5]
    assert seqs(ingest.take(TOPIC, message(6), NOW)) == [6]


def made(taken: Taken) -> datetime:
    return from_milliseconds(taken.record.at_ms)


def about(*, oldest: int = 1, stream: str = "s", boot: str = "b", up_ms: int = 0) -> bytes:
    return encode(About(version="1", stream=stream, oldest=oldest, boot=boot, up_ms=up_ms))


def skip(seq: int, upto: int) -> bytes:
    return encode_observation(
        Envelope(stream="s", seq=seq, boot="", up_ms=0, at=None), Skip(upto=upto)
    )


def test_a_hole_that_cannot_be_filled_is_passed_over_and_told_of() -> None:
    seen_ms = milliseconds(NOW - timedelta(hours=1))
    ingest = Ingest([Mark(device="cam-1", stream="s", seq=4, at_ms=seen_ms)])
    ingest.take(ABOUT, about(oldest=9), NOW)
    assert ingest.take(TOPIC, message(10), NOW) == [], "9 is still to come"
    gap, taken = ingest.take(TOPIC, message(9), NOW)
    assert gap.observation is not None
    assert gap.observation.reading == Gap(
        since=NOW - timedelta(hours=1), why="5 to 8 are no longer held"
    )
    assert (gap.record.stream, gap.record.seq, taken.record.seq) == ("hub", 1, 9)
    assert seqs(ingest.take(TOPIC, message(10), NOW)) == [10]


def test_a_hole_is_not_passed_over_by_what_was_said_of_another_outbox() -> None:
    ingest = Ingest([Mark(device="cam-1", stream="s", seq=4)])
    ingest.take(ABOUT, about(oldest=9, stream="other"), NOW)
    assert ingest.take(TOPIC, message(9), NOW) == []
    assert ("cam-1", "s") in ingest.behind


def test_a_skip_takes_the_mark_to_its_end_and_is_no_gap() -> None:
    ingest = Ingest([Mark(device="cam-1", stream="s", seq=4)])
    (taken,) = ingest.take(SKIP, skip(5, 40), NOW)
    assert (taken.observation, taken.record.refused) == (None, None), "nobody saw anything"
    assert (taken.record.seq, taken.record.kind) == (5, "skip")
    assert ingest.acknowledged(("cam-1", "s")) == 40
    assert ingest.take(SKIP, skip(5, 40), NOW) == []
    assert seqs(ingest.take(TOPIC, message(41), NOW)) == [41]


def test_of_a_skip_that_is_partly_here_the_rest_is_taken() -> None:
    """The hub took 5 and 6 before the agent thinned 5 to 9, and the ack was lost."""
    ingest = Ingest([Mark(device="cam-1", stream="s", seq=6)])
    (taken,) = ingest.take(SKIP, skip(5, 9), NOW)
    assert taken.record.seq == 7
    assert decode_envelope(taken.record.payload).seq == 7
    assert ingest.acknowledged(("cam-1", "s")) == 9


def test_a_skip_behind_a_hole_waits_and_a_broken_one_is_one_place() -> None:
    ingest = Ingest([])
    assert ingest.take(SKIP, skip(2, 9), NOW) == []
    (taken,) = ingest.take(SKIP, b'{"stream":"s","seq":1,"boot":"","up_ms":0}', NOW)
    assert taken.record.refused is not None
    assert ingest.acknowledged(("cam-1", "s")) == 1


def test_a_new_outbox_of_a_known_device_is_a_gap_and_the_old_one_may_come_back() -> None:
    ingest = Ingest([])
    assert seqs(ingest.take(TOPIC, message(1), NOW)) == [1], "a new device has no gap"
    later = NOW + timedelta(minutes=9)
    gap, first = ingest.take(TOPIC, message(1, stream="t", at=later), later)
    assert gap.observation is not None
    assert gap.observation.reading == Gap(since=NOW, why="a new outbox")
    assert (first.record.stream, first.record.seq) == ("t", 1)
    assert seqs(ingest.take(TOPIC, message(2, stream="t"), later)) == [2]
    assert seqs(ingest.take(TOPIC, message(2), later)) == [2], "the card was swapped back"
    assert ingest.take(TOPIC, message(1), later) == []


@pytest.mark.parametrize(
    ("after", "missing"),
    [("t/2", False), ("t/1", True), ("t/3", True), ("s/4", True), ("", True)],
)
def test_a_process_that_goes_on_where_the_last_one_ended_is_no_gap(
    after: str, *, missing: bool
) -> None:
    """Of `t` the hub has all that was ever given; a copy that knows less, or more, is no sequel."""
    ingest = Ingest([Mark(device="cam-1", stream="s", seq=4, at_ms=1, received_ms=1)])
    for seq in (1, 2):
        ingest.take(TOPIC, message(seq, stream="t"), NOW)
    first = message(1, stream="u", after=after)
    kinds = [taken.record.kind for taken in ingest.take(TOPIC, first, NOW)]
    assert kinds == (["gap", "people"] if missing else ["people"])


def test_nobody_writes_into_the_stream_of_the_hub() -> None:
    with pytest.raises(BadPayload, match="'hub'"):
        Ingest([]).take(TOPIC, message(1, stream="hub"), NOW)


def test_streams_without_end_do_not_fill_memory() -> None:
    ingest = Ingest([])
    for n in range(3 * MOST_STREAMS):
        ingest.take(TOPIC, message(1, stream=f"s{n}"), NOW + timedelta(seconds=n))
    assert len(ingest.marks) <= MOST_STREAMS
    assert ("cam-1", "hub") in ingest.marks
    assert seqs(ingest.take(TOPIC, message(2, stream=f"s{n}"), NOW)) == [2]


def test_a_device_that_says_about_hears_how_far_we_are() -> None:
    ingest = Ingest([Mark(device="cam-1", stream="s", seq=4)])
    ingest.take(ABOUT, about(stream="t"), NOW)
    assert ingest.greeted == {("cam-1", "t")}
    assert ingest.acknowledged(("cam-1", "t")) == 0


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
    assert made(fresh) == NOW
    assert made(late) == NOW + timedelta(seconds=1)


def test_a_backlog_without_dates_is_dated_by_what_the_device_said_when_it_connected() -> None:
    ingest = Ingest([])
    hours_ms = 3 * 3_600_000
    ingest.take(ABOUT, about(up_ms=hours_ms), NOW)
    dated = [
        ingest.take(TOPIC, message(seq, at=None, up_ms=up_ms), NOW + timedelta(seconds=1))[0]
        for seq, up_ms in enumerate((0, 60_000, hours_ms), 1)
    ]
    booted = NOW - timedelta(hours=3)
    assert [made(one) for one in dated] == [booted, booted + timedelta(minutes=1), NOW]


def test_what_stood_at_the_broker_says_nothing_of_when_a_device_booted() -> None:
    ingest = Ingest([])
    ingest.take(ABOUT, about(up_ms=0), NOW, retained=True)
    (taken,) = ingest.take(TOPIC, message(1, at=None, up_ms=3_600_000), NOW)
    assert made(taken) == NOW


def test_a_device_that_found_the_time_dates_what_it_saw_before_and_sends_later() -> None:
    ingest = Ingest([])
    ingest.take(TOPIC, message(1, at=NOW - timedelta(minutes=30), up_ms=0), NOW)
    (taken,) = ingest.take(TOPIC, message(2, at=None, up_ms=60_000), NOW)
    assert made(taken) == NOW - timedelta(minutes=29)


@pytest.mark.parametrize("step_h", [-1, 1])
def test_a_step_of_the_hubs_clock_loses_and_doubles_nothing_and_heals(step_h: int) -> None:
    ingest = Ingest([])
    step = timedelta(hours=step_h)
    taken = []
    for seq in range(1, 31):
        now = NOW + timedelta(seconds=seq)
        hub_now = now + step if 10 < seq <= 20 else now
        at = now if seq % 2 else None
        for _ in range(2):
            taken += ingest.take(TOPIC, message(seq, at=at, up_ms=seq * 1000), hub_now)
    assert seqs(taken) == list(range(1, 31))
    assert all(
        abs(made(t) - from_milliseconds(t.record.received_ms)) <= timedelta(hours=1) for t in taken
    )
    assert [made(t) for t in taken[20:]] == [NOW + timedelta(seconds=s) for s in range(21, 31)]


@pytest.mark.parametrize("step_h", [-1, 1])
def test_a_step_of_the_devices_clock_loses_and_doubles_nothing(step_h: int) -> None:
    ingest = Ingest([])
    taken = []
    for seq in range(1, 31):
        now = NOW + timedelta(seconds=seq)
        at = now + timedelta(hours=step_h) if 10 < seq <= 20 else now
        taken += ingest.take(TOPIC, message(seq, at=at, up_ms=seq * 1000), now)
    assert seqs(taken) == list(range(1, 31))
    assert all(t.record.at_ms <= t.record.received_ms for t in taken), "the future is not believed"
    assert made(taken[-1]) == NOW + timedelta(seconds=30)


def test_a_clock_in_1970_or_far_ahead_is_not_believed() -> None:
    for wrong in (datetime(1970, 1, 1, 0, 1, tzinfo=UTC), NOW + timedelta(hours=1)):
        (taken,) = Ingest([]).take(TOPIC, message(1, at=wrong), NOW)
        assert made(taken) == NOW


def test_a_backlog_after_a_cut_keeps_its_own_times() -> None:
    ingest = Ingest([])
    long_ago = NOW - timedelta(hours=3)
    (taken,) = ingest.take(TOPIC, message(1, at=long_ago), NOW)
    assert made(taken) == long_ago
    assert taken.record.received_ms == milliseconds(NOW)


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
