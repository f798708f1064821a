"""Shipping to a real VictoriaMetrics over a line that is cut, while it is killed."""

import asyncio
import logging
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from broker.clock import Clock, starting_at
from broker.hub.history.courses import ToldSlots
from broker.hub.history.ship import PLACES, Shipper
from broker.hub.history.sqlite import milliseconds
from models.site import Influx
from tests.broker.rig import PATIENCE_S, until
from tests.broker.shipped import SITE, Filled, is_whole
from tests.broker.victoria import Sample, Victoria, samples_of
from tests.chaos.proxy import Proxy

logger = logging.getLogger(__name__)

HOUR_MS = 3_600_000


@pytest.fixture
def victoria(tmp_path: Path) -> Iterator[Victoria]:
    made = Victoria(tmp_path)
    try:
        made.start()
        yield made
    finally:
        made.kill()


@pytest.fixture
def filled(tmp_path: Path) -> Iterator[Filled]:
    """Rows of an hour ago: VictoriaMetrics takes none of the far future."""
    made = Filled(tmp_path / "journal.sqlite", start_ms=milliseconds(Clock().now()) - HOUR_MS)
    yield made
    made.journal.close()


def wanted(filled: Filled) -> Counter[Sample]:
    """All that a server must have of a journal."""
    with sqlite3.connect(filled.path) as db:
        told = ToldSlots(db, SITE)
        page = told.page(0, told.newest())
    db.close()
    return samples_of([*filled.lines(), *page.lines])


@asynccontextmanager
async def shipping(filled: Filled, url: str, speed: float = 1.0) -> AsyncIterator[Shipper]:
    clock = starting_at(Clock().now(), speed)
    shipper = await asyncio.to_thread(Shipper, SITE, Influx(url=url), clock, filled.path)
    shipper.start()
    try:
        yield shipper
    finally:
        await asyncio.to_thread(shipper.stop, 30)


async def has_all(victoria: Victoria, filled: Filled, shipper: Shipper) -> None:
    """Every sample is there, each once, and nothing else."""
    want = await asyncio.to_thread(wanted, filled)
    newest = await asyncio.to_thread(filled.newest)
    async with asyncio.timeout(400 if is_whole() else PATIENCE_S):
        while reached(shipper) < newest:
            await asyncio.sleep(0.1)
        while (found := await asyncio.to_thread(victoria.samples)) != want:
            logger.info(
                "%d samples are missing, %d are there twice, %d are not ours",
                (want - found).total(),
                sum(count > 1 for count in found.values()),
                len(found.keys() - want.keys()),
            )
            await asyncio.sleep(0.1)
    logger.info("%d samples are there, each once", found.total())


async def test_all_arrives_once(victoria: Victoria, filled: Filled) -> None:
    await asyncio.to_thread(filled.write, 5000)
    async with shipping(filled, victoria.url) as shipper:
        await has_all(victoria, filled, shipper)
        await asyncio.to_thread(filled.write, 300)
        await has_all(victoria, filled, shipper)
        told = shipper.told()
        assert (told.why, told.missing, told.refused) == ("", 0, 0)


async def test_what_is_sent_again_is_there_once(victoria: Victoria, filled: Filled) -> None:
    """In a fast life it is settled in seconds; then everything is sent to it once more."""
    await asyncio.to_thread(filled.write, 5000)
    async with shipping(filled, victoria.url, speed=60):
        await until(lambda: asyncio.to_thread((filled.path.parent / PLACES).exists))
    (filled.path.parent / PLACES).unlink()
    async with shipping(filled, victoria.url, speed=60):
        await until(lambda: asyncio.to_thread((filled.path.parent / PLACES).exists))
    assert await asyncio.to_thread(victoria.samples) == await asyncio.to_thread(wanted, filled)


async def test_it_is_killed_and_the_line_is_cut_while_it_ships(
    victoria: Victoria, filled: Filled
) -> None:
    """Nothing is missing, nothing is there twice when all has healed."""
    rounds = 10 if is_whole() else 1
    proxy = Proxy(victoria.port)
    await proxy.start()
    try:
        async with shipping(filled, f"http://127.0.0.1:{proxy.port}") as shipper:
            for _ in range(rounds):
                for harm in ("kill", "cut", "half_open", "kill"):
                    await asyncio.to_thread(filled.write, 4000)
                    await until(partial(_is_beyond, shipper, reached(shipper)))
                    if harm == "kill":
                        await asyncio.to_thread(victoria.kill)
                        await asyncio.to_thread(filled.write, 500)
                        await asyncio.to_thread(victoria.start)
                    else:
                        getattr(proxy, harm)()
                        await asyncio.to_thread(filled.write, 500)
                        proxy.heal()
            await has_all(victoria, filled, shipper)
    finally:
        proxy.end()


def reached(shipper: Shipper) -> int:
    """Up to which row the server has acknowledged it once."""
    course = shipper._courses.get("seen")
    return 0 if course is None else course.reached


async def _is_beyond(shipper: Shipper, before: int) -> bool:
    return reached(shipper) > before
