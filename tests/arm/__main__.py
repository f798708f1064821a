"""The camera's agent on arm64, emulated, counts what it counts here.

    make test-arm

An agent of this machine and one within `var/arm` (see `tools/arm.sh`) look at the same frames of a
clip; what both publish is compared, frame by frame, with each other and with the counted truth.
"""

import asyncio
import csv
import os
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from tqdm import tqdm

from broker.clock import starting_at
from broker.embedded import program
from broker.session import ENVIRONMENT, Address, Session
from tests.conftest import ROOT, Mosquitto
from tests.journey.conftest import EXAMPLE, Listener

ARM = ROOT / "var/arm"
VISION = ROOT.parent / "shared/data/vision"
CLIP = VISION / "clips/intel_one-by-one-person-detection.mp4"
TRUTH = VISION / "truth/onebyone_counts.csv"
TOPIC = "machiai/v1/minami/{}/obs/people/lobby"
EVERY_S = 5  # fifty frames, as the truth was counted
SPEED = 10
PATIENCE_S = 900
DEVICE = """
[[devices]]
id = "{device}"

[[devices.sensors]]
kind = "camera"
approved = 2026-11-01
source = "{clip}"
every_s = {every_s}
zones = [{{ zone = "lobby" }}]
"""


async def main() -> int:
    """Run both, and print a line for each."""
    if not (CLIP.is_file() and TRUTH.is_file()):
        sys.stderr.write(f"want the clip and its truth, got none at {VISION}\n")
        return 69
    if not (ARM / "made").is_file():
        sys.stderr.write("want an arm64 Debian in var/arm, got none: make test-arm makes it\n")
        return 69
    mosquitto = program("mosquitto")
    if mosquitto is None:
        sys.stderr.write("want mosquitto, got none: apt-get install mosquitto\n")
        return 69
    with TRUTH.open(encoding="utf-8", newline="") as lines:
        truth = [int(row["people_visible"]) for row in csv.DictReader(lines)]
    with tempfile.TemporaryDirectory(prefix="machiai-arm-") as name:
        broker = Mosquitto(mosquitto, Path(name))
        broker.start()
        try:
            counts = {
                "here": await counted(broker, here(Path(name)), "here", len(truth)),
                "arm64": await counted(broker, on_arm(), "arm64", len(truth)),
            }
        finally:
            broker.kill()
    for where, found in counts.items():
        exact = sum(a == b for a, b in zip(found, truth, strict=True))
        print(f"{where}: {exact} of {len(truth)} frames exact: {' '.join(map(str, found))}")  # noqa: T201
    return int(counts["here"] != counts["arm64"])


async def counted(broker: Mosquitto, command: list[str], device: str, looks: int) -> list[int]:
    """What an agent publishes of the first frames.

    Raises:
        SystemExit: it ended before.
    """
    heard = Listener()
    up = asyncio.Event()
    topic = TOPIC.format(device)
    session = Session(
        Address(host=broker.host, port=broker.port), "listener",
        on_message=heard.message, on_connection=lambda _: up.set(), subscriptions=[topic],
    )  # fmt: skip
    listening = asyncio.create_task(session.run())
    await up.wait()
    clock = starting_at(datetime(2026, 11, 24, 1, tzinfo=UTC), SPEED)
    environment = {
        **clock.environment(),
        ENVIRONMENT: f"mqtt://{broker.host}:{broker.port}",
        "MACHIAI_MODELS": "/data" if device == "arm64" else str(VISION / "weights"),
        "PYTHONPATH": "/opt/machiai:/opt/site" if device == "arm64" else str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": "/tmp",  # noqa: S108  within the chroot
        "PATH": os.environ["PATH"],
    }
    agent = await asyncio.create_subprocess_exec(
        *command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    said = asyncio.create_task(agent.communicate())
    try:
        with tqdm(total=looks, desc=device, unit="frame", disable=None) as bar:
            async with asyncio.timeout(PATIENCE_S):
                while len(seen(heard, topic)) < looks:
                    if agent.returncode is not None:
                        raise SystemExit((await said)[1].decode(errors="replace"))
                    await asyncio.sleep(0.5)
                    bar.update(min(looks, len(seen(heard, topic))) - bar.n)
    finally:
        if agent.returncode is None:
            agent.kill()
        await said
        listening.cancel()
    return seen(heard, topic)[:looks]


def seen(heard: Listener, topic: str) -> list[int]:
    """The counts in their order; what nobody acknowledged was sent again."""
    counts = {message["seq"]: message["count"] for message in heard.log[topic]}
    return [counts[number] for number in sorted(counts)]


def here(folder: Path) -> list[str]:
    """An agent of this machine."""
    site = folder / "site.toml"
    device = DEVICE.format(device="here", clip=CLIP, every_s=EVERY_S)
    site.write_text(EXAMPLE.read_text("utf-8") + device, "utf-8")
    return [sys.executable, *machiai(str(site), "here", str(folder / "state"))]


def on_arm() -> list[str]:
    """An agent within `var/arm`, with this tree and the clip laid into it."""
    for folder in ("opt/machiai", "data", "tmp/state"):
        shutil.rmtree(ARM / folder, ignore_errors=True)
        (ARM / folder).mkdir(parents=True)
    for part in ("edge", "broker", "models", "signage"):
        shutil.copytree(ROOT / part, ARM / "opt/machiai" / part)
    shutil.copy(ROOT / "machiai.py", ARM / "opt/machiai")
    shutil.copy(CLIP, ARM / "data/clip.mp4")
    for weights in (VISION / "weights").glob("*.onnx"):
        shutil.copy(weights, ARM / "data")
    device = DEVICE.format(device="arm64", clip="/data/clip.mp4", every_s=EVERY_S)
    (ARM / "data/site.toml").write_text(EXAMPLE.read_text("utf-8") + device, "utf-8")
    python = ["/usr/bin/qemu-aarch64-static", "/usr/bin/python3"]
    return ["chroot", str(ARM), *python, *machiai("/data/site.toml", "arm64", "/tmp/state")]  # noqa: S108


def machiai(site: str, device: str, state: str) -> list[str]:
    """The command line of an agent."""
    return ["-m", "machiai", "edge", site, "--device", device, "--state", state]


if __name__ == "__main__":
    raise SystemExit(asyncio.run(main()))
