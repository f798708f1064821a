"""A link by paho-mqtt, its socket watched by the event loop: for devices, displays and pages.

paho's own thread would hand every message over to the loop, which costs three times as much
(docs/decisions/0003-paho-inside-the-loop.md).
"""

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Callable
from typing import Any

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from broker.mqtt.link import KEEPALIVE_S, Greeting, OnMessage, tls
from models.errors import Unavailable

_TICK_S = 1.0
_IN_FLIGHT = 2000  # how many QoS 1 messages may wait for the broker's PUBACK


class PahoLink:
    """One connection's socket, watched by the event loop, until it ends."""

    def __init__(
        self, greeting: Greeting, on_open: Callable[[], None], on_message: OnMessage
    ) -> None:
        self._greeting = greeting
        self._address = greeting.address
        self._on_open = on_open
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._over: asyncio.Future[None] = self._loop.create_future()
        self._client = client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=greeting.client_id, reconnect_on_failure=False
        )
        client.max_inflight_messages_set(_IN_FLIGHT)
        client.max_queued_messages_set(0)
        client.on_socket_open = self._opened
        client.on_socket_close = self._closed
        client.on_socket_register_write = self._want_write
        client.on_socket_unregister_write = self._written
        client.on_connect = self._answered
        client.on_message = lambda _c, _u, message: on_message(
            message.topic, bytes(message.payload), message.retain
        )

    @property
    def unacknowledged(self) -> int:
        """How many messages the broker has not acknowledged yet."""
        return len(self._client._out_messages)  # noqa: SLF001  paho has no public count

    def publish(self, topic: str, payload: bytes, *, qos: int, retain: bool) -> bool:
        """Hand a message over; False if it cannot be taken now."""
        sent = self._client.publish(topic, payload, qos, retain)
        return sent.rc == MQTTErrorCode.MQTT_ERR_SUCCESS

    async def run(self) -> None:
        """Connect and serve the socket.

        Raises:
            Unavailable: it could not be made, or it is lost.
        """
        try:
            await asyncio.to_thread(self._connect)
            ticking = self._loop.create_task(self._tick(), name="mqtt tick")
            try:
                await self._over
            finally:
                ticking.cancel()
        finally:
            self._part()

    def _end(self, error: BaseException) -> None:
        """Give this connection up."""
        if not self._over.done():
            self._over.set_exception(error)

    def _connect(self) -> None:
        """Open the socket; blocks, so it runs in a thread."""
        client, address = self._client, self._address
        if self._greeting.will is not None:
            client.will_set(*self._greeting.will, qos=1, retain=True)
        if address.user is not None:
            client.username_pw_set(address.user, address.password)
        context = tls(address, self._greeting.client_id)
        if context is not None:
            client.tls_set_context(context)
        try:
            self._client.connect(self._address.host, self._address.port, KEEPALIVE_S)
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise Unavailable(f"want a broker at {self._address}, got: {why}") from None

    def _part(self) -> None:
        """Say goodbye, as far as the socket takes it at once, and close."""
        client = self._client
        client.on_socket_close = client.on_socket_unregister_write = None
        client.on_socket_register_write = None
        sock = client.socket()
        if sock is not None and sock.fileno() >= 0:
            self._loop.remove_reader(sock)
            self._loop.remove_writer(sock)
        with contextlib.suppress(OSError):
            client.disconnect()  # writes at once, for nothing watches the socket any more
        client._sock_close()  # noqa: SLF001  disconnect() alone leaves the socket open

    async def _tick(self) -> None:
        """Pings and time-outs."""
        while self._client.loop_misc() == MQTTErrorCode.MQTT_ERR_SUCCESS:
            await asyncio.sleep(_TICK_S)

    def _guarded(self, step: Callable[[], object]) -> None:
        """Our own bug in a callback ends the process, not just this callback."""
        try:
            step()
        except OSError as error:
            self._end(Unavailable(f"lost the broker at {self._address}: {error.strerror or error}"))
        except BaseException as error:  # noqa: BLE001  handed on to run()
            self._end(error)

    def _read(self) -> None:
        self._client.loop_read()
        sock = self._client.socket()
        while isinstance(sock, ssl.SSLSocket) and sock.pending():
            self._client.loop_read()
            sock = self._client.socket()

    # paho calls these, `_opened` from the thread that connects

    def _answered(self, client: paho.Client, _u: Any, _f: Any, reason: Any, _p: Any) -> None:  # noqa: ANN401
        if reason.is_failure:
            self._end(Unavailable(self._greeting.refusal(str(reason))))
            return
        if self._greeting.subscriptions:
            client.subscribe([(topic, 1) for topic in self._greeting.subscriptions])
        self._on_open()

    def _opened(self, _client: paho.Client, _user: Any, sock: Any) -> None:  # noqa: ANN401
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._loop.call_soon_threadsafe(self._watch, sock)

    def _watch(self, sock: socket.socket) -> None:
        if sock.fileno() >= 0 and not self._over.done():
            self._loop.add_reader(sock, self._guarded, self._read)

    def _closed(self, _client: paho.Client, _user: Any, sock: Any) -> None:  # noqa: ANN401
        if sock.fileno() >= 0:
            self._loop.remove_reader(sock)
            self._loop.remove_writer(sock)
        self._end(Unavailable(f"lost the broker at {self._address}"))

    def _want_write(self, _client: paho.Client, _user: Any, sock: Any) -> None:  # noqa: ANN401
        # At once in the loop: put off, it would come after paho has said that all is written.
        if threading.get_ident() == self._thread:
            self._watch_write(sock)
        else:
            self._loop.call_soon_threadsafe(self._watch_write, sock)

    def _watch_write(self, sock: socket.socket) -> None:
        if sock.fileno() >= 0 and not self._over.done():
            self._loop.add_writer(sock, self._guarded, self._client.loop_write)

    def _written(self, _client: paho.Client, _user: Any, sock: Any) -> None:  # noqa: ANN401
        if sock.fileno() >= 0:
            self._loop.remove_writer(sock)
