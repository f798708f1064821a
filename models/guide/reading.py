"""The guide: what people come for, what to bring, and where it is; a file beside the site file."""

import itertools
import math
import tomllib
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Literal

import msgspec

from models.contract.ids import Id
from models.errors import BadSite
from models.guide.reach import LEAST_MM, band_mm
from models.guide.route import Edge, Point, Spot, shortest
from models.site import Instead, Names, Site, Table

Pictogram = Literal[
    "atm", "baby", "bottle", "card", "coin", "document", "door", "farewell", "form", "heart",
    "info", "lift", "lost", "move-in", "move-out", "people", "phone", "seal", "stairs", "talk",
    "toilet", "wheelchair",
]  # fmt: skip
"""What `signage/static/pictograms.svg` draws."""

Metres = Annotated[float, msgspec.Meta(gt=0, le=500)]
Kana = Annotated[str, msgspec.Meta(pattern=r"^[ぁ-ゖァ-ヶー 　]{1,60}(?!\n)$")]
Looking = Literal["up", "right", "down", "left"]
"""A direction on the plan of a floor."""

MOST_PURPOSES = 20
MOST_GROUPS = 5
"""What a touched screen shows at once, so that nothing lies behind anything."""

_AHEAD: dict[Looking, Point] = {"up": (0, -1), "right": (1, 0), "down": (0, 1), "left": (-1, 0)}
_RECTANGLE = 2  # corners that stand for four
_KINDS = ("groups", "items", "purposes", "floors", "places")


class Group(Table, frozen=True, kw_only=True):
    """`[[groups]]`: purposes that stand together."""

    id: Id
    name: Names


class Item(Table, frozen=True, kw_only=True):
    """`[[items]]`: a thing to bring, written once for all purposes that need it."""

    id: Id
    name: Names


class Purpose(Table, frozen=True, kw_only=True):
    """`[[purposes]]`: what somebody comes for, as they would say it."""

    id: Id
    group: Id
    name: Names
    pictogram: Pictogram
    readings: tuple[Kana, ...] = ()  # how it, and what else it is called, is said in Japanese
    words: tuple[str, ...] = ()  # other words that people look for, in any language
    service: Id | None = None  # whose wait is told; None: one goes there and that is all
    place: Id | None = None  # where; None: nowhere in this building
    bring: tuple[Id, ...] = ()
    note: Names | None = None
    instead: tuple[Instead, ...] | None = None  # ways not to come; None: those of the service


class Floor(Table, frozen=True, kw_only=True):
    """`[[floors]]`: its plan begins at the upper left; x goes right and y down, in metres."""

    id: Id
    name: Names
    outline: Annotated[tuple[Point, ...], msgspec.Meta(min_length=2)]


class Place(Table, frozen=True, kw_only=True):
    """`[[places]]`: where one can stand. One with nothing else is a corner of a corridor."""

    id: Id
    floor: Id
    at: Point
    name: Names | None = None
    pictogram: Pictogram | None = None
    counters: tuple[Id, ...] = ()
    zone: Id | None = None
    area: Annotated[tuple[Point, ...], msgspec.Meta(min_length=2)] | None = None
    looking: Looking | None = None  # of who reads a screen there, or steps out of a lift


class Way(Table, frozen=True, kw_only=True):
    """`[[ways]]`: places that one walks through one after the other, in both directions."""

    through: Annotated[tuple[Id, ...], msgspec.Meta(min_length=2)]
    steps: bool = False
    metres: Metres | None = None  # of each part; None: as the plan has it, 12 between floors


class Guide(Table, frozen=True, kw_only=True):
    """All of it."""

    groups: Annotated[tuple[Group, ...], msgspec.Meta(min_length=1, max_length=MOST_GROUPS)]
    purposes: Annotated[tuple[Purpose, ...], msgspec.Meta(min_length=1, max_length=MOST_PURPOSES)]
    items: tuple[Item, ...] = ()
    floors: tuple[Floor, ...] = ()
    places: tuple[Place, ...] = ()
    ways: tuple[Way, ...] = ()

    @property
    def entrance(self) -> Place | None:
        """Where a way begins for who is not here yet: the first place with a door."""
        return next((place for place in self.places if place.pictogram == "door"), None)


def parse(text: str, site: Site, where: str = "guide") -> Guide:
    """Read the guide of an office.

    Args:
        text: TOML.
        site: the office.
        where: the file's name, for the message.

    Raises:
        BadSite: with one line for each mistake, each ending with the path of what is wrong.
    """
    try:
        guide = msgspec.convert(tomllib.loads(text), Guide)
    except msgspec.ValidationError as error:
        raise BadSite(f"{where}: {error}") from None
    except (ValueError, RecursionError) as error:
        raise BadSite(f"{where}: want TOML, {error}") from None
    mistakes = [f"{where}: {mistake}" for mistake in _mistakes(guide, site)]
    if mistakes:
        raise BadSite("\n".join(mistakes))
    return guide


def corners(area: tuple[Point, ...]) -> tuple[Point, ...]:
    """The corners of an area; two that were given are opposite ones of a rectangle.

    >>> corners(((0, 0), (2, 1)))
    ((0, 0), (2, 0), (2, 1), (0, 1))
    """
    if len(area) > _RECTANGLE:
        return area
    (left, top), (right, bottom) = area
    return ((left, top), (right, top), (right, bottom), (left, bottom))


