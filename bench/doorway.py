"""How well crossings are counted: drawn walkers in groups, and a clip at every frame rate.

    .venv/bin/python -m bench.doorway [--scenes 12]

Drawn walkers cross, turn back, stand about and linger on a line, alone or in twos and threes; who
walks behind somebody is hidden, boxes tremble, are missed, and some show nobody. The clip is the
one-by-one clip of `../shared`, left out where that is not there: each frame rate from every first
frame, at four thresholds.
"""

import argparse
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from models.contract.observations import Direction
from models.sensing.boxes import PERSON, Floats, areas, only
from models.sensing.plan import Point
from models.sensing.tracker import Line, Tracker

SIZE = (640, 480)
TICK_S = 0.05
SCENE_S = 60.0
LEAVES_S = 8.0  # nobody comes so shortly before the end
RATES_FPS = (5.0, 3.3, 2.5, 1.0)
THRESHOLD, DOUBTFUL = 0.3, 0.1
LATE_S = (-1.0, 3.0)  # when a crossing may be told
LINES: dict[str, tuple[Point, Point]] = {
    "in the middle": ((320, 0), (320, 480)),
    "to the right": ((480, 0), (480, 480)),
    "at the rim": ((550, 0), (550, 480)),
    "across the floor": ((0, 300), (640, 300)),
    "short": ((250, 150), (250, 420)),
}
CLIP = "clips/intel_one-by-one-person-detection.mp4"
CLIP_FRAMES, CLIP_X = 1394, 560
LEFT = (178, 427, 677, 845, 1170, 1333)
"""Frames in which somebody has left over the line, counted by eye."""

Doubles = npt.NDArray[np.float64]


class Walker(NamedTuple):
    """Somebody's way: where the middle of the box is, a row each `TICK_S`."""

    since_s: float
    middles: Doubles  # (n, 2)
    wide: float
    high: float


class Seen(NamedTuple):
    """A crossing."""

    at_s: float
    way: Direction


class Score(NamedTuple):
    """Crossings that were, were found, were told and were not; and how far the sum is off."""

    true: int
    found: int
    false: int
    off: int


# ── Walkers ───────────────────────────────────────────────────────────────────────────────────────


def scene(rng: np.random.Generator, line: tuple[Point, Point]) -> list[Walker]:
    """Who comes in a minute: groups of one to three, one each four seconds."""
    walkers: list[Walker] = []
    since_s = float(rng.exponential(4.0))
    while since_s < SCENE_S - LEAVES_S:
        high = float(rng.uniform(110, 330))
        pace = float(rng.uniform(0.45, 1.0)) * high
        goal = str(rng.choice(["cross", "cross", "cross", "linger", "turn", "stand"]))
        forward = bool(rng.integers(2))
        for place in range(int(rng.choice([1, 1, 1, 1, 2, 2, 3]))):
            tall = high * float(rng.uniform(0.9, 1.1))
            wide = tall * float(rng.uniform(0.33, 0.45))
            start, way = _start(rng, line, forward, (wide, tall), place)
            length = float(np.max(np.array(SIZE) * np.abs(way))) + 2 * max(wide, tall * abs(way[1]))
            gone = _gone(rng, goal, _to_line(line, start), length, tall, pace)
            tremble = rng.normal(0, 1, (len(gone), 2))
            middles = start + np.outer(gone, way) + tremble
            walkers.append(
                Walker(since_s + place * float(rng.uniform(0, 0.3)), middles, wide, tall)
            )
        since_s += float(rng.exponential(4.0))
    return walkers


def _start(
    rng: np.random.Generator,
    line: tuple[Point, Point],
    forward: bool,  # noqa: FBT001  one of two ways
    size: tuple[float, float],
    place: int,
) -> tuple[Doubles, Doubles]:
    """Where a walker begins, out of the picture, and which way they go."""
    side, (wide, tall) = 1.0 if forward else -1.0, size
    if line[0][0] == line[1][0]:
        y = float(rng.uniform(0.35, 0.75)) * SIZE[1] + float(rng.uniform(-20, 20))
        start = np.array([-wide if forward else SIZE[0] + wide, y])
        return start, np.array([side, float(rng.uniform(-0.15, 0.15))])
    x = float(rng.uniform(0.2, 0.8)) * SIZE[0] + place * float(rng.uniform(0.5, 0.9)) * wide
    start = np.array([x, -tall if forward else SIZE[1] + tall])
    return start, np.array([float(rng.uniform(-0.2, 0.2)), side])


def _to_line(line: tuple[Point, Point], start: Doubles) -> float:
    axis = 0 if line[0][0] == line[1][0] else 1
    return abs(line[0][axis] - float(start[axis]))


