"""What a worn camera must not say, and what the motion gate must not change."""

import asyncio
import itertools
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
import pytest

import models.sensing.motion
from broker.clock import Clock, starting_at
from edge.capture import File, Live
from edge.eyes import Eyes
from edge.opencv import cv2
from edge.sensors.camera import Blind, Camera, CameraSettings
from models.contract.observations import Crossing, People, Reading
from models.errors import SensorFailed
from models.sensing.plan import LineView, ZoneView
from models.sensing.sight import PATIENCE_S
from tests.edge.recording import HandClock, Recording, example, running

Frame = npt.NDArray[np.uint8]

LOBBY = (ZoneView(zone="lobby"),)
RNG = np.random.default_rng(5)


def furnished(seed: int) -> Frame:
    """A room of boxes."""
    rng = np.random.default_rng(seed)
    frame = np.full((240, 320, 3), 120, np.uint8)
    for _ in range(60):
        x, y, w, h = rng.integers([0, 0, 8, 8], [300, 220, 90, 70])
        frame[y : y + h, x : x + w] = rng.integers(50, 230, 3)
    return frame


ROOM = furnished(1)


def noisy(frame: Frame, sd: float = 3.0) -> Frame:
    return np.clip(frame + RNG.normal(0, sd, frame.shape), 0, 255).astype(np.uint8)


def hand() -> Frame:
    """Skin before the lens: a smooth red that is darker to the sides."""
    x = np.linspace(-1, 1, 320)
    glow = (150 - 60 * x**2)[None, :, None] * np.array([0.4, 0.5, 1.0])
    return noisy(np.repeat(glow, 240, axis=0).astype(np.uint8))


def steam() -> Frame:
    return noisy(np.asarray(cv2.GaussianBlur(ROOM, (0, 0), 30), np.uint8))


FROZEN = noisy(ROOM)

