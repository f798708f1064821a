"""Cars over one or two vehicle detectors (induction loops, light barriers) with a contact each."""

from collections.abc import Sequence
from typing import Annotated, ClassVar

import msgspec

from edge.pins import Pin, watch
from edge.sensors import Output, Port, Settings, refer
from models.contract.observations import Direction, Pulse
from models.errors import BadSite
from models.sensing.loops import Loop, LoopPair, Loops
from models.site import Seconds, Site


class GateSettings(Settings, frozen=True, kw_only=True):
    """One lane of a gate in the site file."""

    gate: str
    pins: tuple[Pin, ...]  # two in the order in which a car that comes in meets them
    direction: Direction | None = None  # of one loop; with two their order says it
    bounce_ms: Annotated[int, msgspec.Meta(ge=1, le=2000)] = 50
    active_low: bool = True  # the contact closes to ground when a car is there
    apart_s: Seconds = 5.0  # how long a short vehicle may be between two loops, on neither


class Gate:
    """One lane of a gate."""

    Settings: ClassVar = GateSettings

    def __init__(self, settings: GateSettings, site: Site) -> None:
        refer(site, "gate", "gates", settings.gate)
        self._settings = settings
        self._loops()

    def outputs(self) -> Sequence[Output]:
        """What it may emit."""
        return [Output("pulse", self._settings.gate)]

    async def run(self, port: Port) -> None:
        """Count cars until cancelled.

        Raises:
            SensorFailed: the pins cannot be had.
        """

        async def tell(direction: Direction) -> None:
            await port.emit(self._settings.gate, Pulse(direction=direction))

        loops = self._loops()
        await watch(loops, loops.pins, port, tell, active_low=self._settings.active_low)

    def _loops(self) -> Loops:
        """The state machine for these pins.

        Raises:
            BadSite: one loop without a direction, or two with one.
        """
        wired = self._settings
        pins, direction = wired.pins, wired.direction
        if not 1 <= len(set(pins)) == len(pins) <= 2:  # noqa: PLR2004  they are never more
            raise BadSite(f"want one pin or two different ones, got {list(pins)} - at `$.pins`")
        if (len(pins) == 1) != (direction is not None):
            said = f"{direction or 'none'} with {len(pins)}"
            raise BadSite(f"want it with one pin, none with two, got {said} - at `$.direction`")
        bounce_s = wired.bounce_ms / 1000
        if direction is not None:
            return Loop(pins[0], direction, bounce_s=bounce_s)
        return LoopPair(*pins, bounce_s=bounce_s, apart_s=wired.apart_s)
