import asyncio
import csv
import itertools
import logging
import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from broker.clock import Clock, starting_at
from edge import cards
from edge.capture import File
from edge.opencv import cv2
from edge.sensors import Output, Sensor, sensors_of
from models.contract.observations import Crossing, People, Reading
from models.errors import BadSite, SensorFailed
from models.site import Device, Site, parse
from tests.conftest import ROOT

ONE_BY_ONE = "data/vision/clips/intel_one-by-one-person-detection.mp4"
FPS, FRAMES = 10.0, 30
FIRST, STEP = 40, 6  # brightness


@pytest.fixture(scope="module")
def site() -> Site:
    return parse((ROOT / "ansible/sites/example.toml").read_text(encoding="utf-8"))


def camera(site: Site, **settings: object) -> Sensor:
    device = Device(id=site.devices[0].id, sensors=({"kind": "camera", **settings},))
    return sensors_of(site, device)[0]


class Recorder:
    """The agent's side of a sensor: keeps what it says until there is enough."""

    def __init__(self, enough: int) -> None:
        self.clock: Clock = starting_at(datetime(2026, 11, 24, tzinfo=UTC), 1e5)
        self.folder = Path("/nowhere")
        self.said: list[tuple[str, Reading]] = []
        self.basis = ""
        self.full = asyncio.Event()
        self._enough = enough

    async def emit(self, name: str, reading: Reading, at: datetime | None = None) -> None:
        assert at is None
        if len(self.said) < self._enough:
            self.said.append((name, reading))
        if len(self.said) == self._enough:
            self.full.set()

    def refuse(self, why: str) -> None:
        raise AssertionError(why)

    async def describe(self, basis: str) -> None:
        self.basis = basis


