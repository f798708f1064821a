"""Source, detector and view of one camera at work, for a worker thread."""

import logging
import threading

from broker.clock import Clock
from edge.capture import File, opened
from edge.detector import Detector
from edge.sensors.camera import CameraSettings
from models.contract.observations import Cars, Crossing, People, Reading
from models.sensing.boxes import CAR
from models.sensing.plan import Plan
from models.sensing.view import DOUBTFUL, View

log = logging.getLogger("machiai.camera")


class Eyes:
    """Looks at a source and says what it sees. Its methods block, one call at a time."""

    def __init__(self, settings: CameraSettings, clock: Clock) -> None:
        """Open the source and load the detector; takes a second or two.

        Raises:
            SensorFailed: the source does not open.
        """
        self._source = opened(
            settings.source, settings.every_s, lambda: clock.monotonic() / clock.speed
        )
        self._detector = Detector.best(settings.model)
        self.basis = self._detector.basis
        plan = settings.plan
        if plan.lots and CAR not in self._detector.sees:
            self.basis += ", sees no cars"
            plan = Plan(zones=plan.zones, lines=plan.lines)
        self._threshold = self._detector.card.threshold
        if settings.threshold is not None and not self._detector.is_stopgap:
            self._threshold = settings.threshold  # it was set for the model that was asked for
        self._floor = min(self._threshold, DOUBTFUL) if plan.lines else self._threshold
        self._plan, self._clock = plan, clock
        self._view: View | None = None
        self._size = (0, 0)
        self._closing = threading.Event()

    @property
    def waits(self) -> bool:
        """Whether `look` lasts until the frame is due; if not, the caller waits."""
        return self._source.waits

    def look(self, due_s: float) -> list[tuple[str, Reading]]:
        """What the frame of that time shows.

        Args:
            due_s: on the monotonic clock.

        Raises:
            SensorFailed: there is no frame.
        """
        shot = self._source.read(lambda: self._closing.is_set() or self._clock.monotonic() >= due_s)
        size = (shot.frame.shape[1], shot.frame.shape[0])
        if self._view is None or size != self._size:
            self._view, self._size = View(self._plan, size, self._threshold), size
        readings = self._view.readings(self._detector.detect(shot.frame, self._floor), shot.at_s)
        if isinstance(self._source, File):
            log.info("frame %d: %s", shot.number, ", ".join(map(_words, readings)) or "nothing")
        return readings

    def close(self) -> None:
        """Let a `look` that is under way end soon; the camera is let go with the last reference."""
        self._closing.set()


def _words(said: tuple[str, Reading]) -> str:
    match said:
        case name, People(count=count):
            return f"{name} {count} people"
        case name, Crossing(direction=direction):
            return f"{name} {direction}"
        case name, Cars(occupied=taken, seen=seen):
            return f"{name} {taken} of {seen} slots"
    return said[0]
