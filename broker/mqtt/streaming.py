"""A link on asyncio's own streams: whole chunks parsed at once, one write of acks for each.

Made for the hub, which takes thousands of messages a second: it costs less than half of a link by
paho (docs/decisions/0003-paho-inside-the-loop.md).
"""

import asyncio
import os
import ssl
from collections.abc import Callable
from typing import cast

from broker.mqtt import packets
from broker.mqtt.link import KEEPALIVE_S, Greeting, OnMessage, tls
from models.errors import BadPayload, Unavailable

_CONNECT_S = 10.0
_LONGEST_BACKLOG = 8 * 1024 * 1024  # bytes that wait for a slow broker
_NUMBERS = 65_535
_BREATH_S = 0.002  # let some gather: a broker sends each alone, and to be woken costs more than it
_TOPICS = 4096  # topics whose text is remembered


class StreamLink(asyncio.Protocol):
    """One connection; see `broker.mqtt.link.Link`."""

    def __init__(
        self, greeting: Greeting, on_open: Callable[[], None], on_message: OnMessage
    ) -> None:
        self._greeting = greeting
        self._on_open, self._on_message = on_open, on_message
        self._loop = asyncio.get_running_loop()
        self._over: asyncio.Future[None] = self._loop.create_future()
        self._transport: asyncio.Transport | None = None
        self._rest = b""
        self._topics: dict[bytes, str] = {}
        self._number = 0
        self._sent: set[int] = set()
        self._heard_s = self._loop.time()

    @property
    def unacknowledged(self) -> int:
        """How many messages the broker has not acknowledged yet."""
        return len(self._sent)

    async def run(self) -> None:
        """Connect and serve until the connection is lost.

        Raises:
            Unavailable: it could not be made, was refused, or is lost.
            Missing: a certificate is not there.
        """
        address = self._greeting.address
        context = await asyncio.to_thread(tls, address, self._greeting.client_id)
        try:
            async with asyncio.timeout(_CONNECT_S):
                await self._loop.create_connection(
                    lambda: self, address.host, address.port, ssl=context
                )
        except (OSError, ssl.SSLError, TimeoutError) as error:
            raise Unavailable(f"want a broker at {address}, got: {_why(error)}") from None
        ticking = self._loop.create_task(self._tick(), name="mqtt tick")
        try:
            await self._over
        finally:
            ticking.cancel()
            if self._transport is not None:
                self._transport.write(packets.DISCONNECT)
                self._transport.close()

    def publish(self, topic: str, payload: bytes, *, qos: int, retain: bool) -> bool:
        """Hand a message over; False if the broker does not take what waits already."""
        transport = self._transport
        if transport is None or transport.get_write_buffer_size() > _LONGEST_BACKLOG:
            return False
        number = self._next_number() if qos else None
        if qos and number is None:
            return False
        transport.write(packets.publish(topic, payload, number, retain=retain))
        return True

    def _next_number(self) -> int | None:
        """A packet number that is not on its way; None if all are."""
        if len(self._sent) >= _NUMBERS:
            return None
        while True:
            self._number = self._number % _NUMBERS + 1
            if self._number not in self._sent:
                self._sent.add(self._number)
                return self._number

    def _end(self, error: BaseException) -> None:
        if not self._over.done():
            self._over.set_exception(error)

    async def _tick(self) -> None:
        """Ask whether the broker is there; give up after one and a half rounds of silence."""
        while True:
            await asyncio.sleep(KEEPALIVE_S / 2)
            if self._loop.time() - self._heard_s > 1.5 * KEEPALIVE_S:
                self._end(Unavailable(f"lost the broker at {self._greeting.address}: silence"))
            elif self._transport is not None:
                self._transport.write(packets.PINGREQ)

    # asyncio calls these

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say who we are."""
        transport = cast("asyncio.Transport", transport)  # uvloop's is none by descent
        self._transport = transport
        greeting = self._greeting
        transport.write(
            packets.connect(
                greeting.client_id,
                KEEPALIVE_S,
                user=greeting.address.user,
                password=greeting.address.password,
                will=greeting.will,
            )
        )

    def connection_lost(self, error: Exception | None) -> None:
        """The socket is closed."""
        self._transport = None
        why = f": {_why(error)}" if error else ""
        self._end(Unavailable(f"lost the broker at {self._greeting.address}{why}"))

    def data_received(self, data: bytes) -> None:
        """Read the packets of one chunk, and acknowledge them together."""
        if self._over.done():
            return
        if self._rest:
            data = self._rest + data
        read, acks = 0, []
        try:
            for first, start, end in packets.split(data):
                if first >> 4 == packets.PUBLISH:
                    ack = self._published(data, first, start, end)
                    if ack:
                        acks.append(ack)
                else:
                    self._answered(first >> 4, data[start:end])
                read = end
        except BadPayload as error:
            self._end(Unavailable(str(error)))
        except BaseException as error:  # noqa: BLE001  our own bug is handed on to run()
            self._end(error)
        self._rest = data[read:]
        self._heard_s = self._loop.time()
        if acks and self._transport is not None:
            self._transport.write(b"".join(acks))
            self._transport.pause_reading()
            self._loop.call_later(_BREATH_S, self._breathe)

    def _breathe(self) -> None:
        if self._transport is not None:
            self._transport.resume_reading()

    def _published(self, data: bytes, first: int, start: int, end: int) -> bytes:
        """Hand one message on; its PUBACK, or nothing for QoS 0."""
        topic_end = start + 2 + (data[start] << 8 | data[start + 1])
        raw = data[start + 2 : topic_end]
        topic = self._topics.get(raw)
        if topic is None:
            if len(self._topics) >= _TOPICS:
                self._topics.clear()
            topic = self._topics[raw] = raw.decode(errors="replace")
        if not first & 0x06:
            self._on_message(topic, data[topic_end:end], bool(first & 1))
            return b""
        self._on_message(topic, data[topic_end + 2 : end], bool(first & 1))
        return b"\x40\x02" + data[topic_end : topic_end + 2]

    def _answered(self, kind: int, body: bytes) -> None:
        if kind == packets.PUBACK:
            self._sent.discard(int.from_bytes(body[:2], "big"))
        elif kind == packets.CONNACK:
            self._let_in(body[1])

    def _let_in(self, code: int) -> None:
        greeting = self._greeting
        if code:
            reason = packets.REFUSALS.get(code, f"code {code}")
            self._end(Unavailable(greeting.refusal(reason)))
            return
        if greeting.subscriptions and self._transport is not None:
            self._transport.write(packets.subscribe(1, tuple(greeting.subscriptions)))
        self._on_open()


def _why(error: BaseException) -> str:
    """What the system says, without asyncio's own words around it."""
    number = error.errno if isinstance(error, OSError) else None
    return os.strerror(number) if number and number > 0 else str(error) or "no answer"
