from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.contract.observations import Direction
from models.sensing.boxes import PERSON, Floats
from models.sensing.plan import Point
from models.sensing.tracker import HYSTERESIS_PX, KEEP_LOOKS, Line, Tracker

STEP_S = 0.2
SIZE = (640, 480)


def seen(*middles: Point, score: float = 0.9) -> Floats:
    """People of 60 x 160 pixels around these points."""
    return np.array(
        [[x - 30, y - 80, x + 30, y + 80, score, PERSON] for x, y in middles], np.float32
    ).reshape(-1, 6)


def crossings(frames: Sequence[Floats], line: Line, step_s: float = STEP_S) -> list[Direction]:
    tracker = Tracker(0.5, SIZE)
    return [
        way for i, boxes in enumerate(frames) for way in line.step(tracker.step(boxes, i * step_s))
    ]


def rightwards() -> Line:
    """From left to right through the middle of 640 x 480: `in` is downwards."""
    return Line((0, 240), (640, 240))


def walk(start: Point, end: Point, steps: int) -> list[Point]:
    return list(
        zip(
            np.linspace(start[0], end[0], steps).tolist(),
            np.linspace(start[1], end[1], steps).tolist(),
            strict=True,
        )
    )


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        ((320, 100), (320, 380), ["in"]),
        ((320, 380), (320, 100), ["out"]),
        ((100, 200), (600, 200), []),
    ],
    ids=["down", "up", "along"],
)
def test_a_walk_over_a_line_by_table(start: Point, end: Point, said: list[Direction]) -> None:
    assert crossings([seen(p) for p in walk(start, end, 12)], rightwards()) == said


def test_who_walks_round_the_end_of_a_line_has_not_crossed_it() -> None:
    short = Line((0, 240), (200, 240))
    assert crossings([seen(p) for p in walk((320, 100), (320, 380), 12)], short) == []


def test_two_who_meet_on_the_line_are_both_counted() -> None:
    down, up = walk((250, 60), (250, 420), 13), walk((380, 420), (380, 60), 13)
    frames = [seen(a, b) for a, b in zip(down, up, strict=True)]
    assert sorted(crossings(frames, rightwards())) == ["in", "out"]


def test_a_doubtful_box_prolongs_a_track_but_begins_none() -> None:
    path = walk((320, 100), (320, 380), 12)
    frames = [seen(p, score=0.2 if 3 <= i <= 8 else 0.9) for i, p in enumerate(path)]
    assert crossings(frames, rightwards()) == ["in"]
    assert crossings([seen(p, score=0.2) for p in path], rightwards()) == []


def test_a_person_hidden_for_a_moment_is_the_same_person() -> None:
    path = walk((320, 100), (320, 380), 12)
    frames = [seen() if i in {5, 6} else seen(p) for i, p in enumerate(path)]
    assert crossings(frames, rightwards()) == ["in"]


def test_a_person_who_went_is_not_the_one_who_comes() -> None:
    tracker = Tracker(0.5, SIZE)
    first = tracker.step(seen((320, 200)), 0.0)[0].number
    late = tracker.step(seen((320, 200)), KEEP_LOOKS + 0.1)[0].number
    assert first != late


def test_a_trembling_box_on_the_line_says_nothing() -> None:
    tremble = np.random.default_rng(7).uniform(-HYSTERESIS_PX, HYSTERESIS_PX, 500) * 0.9
    frames = [seen((320, 160)), *(seen((320, 240 + d)) for d in tremble)]
    assert crossings(frames, rightwards()) == []


def clear_cut(offset: float) -> bool:
    """Whether rounding does not matter."""
    return abs(abs(offset) - HYSTERESIS_PX) > 0.01


@given(st.lists(st.floats(-30, 30).filter(clear_cut), min_size=2, max_size=60))
def test_a_lingerer_counts_for_no_more_than_where_they_end(offsets: list[float]) -> None:
    clear = [d for d in offsets if abs(d) >= HYSTERESIS_PX + 0.01]
    said = crossings([seen((320, 240 + d)) for d in offsets], rightwards())
    net = said.count("in") - said.count("out")
    assert net == (int(clear[-1] > 0) - int(clear[0] > 0) if clear else 0)


@given(st.floats(0, 2 * np.pi), st.floats(0, 2 * np.pi))
def test_direction_follows_the_line_however_it_is_drawn(turn: float, walk_by: float) -> None:
    along = np.array([np.cos(turn), np.sin(turn)])
    way = np.array([np.cos(walk_by), np.sin(walk_by)])
    rightness = float(along[0] * way[1] - along[1] * way[0])
    if abs(rightness) < 0.2:
        return
    middle = np.array([320.0, 240.0])
    (ax, ay), (bx, by) = middle - along * 300, middle + along * 300
    path = [middle + way * d for d in np.linspace(-120, 120, 12)]
    said = crossings([seen((float(x), float(y))) for x, y in path], Line((ax, ay), (bx, by)))
    assert said == ["in" if rightness > 0 else "out"]
