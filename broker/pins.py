"""GPIO: edges of pins into a state machine, what it makes of them out. The one user of gpiozero.

A GPIO thread hands over what it saw and when, nothing else. See docs/decisions/0011-pins.md.
"""

import asyncio
import os
import sys
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from typing import Protocol, TypeVar

from broker.clock import Clock
from models.errors import SensorFailed

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

_opening = threading.Lock()  # the first to open makes gpiozero's one pin factory


class Machine(Protocol[T_co]):
    """Pure: raw levels in, what they mean out. See `models.sensing`."""

    def feed(self, pin: int, active: bool, t_s: float) -> Sequence[T_co]:  # noqa: FBT001  a level
        """Take one raw level."""

    def due(self, t_s: float) -> Sequence[T_co]:
        """What is known by now without another level."""

    @property
    def due_s(self) -> float | None:
        """When to ask `due` next."""


async def watch(
    machine: Machine[T],
    pins: Sequence[int],
    clock: Clock,
    tell: Callable[[T], Awaitable[None]],
    opened: Callable[[str], Awaitable[None]],
    *,
    active_low: bool,
) -> None:
    """Feed the machine with the edges of these pins until cancelled.

    Edges are fed as soon as the loop runs, also while `tell` waits for a disk: what queues up is
    only what the machine has made of them.

    Args:
        machine: makes sense of the edges.
        pins: GPIO (BCM) numbers.
        clock: dates the edges.
        tell: is told, in order, all that the machine makes.
        opened: is told what drives the pins, once they are watched.
        active_low: a contact to ground, pulled up; else one to 3.3 V, pulled down.

    Raises:
        SensorFailed: no GPIO here, or a pin that cannot be had.
    """
    loop = asyncio.get_running_loop()
    made: deque[T] = deque()
    news = asyncio.Event()

    def feed(pin: int, active: bool, t_s: float) -> None:  # noqa: FBT001
        made.extend(machine.feed(pin, active, t_s))
        news.set()

    def seen(pin: int, active: bool) -> None:  # noqa: FBT001  in a thread of gpiozero
        loop.call_soon_threadsafe(feed, pin, active, clock.monotonic())

    with ExitStack() as lines:
        factory = await asyncio.to_thread(_open, lines, pins, seen, active_low=active_low)
        await opened(f"{_named(pins)} ({factory})")
        while True:
            now_s = clock.monotonic()
            await asyncio.sleep(0)  # all that was seen before is fed before it is asked what is due
            made.extend(machine.due(now_s))
            while made:
                await tell(made.popleft())
            due_s = machine.due_s
            wait_s = None if due_s is None else (due_s - clock.monotonic()) / clock.speed
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await news.wait()
            news.clear()


def _open(
    lines: ExitStack,
    pins: Sequence[int],
    seen: Callable[[int, bool], None],
    *,
    active_low: bool,
) -> str:
    """Have every pin watched and its present level told; the name of what drives them."""
    # Else gpiozero would try four libraries in turn and warn of each.
    os.environ.setdefault("GPIOZERO_PIN_FACTORY", "lgpio")
    try:
        import gpiozero  # noqa: PLC0415  only who has pins pays for it

        with _opening:
            gpiozero.Device.ensure_pin_factory()
        for pin in pins:
            line = lines.enter_context(gpiozero.DigitalInputDevice(pin, pull_up=active_low))
            line.when_activated = partial(seen, pin, True)
            line.when_deactivated = partial(seen, pin, False)
            seen(pin, line.is_active)
            seen(pin, line.is_active)  # again: an edge may have come between reading and telling
        return type(gpiozero.Device.pin_factory).__name__
    except _errors() as error:
        raise SensorFailed(f"want {_named(pins)}, got: {' '.join(str(error).split())}") from None


def _errors() -> tuple[type[Exception], ...]:
    """What says that there is no GPIO; gpiozero's and lgpio's errors share no root."""
    roots = (("gpiozero", "GPIOZeroError"), ("lgpio", "error"))
    loaded = (getattr(sys.modules.get(module), name, OSError) for module, name in roots)
    return (ImportError, OSError, *loaded)


def _named(pins: Sequence[int]) -> str:
    return f"GPIO {', '.join(str(pin) for pin in pins)}"
