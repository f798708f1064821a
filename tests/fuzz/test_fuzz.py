"""Five seconds of hostile bytes for each target, and proof that a fault would be seen."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import pytest

from tests.conftest import ROOT
from tests.fuzz import __main__ as command
from tests.fuzz.engine import fuzz
from tests.fuzz.targets import TARGETS
from tests.fuzz.watch import Finding


@pytest.mark.parametrize("name", command.NAMES)
def test_hostile_bytes_neither_break_nor_delay_nor_swell(name: str) -> None:
    words = [sys.executable, "-m", "tests.fuzz", name, "--seconds", "5", "--plain"]
    done = subprocess.run(words, cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    inputs = int(done.stdout.splitlines()[1].split()[1])
    assert inputs > 300


def test_the_command_knows_every_target() -> None:
    assert set(command.NAMES) == set(TARGETS)


@pytest.mark.parametrize("name", ["codec", "fold", "site", "ticket", "queue", "alerts"])
def test_the_first_inputs_are_taken_as_true(name: str) -> None:
    """Else only the refusals would be fed."""
    target = TARGETS[name]
    reached = set()

    def trace(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            reached.add(frame.f_code.co_name)

    one = target.begin()
    sys.setprofile(trace)
    try:
        for seed in target.seeds:
            one(seed)
    finally:
        sys.setprofile(None)
    wanted = {
        "codec": {"encode_observation", "encode"},
        "fold": {"apply", "results_of"},
        "site": {"sensors_of", "outputs"},
        "ticket": {"_at", "_number"},
        "queue": {"at", "crossing", "embedded", "_number"},
        "alerts": {"_texts", "_is_inside", "_text", "_entry", "_held"},
    }
    assert wanted[name] <= reached


def crash(data: bytes) -> None:
    if b"\xff" in data:
        raise KeyError(data)


def dawdle(data: bytes) -> None:
    if b"\xff" in data:
        until = time.process_time() + 1.1
        while time.process_time() < until:
            pass


kept: list[bytes] = []


def hoard(data: bytes) -> None:
    kept.append(bytes(2000) + data)


@pytest.mark.parametrize(
    ("one", "said"),
    [(crash, "KeyError"), (dawdle, "want an answer in"), (hoard, "MiB of growth")],
)
def test_a_fault_is_found(one: Callable[[bytes], None], said: str) -> None:
    try:
        with pytest.raises(Finding, match=said):
            fuzz(one, [b"seed", b"another"], [b"\xff"], 100, 4, seed=1)
    finally:
        kept.clear()


def test_what_is_found_is_told_and_ends_in_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho 'Finding: here' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(broken))
    monkeypatch.setattr(sys, "argv", ["fuzz", "codec", "--seconds", "1"])
    monkeypatch.setattr("os.nice", lambda _: 0)
    assert command.main() == 1
    said = capsys.readouterr().out
    assert "codec: exit code 1" in said
    assert "Finding: here" in said
