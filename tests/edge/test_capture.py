"""Cameras that stall, end, come back, and never show an old frame. See `cameras.py` for them."""

import itertools
import os
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest

from edge.capture import Live, opened
from models.errors import SensorFailed
from tests.edge.cameras import (
    HttpServer,
    Program,
    RtspServer,
    Server,
    SilentServer,
    level_of_yuv,
)

NOTICED_S = (4.5, 7.0)
DECODERS_DELAY = 4  # frames of MPEG-2, whose grey is also not quite what it was
GONE = r"^want a frame of .*, got none - at `\$\.source`$"


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    return Program(folder)


def camera(source: str) -> Live:
    made = opened(source, 1.0, itertools.count().__next__)
    assert isinstance(made, Live)
    return made


def shows(kind: str, frames: int, folder: Path) -> AbstractContextManager[Server | None]:
    """The server of a network camera, or none."""
    if kind == "http":
        return HttpServer(frames)
    return RtspServer(frames, folder) if kind == "rtsp" else nullcontext()


def at_once() -> bool:
    return True


def until(true: Callable[[], bool]) -> None:
    for _ in range(1000):
        if true():
            return
        time.sleep(0.01)
    raise AssertionError("want it within 10 s, got nothing")


def test_a_raspberry_pis_camera_is_read_through_a_pipe(program: Program) -> None:
    program.film(100, "stall")
    source = camera("rpicam:0")
    patience = itertools.count()
    shots = [source.read(lambda: next(patience) % 10 == 9) for _ in range(3)]
    source.close()
    assert [shot.frame.shape for shot in shots] == [(480, 640, 3)] * 3
    assert [level_of_yuv(shot.frame) for shot in shots] == [shot.number for shot in shots]
    assert [shot.at_s for shot in shots] == [0, 1, 2]
    assert shots[0].number == 9
    assert "--camera 0 --width 640 --height 480 --framerate 10" in program.asked()


def test_a_sensors_mode_decides_the_shape_of_the_picture(program: Program) -> None:
    program.film(1, "stall", camera=1)
    source = camera("rpicam:1:2304:1296")
    assert source.read(at_once).frame.shape == (360, 640, 3)
    source.close()
    assert program.asked(1).endswith("--mode 2304:1296")


@pytest.mark.parametrize("kind", ["rpicam", "http", "rtsp"])
def test_a_slow_consumer_gets_the_newest_frame(program: Program, tmp_path: Path, kind: str) -> None:
    """Were frames queued it would get the second, or a camera would wait for it."""
    program.film(100, "stall")
    with shows(kind, 100, tmp_path) as server:
        source = camera(server.source if server else "rpicam:0")
        assert source.read(at_once).number < 40
        until(lambda: (server.shown if server else program.shown()) >= 60)
        late = source.read(at_once)
        source.close()
    assert late.number >= 60 - DECODERS_DELAY
    level = late.frame.mean() if server else level_of_yuv(late.frame)
    assert level == pytest.approx(late.number, abs=DECODERS_DELAY)


@pytest.mark.parametrize("kind", ["rpicam", "http", "rtsp"])
def test_a_stream_that_stays_and_says_nothing_is_noticed_in_5_s(
    program: Program, tmp_path: Path, kind: str
) -> None:
    program.film(20, "stall")
    with shows(kind, 50, tmp_path) as server:
        source = camera(server.source if server else "rpicam:0")
        last_s = time.perf_counter()
        with pytest.raises(SensorFailed, match=GONE):  # noqa: PT012  each frame is later
            while True:
                source.read(at_once)
                last_s = time.perf_counter()
        assert NOTICED_S[0] < time.perf_counter() - last_s < NOTICED_S[1]
        source._taker.join(1)
        assert not source._taker.is_alive(), "the camera is let go"


def test_a_server_that_never_answers_does_not_hold_the_agent() -> None:
    with SilentServer(0) as server:
        began_s = time.perf_counter()
        with pytest.raises(SensorFailed, match=r"got nothing that opens - at `\$\.source`$"):
            camera(server.source)
        assert time.perf_counter() - began_s < NOTICED_S[1]


def test_a_camera_that_ends_can_be_opened_again_at_once(program: Program) -> None:
    """The program locks its camera as libcamera does: a second one beside it would not get it."""
    program.film(5, "exit")
    for _ in range(3):
        source = camera("rpicam:0")
        with pytest.raises(SensorFailed, match=GONE):  # noqa: PT012  it fails at its end
            for _ in range(6):
                source.read(at_once)


def test_a_camera_is_let_go_when_it_is_closed_or_forgotten(program: Program) -> None:
    program.film(200, "stall")
    source = camera("rpicam:0")
    source.read(at_once)
    source.close()
    source._taker.join(1)
    source = camera("rpicam:0")
    source.read(at_once)
    taker = source._taker
    del source
    taker.join(1)
    assert not taker.is_alive()
    camera("rpicam:0").read(at_once)


def test_a_second_hand_on_one_camera_is_told_at_once(program: Program) -> None:
    program.film(200, "stall")
    source = camera("rpicam:0")
    source.read(at_once)
    with pytest.raises(SensorFailed, match=GONE):
        camera("rpicam:0").read(at_once)
    source.close()


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("rpicam:0", "want rpicam-vid for rpicam:0, got none - at `$.source`"),
        ("rpicam:left", "want rpicam:NUMBER or rpicam:NUMBER:WIDTH:HEIGHT, got rpicam:left"),
        ("rpicam:0 -o x", "want rpicam:NUMBER or rpicam:NUMBER:WIDTH:HEIGHT, got rpicam:0 -o x"),
    ],
)
def test_what_rpicam_lacks_is_said_in_one_line(
    source: str, message: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SensorFailed) as caught:
        camera(source)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)