def _gone(  # noqa: PLR0917  all of them make one way
    rng: np.random.Generator, goal: str, to_line: float, whole: float, tall: float, pace: float
) -> Doubles:
    """How far somebody has gone at each tick."""

    def about(share: float) -> float:
        return to_line + float(rng.uniform(-share, share)) * tall

    end = whole if rng.random() < 0.5 else 0.0
    stops: list[tuple[float, float]]  # how far, and how long they stay there
    if goal == "cross":
        rests = [(float(rng.uniform(0.3, 0.8)) * whole, float(rng.uniform(1, 5)))]
        stops = [*rests * (rng.random() < 0.3), (whole, 0.0)]
    elif goal == "turn":
        stops = [(about(0.6), float(rng.uniform(0, 2))), (0.0, 0.0)]
    elif goal == "linger":
        times = int(rng.integers(1, 4))
        stops = [(about(0.3), float(rng.uniform(1, 4))) for _ in range(times)] + [(end, 0.0)]
    else:
        rest = float(rng.uniform(0.25, 0.75)) * whole, float(rng.uniform(5, 15))
        stops = [rest, (end, 0.0)]
    at, parts = 0.0, []
    for stop, stays_s in stops:
        steps = max(1, round(abs(stop - at) / pace / TICK_S))
        parts += [np.linspace(at, stop, steps, endpoint=False)]
        parts += [np.full(round(stays_s / TICK_S), stop)]
        at = stop
    return np.concatenate(parts)


def crossings(walkers: list[Walker], line: tuple[Point, Point]) -> list[Seen]:
    """What happened: a side is another one from 5 pixels on."""
    start, end = np.array(line[0], float), np.array(line[1], float)
    length = float(np.hypot(*(end - start)))
    along = (end - start) / length
    across = np.array([-along[1], along[0]])
    found = []
    for walker in walkers:
        side: bool | None = None
        offsets = walker.middles - start
        for tick, (aside, way) in enumerate(zip(offsets @ across, offsets @ along, strict=True)):
            if abs(aside) < 5:
                continue
            if side is not None and side != (aside > 0) and 0 <= way <= length:
                at_s = walker.since_s + tick * TICK_S
                found.append(Seen(at_s, "in" if aside > 0 else "out"))
            side = bool(aside > 0)
    return sorted(found)


def looks(
    rng: np.random.Generator, walkers: list[Walker], fps: float
) -> Iterator[tuple[float, Floats]]:
    """What a detector says of each frame."""
    poster = np.array([rng.uniform(0, SIZE[0] - 60), rng.uniform(0, SIZE[1] - 120)])
    for at_s in np.arange(float(rng.uniform(0, 1 / fps)), SCENE_S, 1 / fps):
        boxes = _there(walkers, float(at_s))
        rows = [box for box in _shown(rng, boxes) if box[4] >= DOUBTFUL]
        for chance, low, high in ((0.01, 0.3, 0.5), (0.05, 0.1, 0.3)):
            if rng.random() < chance:
                x, y = rng.uniform(0, SIZE[0] - 50), rng.uniform(0, SIZE[1] - 110)
                rows.append([x, y, x + 50, y + 110, rng.uniform(low, high), PERSON])
        if rng.random() < 0.2:
            rows.append([*poster, *np.add(poster, (50, 110)), rng.uniform(0.1, 0.45), PERSON])
        table = np.array(rows, np.float32).reshape(-1, 6)
        yield float(at_s), table[np.argsort(-table[:, 4])]


def _there(walkers: list[Walker], at_s: float) -> Floats:
    """(n, 4): whole boxes, in and out of the picture; who is nearer comes last."""
    rows = []
    for walker in walkers:
        tick = round((at_s - walker.since_s) / TICK_S)
        if 0 <= tick < len(walker.middles):
            half = np.array([walker.wide, walker.high]) / 2
            rows.append([*(walker.middles[tick] - half), *(walker.middles[tick] + half)])
    table = np.array(rows, np.float32).reshape(-1, 4)
    return table[np.argsort(table[:, 3])]


def _shown(rng: np.random.Generator, boxes: Floats) -> Iterator[list[float]]:
    """Boxes as a detector gives them: cut by the rim, trembling, doubtful where hidden."""
    cut = np.clip(boxes, 0, [*SIZE, *SIZE])
    for i, box in enumerate(cut):
        if not areas(box[None])[0]:
            continue
        hidden = 0.0
        for nearer in cut[i + 1 :]:
            shared = np.clip(
                np.minimum(box[2:], nearer[2:]) - np.maximum(box[:2], nearer[:2]), 0, None
            )
            hidden = max(hidden, float(shared.prod() / areas(box[None])[0]))
        visible = float(areas(box[None])[0] / areas(boxes[i][None])[0]) * (1 - hidden)
        score = 0.88 - 0.05 * abs(float(rng.normal()))
        if visible < 0.2:
            continue
        if visible < 0.45:
            score = float(rng.uniform(0.05, 0.5))
        elif rng.random() < 0.05:
            score = float(rng.uniform(0, 0.3))
        shaken = box + rng.normal(0, 0.015, 4) * (boxes[i][3] - boxes[i][1])
        yield [*np.clip(shaken, 0, [*SIZE, *SIZE]).tolist(), score, PERSON]


