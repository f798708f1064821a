"""Drawn scenes: the same pixels each time, and boxes that agree with the office's truth."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.contract.observations import Crossing
from models.sensing.boxes import CAR, PERSON, centres
from models.sensing.plan import LineView, LotView, Plan, Row, ZoneView
from models.sensing.slots import occupied
from models.sensing.zones import count
from models.site import parse
from models.world.day import Steps
from models.world.office import live
from models.world.picture import SIZE
from models.world.scene import Filmed, light, stays
from tests.conftest import ROOT

SITE = parse((ROOT / "ansible/sites/example.toml").read_text("utf-8"))
TUESDAY = date(2026, 11, 24)
DAY = live(SITE, TUESDAY, 21)
NOON = datetime(2026, 11, 24, 12, tzinfo=SITE.zone_info)

LOBBY = Plan(zones=(ZoneView(zone="lobby"),))
DOOR = Plan(lines=(LineView(line="entrance", start=(0.1, 0.55), end=(0.9, 0.55)),))
ROWS = (
    Row(start=(0.05, 0.3), end=(0.95, 0.3), depth=0.14, slots=20),
    Row(start=(0.05, 0.62), end=(0.95, 0.62), depth=0.18, slots=20),
)
LOT = Plan(lots=(LotView(lot="front", rows=ROWS),))


def through_the_day(step: timedelta) -> list[datetime]:
    return [NOON + step * i for i in range(-24, 24)]


def test_the_same_moment_has_the_same_pixels_and_the_next_has_other_noise() -> None:
    one, same = (Filmed(SITE, DAY, LOBBY, 3).seen(NOON).frame for _ in range(2))
    assert one.shape == (SIZE[1], SIZE[0], 3)
    assert one.dtype == np.uint8
    np.testing.assert_array_equal(one, same)
    later = Filmed(SITE, DAY, LOBBY, 3).seen(NOON + timedelta(milliseconds=200)).frame
    assert (later != one).mean() > 0.5
    assert np.abs(later.astype(int) - one).mean() < 5, "and is the same place"


def test_a_box_stands_for_each_who_waits() -> None:
    filmed = Filmed(SITE, DAY, LOBBY, 3)
    polygon = [(0.0, 0.0), (SIZE[0], 0.0), SIZE, (0.0, SIZE[1])]
    for now in through_the_day(timedelta(minutes=10)):
        boxes = filmed.seen(now).boxes
        assert set(boxes[:, 5]) <= {PERSON}
        assert count(boxes, polygon) == len(boxes) == DAY.people["lobby"].on(now)


def test_a_box_stands_in_the_slot_of_each_car() -> None:
    filmed = Filmed(SITE, DAY, LOT, 3)
    slots = [[(x * SIZE[0], y * SIZE[1]) for x, y in slot] for slot in LOT.lots[0].polygons()]
    for now in through_the_day(timedelta(minutes=10)):
        boxes = filmed.seen(now).boxes
        assert set(boxes[:, 5]) <= {CAR}
        assert sum(occupied(boxes, slots)) == len(boxes) == DAY.cars["front"].on(now)


def test_who_crosses_is_on_the_line_then_and_goes_that_way() -> None:
    filmed = Filmed(SITE, DAY, DOOR, 3)
    walks = [(e.at, e.reading) for e in DAY.events if isinstance(e.reading, Crossing)]
    apart = [
        walk
        for before, walk, after in zip(walks, walks[1:], walks[2:], strict=False)
        if min(walk[0] - before[0], after[0] - walk[0]) > timedelta(seconds=6)
    ]
    assert len(apart) > 50
    for at, crossing in apart[:50]:
        rows = [centres(filmed.seen(at + timedelta(seconds=s)).boxes)[:, 1] for s in (-0.5, 0, 0.5)]
        assert [len(row) for row in rows] == [1, 1, 1]
        before_it, on_it, after_it = (float(row[0]) for row in rows)
        assert on_it == pytest.approx(0.55 * SIZE[1], abs=1.5)
        assert (after_it > before_it) == (crossing.direction == "in")


@pytest.mark.parametrize("plan", [LOBBY, DOOR, LOT], ids=["lobby", "door", "lot"])
def test_night_is_darker_than_noon(plan: Plan) -> None:
    filmed = Filmed(SITE, DAY, plan, 3)
    night = filmed.seen(NOON + timedelta(hours=9)).frame
    assert 10 < night.mean() < filmed.seen(NOON).frame.mean() * 0.85
    assert light(12, outdoors=True) > light(17, outdoors=True) > light(22, outdoors=True) > 0


@given(st.lists(st.integers(0, 9), min_size=1, max_size=40), st.integers(0, 12), st.integers(0, 99))
def test_there_are_as_many_stays_as_the_truth_says_and_places_allow(
    numbers: list[int], places: int, seed: int
) -> None:
    begin = datetime(2026, 11, 24, tzinfo=UTC)
    steps = Steps(tuple(begin + timedelta(minutes=i) for i in range(len(numbers))), tuple(numbers))
    listed = stays(steps, places, np.random.default_rng(seed))
    for at, number in zip(steps.at, numbers, strict=True):
        there = [s for s in listed if s.since <= at and (s.until is None or at < s.until)]
        taken = [s.place for s in there]
        assert len(set(taken)) == len(taken) <= places
        assert len(taken) == min(number, places) if max(numbers) <= places else True
