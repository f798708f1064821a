"""A camera looks at frames that are marked all over; then they are looked for everywhere."""

import asyncio
import base64
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import msgspec
import numpy as np
import pytest

from broker.session import ENVIRONMENT
from edge.capture import File
from edge.opencv import cv2
from models.contract.codec import decode_reading
from models.contract.observations import Beat, Envelope, People
from models.contract.results import About, Health, State
from tests.conftest import ROOT, Mosquitto
from tests.journey.conftest import EXAMPLE, Listener

FRAMES = 20
LENGTH = 24  # bytes of a mark: by chance nothing has so many
PICTURES = (b"\xff\xd8\xff", b"\x89PNG\r\n", b"RIFF", b"ftypisom", b"FFV1", b"\x1aE\xdf\xa3")
HERE = "machiai/v1/minami/cam"
DEVICE = """
[[devices]]
id = "cam"

[[devices.sensors]]
kind = "camera"
approved = 2026-11-01
source = "{source}"
every_s = 0.1
zones = [{{ zone = "lobby" }}]
lines = [{{ line = "entrance", from = [0.5, 0.0], to = [0.5, 1.0] }}]
"""


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Grey noise, another in each frame, in a codec that loses nothing."""
    path = tmp_path_factory.mktemp("film") / "noise.mkv"
    random = np.random.default_rng(20261124)
    rows, columns = np.indices((120, 160)) // 20  # without edges it would be a covered lens
    tiles = ((rows + columns) % 2 * 100 + 60).astype(np.uint8)[..., None]
    four = cv2.VideoWriter.fourcc(*"FFV1")
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, four, 10, (160, 120))
    for _ in range(FRAMES):
        grey = tiles + random.integers(0, 32, (120, 160, 1), np.uint8)
        writer.write(np.repeat(grey, 3, axis=2))
    writer.release()
    return path


@pytest.fixture(scope="module")
def marks(film: Path) -> list[bytes]:
    """What only a frame holds: pieces of each as it is decoded, of its grey, and of the file."""
    found = []
    source = File(str(film), every_s=0)
    for _ in range(FRAMES):
        frame = source.read(lambda: True).frame
        found += [frame[60].tobytes()[90 : 90 + LENGTH], frame[60, 40:][:LENGTH, 0].tobytes()]
    data = film.read_bytes()
    return found + [data[at : at + LENGTH] for at in range(2000, len(data) - 2000, 20_000)]


def hits(data: bytes, marks: list[bytes]) -> int:
    """How many marks the bytes hold, as they are or in letters."""
    return sum(mark in data or base64.b64encode(mark)[:-4] in data for mark in marks)


class Agent:
    """A camera's agent, that may write only below `own`, and whose cores are asked for."""

    def __init__(self, own: Path, film: Path, broker: Mosquitto) -> None:
        self.own = own
        places = {name: own / name for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME", "cwd")}
        for folder in places.values():
            folder.mkdir(parents=True)
        site = own.parent / "site.toml"
        site.write_text(EXAMPLE.read_text("utf-8") + DEVICE.format(source=film), "utf-8")
        words = ["edge", str(site), "--device", "cam", "--state", str(own / "state")]
        with (own / "log").open("wb") as log:
            self.process = subprocess.Popen(
                dumping(sys.executable, "-m", "machiai", *words),
                cwd=places.pop("cwd"),
                env={
                    **os.environ,
                    **{name: str(folder) for name, folder in places.items()},
                    ENVIRONMENT: f"mqtt://{broker.host}:{broker.port}",
                    "PYTHONPATH": str(ROOT),
                    "PYTHONDONTWRITEBYTECODE": "1",
                },
                stdout=log,
                stderr=log,
            )

    def abort(self) -> bool:
        """Let it crash; whether the kernel wrote a core."""
        return has_dumped(self.process)

    def written(self) -> Iterator[Path]:
        """All files at the places where it may write."""
        for folder in (self.own, Path("/dev/shm"), Path("/var/tmp")):  # noqa: S108  looked through
            yield from (path for path in folder.rglob("*") if path.is_file())


def dumping(*command: str) -> list[str]:
    """A command that may dump as large a core as the machine lets it."""
    return ["sh", "-c", 'ulimit -c "$(ulimit -H -c)"; exec "$@"', "sh", *command]


def has_dumped(process: subprocess.Popen[bytes]) -> bool:
    """End a process by SIGABRT; whether the kernel says that it dumped its core."""
    process.send_signal(signal.SIGABRT)
    ended = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert ended is not None
    assert process.wait() == -signal.SIGABRT
    return ended.si_code == os.CLD_DUMPED


@asynccontextmanager
async def looking(
    folder: Path, film: Path, mosquitto: Mosquitto, heard: Listener, looks: int
) -> AsyncIterator[Agent]:
    """An agent that has seen so many frames, and is still at work."""
    agent = await asyncio.to_thread(Agent, folder / "own", film, mosquitto)
    try:
        await heard.until(lambda: len(heard.log[f"{HERE}/obs/people/lobby"]) >= looks, 30)
        yield agent
    finally:
        agent.process.kill()
        await asyncio.to_thread(agent.process.wait)


async def test_no_byte_of_a_frame_is_written_or_sent(
    film: Path, marks: list[bytes], mosquitto: Mosquitto, listener: Listener, tmp_path: Path
) -> None:
    async with looking(tmp_path, film, mosquitto, listener, FRAMES + 5) as agent:
        held = await asyncio.to_thread(holds, agent.process.pid, marks[: 2 * FRAMES])
        assert held is not False, "the control: while it looks, it holds a frame"
        agent.process.terminate()
        assert await asyncio.to_thread(agent.process.wait, 20) == 0
        files = list(agent.written())
    assert tmp_path / "own/state/cam/outbox.sqlite" in files
    for path in files:
        data = path.read_bytes()
        assert hits(data, marks) == 0, path
        if tmp_path in path.parents:
            assert not any(picture in data for picture in PICTURES), path
    for topic, payload in listener.raw:
        assert hits(payload, marks) == 0, topic
    assert hits((tmp_path / "mosquitto.log").read_bytes(), marks) == 0


def holds(pid: int, marks: list[bytes]) -> bool | None:
    """Whether the memory of a process has a mark; None if we may not read it."""
    try:
        memory = os.open(f"/proc/{pid}/mem", os.O_RDONLY)
    except PermissionError:
        return None
    try:
        for line in Path(f"/proc/{pid}/maps").read_text("ascii").splitlines():
            places, rights, *_ = line.split()
            low, high = (int(place, 16) for place in places.split("-"))
            if rights.startswith("rw"):
                with suppress(OSError):  # a part that has gone meanwhile
                    data = os.pread(memory, high - low, low)
                    if any(mark in data for mark in marks):
                        return True
    finally:
        os.close(memory)
    return False


async def test_payloads_hold_the_fields_of_the_contract_and_no_others(
    film: Path, mosquitto: Mosquitto, listener: Listener, tmp_path: Path
) -> None:
    async with looking(tmp_path, film, mosquitto, listener, 5):
        pass
    envelope = fields(Envelope)
    allowed = {
        f"{HERE}/obs/people/lobby": envelope | fields(People),
        f"{HERE}/obs/beat/all": envelope | fields(Beat),
        f"{HERE}/state": fields(State),
        f"{HERE}/about": fields(About),
        f"{HERE}/health": fields(Health),
    }
    ours = [(topic, payload) for topic, payload in listener.raw if topic.startswith(HERE)]
    assert {topic for topic, _ in ours} | {f"{HERE}/health"} == set(allowed)
    for topic, payload in ours:
        message = msgspec.json.decode(payload)
        assert set(message) <= allowed[topic], topic
        assert len(payload) < 1000, f"no room for a picture in {topic}"
        if "/obs/" in topic:
            decode_reading(topic.split("/")[-2], payload)


def fields(kind: type[msgspec.Struct]) -> set[str]:
    """The keys of a message."""
    return {field.encode_name for field in msgspec.structs.fields(kind)}


async def test_a_camera_that_crashes_leaves_no_core(
    film: Path, mosquitto: Mosquitto, listener: Listener, tmp_path: Path
) -> None:
    if not await asyncio.to_thread(can_dump, tmp_path):
        pytest.skip("no process of this machine leaves a core (its limit or core_pattern)")
    async with looking(tmp_path, film, mosquitto, listener, 5) as agent:
        assert not await asyncio.to_thread(agent.abort)
        assert not [path for path in agent.own.rglob("core*") if path.is_file()]


def can_dump(folder: Path) -> bool:
    """The control: whether another program's crash leaves a core."""
    with subprocess.Popen(
        dumping(sys.executable, "-c", "print(flush=True); input()"),
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        return has_dumped(other)