# ── Counting ──────────────────────────────────────────────────────────────────────────────────────


def told(
    frames: list[tuple[float, Floats]], line: tuple[Point, Point], threshold: float,
    size: tuple[int, int] = SIZE,
) -> list[Seen]:  # fmt: skip
    """What our tracker counts."""
    tracker, over = Tracker(threshold, size), Line(*line)
    return [
        Seen(at_s, way) for at_s, boxes in frames for way in over.step(tracker.step(boxes, at_s))
    ]


def scored(true: list[Seen], said: list[Seen], until_s: float) -> Score:
    """Hold them against each other; what happens in the last seconds is not asked."""
    left, found = list(said), 0
    asked = [seen for seen in true if seen.at_s < until_s - LATE_S[1]]
    for seen in asked:
        near = (
            s for s in left
            if s.way == seen.way and LATE_S[0] <= s.at_s - seen.at_s <= LATE_S[1]
        )  # fmt: skip
        match = next(near, None)
        if match is not None:
            left.remove(match)
            found += 1
    return Score(len(asked), found, len(left), abs(_sum(said) - _sum(true)))


def _sum(crossed: list[Seen]) -> int:
    return sum(1 if seen.way == "in" else -1 for seen in crossed)


def drawn(scenes: int, fps: float) -> Iterator[Score]:
    """A score for each line and scene."""
    for number, line in enumerate(LINES.values()):
        for seed in range(scenes):
            rng = np.random.default_rng([seed, number])
            walkers = scene(rng, line)
            frames = list(looks(rng, walkers, fps))
            yield scored(crossings(walkers, line), told(frames, line, THRESHOLD), SCENE_S)


def clip() -> Iterator[str]:
    """A line of text for each frame rate."""
    from edge.capture import File  # noqa: PLC0415  OpenCV is not wanted for what is drawn
    from edge.cards import DATA  # noqa: PLC0415
    from edge.detector import Detector  # noqa: PLC0415

    if not (DATA / CLIP).is_file():
        yield f"{CLIP} is not here: left out"
        return
    source, detector = File(str(DATA / CLIP), 0.0), Detector.best("yolox-nano")
    shots = [source.read(lambda: True) for _ in tqdm(range(CLIP_FRAMES), desc="clip")]
    boxes = [
        only(detector.detect(shot.frame, DOUBTFUL), PERSON, DOUBTFUL)
        for shot in tqdm(shots, desc="boxes")
    ]
    high, wide = shots[0].frame.shape[:2]
    line = ((CLIP_X, 0.0), (CLIP_X, float(high)))
    fps = 1 / (shots[1].at_s - shots[0].at_s)
    for step in (1, 2, 3, 4, 5, 7, 10):
        worst = Score(0, len(LEFT), 0, 0)
        for first in range(step):
            frames = [(shots[i].at_s, boxes[i]) for i in range(first, len(shots), step)]
            for threshold in (0.25, 0.3, 0.4, 0.6):
                said = told(frames, line, threshold, (wide, high))
                true = [Seen(shots[i].at_s, "out") for i in LEFT]
                score = scored(true, said, CLIP_FRAMES / fps + LATE_S[1])
                worst = Score(0, min(worst.found, score.found), max(worst.false, score.false), 0)
        found, false = f"{worst.found} of {len(LEFT)}", f"{worst.false} false"
        yield f"clip, {fps / step:.1f} fps: at worst {found}, {false}"


def main() -> int:
    """Print a line for each frame rate, of both."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--scenes", type=int, default=12, help="minutes a line (12)")
    given = parser.parse_args()
    for fps in RATES_FPS:
        total = given.scenes * len(LINES)
        scores = list(tqdm(drawn(given.scenes, fps), total=total, desc=f"{fps:g} fps", leave=False))
        true, found, false, off = (sum(column) for column in zip(*scores, strict=True))
        print(
            f"drawn, {fps:g} fps: of {true} crossings {found / true:.2f} found, "
            f"{false / true:.3f} false, the sum off by {off / true:.2f}"
        )
    for line in clip():
        print(line)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
