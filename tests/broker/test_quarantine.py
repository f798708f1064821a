"""What the fold cannot take is kept, counted and passed over; the office stays as it was."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import cast

import msgspec

from broker.hub.belief import Belief
from broker.hub.history.rollup import Rollup
from broker.hub.history.sqlite import Journal, Mark, Record
from broker.hub.ingest import Ingest, Taken
from broker.session import Session
from models.contract import topics
from models.contract.codec import decode_observation, encode_observation
from models.contract.observations import (
    KIND_OF,
    Envelope,
    Observation,
    Pulse,
    Reading,
    SetCount,
    Ticket,
)
from models.contract.results import ZoneResult
from models.state.office import Office
from tests.broker.rig import SITE, Pi, address_of, hub_at, journalled, running
from tests.conftest import Mosquitto

NOW = datetime(2026, 11, 24, 1, tzinfo=UTC)
POISON = SetCount(count=99, by="poison")


class Fragile(Office):
    """Has a bug: it fails at one observation, when half of it is done."""

    def fold(self, observation: Observation, at_s: float, received_s: float) -> None:
        super().fold(observation, at_s, received_s)
        if observation.reading == POISON:
            raise ZeroDivisionError("a bug")


def folded(records: Iterable[Record]) -> bytes:
    """The office of these records, with no bug."""
    office = Office(SITE)
    for record in records:
        if record.refused is None:
            topic = topics.observation("rig", record.device, record.kind, record.name)
            seen = decode_observation(topic, record.payload)
            office.fold(seen, record.at_ms / 1000, record.received_ms / 1000)
    office.new_calls()
    return office.dump()


def people(office: Office, now: datetime) -> int | None:
    return cast("ZoneResult", office.results(now)["zone/lobby"]).people


async def test_what_cannot_be_folded_is_kept_counted_and_leaves_no_trace(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    address, folder = address_of(mosquitto), tmp_path / "hub"
    calls: list[bytes] = []
    up = asyncio.Event()
    listener = Session(
        address,
        "listener",
        subscriptions=["machiai/v1/rig/hub/call"],
        on_message=lambda _, payload, __: calls.append(payload),
        on_connection=lambda _: up.set(),
    )
    task = asyncio.create_task(listener.run())
    await up.wait()
    async with (
        hub_at(address, folder, Fragile) as hub,
        running(partial(Pi, address, tmp_path / "outbox.sqlite")) as pi,
    ):
        keep = pi.delivery.keep
        await asyncio.gather(
            keep("lobby", SetCount(count=7, by="desk")),
            keep("tax", Ticket(number="1", event="issued")),
            keep("tax", Ticket(number="1", event="called", counter="c1")),
            keep("lobby", POISON),
            keep("gate", Pulse(direction="in")),
            keep("lobby", POISON),
            keep("tax", Ticket(number="2", event="issued")),
        )
        await pi.drained()
        await keep("lobby", POISON)
        await keep("tax", Ticket(number="2", event="called", counter="c1"))
        await pi.drained()
        assert people(hub._belief.office, pi.clock.now()) == 7
        assert hub._ingest.refused == {"fold": 3}
        state = hub._belief.office.dump()
    task.cancel()
    await asyncio.wait([task])
    records = await asyncio.to_thread(journalled, folder)
    assert [r.refused for r in records if r.refused] == [
        "cannot fold: ZeroDivisionError: a bug"
    ] * 3
    assert [r.seq for r in records] == list(range(1, 10))
    assert len(calls) == 2, "each is called out once"
    assert folded(records) == state
    assert await asyncio.to_thread(restored, folder) == state


def restored(folder: Path) -> bytes:
    """The office of a hub that starts again, with the bug."""
    journal = Journal(folder / "journal.sqlite")
    try:
        return Belief(SITE, journal, Fragile).office.dump()
    finally:
        journal.close()


def taken(readings: list[tuple[str, Reading]]) -> list[Taken]:
    ingest = Ingest([])
    found: list[Taken] = []
    for seq, (name, reading) in enumerate(readings, 1):
        at = NOW + timedelta(seconds=seq)
        envelope = Envelope(stream="s", seq=seq, boot="b", up_ms=seq, at=at)
        topic = topics.observation("rig", "pi", KIND_OF[type(reading)], name)
        found += ingest.take(topic, encode_observation(envelope, reading), at)
    return found


def journal_of(path: Path, readings: list[tuple[str, Reading]], state: bytes | None) -> Journal:
    journal = Journal(path / "journal.sqlite")
    records = [one.record for one in taken(readings)]
    journal.commit(records, [Mark(device="pi", stream="s", seq=len(records))], Rollup())
    if state is not None:
        journal._db.execute("INSERT INTO snapshot VALUES (1, 1, ?)", (state,))
    return journal


SEEN: list[tuple[str, Reading]] = [
    ("lobby", SetCount(count=7, by="desk")),
    ("gate", Pulse(direction="in")),
    ("lobby", POISON),
    ("gate", Pulse(direction="in")),
]


def test_a_bug_that_is_new_does_not_keep_a_hub_from_starting(tmp_path: Path) -> None:
    """An update may fail at what the old program had folded."""
    journal = journal_of(tmp_path, SEEN, None)
    belief = Belief(SITE, journal, Fragile)
    assert people(belief.office, NOW) == 7
    (refused,) = [record for record in journal.records() if record.refused]
    assert refused.seq == 3
    assert belief.office.dump() == Belief(SITE, journal).office.dump()
    journal.close()


def test_a_snapshot_of_another_version_is_folded_anew_from_the_journal(tmp_path: Path) -> None:
    journal = journal_of(tmp_path, SEEN[:2], b"not of this version")
    expected = folded(journal.records())
    assert Belief(SITE, journal).office.dump() == expected
    journal.close()


def test_a_hub_with_a_message_that_it_cannot_read_does_not_read_it_later(tmp_path: Path) -> None:
    journal = journal_of(tmp_path, SEEN[:2], None)
    first = next(iter(journal.records()))
    journal.refuse(msgspec.structs.replace(first, refused="an older program did not know it"))
    assert people(Belief(SITE, journal).office, NOW) is None
    journal.close()