def box(area: tuple[Point, ...]) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of an area."""
    xs, ys = [x for x, _ in area], [y for _, y in area]
    return min(xs), min(ys), max(xs), max(ys)


def spots(guide: Guide) -> dict[str, Spot]:
    """The places as a way sees them."""
    made = {}
    for place in guide.places:
        ahead = None if place.looking is None else _AHEAD[place.looking]
        middle = None
        if place.area is not None:
            left, top, right, bottom = box(place.area)
            middle = ((left + right) / 2, (top + bottom) / 2)
        made[place.id] = Spot(place.id, place.floor, place.at, ahead, middle)
    return made


def edges(guide: Guide) -> tuple[Edge, ...]:
    """The ways, each between two places."""
    at = {place.id: place for place in guide.places}
    made = []
    for way in guide.ways:
        for one, other in itertools.pairwise(way.through):
            metres = way.metres or _metres(at[one], at[other])
            made.append(Edge(one, other, metres, way.steps))
    return tuple(made)


def _metres(one: Place, other: Place) -> float:
    return math.dist(one.at, other.at) if one.floor == other.floor else 12.0


def _mistakes(guide: Guide, site: Site) -> Iterator[str]:
    """All that a type cannot say."""
    lists: dict[str, tuple[Any, ...]] = {kind: getattr(guide, kind) for kind in _KINDS}
    for path, items in lists.items():
        seen: set[str] = set()
        for i, item in enumerate(items):
            if item.id in seen:
                yield f"want each id once, got {item.id!r} again - at `$.{path}[{i}].id`"
            seen.add(item.id)
    ids = {path: {item.id for item in items} for path, items in lists.items()}
    ids |= {
        "services": {service.id for service in site.services},
        "counters": {counter.id for counter in site.counters},
        "zones": {zone.id for zone in site.zones},
    }
    unknown = list(_unknown(guide, ids))
    yield from unknown
    yield from _outside(guide)
    if not unknown:  # else there is no saying where a way leads
        yield from _apart(guide)
    yield from _screens(guide, site)


def _unknown(guide: Guide, ids: dict[str, set[str]]) -> Iterator[str]:
    """References to what is not declared, here or in the site file."""

    def missing(path: str, kind: str, names: Iterable[str | None]) -> Iterator[str]:
        for name in names:
            if name is not None and name not in ids[kind]:
                yield f"want one of `{kind}`, got {name!r} - at `$.{path}`"

    for i, purpose in enumerate(guide.purposes):
        yield from missing(f"purposes[{i}].group", "groups", [purpose.group])
        yield from missing(f"purposes[{i}].service", "services", [purpose.service])
        yield from missing(f"purposes[{i}].place", "places", [purpose.place])
        yield from missing(f"purposes[{i}].bring", "items", purpose.bring)
    for i, place in enumerate(guide.places):
        yield from missing(f"places[{i}].floor", "floors", [place.floor])
        yield from missing(f"places[{i}].counters", "counters", place.counters)
        yield from missing(f"places[{i}].zone", "zones", [place.zone])
    for i, way in enumerate(guide.ways):
        yield from missing(f"ways[{i}].through", "places", way.through)


def _outside(guide: Guide) -> Iterator[str]:
    """Places that are not on their floor."""
    floors = {floor.id: box(floor.outline) for floor in guide.floors}
    for i, place in enumerate(guide.places):
        if place.floor not in floors:
            continue
        left, top, right, bottom = floors[place.floor]
        for key, points in (("at", (place.at,)), ("area", place.area or ())):
            for x, y in points:
                if not (left <= x <= right and top <= y <= bottom):
                    want = f"want a point of {place.floor}, {left:g} to {right:g} and {top:g} to "
                    yield f"{want}{bottom:g}, got {x:g}, {y:g} - at `$.places[{i}].{key}`"


def _apart(guide: Guide) -> Iterator[str]:
    """Purposes to whose place no way leads from the entrance."""
    ways, door = edges(guide), guide.entrance
    if door is None and guide.places:
        yield 'want a place with the pictogram "door", where a way begins - at `$.places`'
    for i, purpose in enumerate(guide.purposes):
        if door is not None and purpose.place and not shortest(ways, door.id, purpose.place):
            yield f"want a way from {door.id} to {purpose.place} - at `$.purposes[{i}].place`"


def _screens(guide: Guide, site: Site) -> Iterator[str]:
    """Touched displays that stand nowhere in the guide, or out of reach."""
    places = {place.id: place for place in guide.places}
    for i, display in enumerate(site.displays):
        place = places.get(display.place or "")
        if display.place is not None and place is None:
            want = f"want one of `places` of the guide, got {display.place!r}"
            yield f"{want} - at `$.displays[{i}].place` of the site file"
        elif display.touch and (place is None or place.looking is None):
            want = "want a place of the guide that says where one is `looking`"
            yield f"{want} - at `$.displays[{i}].place` of the site file"
        low, high = band_mm(display)
        if display.touch and high - low < LEAST_MM:
            want = f"want at least {LEAST_MM:g} mm of the panel between 700 and 1200 mm"
            got = f"got {max(0.0, high - low):.0f}"
            yield f"{want}, {got} - at `$.displays[{i}].edge_mm` of the site file"
