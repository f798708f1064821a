"""The day of a synthetic office before a camera: who is where, when, and how it looks."""

import hashlib
import math
from bisect import bisect_left, bisect_right
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np

from models.contract.observations import Crossing
from models.sensing.plan import Plan
from models.site import Site
from models.world.day import Day, Steps
from models.world.picture import (
    LOOKS,
    SITS,
    STRIDES,
    WALKS,
    Figure,
    Parked,
    Picture,
    Scene,
    tall,
)

PASSES_S = 2.5
"""So long before and after the line somebody is seen who walks over it."""

_PACE = 72.0  # pixels a second
_STEP_S = 0.3
_LANES = {"in": (0.14, 0.27, 0.40), "out": (0.60, 0.73, 0.86)}  # people keep to the left
_SWAY = 0.012  # of the line's length


class Stay(NamedTuple):
    """Somebody, or some car, in one of several places."""

    place: int
    look: int
    since: datetime
    until: datetime | None


class Passage(NamedTuple):
    """Somebody who walks over a line."""

    at: datetime  # when the middle of the figure is on the line
    is_in: bool
    lane: float  # along the line, 0..1
    look: int


class Filmed:
    """A day as one camera sees it. The same arguments, the same pixels."""

    def __init__(self, site: Site, day: Day, plan: Plan, seed: int) -> None:
        """Give everybody a place.

        Args:
            site: for the time of day.
            day: of this site.
            plan: of the camera. Who finds no place in its zones and slots is not seen.
            seed: of places and looks; that of the day, or another.
        """
        self._zone_info = site.zone_info
        self.scene = Scene(plan, seed)

        def rng(part: str) -> np.random.Generator:
            words = f"{seed}\n{site.id}\n{part}"
            return np.random.default_rng(
                int.from_bytes(hashlib.sha256(words.encode()).digest()[:8])
            )

        none = Steps((), ())
        self._people = [
            stays(day.people.get(view.zone, none), len(seats), rng(f"zone {view.zone}"))
            for view, seats in zip(plan.zones, self.scene.seats, strict=True)
        ]
        self._cars, first = [], 0
        for view in plan.lots:
            bays = next((lot.capacity for lot in site.lots if lot.id == view.lot), 0)
            seen = len(view.polygons())
            parked = stays(day.cars.get(view.lot, none), max(bays, seen), rng(f"lot {view.lot}"))
            self._cars += [s._replace(place=first + s.place) for s in parked if s.place < seen]
            first += seen
        self._passages = [passages(day, view.line, rng(f"line {view.line}")) for view in plan.lines]

    def seen(self, at: datetime) -> Picture:
        """What is before the camera at a moment of the day (aware)."""
        figures = [
            Figure(*seats[stay.place], tall(seats[stay.place][1]), SITS, stay.look)
            for seats, people in zip(self.scene.seats, self._people, strict=True)
            for stay in people
            if _is_there(stay, at)
        ]
        around = timedelta(seconds=PASSES_S)
        for line, walks in zip(self.scene.lines, self._passages, strict=True):
            first = bisect_left(walks, at - around, key=lambda p: p.at)
            last = bisect_right(walks, at + around, key=lambda p: p.at)
            figures += [_walking(passage, line, at) for passage in walks[first:last]]
        cars = [Parked(s.place, s.look) for s in self._cars if _is_there(s, at)]
        number = int(at.timestamp() * 1000)
        return self.scene.draw(figures, cars, self._light(at), number)

    def _light(self, at: datetime) -> float:
        local = at.astimezone(self._zone_info)
        return light(local.hour + local.minute / 60, outdoors=self.scene.is_outdoors)


def light(hour: float, *, outdoors: bool) -> float:
    """How bright it is, 0..1, the sun rising at 5 and setting at 19; lamps help indoors.

    >>> light(12, outdoors=True), light(0, outdoors=False)
    (1.0, 0.75)
    """
    sun = max(0.0, math.sin(math.pi * (hour - 5) / 14))
    return 0.4 + 0.6 * sun if outdoors else 0.75 + 0.25 * sun


def stays(steps: Steps, places: int, rng: np.random.Generator) -> list[Stay]:
    """Who takes which place: a free one by chance, and by chance somebody leaves.

    Args:
        steps: how many there are.
        places: 0 to `places` - 1; who comes when all are taken is in none.
        rng: chance.
    """
    free = rng.permutation(places).tolist()
    taken: list[Stay] = []
    done: list[Stay] = []
    outside = before = 0
    for at, number in zip(steps.at, steps.number, strict=True):
        for _ in range(number - before):
            if free:
                taken.append(Stay(free.pop(), int(rng.integers(LOOKS)), at, None))
            else:
                outside += 1
        for _ in range(before - number):
            if outside:
                outside -= 1
                continue
            gone = taken.pop(int(rng.integers(len(taken))))
            done.append(gone._replace(until=at))
            free.insert(int(rng.integers(len(free) + 1)), gone.place)
        before = number
    return done + taken


def passages(day: Day, line: str, rng: np.random.Generator) -> list[Passage]:
    """All who walk over a line, in time order; each next one in another lane."""
    found = []
    counted = {"in": 0, "out": 0}
    for event in day.events:
        if event.name == line and isinstance(event.reading, Crossing):
            way = event.reading.direction
            lanes = _LANES[way]
            lane = lanes[counted[way] % len(lanes)] + rng.uniform(-_SWAY, _SWAY)
            counted[way] += 1
            found.append(Passage(event.at, way == "in", lane, int(rng.integers(LOOKS))))
    return found


def _is_there(stay: Stay, at: datetime) -> bool:
    return stay.since <= at and (stay.until is None or at < stay.until)


def _walking(passage: Passage, line: list[tuple[float, float]], at: datetime) -> Figure:
    (ax, ay), (bx, by) = line
    length = max(math.hypot(bx - ax, by - ay), 1e-6)
    after_s = (at - passage.at).total_seconds()
    way = after_s * _PACE * (1 if passage.is_in else -1)
    # `in` is to the right-hand side of who walks from the start of the line to its end.
    x = ax + (bx - ax) * passage.lane + (ay - by) / length * way
    y = ay + (by - ay) * passage.lane + (bx - ax) / length * way
    # The foot whose figure has its middle here: foot - tall(foot) / 2 = y.
    base = tall(0.0)
    foot = (y + base / 2) / (1 - (tall(1.0) - base) / 2)
    pose = STRIDES if int(after_s // _STEP_S) % 2 else WALKS
    return Figure(x, foot, tall(foot), pose, passage.look)
