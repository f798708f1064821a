"""The pins of a sensor. What watches them is `broker/pins.py`."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from broker import pins
from broker.pins import Machine
from edge.sensors import Port
from models.site import Pin

__all__ = ["Pin", "watch"]

T = TypeVar("T")


async def watch(
    machine: Machine[T],
    numbers: Sequence[int],
    port: Port,
    tell: Callable[[T], Awaitable[None]],
    *,
    active_low: bool,
) -> None:
    """Feed the machine with the edges of these pins until cancelled; see `broker.pins.watch`.

    Raises:
        SensorFailed: no GPIO here, or a pin that cannot be had.
    """
    await pins.watch(machine, numbers, port.clock, tell, port.describe, active_low=active_low)