async def recorded(sensor: Sensor, enough: int) -> Recorder:
    port = Recorder(enough)
    running = asyncio.create_task(sensor.run(port))
    full = asyncio.create_task(port.full.wait())
    await asyncio.wait({running, full}, return_when=asyncio.FIRST_COMPLETED)
    for task in (running, full):
        task.cancel()
    if running.done():
        running.result()
    await asyncio.gather(running, full, return_exceptions=True)
    return port


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty frames of ten a second, each brighter than the one before: a floor of tiles."""
    path = tmp_path_factory.mktemp("clip") / "grey.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), FPS, (160, 120))
    for i in range(FRAMES):
        writer.write(tiled(FIRST + STEP * i))
    writer.release()
    return path


def tiled(level: int) -> npt.NDArray[np.uint8]:
    """Light and dark tiles, so bright on the average."""
    rows, columns = np.indices((120, 160)) // 20
    grey = level + np.where((rows + columns) % 2, 20, -20)
    return np.repeat(grey[..., None].astype(np.uint8), 3, axis=2)


def number(frame: npt.NDArray[np.uint8]) -> int:
    """Which frame of the clip this is, by its brightness."""
    return round((float(frame.mean()) - FIRST) / STEP)


@pytest.mark.parametrize(
    ("every_s", "frames"),
    [
        (1.0, [0, 10, 20, 0, 10, 20, 0]),
        (0.04, [0, 1, 2, 3]),
        (0.7, [0, 7, 14, 21, 28, 0, 7]),
        (10.0, [0, 0, 0]),
    ],
    ids=["each second", "faster than the file", "not a divisor", "longer than the file"],
)
def test_a_file_gives_the_same_frames_in_each_run(
    clip: Path, every_s: float, frames: list[int]
) -> None:
    source = File(str(clip), every_s)
    shots = [source.read(lambda: False) for _ in frames]
    assert [shot.number for shot in shots] == frames
    assert [number(shot.frame) for shot in shots] == frames
    assert all(a.at_s < b.at_s for a, b in itertools.pairwise(shots))


async def test_a_clip_is_played_again_at_its_end(
    site: Site, clip: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="machiai.camera")
    sensor = camera(site, source=str(clip), every_s=1.0, zones=[{"zone": "lobby"}])
    port = await recorded(sensor, 5)
    assert port.said == [("lobby", People(count=0))] * 5
    assert port.basis.startswith("camera ")
    told = [record.getMessage() for record in caplog.records][:4]
    assert told == [f"frame {i}: lobby 0 people" for i in (0, 10, 20, 0)]


async def test_people_of_the_real_clip_are_counted_exactly(site: Site, shared: Path) -> None:
    truth = shared / "data/vision/truth/onebyone_counts.csv"
    with truth.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert [int(row["frame"]) for row in rows] == list(range(0, 1400, 50))
    sensor = camera(site, source=str(shared / ONE_BY_ONE), every_s=5.0, zones=[{"zone": "lobby"}])
    port = await recorded(sensor, len(rows))
    assert port.basis == "camera yolox-nano"
    assert port.said == [("lobby", People(count=int(row["people_visible"]))) for row in rows]


async def test_six_who_leave_are_six_crossings(
    site: Site, shared: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="machiai.camera")
    truth = (shared / "data/vision/truth/onebyone_line_x560.csv").read_text(encoding="utf-8")
    frames = [int(line.split(",")[0]) for line in truth.splitlines() if line[0].isdecimal()]
    x, every_s = 560 / 768, 0.2
    sensor = camera(
        site, source=str(shared / ONE_BY_ONE), every_s=every_s, zones=[{"zone": "lobby"}],
        lines=[{"line": "entrance", "from": [x, 0.0], "to": [x, 1.0]}],
    )  # fmt: skip
    port = await recorded(sensor, 697 + len(frames))
    assert [r for name, r in port.said if name == "entrance"] == [Crossing(direction="out")] * 6
    told = [re.match(r"frame (\d+): .*entrance out", r.getMessage()) for r in caplog.records]
    crossed = [int(found[1]) for found in told if found][: len(frames)]
    late = [at - frame for at, frame in zip(crossed, frames, strict=True)]
    assert all(-2 <= frames_late <= 20 for frames_late in late), late


async def test_without_weights_a_lot_is_not_said_to_be_empty(
    site: Site, clip: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(cards, "folders", lambda: iter([tmp_path]))
    lot = {"lot": "front", "rows": [{"from": [0, 0.5], "to": [1, 0.5], "depth": 0.2, "slots": 4}]}
    both = camera(site, source=str(clip), zones=[{"zone": "lobby"}], lots=[lot])
    assert both.outputs() == [Output("people", "lobby"), Output("cars", "front")]
    port = await recorded(both, 3)
    assert port.said == [("lobby", People(count=0))] * 3
    assert port.basis == "camera hog (no weights found), sees no cars"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "want zones, lines or lots to look at - at `$.devices[0].sensors[0]`"),
        (
            {"zones": [{"zone": "cellar"}]},
            "want one of `zones`, got 'cellar' - at `$.devices[0].sensors[0].zones[0].zone`",
        ),
        (
            {"zones": [{"zone": "lobby"}, {"zone": "lobby"}]},
            "want each zone once, got 'lobby' again - at `$.devices[0].sensors[0].zones[1].zone`",
        ),
        (
            {"zones": [{"zone": "lobby", "polygon": [[0, 0], [1, 1]]}]},
            "Expected `array` of length >= 3 - at `$.devices[0].sensors[0].zones[0].polygon`",
        ),
        (
            {"zones": [{"zone": "lobby", "anchor": "head"}]},
            "Invalid enum value 'head' - at `$.devices[0].sensors[0].zones[0].anchor`",
        ),
        (
            {"lines": [{"line": "entrance", "from": [0.5, 0.5], "to": [0.5, 0.5]}]},
            "want another end than the start - at `$.devices[0].sensors[0].lines[0].to`",
        ),
        (
            {"lots": [{"lot": "front"}]},
            "want slots or rows - at `$.devices[0].sensors[0].lots[0]`",
        ),
        (
            {"model": "yolo-9000", "zones": [{"zone": "lobby"}]},
            (
                f"want one of {', '.join(cards.names())}, got 'yolo-9000'"
                " - at `$.devices[0].sensors[0].model`"
            ),
        ),
        (
            {"zones": [{"zone": "lobby"}], "resolution": 4},
            "Object contains unknown field `resolution` - at `$.devices[0].sensors[0]`",
        ),
    ],
)
def test_settings_that_cannot_be_are_refused_with_their_path(
    site: Site, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(BadSite) as caught:
        camera(site, source="/dev/video0", **settings)
    assert str(caught.value) == message


def test_the_cameras_of_the_example_office_can_be_made(site: Site) -> None:
    made = {d.id: sensors_of(site, d) for d in site.devices if d.id.startswith("cam-")}
    said = {device: list(sensors[0].outputs()) for device, sensors in made.items()}
    assert said == {
        "cam-lobby": [Output("people", "lobby")],
        "cam-door": [Output("crossing", "entrance")],
        "cam-lot": [Output("cars", "front")],
    }


@pytest.mark.parametrize(
    ("source", "got"),
    [
        ("/dev/video97", "want a camera at /dev/video97, got nothing - at `$.source`"),
        ("97", "want a camera at /dev/video97, got nothing - at `$.source`"),
        ("nowhere.mp4", "want a camera at nowhere.mp4, got nothing - at `$.source`"),
        ("/dev/null", "want a camera at /dev/null, got nothing that opens - at `$.source`"),
        (
            "rtsp://me:secret@127.0.0.1:9/door",
            "want a camera at rtsp://127.0.0.1:9/door, got nothing that opens - at `$.source`",
        ),
    ],
)
async def test_a_camera_that_is_not_there_fails_in_one_line(
    site: Site, source: str, got: str, capfd: pytest.CaptureFixture[str]
) -> None:
    sensor = camera(site, source=source, zones=[{"zone": "lobby"}])
    with pytest.raises(SensorFailed) as caught:
        await recorded(sensor, 1)
    assert str(caught.value) == got
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("keep", [0, 5000], ids=["empty", "noise"])
async def test_a_file_that_is_no_video_fails_in_one_line(
    site: Site, tmp_path: Path, keep: int, capfd: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(os.urandom(keep))
    sensor = camera(site, source=str(broken), zones=[{"zone": "lobby"}])
    with pytest.raises(SensorFailed, match=r"^want .* - at `\$\.source`$"):
        await recorded(sensor, 1)
    assert capfd.readouterr() == ("", "")


def test_a_site_is_checked_without_opencv_or_numpy() -> None:
    code = """
