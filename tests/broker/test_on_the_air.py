"""What a hub has learnt it tells: how true its waits were, and what comes."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

from broker.clock import Clock
from broker.hub.history.rollup import Rollup
from broker.hub.history.sqlite import Journal, Mark
from broker.session import Session
from models.contract.codec import decode
from models.contract.observations import KIND_OF, Cars, Envelope, Observation, Reading, Ticket
from models.contract.results import AccuracyResult, LotForecast, ServiceForecast
from models.state.office import Office
from tests.broker.rig import PATIENCE_S, SITE, address_of, hub_at
from tests.conftest import Mosquitto

WANTED = ("accuracy/tax", "forecast/service/tax", "forecast/lot/front")


def lived(now: datetime) -> bytes:
    """An office that was open for three days, two tickets an hour."""
    office = Office(SITE)
    seq = 0

    def see(name: str, reading: Reading, at: datetime) -> None:
        nonlocal seq
        seq += 1
        envelope = Envelope(stream="s", seq=seq, boot="b", up_ms=0, at=at)
        kind = KIND_OF[type(reading)]
        seen = Observation(
            site="rig", device="pi", kind=kind, name=name, envelope=envelope, reading=reading
        )
        office.fold(seen, at.timestamp(), at.timestamp())

    for half in range(144, 0, -1):
        at = now - timedelta(minutes=30 * half)
        see("tax", Ticket(number=f"{half}", event="issued"), at)
        see("front", Cars(occupied=100 + half % 48, seen=1000), at)
        see(
            "tax", Ticket(number=f"{half}", event="called", counter="c1"), at + timedelta(minutes=5)
        )
    return office.dump()


def restored(folder: Path, state: bytes) -> None:
    """A journal with this state in it."""
    journal = Journal(folder / "journal.sqlite")
    journal.commit([], [Mark(device="pi", stream="s", seq=1)], Rollup(), state)
    journal.close()


async def test_a_hub_tells_its_errors_and_forecasts_and_takes_away_what_is_no_more(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    address, heard = address_of(mosquitto), dict[str, bytes]()
    news = asyncio.Event()

    def hear(topic: str, payload: bytes, _retain: bool) -> None:  # noqa: FBT001
        heard[topic.removeprefix("machiai/v1/rig/hub/")] = payload
        news.set()

    listener = Session(
        address,
        "listener",
        subscriptions=["machiai/v1/rig/hub/#"],
        on_message=hear,
        on_connection=lambda _: None,
    )

    async def all_wanted(*, there: bool) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not all(bool(heard.get(leaf)) == there for leaf in WANTED[1:]):
                news.clear()
                await news.wait()

    task = asyncio.create_task(listener.run())
    state = await asyncio.to_thread(lived, Clock().now())
    await asyncio.to_thread(restored, tmp_path / "old", state)
    async with hub_at(address, tmp_path / "old"):
        await all_wanted(there=True)
    told = decode(AccuracyResult, heard["accuracy/tax"])
    assert told.total is not None
    assert 40 < told.total.count <= 48
    assert told.total.came_s == 300.0
    assert decode(ServiceForecast, heard["forecast/service/tax"]).steps
    assert decode(LotForecast, heard["forecast/lot/front"]).capacity == 1000
    async with hub_at(address, tmp_path / "new"):  # a new hub knows nothing yet
        await all_wanted(there=False)
    task.cancel()
    await asyncio.wait([task])
