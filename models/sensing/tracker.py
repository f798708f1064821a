"""Who is who from frame to frame, and who crossed a line."""

from dataclasses import dataclass, field

import numpy as np

from models.contract.observations import Direction
from models.sensing.boxes import SCORE, X1, Y1, Floats, centres, iou
from models.sensing.plan import Point

KEEP_S = 1.5
"""A person unseen for longer is gone; who comes then is somebody else."""

NEAR, SAME = -0.3, 0.2
"""Least affinity to follow a sure box, and a doubtful one."""

HYSTERESIS_PX = 5.0
"""So far past a line the centre of a box must be: a box trembles by a few pixels."""


@dataclass
class Track:
    """One person as long as the camera sees them."""

    number: int
    box: Floats  # (6,)
    seen_s: float
    velocity: Floats = field(default_factory=lambda: np.zeros(2, np.float32))  # pixels a second
    # Where it was last clear of a line: pixels to the right of it, and along it.
    sides: dict["Line", tuple[float, float]] = field(default_factory=dict)

    def ahead(self, now_s: float) -> Floats:
        """Where the box should be now, (6,)."""
        box = self.box.copy()
        box[:4] += np.tile(self.velocity * (now_s - self.seen_s), 2)
        return box

    def follow(self, box: Floats, now_s: float) -> None:
        """Take the box that was matched."""
        moved = centres(np.stack([self.box, box]))
        speed = (moved[1] - moved[0]) / max(now_s - self.seen_s, 1e-3)
        self.velocity = (self.velocity + speed) / 2
        self.box, self.seen_s = box, now_s


class Tracker:
    """Follows people by where their boxes should be next.

    Sure boxes choose first, then doubtful ones may prolong a track but never begin one.

    Source: the two stages are of ByteTrack (Zhang et al., 2022, arXiv:2110.06864); the affinity,
    which still orders boxes that do not touch, is DIoU (Zheng et al., 2020, arXiv:1911.08287).
    """

    def __init__(self, sure: float) -> None:
        self._sure = sure
        self._tracks: list[Track] = []
        self._next = 0

    def step(self, boxes: Floats, now_s: float) -> list[Track]:
        """The people seen in this frame.

        Args:
            boxes: (n, 6), all of people, doubtful ones too.
            now_s: when the frame was taken, from any start, growing.
        """
        self._tracks = [t for t in self._tracks if now_s - t.seen_s <= KEEP_S]
        is_sure = boxes[:, SCORE] >= self._sure
        sure = self._match(self._tracks, boxes[is_sure], NEAR, now_s)
        left = [t for t in self._tracks if t.seen_s < now_s]
        self._match(left, boxes[~is_sure], SAME, now_s)
        for box in sure:
            self._tracks.append(Track(self._next, box, now_s))
            self._next += 1
        return [t for t in self._tracks if t.seen_s == now_s]

    @staticmethod
    def _match(tracks: list[Track], boxes: Floats, least: float, now_s: float) -> Floats:
        """Give each track its best box, the best pair first; returns the boxes left over."""
        if not tracks or not len(boxes):
            return boxes
        likeness = affinity(np.stack([t.ahead(now_s) for t in tracks]), boxes)
        free = np.ones(len(boxes), bool)
        while likeness.max() > least:
            i, j = np.unravel_index(int(likeness.argmax()), likeness.shape)
            tracks[i].follow(boxes[j], now_s)
            free[j] = False
            likeness[i, :] = likeness[:, j] = -np.inf
        rest: Floats = boxes[free]
        return rest


def affinity(a: Floats, b: Floats) -> Floats:
    """IoU less the squared distance as a share of the enclosing box's diagonal, -1..1."""
    apart = ((centres(a)[:, None] - centres(b)[None]) ** 2).sum(axis=2)
    low = np.minimum(a[:, None, :2], b[None, :, :2])
    high = np.maximum(a[:, None, 2 : Y1 + 1], b[None, :, X1 : Y1 + 1])
    likeness: Floats = iou(a, b) - apart / np.maximum(((high - low) ** 2).sum(axis=2), 1e-6)
    return likeness


class Line:
    """Counts tracks that go over a line, in pixels.

    `in` is to the right-hand side of who walks on the picture from `start` to `end`. Who turns
    back gives one `in` and one `out`, so the sum of a lingerer is nothing.
    """

    def __init__(self, start: Point, end: Point) -> None:
        self._start = np.array(start, np.float32)
        along = np.array(end, np.float32) - self._start
        self._length = max(float(np.hypot(*along)), 1e-6)
        self._along = along / self._length
        self._right = np.array([-self._along[1], self._along[0]], np.float32)

    def step(self, tracks: list[Track]) -> list[Direction]:
        """Who went over since the last frame."""
        crossed: list[Direction] = []
        for track in tracks:
            offset = centres(track.box[None])[0] - self._start
            now = float(offset @ self._right), float(offset @ self._along)
            if abs(now[0]) < HYSTERESIS_PX:
                continue
            before = track.sides.get(self, now)
            track.sides[self] = now
            if (before[0] > 0) == (now[0] > 0):
                continue
            share = before[0] / (before[0] - now[0])
            if 0 <= before[1] + share * (now[1] - before[1]) <= self._length:
                crossed.append("in" if now[0] > 0 else "out")
        return crossed
