"""The points of the journal's rows: which numbers they have, and when they are."""

import random
from collections import Counter
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.hub.history.points import (
    FIELDS,
    TAGS,
    UNSHIPPED,
    WINDOW,
    Row,
    Stamps,
    scored_lines,
    seen_line,
    told_lines,
)
from models.contract.codec import encode_observation
from models.contract.observations import (
    KIND_OF,
    KINDS,
    Beat,
    Cars,
    Crossing,
    Envelope,
    Gap,
    Pause,
    People,
    Press,
    Pulse,
    Queue,
    Reading,
    SetCount,
    SetLevel,
    Ticket,
)
from models.contract.observations import (
    Counter as Window,
)
from signage.staff.metrics import METRICS

NOW_MS = 1_795_482_000_000
"""24 November 2026."""


def row(reading: Reading, name: str = "x", number: int = 1, at_ms: int = NOW_MS) -> Row:
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    envelope = Envelope(stream="s", seq=number, boot="b", up_ms=1, at=at)
    payload = encode_observation(envelope, reading)
    return Row(number, "pi", KIND_OF[type(reading)], name, at_ms, payload)


def line(reading: Reading, name: str = "x") -> str | None:
    return seen_line("minami", row(reading, name), Stamps())


@pytest.mark.parametrize(
    ("reading", "said"),
    [
        (People(count=7), "machiai_people,device=pi,name=x,site=minami count=7"),
        (Cars(occupied=9, seen=40), "machiai_cars,device=pi,name=x,site=minami occupied=9,seen=40"),
        (Queue(waiting=3), "machiai_queue,device=pi,name=x,site=minami waiting=3"),
        (Queue(waiting=3, open=2), "machiai_queue,device=pi,name=x,site=minami waiting=3,open=2"),
        (Window(open=True), "machiai_counter,device=pi,name=x,site=minami open=1"),
        (SetLevel(level=4), "machiai_level,device=pi,name=x,site=minami level=4"),
        (Pause(paused=False), "machiai_pause,device=pi,name=x,site=minami paused=0"),
        (SetCount(count=5, by="Sato"), "machiai_set,device=pi,name=x,site=minami count=5"),
        (
            Crossing(direction="in"),
            "machiai_crossing,device=pi,name=x,site=minami,direction=in count=1",
        ),
        (
            Pulse(direction="out", total=99),
            "machiai_pulse,device=pi,name=x,site=minami,direction=out count=1",
        ),
        (
            Press(gesture="double"),
            "machiai_press,device=pi,name=x,site=minami,gesture=double count=1",
        ),
        (
            Ticket(number="A123", event="called", counter="c1"),
            "machiai_ticket,device=pi,name=x,site=minami,event=called count=1",
        ),
        (Beat(), "machiai_beat,device=pi,name=x,site=minami count=1"),
        (
            Gap(since=None, why="the line was cut"),
            "machiai_gap,device=pi,name=x,site=minami count=1",
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Reading) else "",
)
def test_every_number_and_nothing_about_people(reading: Reading, said: str) -> None:
    assert line(reading) == f"{said} {NOW_MS}"


@pytest.mark.parametrize("reading", [Window(open=None), SetLevel(level=None)])
def test_what_takes_back_an_earlier_word_is_no_number(reading: Reading) -> None:
    assert line(reading) is None


def test_every_kind_is_shipped_or_kept_back_on_purpose() -> None:
    assert set(FIELDS) | UNSHIPPED == set(KINDS)
    assert not set(FIELDS) & UNSHIPPED
    assert set(TAGS) <= {kind for kind, fields in FIELDS.items() if not fields}


def test_no_name_is_also_one_of_metrics() -> None:
    """A city may keep both in one server."""
    seen = {f"machiai_{kind}_{f}" for kind, names in FIELDS.items() for f in names or ("count",)}
    assert not seen & set(METRICS)
    assert not [name for name in METRICS if name.startswith(("machiai_told_", "machiai_accuracy_"))]


@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(NOW_MS, NOW_MS + 5)), min_size=1, max_size=300
    )
)
def test_no_two_of_one_series_are_at_one_millisecond(told: list[tuple[int, int]]) -> None:
    stamps = Stamps()
    made = [
        (series, stamps.stamp(number, str(series), at_ms))
        for number, (series, at_ms) in enumerate(told)
    ]
    assert max(Counter(made).values()) == 1
    late = [stamp - at_ms for (_, stamp), (_, at_ms) in zip(made, told, strict=True)]
    assert min(late) >= 0
    assert max(late) < len(told)


@given(st.integers(0, 2**32), st.integers(0, 3 * WINDOW))
def test_a_row_has_the_same_stamp_whenever_it_is_sent(seed: int, start: int) -> None:
    """A second sender that begins anywhere needs to read only what stands before in a window."""
    chance, at_ms, at = random.Random(seed), NOW_MS, list[int]()
    while len(at) < 3 * WINDOW:
        burst = chance.choice([1, 1, 1, 2, 60])
        at += [at_ms - chance.choice([0, 0, 40])] * burst
        at_ms += chance.randint(1, 3 * burst)
    once, again = Stamps(), Stamps()
    first = [once.stamp(number, "s", at_ms) for number, at_ms in enumerate(at)]
    begin = max(0, start - 2 * WINDOW)
    second = [again.stamp(number, "s", at[number]) for number in range(begin, len(at))]
    assert second[start - begin :] == first[start:]


def test_what_was_told_is_a_line_for_each_thing_and_slot() -> None:
    cells = [
        (5985000, "service", "tax", "open", 1, 1.0),
        (5985000, "service", "tax", "wait_p50_s", 1, 540.5),
        (5985000, "zone", "lobby", "people", 1, 12.0),
        (5985001, "zone", "lobby", "people", 1, 13.0),
    ]
    assert list(told_lines("minami", cells)) == [
        "machiai_told_service,name=tax,site=minami open=1,wait_p50_s=540.5 1795500000000",
        "machiai_told_zone,name=lobby,site=minami people=12 1795500000000",
        "machiai_told_zone,name=lobby,site=minami people=13 1795500300000",
    ]


def test_how_true_it_was_is_sums_and_how_many() -> None:
    cells = [
        (5985000, "service", "tax", "came_s", 3, 1500.0),
        (5985000, "service", "tax", "error_s", 3, 240.0),
        (5985000, "service", "tax", "within", 3, 2.0),
    ]
    (said,) = scored_lines("minami", cells)
    series, fields, stamp = said.split()
    assert (series, stamp) == ("machiai_accuracy,name=tax,site=minami", "1795500000000")
    assert fields == "came_s_sum=1500,error_s_sum=240,within_sum=2,waits=3"
