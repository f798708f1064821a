"""Who is who from frame to frame, and who crossed a line.

It is made for few frames: at one a second a walker is seen two body lengths further on, and who
leaves by the door beside the line is seen beyond it once or never. So how far a person may have
come grows with the time, and who vanished on the way out of the picture has gone out of it.
"""

from dataclasses import dataclass, field

import numpy as np

from models.contract.observations import Direction
from models.sensing.boxes import SCORE, X0, X1, Y0, Y1, Floats, centres
from models.sensing.plan import Point

KEEP_S = 1.5
"""A person unseen for longer is gone; who comes then is somebody else."""

KEEP_LOOKS = 2.5
"""Where a look is a second, or longer, so many take the place of `KEEP_S`, as seconds."""

HYSTERESIS_PX = 5.0
"""So far past a line the centre of a box must be: a box trembles by a few pixels."""

# All lengths are heights of the person, so that near and far are judged alike.
_STAND = 0.35  # a box may be so far from where it should be at once ...
_WALK_PER_S = 0.8  # ... and so much further with each second; 0.8 is a brisk walk
_UNKNOWN_PER_S = 1.2  # the same while nobody knows whether they walk
_STEADY_S = 0.3  # in this time a new speed is believed
_DOUBTFUL = 0.6  # share of that reach within which a doubtful box may be
_LEAVING_PER_S = 0.1  # slower than this nobody leaves the picture
_OUT_LOOKS = 1.5  # who can be out of the picture within so many looks may have left it
_BLIND_S = 2.5  # what happened in a longer pause is not guessed
_HIDDEN = 0.3  # share of a box behind others from which its person may be hidden
_RIM_PX = 2.0


