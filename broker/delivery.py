"""From an outbox to the hub: in order, re-sent until the hub says that it is durable there."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime

from broker.clock import Clock, boot_id
from broker.outbox import Entry, Outbox
from broker.session import Session
from models.contract import topics
from models.contract.codec import decode
from models.contract.observations import Reading
from models.contract.results import Ack
from models.errors import BadPayload, SensorFailed

logger = logging.getLogger("machiai.delivery")

SILENCE_S = 5.0
"""Sent, and no ack for so long: the hub, or the broker's memory of it, has gone."""

_WINDOW = 500  # how far to send ahead of the hub's ack
_RETRY_S = 1.0


class Delivery:
    """Keeps what is observed and hands it to the hub. One for each outbox.

    Args:
        about: called when the hub asks for what is no longer held; it tells the hub `oldest`.
        alert: called with a reason while the disk refuses, and with None when it is over.
    """

    def __init__(
        self,
        outbox: Outbox,
        *,
        site: str,
        device: str,
        clock: Clock,
        about: Callable[[], None] = lambda: None,
        alert: Callable[[str | None], None] = lambda _: None,
    ) -> None:
        self._outbox = outbox
        self._site, self._device = site, device
        self._clock = clock
        self._about, self._alert = about, alert
        self._boot = boot_id()
        self._keeping: asyncio.Queue[tuple[Entry, asyncio.Future[None]]] = asyncio.Queue()
        self._wake = asyncio.Event()
        self._acked = 0
        self._sent = 0
        self._heard_s = 0.0
        self._connected = False

    @property
    def ack_topic(self) -> str:
        """Where the hub says how far it has come."""
        return topics.device(self._site, self._device, "ack")

    async def keep(self, name: str, reading: Reading, at: datetime | None = None) -> None:
        """Make a reading durable; it is on the disk when this returns."""
        if at is None and self._clock.synchronised():
            at = self._clock.now()
        entry = Entry(name=name, reading=reading, boot=self._boot, up_ms=self._clock.up_ms(), at=at)
        kept: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._keeping.put_nowait((entry, kept))
        await asyncio.shield(kept)

    def connection(self, up: bool) -> None:  # noqa: FBT001  Session's callback
        """Take the connection's news."""
        self._connected = up
        self._sent = self._acked
        self._heard_s = self._now_s()
        self._wake.set()

    def acknowledged(self, payload: bytes, *, retained: bool) -> None:
        """Take the hub's ack: how far it has come, or that it misses something."""
        try:
            ack = decode(Ack, payload)
        except BadPayload as error:
            logger.warning("%s on %s", error, self.ack_topic)
            return
        if ack.stream != self._outbox.stream:
            return
        self._heard_s = self._now_s()
        if ack.seq > self._acked:
            self._acked = ack.seq
            self._sent = max(self._sent, ack.seq)
        elif ack.seq < self._acked:  # the hub was put back to an older state
            self._acked = self._sent = ack.seq
            self._about()
        elif not retained:  # the same again: it misses what stands behind it
            self._sent = ack.seq
        self._wake.set()

    async def run(self, session: Session) -> None:
        """Keep and send until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep_all(), name="outbox keep")
            group.create_task(self._send_all(session), name="outbox send")

    async def _keep_all(self) -> None:
        """Write what comes, all that waits in one transaction: one fsync for a burst."""
        while True:
            batch = [await self._keeping.get()]
            while not self._keeping.empty():
                batch.append(self._keeping.get_nowait())
            await self._written([entry for entry, _ in batch])
            for _, kept in batch:
                if not kept.done():
                    kept.set_result(None)
            self._wake.set()

    async def _written(self, entries: list[Entry]) -> None:
        """Try until the disk takes it; the readings wait in memory meanwhile."""
        refused = False
        while True:
            try:
                await asyncio.to_thread(self._outbox.append, entries)
            except SensorFailed as error:
                if not refused:
                    logger.error("%s; trying again", error)  # noqa: TRY400  the one line says all
                    self._alert(str(error))
                refused = True
                await asyncio.sleep(_RETRY_S)
            else:
                if refused:
                    self._alert(None)
                return

    async def _send_all(self, session: Session) -> None:
        forgotten = 0
        while True:
            await self._woken()
            if self._acked > forgotten:
                forgotten = self._acked
                await asyncio.to_thread(self._outbox.acknowledge, forgotten)
            elif self._acked < forgotten:
                forgotten = self._acked
            if not self._connected:
                continue
            room = _WINDOW - (self._sent - self._acked)
            if room <= 0:
                continue
            start = self._sent
            rows = await asyncio.to_thread(self._outbox.after, start, room)
            if self._sent != start or not self._connected:
                continue  # an ack or a cut came meanwhile; look again
            for row in rows:
                topic = topics.observation(self._site, self._device, row.kind, row.name)
                if not session.publish(topic, row.payload):
                    break
                self._sent = row.seq
            if len(rows) == room:
                self._wake.set()

    async def _woken(self) -> None:
        """Wait for news; after silence with something on its way, send again from the ack."""
        try:
            async with asyncio.timeout(SILENCE_S):
                await self._wake.wait()
        except TimeoutError:
            if self._sent > self._acked and self._now_s() - self._heard_s >= SILENCE_S:
                self._sent = self._acked
        self._wake.clear()

    def _now_s(self) -> float:
        return asyncio.get_running_loop().time()
