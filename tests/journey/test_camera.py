"""A real clip through the camera of the demo, and what leaves the Pi."""

import asyncio
import csv
from datetime import UTC, datetime
from pathlib import Path

from broker.clock import starting_at
from tests.journey.conftest import EXAMPLE, Listener, Office

ENVELOPE = {"stream", "seq", "boot", "up_ms", "at"}


async def test_the_lobby_follows_the_counted_truth_of_a_real_clip(
    office: Office, listener: Listener, shared: Path
) -> None:
    clip = shared / "data/vision/clips/intel_one-by-one-person-detection.mp4"
    with (shared / "data/vision/truth/onebyone_counts.csv").open() as file:
        truth = {int(row["frame"]): int(row["people_visible"]) for row in csv.DictReader(file)}
    step = 10  # the clip has 10 frames a second, and the camera looks once a second
    looks = max(truth) // step + 1
    clock = starting_at(datetime(2026, 11, 24, 1, 0, tzinfo=UTC), 8)
    hub_folder, edge_folder = office.folder / "hub", office.folder / "edge"
    office.process("hub", str(EXAMPLE), "--state", str(hub_folder), clock=clock)
    agent = office.process(
        "edge",
        str(EXAMPLE),
        "--device",
        "cam-lobby",
        "--state",
        str(edge_folder),
        "--simulate",
        "1",
        "--camera",
        str(clip),
        clock=clock,
    )
    topic, zone = (
        f"machiai/v1/minami/{t}" for t in ("cam-lobby/obs/people/lobby", "hub/zone/lobby")
    )
    await listener.until(lambda: len(listener.log[topic]) >= looks, 90)
    seen = listener.log[topic]
    assert [o["seq"] for o in seen] == sorted({o["seq"] for o in seen})
    counted = {n * step: observation["count"] for n, observation in enumerate(seen)}
    assert {frame: counted[frame] for frame in truth} == truth

    published = [
        (z["observed_at"], z["people"]) for z in listener.log[zone] if z["people"] is not None
    ]
    counts = {o["at"]: o["count"] for o in seen}
    assert len(published) > looks // 4
    assert all(counts[at] == people for at, people in published if at in counts)

    assert agent.kill(15) == 0
    about = listener.retained["machiai/v1/minami/cam-lobby/about"]
    assert about["sensors"][0]["basis"].startswith("camera yolox-nano")
    for sent, payload in listener.raw:
        if sent.startswith("machiai/v1/minami/cam-lobby/obs/"):
            assert len(payload) < 250, "no room for a picture"
    assert all(set(o) == ENVELOPE | {"count"} for o in seen)
    await asyncio.to_thread(nothing_but_the_outbox, edge_folder)


def nothing_but_the_outbox(folder: Path) -> None:
    """What the agent wrote: one small SQLite file, and no picture in it."""
    written = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*.*")}
    assert "cam-lobby/outbox.sqlite" in written
    for name, data in written.items():
        assert name.removesuffix("-wal").removesuffix("-shm") == "cam-lobby/outbox.sqlite"
        assert not any(magic in data for magic in (b"\xff\xd8\xff", b"\x89PNG", b"ftyp"))
        assert len(data) < 2_000_000
