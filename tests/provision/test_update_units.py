"""machiai-update beside a real systemd: what is not well goes; kills, power cuts, full disks."""

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.provision.manager import Manager
from tests.provision.toys import Machine, Maker

KILLS = int(os.environ.get("MACHIAI_KILLS", "10"))
UNIT = "machiai-edge.service"


@pytest.fixture(scope="module")
def manager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Manager]:
    made = Manager(tmp_path_factory.mktemp("manager"))
    try:
        made.start()
        yield made
    finally:
        made.stop()


@pytest.fixture
def machine(tmp_path: Path, manager: Manager) -> Iterator[Machine]:
    """A machine on which 1.0 runs."""
    made = Machine(tmp_path / "root", Maker(tmp_path / "made"))
    manager.give_to(made.root)
    assert made.install(made.maker.make("1.0")).returncode == 0, "nothing is to be started yet"
    program = made.home / "current/venv/bin/machiai"
    manager.enable(
        UNIT,
        "[Unit]\nStartLimitIntervalSec=0\n"
        f"[Service]\nType=notify\nExecStart={program} edge\nRestart=always\nRestartSec=1\n"
        "TimeoutStopSec=1\n[Install]\nWantedBy=basic.target\n",
    )
    manager.systemctl("start", UNIT)
    yield made
    manager.systemctl("stop", UNIT)
    manager.systemctl("disable", UNIT)


def started(manager: Manager) -> str:
    """Of which release the process is that runs now."""
    pid = manager.systemctl("show", "--property=MainPID", "--value", UNIT)
    words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    venv = Path(os.fsdecode(words[0])).parents[1]
    return venv.parent.name


def test_a_release_that_is_heard_stays(machine: Machine, manager: Manager) -> None:
    done = machine.install(machine.maker.make("1.1"))
    assert (done.returncode, machine.runs, started(manager)) == (0, "1.1", "1.1"), done.stderr
    assert machine.update("back").returncode == 0
    assert (machine.runs, started(manager)) == ("1.0", "1.0")


