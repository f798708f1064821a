import os
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest

from edge import cards
from edge.bench import bench, truths
from edge.capture import File
from edge.detector import Detector
from edge.sensors.camera import CameraSettings
from models.errors import Missing
from models.sensing.boxes import PERSON, only
from models.sensing.plan import LotView, ZoneView
from tests.conftest import ROOT


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine without weights."""
    monkeypatch.setattr(cards, "folders", lambda: iter([tmp_path]))
    return tmp_path


@pytest.mark.parametrize(
    "asked",
    [[], ["yolox-nano"], ["picodet-s", "yolox-nano"]],
    ids=["the default", "by name", "for cars"],
)
def test_without_weights_hog_counts_and_says_so(bare: Path, asked: list[str]) -> None:
    detector = Detector.best(*asked)
    assert detector.basis == "camera hog (no weights found)"
    assert detector.sees == {PERSON}
    boxes = detector.detect(np.full((240, 320, 3), 90, np.uint8))
    assert boxes.shape == (0, 6)
    assert boxes.dtype == np.float32
    assert not list(bare.iterdir())


def test_weights_of_another_checksum_are_not_run(bare: Path) -> None:
    (bare / "yolox_nano.onnx").write_bytes(b"not a network")
    assert Detector.best().basis == "camera hog (no weights found)"


def test_the_first_card_whose_weights_are_there_is_taken(shared: Path, bare: Path) -> None:
    file = "yolox_nano.onnx"
    shutil.copy(shared / "data/vision/weights" / file, bare / file)
    assert Detector.best("picodet-s", "yolox-nano").basis == "camera yolox-nano"


def test_a_camera_of_cars_alone_wants_what_counts_them_best() -> None:
    cars = CameraSettings(kind="camera", source="0", lots=(LotView(lot="front"),))
    both = msgspec.structs.replace(cars, zones=(ZoneView(zone="lobby"),))
    named = msgspec.structs.replace(cars, model="fastestdet")
    assert cars.models == ("picodet-s", "yolox-nano")
    assert both.models == ("yolox-nano",)
    assert named.models == ("fastestdet",)


def test_a_card_that_nobody_wrote_is_missing() -> None:
    with pytest.raises(Missing, match=r"want a card of .*yolox-nano.*, got 'yolo-9000'"):
        Detector.best("yolo-9000")


def test_hog_finds_a_person_who_stands(shared: Path, bare: Path) -> None:
    _ = bare
    clip = shared / "data/vision/clips/intel_preview_worker-zone-detection.gif"
    detector = Detector.best()
    source = File(str(clip), every_s=1.38)
    shots = [source.read(lambda: True) for _ in range(2)]
    assert shots[1].number == 23
    boxes = detector.detect(shots[1].frame)
    assert boxes[:, 5].tolist() == [PERSON]
    assert (boxes[:, :4] >= 0).all()
    assert (boxes[:, [2, 3]] <= [480, 270]).all()


@pytest.mark.parametrize("threshold", [0.25, 0.3, 0.45, 0.6])
def test_the_threshold_hardly_matters_in_the_flat_range(shared: Path, threshold: float) -> None:
    data = shared / "data/vision"
    detector = Detector.best("yolox-nano")
    assert detector.basis == "camera yolox-nano"
    worst = {"classroom": 0.0, "worker-zone": 0.0, "store-aisle": 0.5}
    for clip, mean in worst.items():
        name, people = next((n, p) for n, p in truths(data).items() if clip in n)
        source = File(str(data / "clips" / name), every_s=0)
        errors = []
        for _ in range(max(people) + 1):
            shot = source.read(lambda: True)
            if shot.number in people:
                seen = only(detector.detect(shot.frame, threshold), PERSON, threshold)
                errors.append(abs(len(seen) - people[shot.number]))
        assert sum(errors) / len(people) <= mean, clip


def test_the_bench_says_how_wrong_the_default_is(shared: Path) -> None:
    said = list(bench(["yolox-nano"], shared / "data/vision"))
    assert "ms CPU a frame of 480x360 on one thread" in said[0]
    assert "one-by-one-person-detection.mp4: 28 of 28 frames exact" in said[1]


def test_the_bench_tells_the_speed_where_no_clip_is(bare: Path) -> None:
    said = list(bench(["hog", "yolox-nano"], bare))
    assert len(said) == 2
    assert "hog: " in said[0]
    assert "machiai models pull yolox-nano" in said[1]


def test_onnxruntime_is_told_before_its_import_not_to_phone_home() -> None:
    code = """
import os, sys
class Watch:
    def find_spec(self, name, path=None, target=None):
        if name in ("onnxruntime", "cv2"):
            print(name, os.environ.get("ORT_DISABLE_TELEMETRY"), os.environ.get("OPENCV_LOG_LEVEL"))
sys.meta_path.insert(0, Watch())
import edge.detector
"""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("ORT_", "OPENCV_"))}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, check=True,
        capture_output=True, text=True,
    )  # fmt: skip
    said = dict(line.split(" ", 1) for line in done.stdout.splitlines())
    assert said["onnxruntime"].startswith("1 ")
    assert said["cv2"].endswith(" OFF")


def test_the_agent_of_a_button_pi_loads_nothing_of_the_eyes() -> None:
    code = """
import sys
from pathlib import Path
import machiai, edge.agent
from edge.sensors import sensors_of
from models.site import parse
site = parse(Path("ansible/sites/example.toml").read_text())
print(sum(len(sensors_of(site, device)) for device in site.devices))
print(*{"cv2", "onnxruntime", "numpy", "edge.opencv"} & set(sys.modules))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True
    )
    made, loaded = done.stdout.split("\n")[:2]
    assert int(made) > 5
    assert loaded == ""


def test_a_process_that_can_hold_frames_cannot_be_dumped() -> None:
    code = """
import ctypes, resource
resource.setrlimit(resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2)
import edge.opencv
print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), resource.getrlimit(resource.RLIMIT_CORE)[0])
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert done.stdout == "0 0\n"  # PR_GET_DUMPABLE, and the limit