import sys
from pathlib import Path
from edge.sensors import sensors_of
from models.site import parse
site = parse(Path("ansible/sites/example.toml").read_text())
assert sum(len(sensors_of(site, d)) for d in site.devices if d.id.startswith("cam-")) == 3
print(*{"cv2", "onnxruntime", "numpy"} & set(sys.modules))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == ""


LOOK = """
import asyncio, sys
from datetime import UTC, datetime
sys.path.insert(0, sys.argv[1])
from broker.clock import starting_at
from edge.sensors import sensors_of
from models.site import Device, parse

class Port:
    clock = starting_at(datetime(2026, 11, 24, tzinfo=UTC), 1e5)
    left = 20
    async def emit(self, name, reading, at=None):
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt
    async def describe(self, basis):
        print(basis)

site = parse(open(sys.argv[1] + "/ansible/sites/example.toml").read())
device = Device(id="gates", sensors=({
    "kind": "camera", "source": sys.argv[2], "zones": [{"zone": "lobby"}],
},))
try:
    asyncio.run(sensors_of(site, device)[0].run(Port()))
except KeyboardInterrupt:
    print("done")
"""


def test_a_camera_writes_nothing(clip: Path, tmp_path: Path) -> None:
    homes = {name: str(tmp_path / name) for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME", "cwd")}
    for folder in homes.values():
        Path(folder).mkdir()
    done = subprocess.run(
        [sys.executable, "-c", LOOK, str(ROOT), str(clip)],
        cwd=homes.pop("cwd"),
        env={**os.environ, **homes, "PYTHONDONTWRITEBYTECODE": "1"},
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.endswith("done\n")
    assert done.stderr == ""
    assert [path for path in tmp_path.rglob("*") if not path.is_dir()] == []
