"""From an outbox to the hub: in order, re-sent until the hub says that it is durable there."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from broker.clock import Clock
from broker.keeping import Keeper
from broker.outbox import Outbox
from broker.session import Session
from models.contract import topics
from models.contract.codec import decode
from models.contract.observations import Reading
from models.contract.results import Ack
from models.errors import BadPayload, SensorFailed

logger = logging.getLogger("machiai.delivery")

SILENCE_S = 5.0
"""Sent, and no ack for so long: the hub, or the broker's memory of it, has gone."""

_LONGEST_SILENCE_S = 60.0  # nobody is there; when the hub comes it speaks first
_WINDOW = 500  # how far to send ahead of the hub's ack
_PATIENCE_S = 1.0  # a hub that asks again so soon has not seen yet what was sent again


class Delivery:
    """Keeps what is observed and hands it to the hub. One for each outbox.

    Args:
        about: called, with the place from which the outbox still holds, when the hub wants what is
            no longer held; it tells the hub.
        alert: called with a reason while the disk refuses, and with None when it is over.
    """

    def __init__(
        self,
        outbox: Outbox,
        *,
        site: str,
        device: str,
        clock: Clock,
        about: Callable[[int], None] = lambda _: None,
        alert: Callable[[str | None], None] = lambda _: None,
    ) -> None:
        self._outbox = outbox
        self._site, self._device = site, device
        self._about = about
        self._wake = asyncio.Event()
        self._keeper = Keeper(outbox, clock, alert=alert, kept=self._wake.set)
        self._acked = 0
        self._sent = 0
        self._heard_s = self._back_s = 0.0
        self._silence_s = SILENCE_S
        self._connected = False
        self._said = ""

    @property
    def ack_topic(self) -> str:
        """Where the hub says how far it has come."""
        return topics.device(self._site, self._device, "ack")

    async def keep(self, name: str, reading: Reading, at: datetime | None = None) -> None:
        """Make a reading durable; it is on the disk when this returns. See `Keeper.keep`."""
        await self._keeper.keep(name, reading, at)

    def connection(self, up: bool) -> None:  # noqa: FBT001  Session's callback
        """Take the connection's news."""
        self._connected = up
        self._silence_s = SILENCE_S
        self._go_back()
        self._heard_s, self._back_s = self._now_s(), -_PATIENCE_S  # it may ask at once

    def acknowledged(self, payload: bytes, *, retained: bool) -> None:
        """Take the hub's ack: how far it has come, or that it misses something."""
        try:
            ack = decode(Ack, payload)
        except BadPayload as error:
            logger.warning("%s on %s", error, self.ack_topic)
            return
        place = self._outbox.heard(self._acked, ack.stream, ack.seq)
        if place is None:
            return
        self._heard_s = self._now_s()
        self._silence_s = SILENCE_S
        if place > self._acked:
            self._acked = place
            self._sent = max(self._sent, place)
        elif place < self._acked:  # the hub was put back to an older state
            self._acked = place
            self._go_back()
        elif not retained and self._now_s() - self._back_s >= _PATIENCE_S:
            self._go_back()  # the same again: it misses what stands behind it
        self._wake.set()

    async def run(self, session: Session) -> None:
        """Keep and send until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keeper.run(), name="outbox keep")
            group.create_task(self._send_all(session), name="outbox send")

    async def _send_all(self, session: Session) -> None:
        forgotten = 0
        while True:
            await self._woken()
            try:
                if self._connected and self._sent - self._acked < _WINDOW:
                    await self._send(session)
                if self._acked > forgotten:
                    await asyncio.to_thread(self._outbox.acknowledge, self._acked)
                forgotten = self._acked
            except SensorFailed as error:  # a full disk: it is sent all the same, and kept longer
                self._say(str(error))

    async def _send(self, session: Session) -> None:
        """Send what the window has room for."""
        start, room = self._sent, _WINDOW - (self._sent - self._acked)
        rows = await asyncio.to_thread(self._outbox.after, start, room, acked=self._acked)
        if self._sent != start or not self._connected:
            self._wake.set()  # an ack or a cut came meanwhile; look again
            return
        if rows and rows[0].place > start + 1:
            self._about(rows[0].place)  # what the hub wants before it is no longer held
        if self._sent == self._acked:
            self._heard_s = self._now_s()  # nothing was on its way that could be answered
        for row in rows:
            topic = topics.observation(self._site, self._device, row.kind, row.name)
            if not session.publish(topic, row.payload):
                break
            self._sent = row.upto
        if len(rows) == room:
            self._wake.set()

    def _go_back(self) -> None:
        """Send again from the ack on."""
        self._sent = self._acked
        self._back_s = self._now_s()
        self._wake.set()

    async def _woken(self) -> None:
        """Wait for news; after silence with something on its way, send again from the ack."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._silence_s):
                await self._wake.wait()
        self._wake.clear()
        if self._sent > self._acked and self._quiet_s() >= self._silence_s:
            self._silence_s = min(2 * self._silence_s, _LONGEST_SILENCE_S)
            self._go_back()

    def _quiet_s(self) -> float:
        """For how long the hub has said nothing that it had reason to say."""
        return self._now_s() - max(self._heard_s, self._back_s)

    def _say(self, line: str) -> None:
        """Log a change once, not with each event."""
        if line != self._said:
            self._said = line
            logger.warning("%s", line)

    def _now_s(self) -> float:
        return asyncio.get_running_loop().time()
