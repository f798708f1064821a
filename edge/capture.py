"""Frames from a camera, a stream or a file."""

import itertools
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit

import numpy as np

from edge.detector import Frame
from edge.opencv import cv2
from edge.rpicam import SCHEME, Rpicam
from models.errors import SensorFailed

STALLED_MS = 5000
"""A camera that gives no frame for so long has stalled."""

_STALLED_S = STALLED_MS / 1000

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
        source: `/dev/video0`, or its number; `rpicam:0`; a URL such as `rtsp://...`; or a file.
        every_s: how far apart frames will be looked at.
        now_s: true seconds from any start.

    Raises:
        SensorFailed: it does not open.
    """
    if source.isdecimal():
        source = f"/dev/video{source}"
    if source.startswith("world:"):
        from edge import rendered  # noqa: PLC0415  it needs `Shot`, and only the demo has it

        return rendered.opened(source)
    if source.startswith(SCHEME):
        return Live(Rpicam(source, every_s, _STALLED_S), source, now_s)
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


class Feed(Protocol):
    """What gives frames: `cv2.VideoCapture`, or what has its methods."""

    def grab(self) -> bool:
        """Take the next frame, within `STALLED_MS`; False if there is none."""

    def retrieve(self) -> tuple[bool, Any]:
        """Decode the frame that was taken."""

    def release(self) -> None:
        """Let go of the camera."""


class Live:
    """A camera. Frames are taken all the time and dropped: none waits, so none is old."""

    waits = True

    def __init__(self, feed: Feed, name: str, now_s: Callable[[], float]) -> None:
        self._name = name
        self._taker = _Taker(feed, now_s)
        self._taker.start()

    def read(self, is_due: Callable[[], bool]) -> Shot:
        """The first frame from when it is due."""
        shot = self._taker.await_shot(is_due)
        if shot is None:
            self.close()
            raise SensorFailed(f"want a frame of {self._name}, got none - at `$.source`")
        return shot

    def close(self) -> None:
        """Let go of the camera soon: with its next frame, or when none has come in 5 s."""
        self._taker.is_over = True

    def __del__(self) -> None:
        self.close()


class _Taker(threading.Thread):
    """Takes frame after frame and keeps the one that is asked for. It alone touches the feed."""

    def __init__(self, feed: Feed, now_s: Callable[[], float]) -> None:
        super().__init__(name="camera", daemon=True)
        self._feed, self._now_s = feed, now_s
        self._news = threading.Condition()  # a frame was taken, or the last one
        self._is_due: Callable[[], bool] | None = None
        self._shot: Shot | None = None
        self.is_over = False

    def run(self) -> None:
        try:
            for number in itertools.count():
                if self.is_over or not self._feed.grab():
                    return
                self._taken(number)
        finally:
            self._feed.release()  # before anyone is told, so that it can be opened again
            with self._news:
                self.is_over = True
                self._news.notify_all()

    def _taken(self, number: int) -> None:
        with self._news:
            if self._is_due is not None and self._is_due():
                at_s = self._now_s()
                is_read, frame = self._feed.retrieve()
                if not is_read:
                    return  # no news: a camera whose frames are all broken has stalled
                self._shot = Shot(number, at_s, np.asarray(frame, np.uint8))
                self._is_due = None
            self._news.notify_all()

    def await_shot(self, is_due: Callable[[], bool]) -> Shot | None:
        """The first frame from when it is due; None if the feed stalls or ends."""
        with self._news:
            self._is_due = is_due
            while not self.is_over and self._news.wait(_STALLED_S):
                shot, self._shot = self._shot, None
                if shot is not None:
                    return shot
        return None


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
