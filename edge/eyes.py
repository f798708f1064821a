"""Source, detector and view of one camera at work, for a worker thread."""

import logging
import threading

import numpy as np

from broker.clock import Clock
from edge.capture import File, Live, Shot, opened
from edge.detector import Detector, Frame
from edge.opencv import cv2
from edge.sensors.camera import Blind, CameraSettings
from models.contract.observations import Cars, Crossing, People, Reading
from models.sensing.boxes import CAR, Floats, none
from models.sensing.motion import SMALL, Grey, Motion
from models.sensing.plan import Plan
from models.sensing.sight import PATIENCE_S, Rows, Sight
from models.sensing.view import View, floor

log = logging.getLogger("machiai.camera")

_BAND_PX = 9  # from one band of rows to the next


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
        self._detector = Detector.best(*settings.models)
        self.basis = self._detector.basis
        plan = settings.plan
        if plan.lots and CAR not in self._detector.sees:
            self.basis += ", sees no cars"
            plan = Plan(zones=plan.zones, lines=plan.lines, masks=plan.masks)
        self._threshold = self._detector.card.threshold
        if settings.threshold is not None and not self._detector.is_stopgap:
            self._threshold = settings.threshold  # it was set for the model that was asked for
        self._floor = floor(plan, self._threshold)
        self._plan, self._clock = plan, clock
        self._view: View | None = None
        self._size = (0, 0)
        self._sight = Sight(is_live=isinstance(self._source, Live))
        self._blind_s: float | None = None
        self._motion, self._boxes = Motion(), none()
        self._closing = threading.Event()

    @property
    def waits(self) -> bool:
        """Whether `look` lasts until the frame is due; if not, the caller waits."""
        return self._source.waits

    @property
    def sees(self) -> bool:
        """Whether the last frame showed the scene."""
        return self._blind_s is None

    def look(self, due_s: float) -> list[tuple[str, Reading]]:
        """What the frame of that time shows; nothing while the camera is blinded.

        Args:
            due_s: on the monotonic clock.

        Raises:
            SensorFailed: there is no frame.
            Blind: it has been blinded for a while.
        """
        shot = self._source.read(lambda: self._closing.is_set() or self._clock.monotonic() >= due_s)
        size = (shot.frame.shape[1], shot.frame.shape[0])
        if self._view is None or size != self._size:
            self._view, self._size = View(self._plan, size, self._threshold), size
            self._motion = Motion()
        small = _small(shot.frame)
        if not self._can_see(small, shot):
            return []
        if self._motion.is_new(small, shot.at_s):
            self._boxes = self._detected(shot.frame)
        readings = self._view.readings(self._boxes, shot.at_s, small)
        if isinstance(self._source, File):
            log.info("frame %d: %s", shot.number, ", ".join(map(_words, readings)) or "nothing")
        return readings

    def _can_see(self, small: Grey, shot: Shot) -> bool:
        """Whether the scene is in this frame.

        Raises:
            Blind: it has not been for a while.
        """
        fault = self._sight.fault(small, _rows(shot.frame))
        if fault is None:
            self._blind_s = None
            return True
        if self._blind_s is None:
            self._blind_s = shot.at_s
        if shot.at_s - self._blind_s >= PATIENCE_S:
            raise Blind(f"want a picture to count in, got {fault} - at `$.source`")
        return False

    def _detected(self, frame: Frame) -> Floats:
        """What is in the frame."""
        detect = self._detector.detect_wide if self._plan.lots else self._detector.detect
        return detect(frame, self._floor)

    def close(self) -> None:
        """Let a `look` that is under way end soon; the camera is let go with the last reference."""
        self._closing.set()


def _small(frame: Frame) -> Grey:
    """The frame in grey, (120, 160)."""
    small = cv2.resize(frame, SMALL, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), np.uint8)


def _rows(frame: Frame) -> Rows:
    """Bands of three rows all over the frame, in green alone: (n, 3, width)."""
    green = frame[: len(frame) // _BAND_PX * _BAND_PX, :, 1]
    return np.ascontiguousarray(green.reshape(-1, _BAND_PX, green.shape[1])[:, :3])


def _words(said: tuple[str, Reading]) -> str:
    match said:
        case name, People(count=count):
            return f"{name} {count} people"
        case name, Crossing(direction=direction):
            return f"{name} {direction}"
        case name, Cars(occupied=taken, seen=seen):
            return f"{name} {taken} of {seen} slots"
    return said[0]
