"""Nothing that a camera loads calls out, or keeps an id of the machine."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

DETECT = """
import numpy as np
from edge.detector import Detector
detector = Detector.best()
detector.detect(np.full((480, 640, 3), 90, np.uint8))
print(detector.basis)
"""
ALONE = "import onnxruntime"
VARIABLE = "ORT_DISABLE_TELEMETRY"
OUTWARD = re.compile(r"\b(connect|sendto|sendmsg)\(.*sa_family=AF_INET6?\b(?!.*127\.0\.0\.1|.*::1)")
MADE = re.compile(r'openat\(.*"([^"]+)", [^)]*O_CREAT')


def traced(code: str, folder: Path) -> str:
    """The network calls and the opened files of a Python program, in a home of its own."""
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed: apt-get install strace")
    home = folder / "home"
    home.mkdir()
    calls = folder / "calls"
    places = {name: str(home) for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME")}
    bare = {name: value for name, value in os.environ.items() if name != VARIABLE}
    done = subprocess.run(
        [
            "strace",
            "-f",
            "-o",
            str(calls),
            "-e",
            "trace=network,openat",
            sys.executable,
            "-c",
            code,
        ],
        cwd=ROOT,
        env={**bare, **places, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    if "Operation not permitted" in done.stderr:
        pytest.skip("strace may not trace here (no right to ptrace)")
    assert done.returncode == 0, done.stderr
    return calls.read_text(encoding="utf-8", errors="replace")


def test_a_detector_calls_nobody_and_leaves_no_file(tmp_path: Path) -> None:
    calls = traced(DETECT, tmp_path)
    assert "onnxruntime" in calls, "it was loaded under the eyes of strace"
    assert OUTWARD.findall(calls) == []
    assert MADE.findall(calls) == []
    assert "/etc/resolv.conf" not in calls, "no name is looked up"
    assert list((tmp_path / "home").iterdir()) == []


def test_without_the_variable_onnxruntime_keeps_an_id_of_the_machine(tmp_path: Path) -> None:
    """The control: what the test above must not find is really there to be found."""
    made = " ".join(MADE.findall(traced(ALONE, tmp_path)))
    if not made and not list((tmp_path / "home").iterdir()):
        pytest.skip("this onnxruntime (not 1.31 on Linux) phones nobody at its import")
    assert "onnxruntime" in made
    assert [path for path in (tmp_path / "home").rglob("deviceid*") if path.is_file()]
