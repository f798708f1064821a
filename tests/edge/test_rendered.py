"""The cameras of the demo: drawn frames, our own weights, and the office's truth beside the counts.

Nothing is fetched. Seeds and days are others than those that the network was trained with.
"""

import asyncio
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, datetime, timedelta

import msgspec
import numpy as np
import pytest

from broker.clock import Clock, starting_at
from edge import cards
from edge.eyes import Eyes
from edge.rendered import offer, opened
from edge.sensors.camera import CameraSettings
from edge.sensors.sim import DRAWN, Drawn, stand_in
from models.contract.observations import Cars, Crossing, People, Reading
from models.errors import SensorFailed
from models.world.day import Day
from models.world.office import live
from models.world.scene import PASSES_S
from tests.conftest import ROOT
from tests.edge.recording import Recording, example, running

log = logging.getLogger(__name__)

SITE = example()
TUESDAY = date(2026, 11, 24)
SEEDS = (41, 42, 43)
SETTLE = 8
"""Looks until a count has settled, whatever is smoothed."""


def days(seed: int) -> Day:
    return live(SITE, TUESDAY, seed)


Walk = tuple[datetime, str]
"""When somebody is on the line, and which way."""


class Watch:
    """Eyes on a drawn camera of the example office, whose time is moved by hand."""

    def __init__(self, device: str, seed: int) -> None:
        (raw,) = SITE.device(device).sensors
        settings = msgspec.convert(raw, CameraSettings)
        self.now = datetime(2026, 11, 24, tzinfo=SITE.zone_info)
        day = days(seed)
        source = offer(device, SITE, lambda _: day, settings.plan, seed, lambda: self.now)
        self.eyes = Eyes(msgspec.structs.replace(settings, source=source, model=DRAWN), Clock())

    def look(self, now: datetime) -> list[tuple[str, Reading]]:
        self.now = now
        return self.eyes.look(0)

    def settled(self, now: datetime, every_s: float) -> Reading:
        """What is said last of some looks up to a moment; gauges alone."""
        said: list[tuple[str, Reading]] = []
        for i in reversed(range(SETTLE)):
            said += self.look(now - timedelta(seconds=i * every_s))
        return said[-1][1]


def moments(count: int) -> Iterator[datetime]:
    """Through the opening hours."""
    opens = datetime(2026, 11, 24, 8, 15, tzinfo=SITE.zone_info)
    return (opens + timedelta(hours=9.4) * i / count for i in range(count))


def test_the_weights_come_with_machiai_and_are_small() -> None:
    path = cards.find(cards.load(DRAWN))
    assert path is not None
    assert path.stat().st_size <= 300_000


def test_the_lobby_is_counted_as_it_is() -> None:
    """`make eyes` looks at twelve days."""
    errors = []
    for seed in range(SEEDS[0], SEEDS[0] + int(os.environ.get("MACHIAI_DAYS", "3"))):
        watch, truth = Watch("cam-lobby", seed), days(seed).people["lobby"]
        assert watch.eyes.basis.startswith("camera rendered")
        for now in moments(40):
            said = watch.settled(now, every_s=0.1)
            assert isinstance(said, People)
            errors.append(said.count - truth.on(now))
    assert max(days(SEEDS[0]).people["lobby"].number) > 10, "a crowd to be counted"
    error = np.abs(errors).mean()
    log.info(
        "mean error %.3f people, at most %d, %d looks", error, np.max(np.abs(errors)), len(errors)
    )
    assert error <= 0.1


def test_every_car_is_in_its_slot() -> None:
    for seed in SEEDS:
        watch, truth = Watch("cam-lot", seed), days(seed).cars["front"]
        for now in moments(16):
            said = watch.settled(now, every_s=0.1)
            assert said == Cars(occupied=truth.on(now), seen=40), now


def walks(seed: int, least: int) -> list[Walk]:
    """The first so many who walk through the door, up to where nobody follows for a while."""
    found: list[Walk] = [
        (e.at, e.reading.direction) for e in days(seed).events if isinstance(e.reading, Crossing)
    ]
    apart = zip(found[least - 1 :], found[least:], strict=False)
    last = next(
        i for i, (a, b) in enumerate(apart) if b[0] - a[0] > 3 * timedelta(seconds=PASSES_S)
    )
    return found[: least + last]


