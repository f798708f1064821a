"""Frames from a camera, a stream or a file."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit

import numpy as np

from edge.detector import Frame
from edge.opencv import cv2
from models.errors import SensorFailed

STALLED_MS = 5000
"""A camera that gives no frame for so long has stalled."""

_APART_S = 60.0  # between the end of a file and its beginning, so that nobody seems to jump


class Shot(NamedTuple):
    """One frame."""

    number: int  # in its file from 0, or since the camera was opened
    at_s: float  # when it was taken, from any start, growing
    frame: Frame


class Source(Protocol):
    """Where frames come from. Its methods block."""

    waits: bool  # `read` itself lasts until the frame is due

    def read(self, is_due: Callable[[], bool]) -> Shot:
        """The next frame to look at.

        Raises:
            SensorFailed: there is none.
        """


def opened(source: str, every_s: float, now_s: Callable[[], float]) -> Source:
    """Open a source.

    Args:
        source: `/dev/video0`, or its number; a URL such as `rtsp://...`; or a file.
        every_s: how far apart frames will be looked at.
        now_s: true seconds from any start.

    Raises:
        SensorFailed: it does not open.
    """
    if source.isdecimal():
        source = f"/dev/video{source}"
    if "://" in source:
        timeouts = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, cv2.CAP_PROP_READ_TIMEOUT_MSEC]
        options = [option for timeout in timeouts for option in (timeout, STALLED_MS)]
        return Live(_capture(source, cv2.CAP_FFMPEG, options), without_password(source), now_s)
    if source.startswith("/dev/"):
        options = [cv2.CAP_PROP_BUFFERSIZE, 2]
        return Live(_capture(source, cv2.CAP_V4L2, options), source, now_s)
    return File(source, every_s)


def without_password(source: str) -> str:
    """The source as it may stand in a message.

    >>> without_password("rtsp://admin:secret@192.0.2.20/stream1?token=secret")
    'rtsp://192.0.2.20/stream1'
    """
    parts = urlsplit(source)
    if not parts.netloc:
        return source
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _capture(source: str, backend: int, options: list[int]) -> cv2.VideoCapture:
    where = f"want a camera at {without_password(source)}"
    if "://" not in source and not Path(source).exists():
        raise SensorFailed(f"{where}, got nothing - at `$.source`")
    capture = cv2.VideoCapture(source, backend, options)
    if not capture.isOpened():
        raise SensorFailed(f"{where}, got nothing that opens - at `$.source`")
    return capture


class Live:
    """A camera. Frames are taken all the time and dropped, so that the one kept is the newest."""

    waits = True

    def __init__(self, capture: cv2.VideoCapture, name: str, now_s: Callable[[], float]) -> None:
        self._capture, self._name, self._now_s = capture, name, now_s
        self._number = -1

    def read(self, is_due: Callable[[], bool]) -> Shot:
        """The first frame from when it is due."""
        while self._capture.grab():
            self._number += 1
            if is_due():
                at_s = self._now_s()
                is_read, frame = self._capture.retrieve()
                if is_read:
                    return Shot(self._number, at_s, np.asarray(frame, np.uint8))
        self._capture.release()  # so that it can be opened again
        raise SensorFailed(f"want a frame of {self._name}, got none - at `$.source`")


class File:
    """A recording: frames 0, step, 2 * step ... and again from 0, the same in each run."""

    waits = False

    def __init__(self, path: str, every_s: float) -> None:
        self._path = path
        self._capture = _capture(path, cv2.CAP_FFMPEG, [])
        self._fps = self._capture.get(cv2.CAP_PROP_FPS)
        if not self._fps > 0:
            raise SensorFailed(f"want a video, got {path} - at `$.source`")
        self.step = max(1, round(self._fps * every_s))
        self._at, self._due, self._began_s = -1, 0, 0.0

    def read(self, is_due: Callable[[], bool]) -> Shot:
        """The next one; a file is never late, so `is_due` is not asked."""
        _ = is_due
        while self._at < self._due:
            if self._capture.grab():
                self._at += 1
            elif self._at < 0:
                raise SensorFailed(f"want frames, got none in {self._path} - at `$.source`")
            else:
                self._began_s += self._at / self._fps + _APART_S
                self._capture = _capture(self._path, cv2.CAP_FFMPEG, [])
                self._at, self._due = -1, 0
        is_read, frame = self._capture.retrieve()
        if not is_read:
            raise SensorFailed(f"want frame {self._at}, got none in {self._path} - at `$.source`")
        self._due += self.step
        at_s = self._began_s + self._at / self._fps
        return Shot(self._at, at_s, np.asarray(frame, np.uint8))
