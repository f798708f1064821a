"""Doorways with drawn walkers whose crossings are known."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pytest

from models.contract.observations import Direction
from models.sensing.boxes import PERSON, Floats
from models.sensing.tracker import Line, Tracker

SIZE = (640, 480)
TICK_S = 0.05
Doubles = npt.NDArray[np.float64]


class Walker(NamedTuple):
    """Somebody's way through the picture."""

    since_s: float
    middles: Doubles  # (n, 2), one a tick
    wide: float
    high: float

    def box(self, at_s: float) -> list[float] | None:
        """Where they are, in and out of the picture; None if nowhere near."""
        tick = round((at_s - self.since_s) / TICK_S)
        if not 0 <= tick < len(self.middles):
            return None
        x, y = self.middles[tick].tolist()
        return [x - self.wide / 2, y - self.high / 2, x + self.wide / 2, y + self.high / 2]


def walker(rng: np.random.Generator, since_s: float, line_x: float, goal: str) -> Walker:
    """Who crosses the whole picture, turns back at the line, or lingers on it."""
    high = float(rng.uniform(110, 330))
    wide, pace = 0.4 * high, float(rng.uniform(0.45, 1.0)) * high
    way = 1 if rng.random() < 0.5 else -1
    start = -wide if way > 0 else SIZE[0] + wide
    to_line, whole = abs(line_x - start), SIZE[0] + 2 * wide
    if goal == "cross":
        stops = [whole]
    elif goal == "turn":
        stops = [to_line - 0.5 * wide, 0.0]
    else:
        stops = [to_line - 2, to_line + 3, to_line - 3, to_line + 2, 0.0]
    gone, gones = 0.0, []
    for stop in stops:
        steps = max(1, round(abs(stop - gone) / pace / TICK_S))
        gones.append(np.linspace(gone, stop, steps, endpoint=False))
        gones.append(np.full(20 if goal != "cross" else 0, stop))
        gone = stop
    along = np.concatenate(gones)
    y = np.full(len(along), rng.uniform(170, 330))
    return Walker(since_s, np.stack([start + way * along, y], axis=1), wide, high)


def seen(rng: np.random.Generator, walkers: list[Walker], at_s: float) -> Floats:
    """What a detector makes of them: some are missed, cut off, hidden; some are not there."""
    boxes = np.array([b for w in walkers if (b := w.box(at_s))], float).reshape(-1, 4)
    found = []
    for i, box in enumerate(boxes):
        cut = np.clip(box, 0, [*SIZE, *SIZE])
        share = np.prod(cut[2:] - cut[:2]) / np.prod(box[2:] - box[:2])
        for other in boxes[boxes[:, 3] > boxes[i, 3]]:  # nearer to the camera
            shared = np.minimum(cut[2:], other[2:]) - np.maximum(cut[:2], other[:2])
            share -= np.prod(np.clip(shared, 0, None)) / np.prod(box[2:] - box[:2])
        score = 0.85 if share > 0.45 and rng.random() > 0.05 else float(rng.uniform(0, 0.5))
        if share > 0.2 and score > 0.1:
            trembling = cut + rng.normal(0, 0.012, 4) * (box[3] - box[1])
            found.append([*np.clip(trembling, 0, [*SIZE, *SIZE]), score, PERSON])
    if rng.random() < 0.05:
        x, y = rng.uniform(0, 580), rng.uniform(0, 350)
        found.append([x, y, x + 50, y + 110, rng.uniform(0.1, 0.35), PERSON])
    return np.array(found, np.float32).reshape(-1, 6)


def said(
    rng: np.random.Generator, walkers: list[Walker], line_x: float, fps: float, until_s: float
) -> Iterator[Direction]:
    tracker, line = Tracker(0.3, SIZE), Line((line_x, 0), (line_x, SIZE[1]))
    for at_s in np.arange(rng.uniform(0, 1 / fps), until_s, 1 / fps).tolist():
        yield from line.step(tracker.step(seen(rng, walkers, at_s), at_s))


LINES = [320.0, 480.0, 550.0]
RATES = [5.0, 3.3, 2.5, 1.0]


@pytest.mark.parametrize("fps", RATES)
def test_who_crosses_alone_is_counted_once(fps: float) -> None:
    rng, found, false = np.random.default_rng(11), 0, 0
    for i in range(120):
        line_x = LINES[i % 3]
        one = walker(rng, 1.0, line_x, "cross")
        is_right = one.middles[-1, 0] > line_x
        ways = list(said(rng, [one], line_x, fps, 1 + len(one.middles) * TICK_S + 3))
        right = ways.count("out" if is_right else "in")  # the line runs down: its right is left
        found += min(right, 1)
        false += len(ways) - min(right, 1)
    assert found >= (0.97 if fps > 1 else 0.85) * 120
    assert false <= 0.02 * 120


@pytest.mark.parametrize("goal", ["turn", "linger"])
@pytest.mark.parametrize("fps", RATES)
def test_who_turns_back_or_lingers_is_nothing_in_the_sum(fps: float, goal: str) -> None:
    rng, off = np.random.default_rng(12), 0
    for i in range(60):
        line_x = LINES[i % 3]
        one = walker(rng, 1.0, line_x, goal)
        ways = list(said(rng, [one], line_x, fps, 1 + len(one.middles) * TICK_S + 3))
        off += abs(ways.count("in") - ways.count("out"))
    assert off <= 0.05 * 60


@pytest.mark.parametrize(("fps", "least"), list(zip(RATES, [0.93, 0.88, 0.85, 0.7], strict=True)))
def test_several_at_once_are_told_apart(fps: float, least: float) -> None:
    rng = np.random.default_rng(13)
    true, net_off, told = 0, 0, 0
    for i in range(12):
        line_x = LINES[i % 3]
        crowd = [walker(rng, float(s), line_x, "cross") for s in rng.uniform(0, 50, 15)]
        ways = list(said(rng, crowd, line_x, fps, 65))
        rights = sum(w.middles[-1, 0] > line_x for w in crowd)
        true += len(crowd)
        told += min(ways.count("out"), rights) + min(ways.count("in"), len(crowd) - rights)
        net_off += abs(ways.count("out") - ways.count("in") - (2 * rights - len(crowd)))
    assert told >= least * true
    assert net_off <= 0.15 * true
