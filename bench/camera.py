"""What a camera's agent costs: memory, processor, and the disk that its packages take.

    .venv/bin/python -m bench.camera SOURCE [--every 0.2] [--seconds 20]

The agent counts a zone and a line of the source. `empty` is a Pi's own camera before an empty
room: a program in the place of rpicam-vid. As on a Pi, uvloop is not there.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from tqdm import tqdm

from bench.hub import Bench, running
from broker.session import ENVIRONMENT

ROOT = Path(__file__).resolve().parents[1]
AGENT = "import sys; sys.modules['uvloop'] = None; import machiai; sys.exit(machiai.main())"
DEVICE = """
[[devices]]
id = "cam"

[[devices.sensors]]
kind = "camera"
approved = 2026-11-01
source = "{source}"
every_s = {every_s}
zones = [{{ zone = "lobby" }}]
lines = [{{ line = "entrance", from = [0.7, 0.0], to = [0.7, 1.0] }}]
"""
# Noise of a sensor over a wall and a floor: seven frames, over and over.
RPICAM = """#!/bin/sh
'''exec' "{python}" "$0" "$@"
' '''
import sys, time
import numpy as np
words = dict(zip(sys.argv[1:], sys.argv[2:]))
wide, high, fps = (int(words["--" + name]) for name in ("width", "height", "framerate"))
rng = np.random.default_rng(1)
room = np.full((high, wide), 150.0)
room[high // 2 :] = 90.0
room[:, :: wide // 8] = 40.0
noisy = (room + rng.normal(0, 2, room.shape) for _ in range(7))
frames = [np.clip(frame, 0, 255).astype(np.uint8).tobytes() for frame in noisy]
while True:
    for frame in frames:
        sys.stdout.buffer.write(frame + bytes([128]) * (wide * high // 2))
        time.sleep(1 / fps)
"""
STEPS = 20


def main() -> int:
    """Run an agent, look at it, and print a line for each cost."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("source")
    parser.add_argument("--every", type=float, default=0.2, help="seconds from look to look (0.2)")
    parser.add_argument("--seconds", type=float, default=20.0, help="how long (20)")
    given = parser.parse_args()
    source = str(Path(given.source).resolve()) if Path(given.source).exists() else given.source
    with tempfile.TemporaryDirectory(prefix="machiai-bench-") as name:
        folder = Path(name)
        environment = dict(os.environ)
        if source == "empty":
            source = "rpicam:0"
            program = folder / "rpicam-vid"
            program.write_text(RPICAM.format(python=sys.executable), encoding="utf-8")
            program.chmod(0o755)
            environment["PATH"] = f"{folder}:{environment['PATH']}"
        site = folder / "site.toml"
        example = (ROOT / "ansible/sites/example.toml").read_text(encoding="utf-8")
        site.write_text(example + DEVICE.format(source=source, every_s=given.every), "utf-8")
        bench = Bench(folder, 1)
        words = ["edge", str(site), "--device", "cam", "--state", str(folder / "state")]
        environment[ENVIRONMENT] = f"mqtt://127.0.0.1:{bench.port}"
        with (
            bench.broker(),
            running(
                [sys.executable, "-c", AGENT, *words],
                env=environment, stderr=subprocess.DEVNULL,
            ) as agent,
        ):  # fmt: skip
            sizes, used_s = [], []
            for _ in tqdm(range(STEPS), unit="look"):
                time.sleep(given.seconds / STEPS)
                sizes.append(_status_mb(agent.pid, "VmRSS"))
                used_s.append(_cpu_s(agent.pid))
            most = _status_mb(agent.pid, "VmHWM")
    share = (used_s[-1] - used_s[STEPS // 2]) / (given.seconds * (STEPS - 1 - STEPS // 2) / STEPS)
    print(f"resident {max(sizes[STEPS // 2 :]):.0f} MB, {most:.0f} MB at most while it starts")
    print(f"{share:.1%} of a core, a look every {given.every:g} s")
    lock = (ROOT / "requirements/camera.txt").read_text(encoding="utf-8")
    packages = list(dict.fromkeys(re.findall(r"^([a-z0-9-]+)==", lock, re.MULTILINE)))
    print(f"{sum(map(_disk_mb, packages)):.0f} MB of packages: {' '.join(packages)}")
    return 0


def _status_mb(pid: int, what: str) -> float:
    found = re.search(
        rf"^{what}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE
    )
    return int(found[1]) / 1024 if found else 0.0


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _disk_mb(package: str) -> float:
    try:
        paths = [Path(file.locate()) for file in files(package) or []]
    except PackageNotFoundError:
        return 0.0
    return sum(path.stat().st_size for path in paths if path.is_file()) / 1e6


if __name__ == "__main__":
    raise SystemExit(main())
