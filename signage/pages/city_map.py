"""A small map of offices: only where they lie to each other, without streets or tiles of others."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from models.place import Location, distance_km

WIDE = 360.0
"""All lengths are units of the drawing: CSS pixels on a phone."""

APART = 54.0
"""Between the middles of two signs: a finger hits one and not the next, and none covers another."""

_SIDE, _ABOVE, _BELOW = 38.0, 34.0, 52.0
_LOWEST, _HIGHEST = 130.0, 240.0
_SIGN = (46.0, 28.0)
_EM = 14.0
_BARS_KM = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0)
_LONGEST_BAR = 110.0
_SMALLEST_KM = 0.5  # offices in one house are not drawn as if streets lay between
_STEPS = 60
_LOOSE = 1.3  # more room than signs side by side would fill
_SHARE = {"start": 0.0, "middle": 0.5, "end": 1.0}  # of a name that is left of where it stands
_READING = re.compile(r"（[ぁ-ゖー]+）")

Box = tuple[float, float, float, float]
"""Left, top, right, bottom."""


class Label(msgspec.Struct, frozen=True):
    """Where a name stands: from there, up to there or around there."""

    x: float
    y: float
    anchor: Literal["start", "end", "middle"]


class Spot(msgspec.Struct, frozen=True):
    """One office: the middle of its sign, and its name, if there is room for it."""

    x: float
    y: float
    name: str
    label: Label | None


class CityMap(msgspec.Struct, frozen=True):
    """The drawing, `WIDE` wide; `bar` is the length of `bar_km` on it."""

    high: float
    spots: tuple[Spot, ...]
    bar: float
    bar_km: float


def drawn(places: Sequence[Location], names: Sequence[str]) -> CityMap:
    """Put offices where they lie, north above, signs apart and names beside them."""
    flat = [_flat(place, places[0]) for place in places]
    xs, ys = [x for x, _ in flat], [y for _, y in flat]
    across, down = max(xs) - min(xs), max(ys) - min(ys)
    scale = min(
        (WIDE - 2 * _SIDE) / max(across, _SMALLEST_KM),
        (_HIGHEST - _ABOVE - _BELOW) / max(down, _SMALLEST_KM),
    )
    needed = _LOOSE * len(places) * APART**2 / (WIDE - 2 * _SIDE)
    high = max(_LOWEST, min(_HIGHEST, down * scale + _ABOVE + _BELOW), needed + _ABOVE + _BELOW)
    middle = WIDE / 2, (_ABOVE + high - _BELOW) / 2
    centre = (max(xs) + min(xs)) / 2, (max(ys) + min(ys)) / 2
    points = [
        (middle[0] + (x - centre[0]) * scale, middle[1] + (y - centre[1]) * scale) for x, y in flat
    ]
    points = _apart(points, (_SIDE, _ABOVE, WIDE - _SIDE, high - _BELOW))
    labels = [_READING.sub("", name) for name in names]
    room = (4.0, 4.0, WIDE - 4.0, high - 26.0)
    spots = tuple(
        Spot(round(x, 1), round(y, 1), name, label)
        for (x, y), name, label in zip(points, labels, _beside(points, labels, room), strict=True)
    )
    bar_km = max((km for km in _BARS_KM if km * scale <= _LONGEST_BAR), default=_BARS_KM[0])
    return CityMap(round(high, 1), spots, round(bar_km * scale, 1), bar_km)


def text_wide(text: str) -> float:
    """How wide a text is at most, by its letters: those of East Asia are square."""
    return sum(_EM if unicodedata.east_asian_width(c) in "WF" else 0.55 * _EM for c in text)


def _flat(place: Location, origin: Location) -> tuple[float, float]:
    """Kilometres to the east and to the south of `origin`."""
    east = distance_km(origin, (place[0], origin[1]))
    south = distance_km(origin, (origin[0], place[1]))
    return (
        east if place[0] >= origin[0] else -east,
        south if place[1] <= origin[1] else -south,
    )


def _apart(points: Sequence[tuple[float, float]], room: Box) -> list[tuple[float, float]]:
    """Push signs that would cover each other from each other, and back into the room."""
    made = list(points)
    for _ in range(_STEPS):
        is_moved = False
        for i in range(len(made)):
            for j in range(i):
                (ax, ay), (bx, by) = made[i], made[j]
                dx, dy = ax - bx or 0.1 * (i - j), ay - by
                far = (dx * dx + dy * dy) ** 0.5
                if far < APART:
                    is_moved = True
                    push = (APART + 0.5 - far) / 2 / far
                    made[i] = ax + dx * push, ay + dy * push
                    made[j] = bx - dx * push, by - dy * push
        made = [(min(max(x, room[0]), room[2]), min(max(y, room[1]), room[3])) for x, y in made]
        if not is_moved:
            break
    return made


def _beside(
    points: Sequence[tuple[float, float]], names: Sequence[str], room: Box
) -> Iterator[Label | None]:
    """Where each name begins: right, left, above or below its sign, or nowhere."""
    half_wide, half_high = _SIGN[0] / 2, _SIGN[1] / 2
    taken = [(x - half_wide, y - half_high, x + half_wide, y + half_high) for x, y in points]
    for (x, y), name in zip(points, names, strict=True):
        wide = text_wide(name)
        middle = max(room[0] + wide / 2, min(x, room[2] - wide / 2))
        found = None
        for label in (
            Label(x + half_wide + 4, y + 5, "start"),
            Label(x - half_wide - 4, y + 5, "end"),
            Label(middle, y - half_high - 6, "middle"),
            Label(middle, y + half_high + _EM + 2, "middle"),
        ):
            left = label.x - wide * _SHARE[label.anchor]
            box = (left, label.y - _EM, left + wide, label.y + 4)
            if _within(box, room) and not any(_meet(box, other) for other in taken):
                taken.append(box)
                found = Label(round(label.x, 1), round(label.y, 1), label.anchor)
                break
        yield found


def _within(box: Box, room: Box) -> bool:
    return room[0] <= box[0] and room[1] <= box[1] and box[2] <= room[2] and box[3] <= room[3]


def _meet(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