@dataclass
class Track:
    """One person as long as the camera sees them."""

    number: int
    box: Floats  # (6,)
    seen_s: float
    unseen_s: float  # from the look before the first, in which they were not seen
    height: float = field(init=False)
    looks: int = 1
    velocity: Floats = field(default_factory=lambda: np.zeros(2, np.float32))  # pixels a second
    # Where they were since the last frame, in order, (2,) each; none before the second look.
    went: list[Floats] = field(default_factory=list)
    # Where they were last clear of a line: pixels to the right of it, and along it.
    sides: dict["Line", tuple[float, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.height = float(self.box[Y1] - self.box[Y0])

    @property
    def middle(self) -> Floats:
        """The centre of the box, (2,)."""
        middle: Floats = centres(self.box[None])[0]
        return middle

    def follow(self, box: Floats, now_s: float, size: tuple[int, int]) -> None:
        """Take the box that was matched."""
        passed_s = max(now_s - self.seen_s, 1e-3)
        before, now = centres(np.stack([self.box, box]))
        speed = (now - before) / passed_s
        if self.looks == 1:
            self.velocity = speed
            came = self.out(-speed, self.unseen_s, size)
            self.went = [before, now] if came is None else [came, before, now]
        else:
            trust = np.float32(1 - np.exp(-passed_s / _STEADY_S))
            self.velocity = self.velocity + trust * (speed - self.velocity)
            self.went = [now]
        self.height += 0.3 * (float(box[Y1] - box[Y0]) - self.height)
        self.box, self.seen_s, self.looks = box, now_s, self.looks + 1

    def out(self, velocity: Floats, unseen_s: float, size: tuple[int, int]) -> Floats | None:
        """Where they pass the rim of the picture, (2,); None if they cannot have reached it.

        Args:
            velocity: pixels a second; backwards in time it is where they came from.
            unseen_s: the time in which they could have done so.
            size: of the picture, pixels.
        """
        pace = float(np.hypot(*velocity))
        if pace < _LEAVING_PER_S * self.height or unseen_s > _BLIND_S:
            return None
        rim = np.where(velocity > 0, np.array(size, np.float32), np.float32(0)) - self.middle
        out_s = float(np.min(rim[velocity != 0] / velocity[velocity != 0]))
        hurry = max(1.0, _WALK_PER_S * self.height / pace)  # who stood a moment ago speeds up
        if out_s > hurry * _OUT_LOOKS * unseen_s:
            return None
        passes: Floats = self.middle + velocity * np.float32(out_s)
        return passes


class Tracker:
    """Follows people by where their boxes should be next.

    Sure boxes choose first, then doubtful ones may prolong a track but never begin one.

    Source: the two stages are of ByteTrack (Zhang et al., 2022, arXiv:2110.06864).
    """

    def __init__(self, sure: float, size: tuple[int, int]) -> None:
        """Begin with nobody.

        Args:
            sure: least score that begins a track.
            size: width and height of the frames, pixels.
        """
        self._sure, self._size = sure, size
        self._tracks: list[Track] = []
        self._next = 0
        self._looked_s = -np.inf

    def step(self, boxes: Floats, now_s: float) -> list[Track]:
        """The people who moved since the last frame: those seen in this one, and who left.

        Args:
            boxes: (n, 6), all of people, doubtful ones too.
            now_s: when the frame was taken, from any start, growing.
        """
        paused_s, self._looked_s = now_s - self._looked_s, now_s
        keep_s = max(KEEP_S, KEEP_LOOKS * min(paused_s, 1.0))
        self._tracks = [t for t in self._tracks if now_s - t.seen_s <= keep_s]
        for track in self._tracks:
            track.went = []
        is_sure = boxes[:, SCORE] >= self._sure
        fresh = self._match(self._tracks, boxes[is_sure], 1.0, now_s)
        lost = [t for t in self._tracks if t.seen_s < now_s]
        self._match(lost, boxes[~is_sure], _DOUBTFUL, now_s)
        for track in lost:
            if track.looks > 1 and now_s - track.seen_s <= 1.01 * paused_s:
                self._perhaps_left(track, boxes, now_s)
        for box in fresh:
            self._tracks.append(Track(self._next, box, now_s, paused_s))
            self._next += 1
        return [t for t in self._tracks if t.seen_s == now_s or t.went]

    def _match(self, tracks: list[Track], boxes: Floats, reach: float, now_s: float) -> Floats:
        """Give each track its best box, the best pair first; returns the boxes left over."""
        if not tracks or not len(boxes):
            return boxes
        apart = self._apart(tracks, boxes, now_s)
        free = np.ones(len(boxes), bool)
        while apart.min() < reach:
            i, j = np.unravel_index(int(apart.argmin()), apart.shape)
            tracks[i].follow(boxes[j], now_s, self._size)
            free[j] = False
            apart[i, :] = apart[:, j] = np.inf
        rest: Floats = boxes[free]
        return rest

    def _apart(self, tracks: list[Track], boxes: Floats, now_s: float) -> Floats:
        """How unlike each track and box are, (tracks, boxes); 1 is as far as one can have come."""
        middles, heights = centres(boxes), np.maximum(boxes[:, Y1] - boxes[:, Y0], 1)
        rim = (boxes[:, [X0, Y0]] <= _RIM_PX).any(axis=1)
        rim |= (boxes[:, [X1, Y1]] >= np.array(self._size) - _RIM_PX).any(axis=1)
        rows = []
        for track in tracks:
            passed_s = now_s - track.seen_s
            stood = np.hypot(*(middles - track.middle).T)
            walked = np.hypot(*(middles - track.middle - track.velocity * passed_s).T)
            per_s = _UNKNOWN_PER_S if track.looks == 1 else _WALK_PER_S
            reach = track.height * (_STAND + per_s * passed_s)
            grown = np.log(heights / max(track.height, 1))
            grown[rim & (grown < 0)] = 0  # the rim cuts off a part
            rows.append(np.minimum(walked, 1.3 * stood) / reach + np.abs(grown))
        apart: Floats = np.array(rows, np.float32)
        return apart

    def _perhaps_left(self, track: Track, boxes: Floats, now_s: float) -> None:
        """Unseen for the first time: out of the picture, or behind somebody, or just missed."""
        unseen_s = now_s - track.seen_s
        if track.seen_s == now_s or _hidden(track, boxes, unseen_s):
            return
        passed = track.out(track.velocity, unseen_s, self._size)
        if passed is not None:
            track.went = [passed]  # who is seen again after all will cross back, or never did


def _hidden(track: Track, boxes: Floats, unseen_s: float) -> bool:
    """Whether others stand where this one should be."""
    ahead = track.box[:4] + np.tile(track.velocity * np.float32(unseen_s), 2)
    low = np.maximum(ahead[[X0, Y0]], boxes[:, [X0, Y0]])
    high = np.minimum(ahead[[X1, Y1]], boxes[:, [X1, Y1]])
    behind = np.prod(np.clip(high - low, 0, None), axis=1)
    return bool((behind > _HIDDEN * (ahead[X1] - ahead[X0]) * (ahead[Y1] - ahead[Y0])).any())


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
        return [way for track in tracks for point in track.went for way in self._over(track, point)]

    def _over(self, track: Track, point: Floats) -> list[Direction]:
        offset = point - self._start
        now = float(offset @ self._right), float(offset @ self._along)
        if abs(now[0]) < HYSTERESIS_PX:
            return []
        before = track.sides.get(self, now)
        track.sides[self] = now
        if (before[0] > 0) == (now[0] > 0):
            return []
        share = before[0] / (before[0] - now[0])
        if not 0 <= before[1] + share * (now[1] - before[1]) <= self._length:
            return []
        return ["in" if now[0] > 0 else "out"]
