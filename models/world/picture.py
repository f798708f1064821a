"""Draws what a camera would see of the synthetic office: people, chairs, cars, light and noise.

Plain on purpose. Pixels are blue, green, red, in frames of `SIZE`.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from models.sensing.boxes import CAR, PERSON, Floats
from models.sensing.plan import Plan, Point
from models.sensing.zones import inside

SIZE = (480, 360)
"""Width and height of a frame."""

Frame = npt.NDArray[np.uint8]
_Mask = npt.NDArray[np.bool_]
_Colour = tuple[int, int, int]
_Sprite = tuple[Frame, _Mask]
_Shares = npt.NDArray[np.float64]

WALKS, STRIDES, STANDS, SITS = range(4)
"""How a figure holds itself."""

LOOKS = 64
"""So many clothes, and so many cars, are there."""

_WIDE = 0.46  # a figure's sprite, of its height
_SEATED = 0.78  # the height of who sits, of the same person upright
_NOISE_SD = 3.0
_MARGIN = 32  # the noise is a larger picture than a frame, cut at another place each time
_VISIBLE = 0.35  # of a figure whose box is told; less of it at the rim is nobody's truth

_SHOES: _Colour = (30, 30, 35)
_SKIN: tuple[_Colour, ...] = ((150, 180, 225), (120, 150, 200), (90, 120, 170), (60, 80, 120))
_HAIR: tuple[_Colour, ...] = ((25, 25, 30), (40, 60, 90), (150, 150, 155), (20, 20, 20))
_CLOTHES: tuple[_Colour, ...] = (
    (40, 40, 45), (150, 60, 40), (60, 60, 180), (70, 130, 60), (200, 200, 205),
    (50, 160, 210), (140, 90, 150), (120, 120, 70), (90, 60, 30), (170, 140, 110),
)  # fmt: skip
_PAINT: tuple[_Colour, ...] = (
    (225, 225, 225), (30, 30, 32), (150, 150, 150), (160, 70, 40), (50, 50, 170),
    (60, 120, 60), (120, 190, 215), (90, 80, 70),
)  # fmt: skip


class Figure(NamedTuple):
    """A person in the picture."""

    x: float  # of the middle, pixels
    foot: float  # of the lowest pixel
    height: float  # upright
    pose: int
    look: int


class Parked(NamedTuple):
    """A car in the picture."""

    slot: int  # of all slots of the plan, in their order
    look: int


class Picture(NamedTuple):
    """A frame, and what is in it."""

    frame: Frame  # (height, width, 3)
    boxes: Floats  # (n, 6) as of a detector that is always right; score 1


def tall(foot: float) -> float:
    """Pixels of a person upright whose feet are on that row: who is nearer is taller."""
    return SIZE[1] * 0.115 + 0.145 * foot


class Scene:
    """What stands still: floor, walls, chairs, doors and the lines of a car park."""

    def __init__(self, plan: Plan, seed: int) -> None:
        """Furnish the places of a camera's plan.

        Args:
            plan: chairs go into its zones, doors to its lines, cars into its slots.
            seed: of colours and noise.
        """
        self._rng = np.random.default_rng(seed)
        self.seats = [list(_seats(_scaled(z.polygon))) for z in plan.zones]
        self.lines = [_scaled((n.start, n.end)) for n in plan.lines]
        self.slots = [_scaled(p) for lot in plan.lots for p in lot.polygons()]
        noise = self._rng.normal(0, _NOISE_SD, (SIZE[1] + _MARGIN, SIZE[0] + _MARGIN, 3))
        self._noise = np.rint(noise).astype(np.int16)
        self._lit: tuple[int, npt.NDArray[np.int16]] | None = None

    @property
    def is_outdoors(self) -> bool:
        """Whether the light of day falls on it."""
        return bool(self.slots)

    def draw(
        self, figures: Iterable[Figure], cars: Iterable[Parked], light: float, number: int
    ) -> Picture:
        """One frame.

        Args:
            figures: people, in any order.
            cars: in any order.
            light: 0..1.
            number: of the frame: the noise of each is another.
        """
        level = round(light * 128)
        if self._lit is None or self._lit[0] != level:
            self._lit = level, _lit(self._empty, level).astype(np.int16)
        canvas = self._lit[1].copy()
        told = []
        for car in sorted(cars):
            sprite, x, y = self._car(car)
            told.append((*_put(canvas, sprite, x, y, level)[0], 1.0, CAR))
        for figure in sorted(figures, key=lambda f: f.foot):
            sprite = _figure(figure.pose, figure.look, round(figure.height))
            high, wide = sprite[1].shape
            x, y = round(figure.x - wide / 2), round(figure.foot) - high
            box, share = _put(canvas, sprite, x, y, level)
            if share >= _VISIBLE:
                told.append((*box, 1.0, PERSON))
        dx, dy = (number * 7919) % _MARGIN, (number * 104729) % (_MARGIN - 1)
        canvas += self._noise[dy : dy + SIZE[1], dx : dx + SIZE[0]]
        frame = np.clip(canvas, 0, 255, out=canvas).astype(np.uint8)
        return Picture(frame, np.array(told, np.float32).reshape(-1, 6))

    @cached_property
    def _empty(self) -> Frame:
        """The place without people or cars, by full light."""
        rng = self._rng
        wide, high = SIZE
        coarse = rng.normal(0, 5, (high // 12, wide // 12, 1))
        ground = np.array((92, 94, 96) if self.is_outdoors else (150, 165, 175)) + rng.integers(
            -25, 26
        )
        canvas = ground + np.kron(coarse, np.ones((12, 12, 1)))
        canvas = canvas + rng.normal(0, 2, (high, wide, 1))
        frame: Frame = np.clip(canvas, 0, 255).astype(np.uint8)
        horizon = int(high * rng.uniform(0.14, 0.2))
        self._far(frame, horizon)
        if not self.is_outdoors:
            for row in range(horizon, high, 40):
                frame[row] = frame[row] // 8 * 7
        for start, end in self.lines:
            _doormat(frame, start, end)
        for seats in self.seats:
            for x, foot in seats:
                _chair(frame, x, foot)
        for slot in self.slots:
            _fill(frame, slot, (130, 130, 130))
            _fill(frame, _about(slot, 0.94), tuple(int(c) for c in ground))
        return frame

    def _far(self, frame: Frame, horizon: int) -> None:
        """What is behind: a hedge, or a wall with posters and a desk."""
        rng, wide = self._rng, SIZE[0]
        frame[:horizon] = (60, 95, 70) if self.is_outdoors else (205, 215, 220)
        for _ in range(8):
            x, y = int(rng.integers(0, wide)), int(rng.integers(0, max(1, horizon - 12)))
            w, h = rng.integers(8, 50), rng.integers(6, 26)
            colour = rng.integers(60, 230, 3)
            frame[y : min(y + h, horizon), x : x + w] = colour
        if not self.is_outdoors:
            x = int(rng.integers(0, wide // 2))
            frame[horizon - 14 : horizon + 6, x : x + wide // 3] = (70, 110, 150)
            frame[horizon - 14 : horizon - 10, x : x + wide // 3] = (110, 150, 190)

    def _car(self, car: Parked) -> tuple[_Sprite, int, int]:
        return _car(tuple(self.slots[car.slot]), car.look)


def _scaled(places: Sequence[Point]) -> list[Point]:
    return [(x * SIZE[0], y * SIZE[1]) for x, y in places]


def _seats(polygon: Sequence[Point]) -> Iterator[Point]:
    """Where feet of people can be in rows of chairs, so that nobody hides another."""
    foot, row = SIZE[1] * 0.36, 0
    while foot < SIZE[1] * 0.985:
        apart = tall(foot) * 0.58
        xs = np.arange(apart * (0.6 + 0.5 * (row % 2)), SIZE[0] - apart * 0.5, apart)
        ends = (foot, foot - tall(foot) * _SEATED / 2)  # whatever the anchor of the zone is
        fits = [inside(np.stack([xs, np.full_like(xs, y)], 1), polygon) for y in ends]
        yield from ((float(x), foot) for x in xs[fits[0] & fits[1]])
        foot, row = foot + tall(foot) * 0.56, row + 1


def _lit(pixels: npt.NDArray[np.uint8], level: int) -> Frame:
    lit: Frame = (pixels.astype(np.uint16) * level >> 7).astype(np.uint8)
    return lit


def _put(
    canvas: npt.NDArray[np.int16], sprite: _Sprite, x: int, y: int, level: int
) -> tuple[tuple[int, int, int, int], float]:
    """Lay a sprite on; gives its box within the picture, and the share of it that is there."""
    pixels, mask = sprite
    high, wide = mask.shape
    x0, y0 = max(x, 0), max(y, 0)
    x1, y1 = min(x + wide, SIZE[0]), min(y + high, SIZE[1])
    if x0 >= x1 or y0 >= y1:
        return (0, 0, 0, 0), 0.0
    part = mask[y0 - y : y1 - y, x0 - x : x1 - x]
    lit = _lit(pixels[y0 - y : y1 - y, x0 - x : x1 - x], level)
    canvas[y0:y1, x0:x1][part] = lit[part]
    return (x0, y0, x1, y1), part.sum() / mask.sum()


@lru_cache(maxsize=4096)
def _figure(pose: int, look: int, height: int) -> _Sprite:
    """A person, cut to the box of what is drawn: (h, w, 3) and (h, w)."""
    rng = np.random.default_rng(look)
    skin, hair = _SKIN[rng.integers(len(_SKIN))], _HAIR[rng.integers(len(_HAIR))]
    top, legs = (_CLOTHES[i] for i in rng.integers(0, len(_CLOTHES), 2))
    broad = rng.uniform(0.9, 1.15)
    share = _SEATED if pose == SITS else 1.0
    high, wide = max(8, round(height * share)), max(4, round(height * _WIDE))
    y, x = np.mgrid[:high, :wide]
    y, x = (y + 0.5) / height, (x + 0.5 - wide / 2) / height / broad
    apart = {WALKS: 0.06, STRIDES: 0.025, STANDS: 0.05, SITS: 0.085}[pose]
    hip, end = (0.53, share) if pose == SITS else (0.54, 1.0)
    swing = {WALKS: 0.02, STRIDES: -0.02}.get(pose, 0.0)
    limb, sleeves = 0.055 if pose == SITS else 0.045, np.abs(x) - swing * np.sign(x)
    parts: list[tuple[_Mask, _Colour]] = [
        (_bar(np.abs(x), apart, limb, y, (hip - 0.03, end)), legs),
        (_bar(np.abs(x), apart, limb, y, (end - 0.04, end)), _SHOES),
        (_bar(sleeves, 0.16, 0.03, y, (0.2, 0.5)), _shade(top, 0.8)),
        (_bar(x, 0, 0.135, y, (0.19, 0.45)), top),
        (_bar(x, 0, 0.105, y, (0.45, hip + 0.02)), top),
        (_bar(x, 0, 0.035, y, (0.15, 0.22)), skin),
        ((x / 0.078) ** 2 + ((y - 0.1) / 0.1) ** 2 < 1, hair),
        ((x / 0.065) ** 2 + ((y - 0.12) / 0.075) ** 2 < 1, skin),
    ]
    pixels, mask = np.zeros((high, wide, 3), np.uint8), np.zeros((high, wide), bool)
    for part, colour in parts:
        pixels[part] = colour
        mask |= part
    return _trimmed(pixels, mask)[0]


def _bar(x: _Shares, middle: float, half: float, y: _Shares, rows: tuple[float, float]) -> _Mask:
    bar: _Mask = (np.abs(x - middle) < half) & (y > rows[0]) & (y <= rows[1])
    return bar


def _shade(colour: _Colour, share: float, more: int = 0) -> _Colour:
    blue, green, red = (min(255, int(c * share) + more) for c in colour)
    return blue, green, red


@lru_cache(maxsize=4096)
def _car(slot: tuple[Point, ...], look: int) -> tuple[_Sprite, int, int]:
    """A car in its slot, and where the sprite begins; higher than its slot, as it stands on it."""
    rng = np.random.default_rng(look)
    paint = _PAINT[rng.integers(len(_PAINT))]
    shorter = rng.uniform(0.76, 0.86)
    body = _about(slot, shorter)
    rise = 0.12 * (max(y for _, y in slot) - min(y for _, y in slot))
    raised = [(x, y - rise) for x, y in body]
    parts: list[tuple[Sequence[Point], _Colour]] = [
        (body, (25, 25, 28)),
        (raised, paint),
        (_about(raised, 0.72), _shade(paint, 0.45, 20)),
        (_about(raised, 0.52), _shade(paint, 1.05, 8)),
    ]
    corners = np.array([point for polygon, _ in parts for point in polygon])
    left, top = (int(v) for v in np.floor(corners.min(axis=0)))
    wide, high = (int(v) for v in np.ceil(corners.max(axis=0)) - (left, top) + 1)
    pixels, mask = np.zeros((high, wide, 3), np.uint8), np.zeros((high, wide), bool)
    for polygon, colour in parts:
        mask |= _fill(pixels, [(x - left, y - top) for x, y in polygon], colour)
    sprite, x, y = _trimmed(pixels, mask)
    return sprite, x + left, y + top


def _trimmed(pixels: Frame, mask: _Mask) -> tuple[_Sprite, int, int]:
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    if not len(rows):  # a slot too small to see
        return (pixels[:1, :1], np.ones((1, 1), bool)), 0, 0
    y, x = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    return (pixels[y, x].copy(), mask[y, x].copy()), int(columns[0]), int(rows[0])


def _about(polygon: Sequence[Point], share: float) -> list[Point]:
    """The polygon made smaller about its middle."""
    mx, my = (sum(axis) / len(polygon) for axis in zip(*polygon, strict=True))
    return [(mx + (x - mx) * share, my + (y - my) * share) for x, y in polygon]


def _fill(frame: Frame, polygon: Sequence[Point], colour: Sequence[int]) -> _Mask:
    """Paint a polygon; gives the pixels that it covers."""
    high, wide = frame.shape[:2]
    covered = np.zeros((high, wide), bool)
    xs, ys = ([int(v) for v in axis] for axis in zip(*polygon, strict=True))
    x0, y0 = max(min(xs), 0), max(min(ys), 0)
    y, x = np.mgrid[y0 : min(max(ys) + 2, high), x0 : min(max(xs) + 2, wide)]
    points = np.stack([x.ravel() + 0.5, y.ravel() + 0.5], axis=1).astype(np.float32)
    found = inside(points, polygon).reshape(x.shape)
    covered[y[found], x[found]] = True
    frame[covered] = colour
    return covered


def _chair(frame: Frame, x: float, foot: float) -> None:
    size = tall(foot)
    left, right = max(0, round(x - size * 0.2)), round(x + size * 0.2)
    back, seat, ground = (max(0, round(foot - size * share)) for share in (0.5, 0.24, 0.0))
    frame[back:seat, left:right] = (120, 95, 60)
    frame[seat : seat + 3, left:right] = (80, 60, 40)
    frame[seat:ground, left : left + 2] = frame[seat:ground, max(0, right - 2) : right] = 70


def _doormat(frame: Frame, start: Point, end: Point) -> None:
    """A mat beneath the line, and posts at its ends."""
    (ax, ay), (bx, by) = start, end
    length = math.hypot(bx - ax, by - ay)
    nx, ny = (ay - by) / length * 40, (bx - ax) / length * 40
    mat = [(ax - nx, ay - ny), (bx - nx, by - ny), (bx + nx, by + ny), (ax + nx, ay + ny)]
    _fill(frame, mat, (95, 100, 110))
    for x, y in (start, end):
        left, top = round(max(x - 4, 0)), round(max(y - 70, 0))
        frame[top : round(y), left : left + 8] = (110, 80, 60)
