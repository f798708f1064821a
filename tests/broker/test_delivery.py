"""From outboxes to a hub over a real broker, when more goes wrong than a line that is cut."""

import asyncio
import shutil
from functools import partial
from pathlib import Path

import msgspec
import pytest

from broker.hub.history.sqlite import Record
from broker.session import Address, Session
from models.contract.codec import decode_reading
from models.contract.observations import Gap, Pulse
from tests.broker.rig import Pi, address_of, hub_at, journalled, running, until
from tests.conftest import Mosquitto


def seqs(records: list[Record], stream: str) -> list[int]:
    return [record.seq for record in records if record.stream == stream]


def gaps(records: list[Record]) -> list[str]:
    readings = [decode_reading(r.kind, r.payload) for r in records if r.kind == "gap"]
    return [reading.why for reading in readings if isinstance(reading, Gap)]


async def pulses(pi: Pi, count: int) -> None:
    await asyncio.gather(*(pi.delivery.keep("gate", Pulse(direction="in")) for _ in range(count)))


@pytest.fixture
def address(mosquitto: Mosquitto) -> Address:
    return address_of(mosquitto)


async def test_a_hub_that_is_put_back_to_a_backup_gets_what_is_held_and_tells_of_the_rest(
    address: Address, tmp_path: Path
) -> None:
    folder, box = tmp_path / "hub", tmp_path / "outbox.sqlite"
    journal, backup = folder / "journal.sqlite", tmp_path / "backup.sqlite"
    async with running(partial(Pi, address, box)) as pi:
        async with hub_at(address, folder):
            await pulses(pi, 30)
            await pi.drained()
        await asyncio.to_thread(shutil.copy, journal, backup)
        async with hub_at(address, folder):
            await pulses(pi, 30)
            await pi.drained()
        await asyncio.to_thread(shutil.copy, backup, journal)
        await pulses(pi, 20)  # nobody is there to hear it
        async with hub_at(address, folder):
            await pulses(pi, 5)
            await pi.drained()
        stream = pi.outbox.stream
    records = await asyncio.to_thread(journalled, folder)
    assert seqs(records, stream) == [*range(1, 31), *range(61, 86)]
    assert gaps(records) == ["31 to 60 are no longer held"]


async def test_a_hub_put_back_while_nothing_is_held_goes_on_with_the_next_event(
    address: Address, tmp_path: Path
) -> None:
    folder = tmp_path / "hub"
    async with running(partial(Pi, address, tmp_path / "outbox.sqlite")) as pi:
        async with hub_at(address, folder):
            await pulses(pi, 10)
            await pi.drained()
        await asyncio.to_thread((folder / "journal.sqlite").unlink)
        async with hub_at(address, folder):
            await pulses(pi, 1)
            await pi.drained()
        stream = pi.outbox.stream
    records = await asyncio.to_thread(journalled, folder)
    assert seqs(records, stream) == [11]
    assert gaps(records) == ["1 to 10 are no longer held"]


async def test_a_card_that_is_written_anew_from_an_image_loses_and_doubles_nothing(
    address: Address, tmp_path: Path
) -> None:
    folder, box, image = tmp_path / "hub", tmp_path / "outbox.sqlite", tmp_path / "image.sqlite"
    streams = []
    async with hub_at(address, folder):
        async with running(partial(Pi, address, box)) as pi:
            await pulses(pi, 10)
            await pi.drained()
            streams.append(pi.outbox.stream)
        await asyncio.to_thread(shutil.copy, box, image)
        async with running(partial(Pi, address, box)) as pi:
            await pulses(pi, 20)
            await pi.drained()
            streams.append(pi.outbox.stream)
        await asyncio.to_thread(shutil.copy, image, box)
        async with running(partial(Pi, address, box), connected=False) as pi:
            await pulses(pi, 15)  # off the line, and then it is switched off and on
            streams.append(pi.outbox.stream)
        async with running(partial(Pi, address, box)) as pi:
            await pulses(pi, 5)
            await pi.drained()
            streams.append(pi.outbox.stream)
    records = await asyncio.to_thread(journalled, folder)
    for stream, count in zip(streams, (10, 20, 15, 5), strict=True):
        assert seqs(records, stream) == list(range(1, count + 1))
        totals = [msgspec.json.decode(r.payload)["total"] for r in records if r.stream == stream]
        assert totals == list(range(1, count + 1))
    assert gaps(records) == ["a new outbox"], "where the image came back, and only there"


