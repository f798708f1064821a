"""The floors on a way as drawings, turned so that what is ahead of the reader is above."""

import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence

import msgspec

from models.guide.reading import Floor, Guide, Looking, Place, box, corners
from models.guide.route import Point, Route
from signage.wording import Words

_UNIT = 10  # of the drawing, to a metre
_MARGIN = 0.6  # metres around a floor: walls have a thickness
_TEXT, _SMALL_TEXT = 15.0, 8.5  # heights of a label: the largest, and the least that can be read
_WIDE = 0.58  # of the height of a letter, its width, where it is no kanji
_ICON = 18.0


class Room(msgspec.Struct, frozen=True, kw_only=True):
    """What lies on a floor, with its sign and its label where there is room for them."""

    points: str
    is_goal: bool
    x: float
    y: float
    label: str = ""
    size: float = 0
    pictogram: str = ""
    icon: float = 0
    icon_x: float = 0
    icon_y: float = 0


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """One floor. `start` and `end` are where the way begins and ends, if it does so here."""

    name: str
    wide: float
    high: float
    outline: str
    rooms: tuple[Room, ...]
    way: str
    start: Point | None
    end: Point | None


Label = Callable[[Place], str]


def plans(
    guide: Guide, route: Route, goals: Collection[str], words: Words, label: Label
) -> tuple[Plan, ...]:
    """The floors that a way leads over, in its order.

    Args:
        guide: has the floors.
        route: the way.
        goals: the places that it is for.
        words: of the language.
        label: what a place is called in a drawing, as short as can be.
    """
    places = {place.id: place for place in guide.places}
    floors = {floor.id: floor for floor in guide.floors}
    walked = [places[name] for name in route.places]
    looking = walked[0].looking or "up"
    order = list(dict.fromkeys(place.floor for place in walked))
    return tuple(
        _plan(floors[name], guide.places, walked, goals, looking, words, label) for name in order
    )


def _plan(  # noqa: PLR0917
    floor: Floor,
    places: Sequence[Place],
    walked: Sequence[Place],
    goals: Collection[str],
    looking: Looking,
    words: Words,
    label: Label,
) -> Plan:
    turned, wide, high = _turner(floor, looking)
    here = [place for place in walked if place.floor == floor.id]
    rooms = [
        _room(place, turned, label(place), is_goal=place.id in goals)
        for place in places
        if place.floor == floor.id and (place.area or place.pictogram)
    ]
    return Plan(
        name=words.name(floor.name),
        wide=wide,
        high=high,
        outline=_points(corners(floor.outline), turned),
        rooms=tuple(rooms),
        way=_points([place.at for place in here], turned),
        start=turned(here[0].at) if here[0] is walked[0] else None,
        end=turned(here[-1].at) if here[-1] is walked[-1] else None,
    )


def _turner(floor: Floor, looking: Looking) -> tuple[Callable[[Point], Point], float, float]:
    """What turns a point of a floor into one of its drawing; and that one's sides."""
    left, top, right, bottom = box(floor.outline)
    wide, high = right - left, bottom - top

    def turned(point: Point) -> Point:
        x, y = point[0] - left, point[1] - top
        by: Mapping[Looking, Point] = {
            "up": (x, y),
            "right": (y, wide - x),
            "down": (wide - x, high - y),
            "left": (high - y, x),
        }
        return _scaled(by[looking])

    sides = (wide, high) if looking in {"up", "down"} else (high, wide)
    return turned, (sides[0] + 2 * _MARGIN) * _UNIT, (sides[1] + 2 * _MARGIN) * _UNIT


def _scaled(point: Point) -> Point:
    x, y = point
    return round((x + _MARGIN) * _UNIT, 1), round((y + _MARGIN) * _UNIT, 1)


def _points(points: Sequence[Point], turned: Callable[[Point], Point]) -> str:
    return " ".join(f"{x:g},{y:g}" for x, y in map(turned, points))


def _room(place: Place, turned: Callable[[Point], Point], label: str, *, is_goal: bool) -> Room:
    if place.area is None:
        x, y = turned(place.at)
        return Room(
            points="",
            is_goal=is_goal,
            x=x,
            y=y,
            pictogram=place.pictogram or "",
            icon=_ICON,
            icon_x=x - _ICON / 2,
            icon_y=y - _ICON / 2,
        )
    left, top, right, bottom = box(tuple(turned(corner) for corner in corners(place.area)))
    wide, high, x, y = right - left, bottom - top, (left + right) / 2, (top + bottom) / 2
    size = min(_TEXT, 0.92 * wide / max(1.0, _width(label)), 0.8 * high)
    if size < _SMALL_TEXT or not label:
        label, size = "", 0.0
    icon = min(_ICON, 0.9 * wide, high - 1.3 * size - 2) if place.pictogram else 0.0
    is_signed = icon >= _SMALL_TEXT
    down = (icon / 2 if is_signed else 0) + size * 0.36
    return Room(
        points=_points(corners(place.area), turned),
        is_goal=is_goal,
        x=round(x, 1),
        y=round(y + down, 1),
        label=label,
        size=round(size, 1),
        pictogram=place.pictogram or "" if is_signed else "",
        icon=round(icon, 1),
        icon_x=round(x - icon / 2, 1),
        icon_y=round(y - icon / 2 - size * 0.65, 1),
    )


def _width(label: str) -> float:
    """In heights of a letter."""
    return sum(1.0 if unicodedata.east_asian_width(s) in "WF" else _WIDE for s in label)
