"""From memory into the outbox: a burst in one write, and patience while the disk refuses."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable
from datetime import datetime

from broker.clock import Clock, boot_id
from broker.outbox import THINNED, Entry, Outbox
from models.contract.observations import KIND_OF, Gap, Reading
from models.errors import SensorFailed

logger = logging.getLogger("machiai.keeping")

MOST_WAITING = 10_000
"""Readings that wait in memory while the disk refuses; of what is more a gap will tell."""

_BATCH = 500
_RETRY_S = 1.0

_Waiting = tuple[Entry, asyncio.Future[None]]


class Keeper:
    """Makes what is observed durable, in order. One for each outbox.

    Args:
        outbox: where to.
        clock: dates what comes without a date.
        alert: called with a reason while the disk refuses, and with None when it is over.
        kept: called when there is more in the outbox.
    """

    def __init__(
        self,
        outbox: Outbox,
        clock: Clock,
        *,
        alert: Callable[[str | None], None],
        kept: Callable[[], None],
    ) -> None:
        self._outbox, self._clock = outbox, clock
        self._alert, self._kept = alert, kept
        self._boot = boot_id()
        self._waiting: deque[_Waiting] = deque()
        self._news = asyncio.Event()
        self._refused = False
        self._lost: dict[str, tuple[datetime | None, int]] = {}

    async def keep(self, name: str, reading: Reading, at: datetime | None = None) -> None:
        """Make a reading durable; it is on the disk when this returns.

        While the disk refuses this does not wait: who observes must go on observing.
        """
        entry = self._entry(name, reading, at)
        if len(self._waiting) >= MOST_WAITING and not self._make_room(entry):
            return
        kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((entry, kept))
        self._news.set()
        if not self._refused:
            await asyncio.shield(kept)

    async def run(self) -> None:
        """Write what comes, all that waits in one transaction: one fsync for a burst."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self._waiting or self._lost:
                batch = [
                    self._waiting.popleft() for _ in range(min(_BATCH, len(self._waiting)))
                ] or self._gaps()
                await self._written(batch)
                _release(batch)
                self._kept()

    def _entry(self, name: str, reading: Reading, at: datetime | None = None) -> Entry:
        if at is None and self._clock.synchronised():
            at = self._clock.now()
        up_ms = self._clock.up_ms()
        return Entry(name=name, reading=reading, boot=self._boot, up_ms=up_ms, at=at)

    def _make_room(self, new: Entry) -> bool:
        """Let the oldest gauge go; if only events wait, the new one goes, and is told of later."""
        for place, (entry, kept) in enumerate(self._waiting):
            if KIND_OF[type(entry.reading)] in THINNED:
                del self._waiting[place]
                _release([(entry, kept)])
                return True
        if KIND_OF[type(new.reading)] not in THINNED:
            since, count = self._lost.get(new.name, (new.at, 0))
            self._lost[new.name] = since, count + 1
        return False

    def _gaps(self) -> list[_Waiting]:
        """What to say of events that found no room."""
        gaps = [
            self._entry(name, Gap(since=since, why=f"the disk was full: {count} lost"))
            for name, (since, count) in self._lost.items()
        ]
        self._lost.clear()
        return [(gap, asyncio.get_running_loop().create_future()) for gap in gaps]

    async def _written(self, batch: list[_Waiting]) -> None:
        """Try until the disk takes it; what comes meanwhile waits in memory."""
        entries = [entry for entry, _ in batch]
        while True:
            try:
                await asyncio.to_thread(self._outbox.append, entries)
            except SensorFailed as error:
                if not self._refused:
                    self._refused = True
                    logger.error("%s; trying again", error)  # noqa: TRY400  the line says all
                    self._alert(str(error))
                    _release([*batch, *self._waiting])
                await asyncio.sleep(_RETRY_S)
            else:
                if self._refused:
                    self._refused = False
                    self._alert(None)
                return


def _release(batch: Iterable[_Waiting]) -> None:
    for _, kept in batch:
        if not kept.done():
            kept.set_result(None)
