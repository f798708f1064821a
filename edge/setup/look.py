"""One camera at work for the set-up page, in a worker thread: look, blur, count, forget."""

import asyncio
import threading
from collections.abc import Callable

import msgspec

from edge.capture import Source, opened
from edge.detector import Detector
from edge.sensors.camera import CameraSettings
from edge.setup.draft import Draft
from edge.setup.veil import SHARE, TRUSTED, Veil, jpeg
from models.contract.observations import Cars, Crossing, People
from models.errors import SensorFailed
from models.sensing.boxes import CAR, PERSON, Floats, centres, feet, only
from models.sensing.plan import Plan
from models.sensing.view import View, floor

OLD_S = 6.0
"""A picture older than this is not shown: the camera has stalled."""

_EVERY_S = 0.5  # so often it looks, unless the site file says more often
_AGAIN_S = 2.0  # after a camera failed


class Seen(msgspec.Struct, frozen=True):
    """What one frame showed: only this leaves the worker thread."""

    number: int  # counted up, from 1
    at_s: float  # true seconds from any start
    jpeg: bytes  # blurred
    people: dict[str, int]  # by zone
    crossed: dict[str, tuple[int, int]]  # by line: in, out, since it was drawn
    cars: dict[str, tuple[int, int]]  # by lot: occupied, slots
    places: list[tuple[float, float]]  # where a counted person stands, shares of the picture
    basis: str  # by what it is seen

    def told(self) -> dict[str, object]:
        """All but the picture, for the page."""
        return {name: getattr(self, name) for name in self.__struct_fields__ if name != "jpeg"}


class Look:
    """A camera that is opened again whenever it fails."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        """Begin with nothing.

        Args:
            now_s: true seconds from any start.
        """
        self._now_s = now_s
        self._seen: Seen | None = None
        self._closing = threading.Event()
        self.why = "starting"

    @property
    def seen(self) -> Seen | None:
        """The newest picture; None while there is none, for the reason `why`."""
        seen = self._seen
        if seen is not None and self._now_s() - seen.at_s > OLD_S:
            self.why = f"want a frame every {_EVERY_S:g} s, got none for {OLD_S:g} s"
            return None
        return seen

    async def run(self, draft: Draft) -> None:
        """Look until cancelled.

        Args:
            draft: the camera, and what is drawn now.
        """
        number = 0
        try:
            while True:
                try:
                    eye = await asyncio.to_thread(_Eye, draft.settings, self._now_s, self._closing)
                    while True:
                        number += 1
                        self._seen = await asyncio.to_thread(eye.look, draft.settings.plan, number)
                except SensorFailed as error:
                    self._seen, self.why = None, str(error)
                await asyncio.sleep(_AGAIN_S)
        finally:
            self._closing.set()


class _Eye:
    """Source, detector, veil and view. Its methods block, one call at a time."""

    def __init__(
        self, settings: CameraSettings, now_s: Callable[[], float], closing: threading.Event
    ) -> None:
        self._now_s, self._closing = now_s, closing
        self._every_s = min(settings.every_s, _EVERY_S)
        self._source: Source = opened(settings.source, self._every_s, now_s)
        self._detector = Detector.best(*settings.models)
        self._basis = ""
        self._threshold = self._detector.card.threshold
        if settings.threshold is not None and not self._detector.is_stopgap:
            self._threshold = settings.threshold
        self._veil = Veil(is_coarse=self._detector.card.name not in TRUSTED)
        self._plan: Plan | None = None
        self._size = (0, 0)
        self._due_s = now_s()

    def look(self, plan: Plan, number: int) -> Seen:
        """Take the next frame; the frame itself is forgotten when this returns.

        Raises:
            SensorFailed: there is none.
        """
        if not self._source.waits:
            self._closing.wait(max(0.0, self._due_s - self._now_s()))
        shot = self._source.read(lambda: self._closing.is_set() or self._now_s() >= self._due_s)
        self._due_s = max(self._due_s + self._every_s, self._now_s())
        size = (shot.frame.shape[1], shot.frame.shape[0])
        if plan != self._plan or size != self._size:
            self._lay_out(plan, size)
        boxes = self._detect(shot.frame, self._floor)  # if this fails, there is no picture
        picture = jpeg(self._veil.over(shot.frame, boxes, shot.at_s))
        people: dict[str, int] = {}
        cars: dict[str, tuple[int, int]] = {}
        for name, reading in self._view.readings(boxes, shot.at_s):
            match reading:
                case People(count=count):
                    people[name] = count
                case Cars(occupied=occupied, seen=slots):
                    cars[name] = occupied, slots
                case Crossing(direction=direction):
                    went_in, went_out = self._crossed[name]
                    is_in = direction == "in"
                    self._crossed[name] = went_in + is_in, went_out + (not is_in)
        return Seen(
            number=number,
            at_s=self._now_s(),
            jpeg=picture,
            people=people,
            crossed=dict(self._crossed),
            cars=cars,
            places=self._places(boxes),
            basis=self._basis,
        )

    def _lay_out(self, plan: Plan, size: tuple[int, int]) -> None:
        """Count by this plan from now on, lines from nothing."""
        self._plan, self._size, self._basis = plan, size, self._detector.basis
        self._crossed = {line.line: (0, 0) for line in plan.lines}
        if plan.lots and CAR not in self._detector.sees:
            plan = msgspec.structs.replace(plan, lots=())  # unknown is not none
            self._basis += ", sees no cars"
        self._floor = min(self._detector.card.threshold * SHARE, floor(plan, self._threshold))
        self._view = View(plan, size, self._threshold)
        self._detect = self._detector.detect_wide if plan.lots else self._detector.detect

    def _places(self, boxes: Floats) -> list[tuple[float, float]]:
        """Where those who are counted stand: feet, if any zone asks for them."""
        people = only(boxes, PERSON, self._threshold)
        zones = self._plan.zones if self._plan else ()
        is_centre = bool(zones) and all(zone.anchor == "centre" for zone in zones)
        points = centres(people) if is_centre else feet(people)
        width, height = self._size
        return [(round(float(x) / width, 3), round(float(y) / height, 3)) for x, y in points]
