"""What a camera is told to look at, as it stands in the site file: zones, lines, lots.

Places are shares of the picture, x to the right and y down, each 0..1.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Annotated, Literal

import msgspec

from models.contract.ids import Id
from models.site import Site, Table

Anchor = Literal["foot", "centre"]
"""Which point of a box says where it stands: `centre` where furniture hides the feet."""

Point = tuple[float, float]
_Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Place = tuple[_Share, _Share]
Polygon = Annotated[tuple[Place, ...], msgspec.Meta(min_length=3)]

WHOLE: tuple[Place, ...] = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))


class ZoneView(Table, frozen=True, kw_only=True):
    """Where a zone is in the picture."""

    zone: Id
    polygon: Polygon = WHOLE
    anchor: Anchor = "foot"


class LineView(Table, frozen=True, kw_only=True):
    """Where a line is. `in` is to the right-hand side of who walks from `start` to `end`."""

    line: Id
    start: Place = msgspec.field(name="from")
    end: Place = msgspec.field(name="to")


class Row(Table, frozen=True, kw_only=True):
    """A row of equal slots, that reach `depth` to the right-hand side of who walks along it."""

    start: Place = msgspec.field(name="from")
    end: Place = msgspec.field(name="to")
    depth: Annotated[float, msgspec.Meta(gt=0, le=1)]
    slots: Annotated[int, msgspec.Meta(ge=1, le=500)]

    def polygons(self) -> Iterator[tuple[Point, ...]]:
        """Its slots, corner by corner.

        >>> row = Row(start=(0.0, 0.0), end=(1.0, 0.0), depth=0.5, slots=2)
        >>> list(row.polygons())[1]
        ((0.5, 0.0), (1.0, 0.0), (1.0, 0.5), (0.5, 0.5))
        """
        (ax, ay), (bx, by) = self.start, self.end
        length = math.hypot(bx - ax, by - ay)
        dx, dy = (ay - by) / length * self.depth, (bx - ax) / length * self.depth
        shares = [i / self.slots for i in range(self.slots + 1)]
        edge = [(ax + (bx - ax) * share, ay + (by - ay) * share) for share in shares]
        for (x, y), (u, v) in itertools.pairwise(edge):
            yield (x, y), (u, v), (u + dx, v + dy), (x + dx, y + dy)


class LotView(Table, frozen=True, kw_only=True):
    """Where the slots of a lot are: drawn one by one, or in rows."""

    lot: Id
    slots: tuple[Polygon, ...] = ()
    rows: tuple[Row, ...] = ()

    def polygons(self) -> list[Sequence[Point]]:
        """All slots."""
        return [*self.slots, *(slot for row in self.rows for slot in row.polygons())]


class Plan(Table, frozen=True, kw_only=True):
    """All that one camera looks at."""

    zones: tuple[ZoneView, ...] = ()
    lines: tuple[LineView, ...] = ()
    lots: tuple[LotView, ...] = ()
    masks: tuple[Polygon, ...] = ()  # who stands in one is not counted: a poster, a mirror, a road


def mistakes(plan: Plan, site: Site) -> Iterator[str]:
    """What no type can refuse, one line each, with the path below the sensor."""
    if not (plan.zones or plan.lines or plan.lots):
        yield "want zones, lines or lots to look at - at `$`"
    yield from _names("zones", "zone", [z.zone for z in plan.zones], {z.id for z in site.zones})
    yield from _names("lines", "line", [n.line for n in plan.lines], {n.id for n in site.lines})
    yield from _names("lots", "lot", [n.lot for n in plan.lots], {n.id for n in site.lots})
    for i, line in enumerate(plan.lines):
        if line.start == line.end:
            yield f"want another end than the start - at `$.lines[{i}].to`"
    for i, lot in enumerate(plan.lots):
        if not (lot.slots or lot.rows):
            yield f"want slots or rows - at `$.lots[{i}]`"
        for j, row in enumerate(lot.rows):
            if row.start == row.end:
                yield f"want another end than the start - at `$.lots[{i}].rows[{j}].to`"


def _names(kind: str, key: str, named: Sequence[str], known: set[str]) -> Iterator[str]:
    for i, name in enumerate(named):
        if name not in known:
            yield f"want one of `{kind}`, got {name!r} - at `$.{kind}[{i}].{key}`"
        if name in named[:i]:
            yield f"want each {key} once, got {name!r} again - at `$.{kind}[{i}].{key}`"