BROKEN: dict[str, dict[str, Any]] = {
    "ends at once": {"how": "crash"},
    "is never heard": {"status": "connected to broker:8883"},
    "says nothing of itself": {"status": ""},
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_a_release_that_is_not_well_goes_away_by_itself(
    machine: Machine, manager: Manager, broken: dict[str, Any]
) -> None:
    began = time.perf_counter()
    done = machine.install(machine.maker.make("1.1", **broken), "--wait", "6")
    assert done.returncode == 69
    assert done.stderr.endswith("; 1.0 runs again\n")
    assert time.perf_counter() - began < 120
    assert (machine.runs, started(manager)) == ("1.0", "1.0")
    assert (machine.releases, machine.leftovers()) == (["1.0"], [])


def test_who_stops_it_gets_back_what_ran_before(machine: Machine, manager: Manager) -> None:
    process = begun(machine, machine.maker.make("1.1", status="mute"))
    read_until(process, "[5/5]")
    process.send_signal(signal.SIGHUP)  # the shell goes: no reason to end
    process.terminate()
    _, said = process.communicate(timeout=100)
    assert process.returncode == 128 + signal.SIGTERM
    assert said.splitlines() == ["machiai-update: stopped by SIGTERM; 1.0 runs again"]
    assert (machine.runs, started(manager), machine.leftovers()) == ("1.0", "1.0", [])


def begun(machine: Machine, folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        machine.command("install", folder, "--roles", "edge", "--allow-older"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def read_until(process: subprocess.Popen[str], words: str) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(words):
            return


def test_killed_at_any_moment_a_whole_release_runs_afterwards(
    machine: Machine, manager: Manager
) -> None:
    """Kill -9 a moment after a random step; `recover` is what systemd runs next."""
    rng = random.Random(os.environ.get("MACHIAI_SEED", "1"))
    machine.install(machine.maker.make("1.1"))
    two = [machine.maker.make("1.2"), machine.maker.make("1.3", payload=b"x" * 1_000_000)]
    ended = {"killed": 0, "done": 0}
    for turn in range(KILLS):
        before = machine.runs
        process = begun(machine, two[turn % 2])
        read_until(process, f"[{rng.randint(1, 5)}/5]")
        moment = time.perf_counter() + rng.choice([0, 0.003, 0.03, 0.3, 1, 4]) * rng.random()
        while time.perf_counter() < moment and process.poll() is None:
            os.sched_yield()
        process.kill()
        process.communicate()
        ended["done" if process.returncode == 0 else "killed"] += 1
        assert machine.update("recover").returncode == 0
        assert machine.runs in {before, "1.2", "1.3"}, f"turn {turn}"
        assert machine.leftovers() == [], f"turn {turn}"
        assert machine.runs in machine.releases
        assert len(machine.releases) <= 2
        manager.systemctl("start", UNIT)  # waits for a restart that is under way
        assert started(manager) == machine.runs, f"turn {turn}: what runs is what is current"
    assert ended["killed"] > KILLS // 2, "the moments are well chosen"


def test_a_full_disk_changes_nothing(tmp_path: Path) -> None:
    """First it is seen in time; then a wheel is far larger inside than it looks."""
    root = tmp_path / "small"
    root.mkdir()
    if os.geteuid() or shutil.which("mount") is None:
        pytest.skip("a small disk for the test needs root and mount")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "none", root], check=True)
    try:
        machine = Machine(root / "root", Maker(tmp_path / "made"))
        assert machine.install(machine.maker.make("1.0")).returncode == 0
        noise = random.Random(1).randbytes(12_000_000)
        for payload in (noise, bytes(120_000_000)):
            done = machine.install(machine.maker.make("1.1", payload=payload))
            assert done.returncode == 74, done.stderr
            assert (machine.runs, machine.releases, machine.leftovers()) == ("1.0", ["1.0"], [])
        assert machine.install(machine.maker.make("1.2")).returncode == 0
    finally:
        subprocess.run(["umount", root], check=True)


def test_after_a_power_cut_the_disk_holds_a_whole_release(tmp_path: Path) -> None:
    """The disk is a file; what was not yet written to it is lost, a copy of it is what is left."""
    if os.geteuid() or shutil.which("mkfs.ext4") is None:
        pytest.skip("a disk for the test needs root and mkfs.ext4")
    disk, left, root = tmp_path / "disk", tmp_path / "left", tmp_path / "mounted"
    root.mkdir()
    subprocess.run(["truncate", "-s", "96M", disk], check=True)
    subprocess.run(["mkfs.ext4", "-q", "-F", disk], check=True)
    if subprocess.run(["mount", "-o", "loop", disk, root], check=False).returncode:
        pytest.skip("no loop devices here")
    maker = Maker(tmp_path / "made")
    rng = random.Random(1)
    try:
        machine = Machine(root / "root", maker)
        assert machine.install(maker.make("1.0")).returncode == 0
        for step in range(2, 6):
            process = begun(machine, maker.make("1.1", payload=rng.randbytes(1_000_000)))
            read_until(process, f"[{step}/5]")
            process.kill()
            process.communicate()
            shutil.copyfile(disk, left)
            assert machine.update("recover").returncode == 0
            other = tmp_path / "other"
            other.mkdir()
            subprocess.run(["mount", "-o", "loop", left, other], check=True)
            try:
                after = Machine(other / "root", maker)
                assert after.update("recover").returncode == 0
                # Its programs name the disk's old place, so we look at what they are made of.
                current = (after.home / "current").resolve()
                assert current.name in {"1.0", "1.1"}
                assert after.leftovers() == []
                code = next(current.glob("venv/lib/python*/site-packages/machiai.py")).read_text()
                assert f"machiai {current.name}" in code
            finally:
                subprocess.run(["umount", other], check=True)
                other.rmdir()
    finally:
        subprocess.run(["umount", root], check=True)