WORN: dict[str, tuple[str, Callable[[], Frame]]] = {
    "night": ("darkness", lambda: noisy(ROOM // 10)),
    "black": ("darkness", lambda: np.zeros_like(ROOM)),
    "hand": ("a covered lens", hand),
    "white": ("a covered lens", lambda: np.full_like(ROOM, 255)),
    "steam": (
        "a covered lens",
        lambda: noisy(np.asarray(cv2.GaussianBlur(ROOM, (0, 0), 30), np.uint8)),
    ),
    "noise": ("noise", lambda: noisy(ROOM, 40.0)),
    "static": ("noise", lambda: RNG.integers(0, 256, ROOM.shape, np.uint8)),
    "frozen": ("a picture that stands still", lambda: FROZEN),
    "turned": ("another view than before", lambda: noisy(np.roll(ROOM, 24, axis=1))),
    "taken away": ("another view than before", lambda: noisy(furnished(2))),
}


class Feed:
    """A camera that shows what it is told to, a frame a millisecond."""

    def __init__(self) -> None:
        self.show: Callable[[], Frame] = lambda: noisy(ROOM)
        self._never = threading.Event()

    def grab(self) -> bool:
        self._never.wait(0.001)
        return True

    def retrieve(self) -> tuple[bool, Frame]:
        return True, self.show()

    def release(self) -> None:
        pass


class Watch:
    """Eyes on such a camera, looking once a second of a clock that is moved by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.feed, self.clock = Feed(), HandClock()
        monkeypatch.setattr(
            "edge.eyes.opened", lambda _source, _every_s, now_s: Live(self.feed, "feed", now_s)
        )
        self.settings = CameraSettings(kind="camera", source="0", model="rendered", zones=LOBBY)

    def eyes(self) -> Eyes:
        return Eyes(self.settings, self.clock)

    def look(self, eyes: Eyes) -> list[tuple[str, Reading]]:
        self.clock.move(self.clock.speed)
        return eyes.look(self.clock.monotonic())


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    return Watch(monkeypatch)


@pytest.mark.parametrize("wear", WORN)
def test_a_worn_camera_says_nothing_from_the_first_frame_then_why_and_recovers(
    watch: Watch, wear: str
) -> None:
    eyes = watch.eyes()
    assert all(watch.look(eyes) for _ in range(15))
    why, show = WORN[wear]
    if wear == "frozen":
        watch.feed.show = show
        watch.look(eyes)  # the last picture that was new
    watch.feed.show = show
    for _ in range(int(PATIENCE_S)):
        assert watch.look(eyes) == []
        assert not eyes.sees
    for _ in range(900):
        with pytest.raises(Blind) as told:
            watch.look(eyes)
        assert str(told.value) == f"want a picture to count in, got {why} - at `$.source`"
    watch.feed.show = lambda: noisy(ROOM)
    assert watch.look(eyes)
    assert eyes.sees


def test_one_frozen_frame_is_no_news_and_no_alert(watch: Watch) -> None:
    eyes = watch.eyes()
    shows = itertools.cycle([noisy(ROOM), FROZEN, FROZEN])
    watch.feed.show = lambda: next(shows)
    said = [bool(watch.look(eyes)) for _ in range(30)]
    assert said == [True, True, False] * 10


def test_evening_and_a_crowd_are_no_fault(watch: Watch) -> None:
    eyes = watch.eyes()
    for i in range(120):
        dusk = (ROOM * (1 - i / 200)).astype(np.uint8)
        dusk[120:, : i * 2] = dusk[120:, : i * 2] // 2  # they come nearer
        watch.feed.show = partial(noisy, dusk)
        assert watch.look(eyes)


def test_the_sensor_fails_and_goes_on_with_the_same_eyes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = starting_at(datetime(2026, 11, 24, tzinfo=UTC), 1.0)
    watch = Watch(monkeypatch)
    watch.feed.show = WORN["night"][1]
    monkeypatch.setattr("edge.eyes.PATIENCE_S", 0.05)
    camera = Camera(msgspec.structs.replace(watch.settings, every_s=0.02), example())
    port = Recording(clock)
    for _ in range(2):
        with pytest.raises(SensorFailed, match="got darkness"):
            asyncio.run(camera.run(port))
    assert port.emitted.empty()
    assert port.described.empty(), "that would end the alert"
    watch.feed.show = lambda: noisy(ROOM)

    async def goes_on() -> None:
        async with running(camera, port) as basis:
            assert basis.startswith("camera rendered")
            assert await port.take(1)

    asyncio.run(goes_on())


def film(path: Path, frames: list[Frame]) -> str:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 1.0, (320, 240))
    for frame in frames:
        writer.write(frame)
    writer.release()
    return str(path)


def looks(source: str, count: int) -> list[bool]:
    settings = CameraSettings(kind="camera", source=source, model="rendered", zones=LOBBY)
    eyes, said = Eyes(settings, Clock()), []
    for _ in range(count):
        try:
            said.append(bool(eyes.look(0)))
        except Blind:
            said.append(False)
    return said


def test_a_drawn_film_may_stand_still_but_a_recording_may_not(tmp_path: Path) -> None:
    drawn = film(tmp_path / "drawn.avi", [ROOM] * 60)
    assert looks(drawn, 60) == [True] * 60
    recorded = film(tmp_path / "real.avi", [*(noisy(ROOM) for _ in range(20)), *[FROZEN] * 40])
    assert looks(recorded, 60) == [True] * 21 + [False] * 39


def readings(source: Path, every_s: float) -> Iterator[list[tuple[str, Reading]]]:
    """All looks of one run through a clip, counted in its left part and over a line."""
    left = ZoneView(zone="left", anchor="centre", polygon=((0, 0), (0.6, 0), (0.6, 1), (0, 1)))
    line = LineView(line="door", start=(560 / 768, 0), end=(560 / 768, 1))
    settings = CameraSettings(
        kind="camera", source=str(source), every_s=every_s, zones=(*LOBBY, left), lines=(line,)
    )
    eyes, clip = Eyes(settings, Clock()), File(str(source), every_s)
    numbers = itertools.pairwise(clip.read(lambda: True).number for _ in itertools.count())
    for _ in itertools.takewhile(lambda pair: pair[0] < pair[1], numbers):
        yield eyes.look(0)


@pytest.mark.parametrize(
    "clip",
    [
        "one-by-one-person-detection.mp4",
        "car-detection.mp4",
        "preview_classroom.gif",
        "preview_store-aisle-detection.gif",
        "preview_worker-zone-detection.gif",
    ],
)
def test_the_motion_gate_changes_no_count_of_a_real_clip(
    shared: Path, clip: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = shared / "data/vision/clips" / f"intel_{clip}"
    gated = list(readings(source, 0.5))
    monkeypatch.setattr(models.sensing.motion, "ANYWAY_S", 0.0)
    assert gated == list(readings(source, 0.5))
    assert all(gated), "no frame of it is taken for blinded"
    if "one-by-one" in clip:
        assert [r for said in gated for _, r in said if isinstance(r, Crossing)] == [
            Crossing(direction="out")
        ] * 6
    assert any(r.count for said in gated for _, r in said if isinstance(r, People)) != (
        "car" in clip
    )
