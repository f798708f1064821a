"""Counts people in zones, over lines, and cars in lots. No frame is stored, sent or logged.

What needs OpenCV or numpy is imported when the camera runs: `machiai check` does without.
"""

import asyncio
from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec

from broker.clock import Clock
from edge import cards
from edge.discreet import keep_little
from edge.sensors import Output, Port, Settings
from models.errors import BadSite, SensorFailed
from models.sensing.plan import LineView, LotView, Plan, Polygon, ZoneView, mistakes
from models.site import Seconds, Site

if TYPE_CHECKING:
    from edge.eyes import Eyes


class Blind(SensorFailed):
    """The camera gives frames, but the scene is not in them; it may come back by itself."""


class CameraSettings(Settings, frozen=True, kw_only=True):
    """One camera in the site file."""

    source: Annotated[str, msgspec.Meta(min_length=1)]  # /dev/video0, 0, a file, rtsp://...
    every_s: Seconds = 1.0  # so often a frame is looked at; a doorway wants 0.25 or less
    model: str | None = None  # the name of a card; None is the one that counts best
    threshold: Annotated[float, msgspec.Meta(gt=0, lt=1)] | None = None  # None is the card's
    zones: tuple[ZoneView, ...] = ()
    lines: tuple[LineView, ...] = ()
    lots: tuple[LotView, ...] = ()
    masks: tuple[Polygon, ...] = ()
    approved: date | None = None  # the day of its notice's approval; None: it must not count yet
    since: date | None = None  # from when it counts, as the notice says; None is that day

    @property
    def plan(self) -> Plan:
        """What to look at."""
        return Plan(zones=self.zones, lines=self.lines, lots=self.lots, masks=self.masks)

    @property
    def models(self) -> tuple[str, ...]:
        """Names of cards, the one to be taken first where its weights are found."""
        if self.model is not None:
            return (self.model,)
        is_of_cars = self.lots and not self.zones and not self.lines
        return (cards.FOR_CARS, cards.DEFAULT) if is_of_cars else (cards.DEFAULT,)


class Camera:
    """A camera, a stream or a recorded file."""

    Settings: ClassVar[type[Settings]] = CameraSettings

    def __init__(self, settings: CameraSettings, site: Site) -> None:
        for mistake in mistakes(settings.plan, site):
            raise BadSite(mistake)
        if settings.model is not None and settings.model not in cards.names():
            known = ", ".join(cards.names())
            raise BadSite(f"want one of {known}, got {settings.model!r} - at `$.model`")
        keep_little()  # before there is a thread, which would get a heap of its own
        self._settings = settings
        self._blind: Eyes | None = None

    def outputs(self) -> Sequence[Output]:
        """What it may emit."""
        return [
            *(Output("people", zone.zone) for zone in self._settings.zones),
            *(Output("crossing", line.line) for line in self._settings.lines),
            *(Output("cars", lot.lot) for lot in self._settings.lots),
        ]

    async def run(self, port: Port) -> None:
        """Look every `every_s` until cancelled.

        Raises:
            SensorFailed: the source does not open, or gives no more frames.
            Blind: nothing can be seen; the next call goes on with the same eyes.
        """
        clock = port.clock
        eyes, self._blind = self._blind, None
        if eyes is None:
            eyes = await asyncio.to_thread(_eyes, self._settings, clock)
        try:
            is_told = False
            due_s = clock.monotonic()
            while True:
                if not eyes.waits:
                    await clock.sleep(due_s - clock.monotonic())
                said = await asyncio.to_thread(eyes.look, due_s)
                if eyes.sees and not is_told:
                    await port.describe(eyes.basis)  # not before: it ends the alert
                    is_told = True
                for name, reading in said:
                    await port.emit(name, reading)
                due_s = max(due_s + self._settings.every_s, clock.monotonic())
        except Blind:
            self._blind = eyes  # it knows how the camera usually sees
            raise
        finally:
            if self._blind is None:
                eyes.close()


def _eyes(settings: CameraSettings, clock: Clock) -> "Eyes":
    """All that is slow to import, load and open.

    Raises:
        SensorFailed: the source does not open, or the camera extra is not installed.
    """
    try:
        from edge.eyes import Eyes  # noqa: PLC0415
    except ImportError as error:
        raise SensorFailed(f"want machiai[camera] installed, {error} - at `$.kind`") from None
    return Eyes(settings, clock)
