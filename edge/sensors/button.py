"""A push button on a counter: short, double and long presses."""

from collections.abc import Sequence
from typing import Annotated, ClassVar

import msgspec

from edge.pins import Pin, watch
from edge.sensors import Output, Port, Settings, refer
from models.contract.observations import Gesture, Press
from models.sensing.gestures import Gestures
from models.site import Site

Milliseconds = Annotated[int, msgspec.Meta(ge=1, le=5000)]


class ButtonSettings(Settings, frozen=True, kw_only=True):
    """One button in the site file."""

    button: str
    pin: Pin
    pull_up: bool = True  # the button closes to ground; else to 3.3 V
    bounce_ms: Milliseconds = 30
    double_ms: Milliseconds = 400  # from a release to the next press
    long_ms: Milliseconds = 800


class Button:
    """One button. What its gestures mean is in `[[buttons]]`; one without a meaning is not told."""

    Settings: ClassVar = ButtonSettings

    def __init__(self, settings: ButtonSettings, site: Site) -> None:
        refer(site, "button", "buttons", settings.button)
        self._settings = settings
        self._meanings = next(b for b in site.buttons if b.id == settings.button)

    def outputs(self) -> Sequence[Output]:
        """What it may emit."""
        return [Output("press", self._settings.button)]

    async def run(self, port: Port) -> None:
        """Tell presses until cancelled.

        Raises:
            SensorFailed: the pin cannot be had.
        """

        async def tell(gesture: Gesture) -> None:
            await port.emit(self._settings.button, Press(gesture=gesture))

        wired = self._settings
        gestures = Gestures(
            bounce_s=wired.bounce_ms / 1000,
            double_s=wired.double_ms / 1000 if self._meanings.double else None,
            long_s=wired.long_ms / 1000 if self._meanings.long else None,
        )
        await watch(gestures, (wired.pin,), port, tell, active_low=wired.pull_up)
