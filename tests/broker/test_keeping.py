"""A disk that refuses for a while: an alert, patience, and at the end a gap for what was lost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from broker import keeping
from broker.clock import Clock, starting_at
from broker.keeping import Keeper
from broker.outbox import Outbox
from models.contract.observations import Beat, People, Press, Pulse

NOON = datetime(2026, 11, 24, 3, tzinfo=UTC)
PATIENCE_S = 30.0


class Alerts:
    """What was said of the disk, and when it was said last."""

    def __init__(self) -> None:
        self.said: list[str | None] = []
        self.news = asyncio.Event()

    def __call__(self, why: str | None) -> None:
        self.said.append(why)
        self.news.set()

    async def next(self) -> str | None:
        async with asyncio.timeout(PATIENCE_S):
            await self.news.wait()
        self.news.clear()
        return self.said[-1]


class Rig:
    """A keeper at work on a disk that can be full."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self.outbox = Outbox(path)
        self.alerts = Alerts()
        self.kept = asyncio.Event()
        self.keeper = Keeper(self.outbox, clock, alert=self.alerts, kept=self.kept.set)

    async def limit(self, pages: int) -> None:
        def set_it() -> None:
            self.outbox._db.execute(f"PRAGMA max_page_count = {pages}")

        await asyncio.to_thread(set_it)

    async def rows(self) -> list[dict[str, object]]:
        rows = await asyncio.to_thread(self.outbox.after, 0, 100_000, acked=0)
        return [msgspec.json.decode(row.payload) | {"kind": row.kind} for row in rows]

    async def until(self, last: int) -> None:
        """Wait until the outbox has so many."""
        async with asyncio.timeout(PATIENCE_S):
            while self.outbox.last < last:
                self.kept.clear()
                await self.kept.wait()


@asynccontextmanager
async def at_work(path: Path, clock: Clock) -> AsyncIterator[Rig]:
    rig = await asyncio.to_thread(Rig, path / "outbox.sqlite", clock)
    task = asyncio.create_task(rig.keeper.run())
    try:
        yield rig
    finally:
        task.cancel()
        await asyncio.wait([task])
        await asyncio.to_thread(rig.outbox.close)


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    async with at_work(tmp_path, starting_at(NOON, 1)) as made:
        yield made


async def test_it_is_on_the_disk_when_keep_returns(rig: Rig) -> None:
    await rig.keeper.keep("gate", Pulse(direction="in"))
    assert rig.outbox.last == 1
    (row,) = await rig.rows()
    assert str(row["at"]).startswith("2026-11-24T03:00:0")


async def test_a_burst_is_kept_in_order(rig: Rig) -> None:
    await asyncio.gather(*(rig.keeper.keep("lobby", People(count=n)) for n in range(1500)))
    assert [row["count"] for row in await rig.rows()] == list(range(1500))


async def test_a_full_disk_is_an_alert_and_events_resume_when_there_is_room(rig: Rig) -> None:
    await rig.limit(1)  # as full as a disk can be
    waiting = [
        asyncio.create_task(rig.keeper.keep("gate", Pulse(direction="in"))) for _ in range(601)
    ]
    said = await rig.alerts.next()
    assert said is not None
    assert "full" in said
    await asyncio.gather(*waiting)  # who observes is not kept waiting
    await rig.keeper.keep("gate", Pulse(direction="out"))
    assert rig.outbox.last < 601
    await rig.limit(100_000)
    assert await rig.alerts.next() is None
    await rig.until(602)
    rows = await rig.rows()
    assert [row["direction"] for row in rows] == ["in"] * 601 + ["out"]
    assert [row["total"] for row in rows[:601]] == list(range(1, 602))
    assert not [row for row in rows if row["kind"] == "gap"], "nothing was lost"


async def test_what_finds_no_room_in_memory_is_a_gap_afterwards_and_gauges_go_first(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "MOST_WAITING", 50)
    await rig.limit(1)
    for n in range(600):  # some of it still finds a place on the disk
        asyncio.get_running_loop().create_task(rig.keeper.keep("lobby", People(count=n)))
    assert await rig.alerts.next() is not None
    for _ in range(60):
        await rig.keeper.keep("desk", Press(gesture="short"))
    await rig.keeper.keep("gate", Pulse(direction="in"))
    await rig.keeper.keep("all", Beat())
    await rig.limit(100_000)
    assert await rig.alerts.next() is None
    async with asyncio.timeout(PATIENCE_S):
        while not (gaps := [row for row in await rig.rows() if row["kind"] == "gap"]):
            rig.kept.clear()
            await rig.kept.wait()
    rows = await rig.rows()
    assert sum(row["kind"] == "press" for row in rows) == 50
    assert [(gap["why"], gap["since"] is None) for gap in gaps] == [
        ("the disk was full: 10 lost", False),
        ("the disk was full: 1 lost", False),
    ]
    assert rows[-2:] == gaps, "after what was seen before"
    assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))


async def test_while_the_clock_is_not_set_nothing_is_dated(tmp_path: Path) -> None:
    dark = starting_at(datetime(1970, 1, 1, 0, 0, 20, tzinfo=UTC), 1)
    async with at_work(tmp_path, dark) as rig:
        await rig.keeper.keep("all", Beat())
        (row,) = await rig.rows()
        assert row["at"] is None
        assert isinstance(row["up_ms"], int)
