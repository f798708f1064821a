"""A real systemd for tests of one machine: a manager of services as each user has one.

It needs root for a cgroup and a mount namespace of its own, nothing outside sees it.
"""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

_SYSTEMD = Path("/usr/lib/systemd/systemd")
_TREES = [Path("/sys/fs/cgroup/unified"), Path("/sys/fs/cgroup/systemd"), Path("/sys/fs/cgroup")]
_PATIENCE_S = 20.0


class Manager:
    """One systemd; `systemctl` is a program that asks this one and no other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._runtime = folder / "run"
        self._groups: list[Path] = []
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; skips where it cannot be."""
        if os.geteuid() or not _SYSTEMD.exists() or shutil.which("unshare") is None:
            pytest.skip("a systemd for the test needs root, systemd and unshare")
        self._runtime.mkdir(mode=0o700)
        units = self.folder / "config/systemd/user"
        units.mkdir(parents=True)
        trees = [tree for tree in _TREES if (tree / "cgroup.procs").exists()]
        self._groups = [tree / f"machiai-test-{os.getpid()}-{id(self)}" for tree in trees]
        for group in self._groups:
            group.mkdir()
        joins = "".join(f"echo $$ >{group}/cgroup.procs; " for group in self._groups)
        # It believes that it is at home where /run/systemd/system is.
        inside = (
            f"mount -t tmpfs none /run && mkdir -p /run/systemd/system && exec {_SYSTEMD} --user"
        )
        with (self.folder / "systemd.log").open("wb") as log:
            self._process = subprocess.Popen(
                ["sh", "-c", f"{joins} exec unshare --mount sh -c '{inside} --unit=basic.target'"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment | {"HOME": str(self.folder)},
                start_new_session=True,
            )
        end = time.perf_counter() + _PATIENCE_S
        while not (self._runtime / "systemd/private").exists():
            if self._process.poll() is not None or time.perf_counter() > end:
                self.stop()
                pytest.skip("systemd does not start here: " + log_of(self.folder / "systemd.log"))
            os.sched_yield()

    def stop(self) -> None:
        """End it and all that it started."""
        for group in self._groups:
            if (group / "cgroup.kill").exists():
                (group / "cgroup.kill").write_text("1")
        for group in self._groups:
            for procs in group.rglob("cgroup.procs"):
                for pid in procs.read_text().split():
                    try:
                        os.kill(int(pid), signal.SIGKILL)
                    except ProcessLookupError:
                        continue
        if self._process is not None:
            self._process.wait()
        for group in self._groups:
            for below in sorted(group.rglob("*/"), reverse=True):
                _remove(below)
            _remove(group)

    @property
    def _environment(self) -> dict[str, str]:
        return {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "XDG_RUNTIME_DIR": str(self._runtime),
            "XDG_CONFIG_HOME": str(self.folder / "config"),
        }

    def systemctl(self, *words: str) -> str:
        """Ask it."""
        done = subprocess.run(
            ["systemctl", "--user", *words],
            check=True,
            capture_output=True,
            text=True,
            env=self._environment,
        )
        return done.stdout.strip()

    def give_to(self, root: Path) -> None:
        """Let a root folder's `systemctl` be this one's."""
        program = root / "usr/bin/systemctl"
        program.parent.mkdir(parents=True, exist_ok=True)
        names = "".join(f"{key}='{value}' " for key, value in self._environment.items())
        program.write_text(f'#!/bin/sh\n{names} exec /usr/bin/systemctl --user "$@"\n')
        program.chmod(0o755)

    def enable(self, name: str, text: str) -> None:
        """Add a unit that starts at boot."""
        (self.folder / "config/systemd/user" / name).write_text(text, "ascii")
        self.systemctl("daemon-reload")
        self.systemctl("enable", name)


def log_of(path: Path) -> str:
    """The end of a log."""
    return path.read_text("utf-8", errors="replace")[-300:]


def _remove(group: Path) -> None:
    """A cgroup can go once the kernel has buried what was in it."""
    end = time.perf_counter() + _PATIENCE_S
    while group.is_dir():
        try:
            group.rmdir()
        except OSError:
            if time.perf_counter() > end:
                raise
            os.sched_yield()