def crossed(seed: int, truth: list[Walk], every_s: float) -> None:
    """Count them all, skipping the time in which nobody is near."""
    watch = Watch("cam-door", seed)
    around = timedelta(seconds=PASSES_S)
    counted: list[Walk] = []
    now = truth[0][0] - around
    for at, _ in truth:
        now = max(now, at - around)
        while now <= at + around:
            said = [r for _, r in watch.look(now) if isinstance(r, Crossing)]
            counted += [(now, r.direction) for r in said]
            now += timedelta(seconds=every_s)
    for way in ("in", "out"):
        ours, theirs = ([at for at, w in list_ if w == way] for list_ in (counted, truth))
        assert len(ours) == len(theirs), (seed, way)
        late = [(a - b).total_seconds() for a, b in zip(ours, theirs, strict=True)]
        assert -0.5 < min(late) <= max(late) < 1, (seed, way)


def test_everybody_through_the_door_is_counted_once() -> None:
    """`make eyes` counts them by the hundred."""
    least = int(os.environ.get("MACHIAI_CROSSINGS", "120"))
    for seed, every_s in zip(SEEDS, (0.2, 0.25, 0.4), strict=True):
        crossed(seed, walks(seed, least // len(SEEDS)), every_s)


@pytest.mark.parametrize("device", ["cam-lobby", "cam-lot"])
async def test_the_camera_of_the_demo_looks_and_counts(device: str) -> None:
    (sensor,) = await asyncio.to_thread(stand_in, SITE, SITE.device(device), seed=SEEDS[0])
    assert isinstance(sensor, Drawn)
    port = Recording(starting_at(datetime(2026, 11, 24, 10, tzinfo=SITE.zone_info), 20))
    async with running(sensor, port) as basis:
        assert basis == "camera rendered"
        ((name, reading, _),) = await port.take(1)
    day, now = days(SEEDS[0]), port.clock.now()
    assert (name,) == tuple(output.name for output in sensor.outputs())
    assert isinstance(reading, People | Cars)
    truth = day.people[name] if isinstance(reading, People) else day.cars[name]
    near = {truth.on(now - timedelta(seconds=s)) for s in range(90)}
    assert (reading.count if isinstance(reading, People) else reading.occupied) in near


async def test_a_door_that_is_too_fast_to_follow_is_played_and_says_so() -> None:
    (sensor,) = await asyncio.to_thread(stand_in, SITE, SITE.device("cam-door"), seed=SEEDS[0])
    port = Recording(starting_at(datetime(2026, 11, 24, 10, tzinfo=SITE.zone_info), 60))
    async with running(sensor, port) as basis:
        assert basis == "simulated: too fast to draw"


async def test_who_came_before_the_camera_was_started_is_told_too() -> None:
    (sensor,) = await asyncio.to_thread(stand_in, SITE, SITE.device("cam-door"), seed=SEEDS[0])
    start = datetime(2026, 11, 24, 9, tzinfo=SITE.zone_info)
    port = Recording(starting_at(start, 5))
    before = [
        (e.reading, e.at) for e in days(SEEDS[0]).events if e.name == "entrance" and e.at <= start
    ]
    async with running(sensor, port):
        said = await port.take(len(before))
    assert [(reading, at) for _, reading, at in said] == before


def test_without_the_camera_extra_the_demo_goes_on_and_says_so() -> None:
    code = """
import asyncio, sys
from datetime import datetime
sys.modules["cv2"] = sys.modules["onnxruntime"] = None
from broker.clock import starting_at
from edge.sensors.sim import stand_in
from tests.conftest import ROOT
from tests.edge.recording import Recording, example, running

async def main():
    site = example()
    (sensor,) = stand_in(site, site.device("cam-lobby"), seed=1)
    port = Recording(starting_at(datetime(2026, 11, 24, 10, tzinfo=site.zone_info), 20))
    async with running(sensor, port) as basis:
        print(basis, len(await port.take(1)))

asyncio.run(main())
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert done.stdout == "simulated: machiai[camera] is not installed 1\n", done.stderr


def test_a_drawn_camera_that_nobody_offered_is_one_line() -> None:
    with pytest.raises(SensorFailed, match=r"^want a drawn camera of machiai demo, got world:x - "):
        opened("world:x")
