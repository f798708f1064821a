"""Whether a place lies in the area of an alert."""

import math

import msgspec

from models.place import Location, distance_km

_ON_THE_LINE = 1e-9  # degrees: 0.1 mm


class Area(msgspec.Struct, frozen=True, kw_only=True):
    """One area: inside any of its shapes, or named by any of its codes."""

    codes: tuple[tuple[str, str], ...] = ()
    """Name of the list, such as SAME, and value."""
    polygons: tuple[tuple[Location, ...], ...] = ()
    circles: tuple[tuple[Location, float], ...] = ()
    """Centre and radius in km."""
    unread: bool = False
    """Some of it could not be read."""


def covers(area: Area, codes: frozenset[str], location: Location | None) -> bool | None:
    """Whether an office is in it; None if what it says cannot be compared with what we know.

    Args:
        area: of the alert.
        codes: of the office, `131016` of any list or `SAME=131016`.
        location: of the office.
    """
    if any(value in codes or f"{name}={value}" in codes for name, value in area.codes):
        return True
    shapes = bool(area.polygons or area.circles)
    if location is not None:
        if any(_is_inside(location, polygon) for polygon in area.polygons):
            return True
        if any(distance_km(location, centre) <= km for centre, km in area.circles):
            return True
    judged = (area.codes and codes) or (shapes and location is not None)
    return False if judged and not area.unread else None


def _is_inside(place: Location, polygon: tuple[Location, ...]) -> bool:
    """By the edges that a ray to the east crosses; who stands on an edge is inside.

    Longitudes are taken from the place on, so that it holds across 180 degrees, too.
    """
    corners = [(math.remainder(lon - place[0], 360), lat - place[1]) for lon, lat in polygon]
    inside = False
    for (x1, y1), (x2, y2) in zip(corners, [*corners[1:], corners[0]], strict=True):
        cross = x1 * y2 - x2 * y1
        near = abs(cross) <= _ON_THE_LINE * max(math.hypot(x2 - x1, y2 - y1), _ON_THE_LINE)
        if near and x1 * x2 + y1 * y2 <= 0:
            return True
        if (y1 > 0) != (y2 > 0) and (cross > 0) == (y2 > y1):
            inside = not inside
    return inside