async def test_a_card_that_is_swapped_and_swapped_back_tells_of_a_gap_each_time(
    address: Address, tmp_path: Path
) -> None:
    folder = tmp_path / "hub"
    async with hub_at(address, folder):
        for card, count in [("a", 10), ("b", 5), ("a", 3), ("b", 2)]:
            async with running(partial(Pi, address, tmp_path / f"{card}.sqlite")) as pi:
                await pulses(pi, count)
                await pi.drained()
    records = await asyncio.to_thread(journalled, folder)
    assert sum(record.kind == "pulse" for record in records) == 20
    assert gaps(records) == ["a new outbox"] * 3, "one card cannot know what the other still holds"


async def test_two_agents_of_one_name_push_each_other_out_and_nothing_is_lost_or_doubled(
    address: Address, tmp_path: Path
) -> None:
    folder = tmp_path / "hub"
    async with (
        hub_at(address, folder),
        running(partial(Pi, address, tmp_path / "a.sqlite")) as one,
        running(partial(Pi, address, tmp_path / "b.sqlite")) as other,
    ):
        for _ in range(5):
            await asyncio.gather(pulses(one, 40), pulses(other, 40))
        await one.drained()
        await other.drained()
        streams = one.outbox.stream, other.outbox.stream
    records = await asyncio.to_thread(journalled, folder)
    for stream in streams:
        assert seqs(records, stream) == list(range(1, 201))


async def test_a_busy_stream_is_not_sent_again_and_again(address: Address, tmp_path: Path) -> None:
    """An answer to what was said twice must not be taken for a question: they feed each other."""
    count, heard, up = 4000, 0, asyncio.Event()

    def message(topic: str, _: bytes, retain: bool) -> None:  # noqa: FBT001
        nonlocal heard
        heard += "/obs/pulse/" in topic and not retain

    listener = Session(
        address,
        "listener",
        subscriptions=["machiai/v1/rig/+/obs/#"],
        on_message=message,
        on_connection=lambda _: up.set(),
    )
    task = asyncio.create_task(listener.run())
    await up.wait()
    async with running(partial(Pi, address, tmp_path / "outbox.sqlite")) as pi:
        await pulses(pi, 1000)  # sent to nobody, and again
        async with hub_at(address, tmp_path / "hub"):
            for _ in range(count // 200 - 5):
                await pulses(pi, 200)
            await pi.drained()
        stream = pi.outbox.stream
    task.cancel()
    await asyncio.wait([task])
    records = await asyncio.to_thread(journalled, tmp_path / "hub")
    assert seqs(records, stream) == list(range(1, count + 1))
    assert heard < 1.4 * count, f"{heard} messages for {count} events"


async def test_an_outbox_that_is_full_of_events_is_emptied_and_goes_on(
    address: Address, tmp_path: Path
) -> None:
    async with running(partial(Pi, address, tmp_path / "outbox.sqlite"), connected=False) as pi:
        await pulses(pi, 1000)
        await asyncio.to_thread(pi.outbox._db.execute, "PRAGMA max_page_count = 1")
        more = asyncio.create_task(pulses(pi, 500))
        line = asyncio.create_task(pi.session.run())
        async with hub_at(address, tmp_path / "hub"):
            await more
            await until(lambda: _has(pi, 1500))
            await pi.drained()
        line.cancel()
        await asyncio.wait([line])
        stream = pi.outbox.stream
    records = await asyncio.to_thread(journalled, tmp_path / "hub")
    assert seqs(records, stream) == list(range(1, 1501))
    assert gaps(records) == []


async def _has(pi: Pi, last: int) -> bool:
    return pi.outbox.last >= last
