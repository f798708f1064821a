import asyncio
from collections.abc import Iterator

import pytest
from gpiozero import Device
from gpiozero.pins.mock import MockFactory

from edge.sensors import Output
from models.contract.observations import Press, Reading
from models.errors import BadSite
from tests.edge.recording import HandClock, Recording, example, made, running, sensors

BUTTONS = {button.outputs()[0].name: button for button in sensors("hall")}
QUICK = made(kind="button", button="next-c6", pin=5, long_ms=40, bounce_ms=5)


@pytest.fixture
def gpio() -> Iterator[MockFactory]:
    Device.pin_factory = MockFactory()
    yield Device.pin_factory
    Device.pin_factory.reset()
    Device.pin_factory = None


def press(gpio: MockFactory, clock: HandClock, pin: int, times_s: list[float]) -> None:
    """Hold and let go in turn for so long each, with bounce, in a thread as gpiozero's are."""
    contact = gpio.pin(pin)
    for i, time_s in enumerate(times_s):
        ways = [contact.drive_low, contact.drive_high]
        for way in (ways[i % 2], ways[i % 2 - 1], ways[i % 2]):
            way()
            clock.move(0.004)
        clock.move(time_s)


async def said(gpio: MockFactory, name: str, times_s: list[float], count: int) -> list[Reading]:
    clock = HandClock()
    port = Recording(clock)
    async with running(BUTTONS[name], port):
        pin = {"next-c6": 5, "busy-hall": 6}[name]
        await asyncio.to_thread(press, gpio, clock, pin, times_s)
        readings = [reading for _, reading, _ in await port.take(count)]
    assert port.emitted.empty()
    return readings


async def test_presses_are_told_by_their_gesture(gpio: MockFactory) -> None:
    times_s = [0.1, 2.0, 0.1, 0.2, 0.1, 2.0, 1.5, 2.0]
    assert await said(gpio, "busy-hall", times_s, 3) == [
        Press(gesture="short"),
        Press(gesture="double"),
        Press(gesture="long"),
    ]


async def test_a_button_without_a_double_meaning_calls_two_when_pressed_twice(
    gpio: MockFactory,
) -> None:
    assert await said(gpio, "next-c6", [0.1, 0.2, 0.1, 2.0], 2) == [Press(gesture="short")] * 2


async def test_long_is_told_by_the_true_clock_while_the_button_is_held(gpio: MockFactory) -> None:
    assert QUICK.outputs() == [Output("press", "next-c6")]
    port = Recording()
    async with running(QUICK, port):
        gpio.pin(5).drive_low()
        assert (await port.take(1))[0].reading == Press(gesture="long")
        gpio.pin(5).drive_high()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"button": "x"}, "want one of `buttons`, got 'x' - at `{}.button`"),
        ({"pin": -1}, "Expected `int` >= 0 - at `{}.pin`"),
        ({"bounce_ms": 0}, "Expected `int` >= 1 - at `{}.bounce_ms`"),
    ],
)
def test_a_button_that_cannot_be_is_refused_with_its_path(
    settings: dict[str, object], message: str
) -> None:
    with pytest.raises(BadSite) as refused:
        made(kind="button", **({"button": "next-c6", "pin": 5} | settings))
    index = len(example().devices)
    assert str(refused.value) == message.format(f"$.devices[{index}].sensors[0]")
