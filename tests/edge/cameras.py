"""Cameras of the tests: a program in rpicam-vid's place, and streams over the loopback.

Each shows frame `i` as a grey of that level, so that a frame says when it was taken.
"""

import socket
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Self

import numpy as np

from edge.opencv import cv2

FPS = 25

_PROGRAM = """#!/bin/sh
'''exec' "{python}" "$0" "$@"
' '''
import argparse, fcntl, pathlib, signal, sys, time

here = pathlib.Path(__file__).parent
parser = argparse.ArgumentParser()
parser.add_argument("--nopreview", action="store_true", required=True)
for name in ("camera", "width", "height", "framerate", "timeout"):
    parser.add_argument("--" + name, type=int, required=True)
for name in ("codec", "output"):
    parser.add_argument("--" + name, required=True)
parser.add_argument("--mode")
asked = parser.parse_args()
assert (asked.codec, asked.output, asked.timeout) == ("yuv420", "-", 0)
name = str(asked.camera)
device = (here / (name + ".device")).open("a")
try:
    fcntl.flock(device, fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    sys.exit("ERROR: *** failed to acquire camera ***")
(here / (name + ".asked")).write_text(" ".join(sys.argv[1:]))
frames, end = (here / (name + ".film")).read_text().split()
pixels = asked.width * asked.height
with (here / (name + ".shown")).open("w", buffering=1) as shown:
    for i in range(int(frames)):
        level, step = 16 + i % 200, min(10, i % 200)  # stripes, for a plain grey is a covered lens
        stripes = bytes([level - step] * 32 + [level + step] * 32) * (pixels // 64)
        sys.stdout.buffer.write(stripes + bytes([128]) * (pixels // 2))
        print(i, file=shown)
        time.sleep(1 / {fps})
sys.stdout.flush()
if end == "stall":
    signal.pause()
"""


class Program:
    """An executable that a camera agent takes for rpicam-vid. Like a camera it serves one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        program = folder / "rpicam-vid"
        program.write_text(_PROGRAM.format(python=sys.executable, fps=FPS), encoding="utf-8")
        program.chmod(0o755)

    def film(self, frames: int, end: str, camera: int = 0) -> None:
        """What a camera shows from its next start: so many frames, then `stall` or `exit`."""
        (self.folder / f"{camera}.film").write_text(f"{frames} {end}", encoding="utf-8")

    def asked(self, camera: int = 0) -> str:
        """The words of its command line."""
        return (self.folder / f"{camera}.asked").read_text(encoding="utf-8")

    def shown(self, camera: int = 0) -> int:
        """The number of the newest frame that somebody has taken off it."""
        lines = (self.folder / f"{camera}.shown").read_text(encoding="utf-8").split("\n")
        return int(lines[-2]) if len(lines) > 1 else -1


def level_of_yuv(frame: np.ndarray) -> int:
    """The number of a frame of the program: video's grey begins at 16 and ends at 235."""
    return round(float(frame.mean()) * 219 / 255)


class Server(ABC):
    """A camera on the loopback. It shows `frames` frames, then says nothing more, or hangs up."""

    scheme = ""

    def __init__(self, frames: int) -> None:
        self._frames = frames
        self.shown = 0
        self._silence = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.source = f"{self.scheme}://127.0.0.1:{self._listening.getsockname()[1]}/door"
        self._thread = threading.Thread(target=self._serve)

    def hang_up(self) -> None:
        """End the silence, and with it the connection."""
        self._silence.set()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            connection.settimeout(10)
            with connection, suppress(OSError):
                self._stream(connection)
                self._silence.wait()

    @abstractmethod
    def _stream(self, connection: socket.socket) -> None:
        """Show the frames."""

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.hang_up()
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join()


class SilentServer(Server):
    """It takes the connection, and never a word from it."""

    scheme = "rtsp"

    def _stream(self, connection: socket.socket) -> None:
        pass


class HttpServer(Server):
    """Motion JPEG, as cheap network cameras give it."""

    scheme = "http"

    def _stream(self, connection: socket.socket) -> None:
        connection.recv(4096)
        kind = b"multipart/x-mixed-replace;boundary=frame"
        connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Type: " + kind + b"\r\n\r\n")
        for i in range(self._frames):
            _, jpeg = cv2.imencode(".jpg", np.full((120, 160, 3), i % 256, np.uint8))
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
            connection.sendall(head.encode() + jpeg.tobytes() + b"\r\n")
            self.shown = i
            time.sleep(1 / FPS)


class RtspServer(Server):
    """MPEG-TS within RTP within RTSP's own connection. Source: RFC 2326, RFC 2250."""

    scheme = "rtsp"

    def __init__(self, frames: int, folder: Path) -> None:
        super().__init__(frames)
        path = folder / "film.ts"
        writer = cv2.VideoWriter(
            str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"mpg2"), FPS, (160, 120)
        )
        for i in range(frames):
            writer.write(np.full((120, 160, 3), i, np.uint8))
        writer.release()
        self._film = path.read_bytes()

    def _stream(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as asked:
            while self._answer(connection, [line.decode() for line in _head(asked)]) != "PLAY":
                pass
        size = 7 * 188
        parts = [self._film[i : i + size] for i in range(0, len(self._film), size)]
        for number, part in enumerate(parts):
            at = round(90000 * self._frames / FPS * number / len(parts))
            rtp = b"\x80\x21" + number.to_bytes(2, "big") + at.to_bytes(4, "big") + b"eyes" + part
            connection.sendall(b"$\0" + len(rtp).to_bytes(2, "big") + rtp)
            self.shown = self._frames * number // len(parts)
            time.sleep(self._frames / FPS / len(parts))

    def _answer(self, connection: socket.socket, asked: list[str]) -> str:
        method = asked[0].split()[0]
        said = {
            "OPTIONS": "Public: DESCRIBE, SETUP, PLAY\r\n",
            "SETUP": "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\nSession: 1\r\n",
            "PLAY": "Session: 1\r\n",
        }.get(method, "")
        sdp = ""
        if method == "DESCRIBE":
            sdp = "v=0\r\ns=door\r\nt=0 0\r\nm=video 0 RTP/AVP 33\r\na=control:0\r\n"
            said = f"Content-Type: application/sdp\r\nContent-Length: {len(sdp)}\r\n"
        number = next(line for line in asked if line.lower().startswith("cseq"))
        connection.sendall(f"RTSP/1.0 200 OK\r\n{number}\r\n{said}\r\n{sdp}".encode())
        return method


def _head(asked: Iterator[bytes]) -> Iterator[bytes]:
    for line in asked:
        if not line.strip():
            return
        yield line.strip()
