import asyncio
import random
import subprocess
import sys
from collections.abc import Iterator

import pytest
from gpiozero import Device
from gpiozero.pins.mock import MockFactory

from edge.sensors import Output, Sensor
from models.contract.observations import Pulse
from models.errors import BadSite, SensorFailed
from tests.conftest import ROOT
from tests.edge.recording import HandClock, Recording, example, made, running, sensors


@pytest.fixture
def gpio() -> Iterator[MockFactory]:
    Device.pin_factory = MockFactory()
    yield Device.pin_factory
    Device.pin_factory.reset()
    Device.pin_factory = None


A, B, LONE = 17, 27, 22  # as the example office is wired
PAIR, SINGLE = sensors("gates")
HIGH = made(kind="gate", gate="front-out", pins=[LONE], direction="out", active_low=False)
TAKEN = made(kind="gate", gate="front-in", pins=[LONE], direction="in")


def drive(gpio: MockFactory, clock: HandClock, edges: str, *, seed: int, active_low: bool) -> None:
    """Play edges like "A b" on the pins, in a thread as gpiozero's are, each with its bounce."""
    rng = random.Random(seed)
    for name in edges.split():
        pin = gpio.pin({"A": A, "B": B, "L": LONE}[name.upper()])
        high, low = (
            (pin.drive_low, pin.drive_high) if active_low else (pin.drive_high, pin.drive_low)
        )
        meant, other = (high, low) if name.isupper() else (low, high)
        for _ in range(rng.randrange(25)):
            meant()
            clock.move(rng.uniform(0.0001, 0.02))
            other()
            clock.move(rng.uniform(0.0001, 0.02))
        meant()
        clock.move(rng.uniform(0.06, 2.0))
    clock.move(1.0)


@pytest.mark.parametrize("seed", range(5))
async def test_a_bouncing_signal_of_two_loops_is_one_pulse_a_car_in_its_direction(
    gpio: MockFactory, seed: int
) -> None:
    clock = HandClock()
    port = Recording(clock)
    drives = "A B a b  B A b a  A B b a  A B a A b B a b  A a  A B a b"
    async with running(PAIR, port) as basis:
        assert basis == "GPIO 17, 27 (MockFactory)"
        await asyncio.to_thread(drive, gpio, clock, drives, seed=seed, active_low=True)
        seen = await port.take(5)
        await asyncio.to_thread(drive, gpio, clock, "B A b a", seed=seed, active_low=True)
        seen += await port.take(1)
    assert {name for name, _, _ in seen} == {"front-in"}
    assert [reading for _, reading, _ in seen] == [
        Pulse(direction=way) for way in ("in", "out", "in", "in", "in", "out")
    ]
    assert port.emitted.empty()


@pytest.mark.parametrize(("gate", "active_low"), [(SINGLE, True), (HIGH, False)])
async def test_a_bouncing_signal_of_one_loop_is_one_pulse_a_car(
    gpio: MockFactory, gate: Sensor, *, active_low: bool
) -> None:
    assert gate.outputs() == [Output("pulse", "front-out")]
    clock = HandClock()
    port = Recording(clock)
    async with running(gate, port):
        for seed in range(20):
            await asyncio.to_thread(drive, gpio, clock, "L l", seed=seed, active_low=active_low)
            assert (await port.take(1))[0].reading == Pulse(direction="out")
    assert port.emitted.empty()


async def test_a_gate_can_be_stopped_and_started_again(gpio: MockFactory) -> None:
    for _ in range(2):
        clock = HandClock()
        port = Recording(clock)
        async with running(SINGLE, port):
            await asyncio.to_thread(drive, gpio, clock, "L l", seed=0, active_low=True)
            assert len(await port.take(1)) == 1


async def test_both_gates_of_a_device_count_side_by_side(gpio: MockFactory) -> None:
    clock = HandClock()
    one, other = Recording(clock), Recording(clock)
    async with running(PAIR, one), running(SINGLE, other):
        await asyncio.to_thread(drive, gpio, clock, "A B L a b l", seed=1, active_low=True)
        assert (await one.take(1))[0].name == "front-in"
        assert (await other.take(1))[0].name == "front-out"


@pytest.mark.usefixtures("gpio")
async def test_a_pin_that_is_taken_is_one_clear_line() -> None:
    async with running(SINGLE, Recording()):
        with pytest.raises(SensorFailed, match=r"^want GPIO 22, got: pin GPIO22 is already in use"):
            await TAKEN.run(Recording())


def test_where_there_is_no_gpio_it_says_so_in_one_line_and_nothing_else() -> None:
    program = """
import asyncio
from models.errors import SensorFailed
from tests.edge.recording import Recording, made
try:
    asyncio.run(made(kind="gate", gate="front-out", pins=[22], direction="out").run(Recording()))
except SensorFailed as error:
    print(error)
"""
    ran = subprocess.run(
        [sys.executable, "-W", "always", "-c", program],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert ran.stdout.startswith("want GPIO 22, got: ")
    assert ran.stdout.count("\n") == 1
    assert ran.stderr == ""


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"gate": "x", "pins": [1, 2]}, "want one of `gates`, got 'x' - at `{}.gate`"),
        ({"pins": []}, "want one pin or two different ones, got [] - at `{}.pins`"),
        ({"pins": [1, 1]}, "want one pin or two different ones, got [1, 1] - at `{}.pins`"),
        ({"pins": [1, 2, 3]}, "want one pin or two different ones, got [1, 2, 3] - at `{}.pins`"),
        ({"pins": [28]}, "Expected `int` <= 27 - at `{}.pins[0]`"),
        ({"pins": [1]}, "want it with one pin, none with two, got none with 1 - at `{}.direction`"),
        (
            {"pins": [1, 2], "direction": "in"},
            "want it with one pin, none with two, got in with 2 - at `{}.direction`",
        ),
        ({"pins": [1], "direction": "up"}, "Invalid enum value 'up' - at `{}.direction`"),
        ({"pins": [1, 2], "pin": 3}, "Object contains unknown field `pin` - at `{}`"),
    ],
)
def test_a_gate_that_cannot_be_is_refused_with_its_path(
    settings: dict[str, object], message: str
) -> None:
    with pytest.raises(BadSite) as refused:
        made(kind="gate", **({"gate": "front-in"} | settings))
    index = len(example().devices)
    assert str(refused.value) == message.format(f"$.devices[{index}].sensors[0]")
