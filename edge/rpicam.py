"""A Pi's own camera, through the pipe of rpicam-vid: OpenCV's wheels know no libcamera."""

import os
import re
import select
import shutil
import subprocess
from typing import IO

import numpy as np

from edge.detector import Frame
from edge.opencv import cv2
from models.errors import SensorFailed

SCHEME = "rpicam:"

_PROGRAMS = ("rpicam-vid", "libcamera-vid")  # the second is its name before 2024
_SOURCE = re.compile(SCHEME + r"(\d)(?::(\d{2,4}):(\d{2,4}))?")
_WIDTH = 640  # a multiple of 64: the rows of its raw frames then have nothing between them
_LEAST_FPS, _MOST_FPS = 10, 30  # slower than that lets the shutter smear who walks


class Rpicam:
    """A child process that writes raw frames, YUV 4:2:0. Its methods are those of OpenCV's."""

    def __init__(self, source: str, every_s: float, patience_s: float) -> None:
        """Start it.

        Args:
            source: `rpicam:0`, the number of the camera; `rpicam:0:1640:1232` with the mode of its
                sensor, for some crop the picture in small modes.
            every_s: how far apart frames will be looked at.
            patience_s: a pipe that stays empty for so long has stalled.

        Raises:
            SensorFailed: the program is not there.
        """
        self._patience_s = patience_s
        found = _SOURCE.fullmatch(source)
        if found is None:
            wanted = "rpicam:NUMBER or rpicam:NUMBER:WIDTH:HEIGHT"
            raise SensorFailed(f"want {wanted}, got {source} - at `$.source`")
        program = next(filter(None, map(shutil.which, _PROGRAMS)), None)
        if program is None:
            raise SensorFailed(f"want {_PROGRAMS[0]} for {source}, got none - at `$.source`")
        number, *mode = found.groups()
        wide, high = (int(n) for n in mode) if all(mode) else (4, 3)
        height = round(_WIDTH * high / wide / 2) * 2
        fps = min(max(_LEAST_FPS, round(1 / every_s)), _MOST_FPS)
        command = [program, "--nopreview", "--timeout", "0", "--codec", "yuv420", "--output", "-"]
        command += ["--camera", number, "--width", f"{_WIDTH}", "--height", f"{height}"]
        command += ["--framerate", f"{fps}", *(["--mode", ":".join(mode)] if all(mode) else [])]
        self._yuv = np.empty((height * 3 // 2, _WIDTH), np.uint8)
        self._child = subprocess.Popen(  # noqa: S603  a program by its name, words made above
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
        )

    @property
    def _pipe(self) -> IO[bytes]:
        assert self._child.stdout is not None  # noqa: S101  it was asked for
        return self._child.stdout

    def grab(self) -> bool:
        """Take the next frame; False when it stalls or has ended."""
        left = self._yuv.data.cast("B")
        while left:
            if not select.select([self._pipe], [], [], self._patience_s)[0]:
                return False
            count = os.readv(self._pipe.fileno(), [left])
            if not count:
                return False
            left = left[count:]
        return True

    def retrieve(self) -> tuple[bool, Frame]:
        """The frame that was taken, (height, width, 3) blue green red."""
        return True, np.asarray(cv2.cvtColor(self._yuv, cv2.COLOR_YUV2BGR_I420), np.uint8)

    def release(self) -> None:
        """End the child, and with it its hold on the camera."""
        self._child.kill()
        self._child.wait()
        self._pipe.close()
