"""The one module that speaks MQTT: a connection that comes back, inside the event loop.

paho's own thread would hand every message over to the loop; here the loop itself watches paho's
socket, which costs a third of that (docs/decisions/0003-paho-inside-the-loop.md).
"""

import asyncio
import contextlib
import logging
import os
import random
import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from typing import Any, Never
from urllib.parse import unquote, urlsplit

import msgspec
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from models.errors import BadUsage, Missing, Unavailable
from models.site import Broker

logger = logging.getLogger("machiai.session")

ENVIRONMENT = "MACHIAI_BROKER"
"""`mqtt://user:password@host:port`, set by `machiai demo` for the processes that it starts."""

KEEPALIVE_S = 15
_FIRST_WAIT_S = 0.2
_LONGEST_WAIT_S = 10.0
_FLUSH_STEP_S = 0.02
_TICK_S = 1.0
_IN_FLIGHT = 2000  # how many QoS 1 messages may wait for the broker's PUBACK

OnMessage = Callable[[str, bytes, bool], None]
"""Topic, payload, retain."""


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """Where the broker is and who we are to it."""

    host: str
    port: int
    user: str | None = None
    password: str | None = None
    ca: str | None = None
    cert: str | None = None
    key: str | None = None

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def address_of(broker: Broker) -> Address:
    """The site file's broker, or the one that the environment names instead.

    Raises:
        BadUsage: the variable is no mqtt:// URL.
    """
    url = os.environ.get(ENVIRONMENT)
    if not url:
        return Address(
            host=broker.host, port=broker.port, ca=broker.ca, cert=broker.cert, key=broker.key
        )
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if host is None or urlsplit(url).scheme != "mqtt":
        raise BadUsage(f"want {ENVIRONMENT}=mqtt://[user:password@]host[:port]")
    return Address(
        host=host,
        port=port or 1883,
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
    )


class Session:
    """One client's connection; `run` brings it back when it breaks. Callbacks run in the loop.

    What is published while there is no connection is not kept: `publish` says False, and whoever
    must not lose it (the outbox) or shows a state (the hub) sends again on `on_connection(True)`.
    """

    def __init__(
        self,
        address: Address,
        client_id: str,
        *,
        on_message: OnMessage,
        on_connection: Callable[[bool], None] = lambda _: None,
        will: tuple[str, bytes] | None = None,
        subscriptions: Sequence[str] = (),
    ) -> None:
        self._address = address
        self._client_id = client_id
        self._on_message = on_message
        self._on_connection = on_connection
        self._will = will
        self._subscriptions = [(topic, 1) for topic in subscriptions]
        self._client: paho.Client | None = None
        self._said = ""
        self.connected = False

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> bool:
        """Hand a message to the connection; False if there is none."""
        if self._client is None or not self.connected:
            return False
        return (
            self._client.publish(topic, payload, qos, retain).rc == MQTTErrorCode.MQTT_ERR_SUCCESS
        )

    async def flush(self, timeout_s: float = 2.0) -> None:
        """Wait until the broker has all that was published, or for `timeout_s`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while self.connected and self._client is not None and self._client._out_messages:  # noqa: SLF001  paho has no public count
                    await asyncio.sleep(_FLUSH_STEP_S)

    async def run(self) -> Never:
        """Connect, stay connected, come back with backoff; until cancelled.

        Raises:
            Missing: a certificate that the site file names is not there.
        """
        wait_s = _FIRST_WAIT_S
        while True:
            try:
                await self._one_connection()
                wait_s = _FIRST_WAIT_S
            except Unavailable as error:
                self._say(f"{error}; trying again")
            await asyncio.sleep(wait_s * random.uniform(0.7, 1.3))  # noqa: S311  jitter, no secret
            wait_s = min(wait_s * 2, _LONGEST_WAIT_S)

    def _say(self, line: str, level: int = logging.WARNING) -> None:
        """Log a change of state once, not once a second."""
        if line != self._said:
            self._said = line
            logger.log(level, line)

    async def _one_connection(self) -> None:
        client = await asyncio.to_thread(self._new_client)  # reads certificates
        link = _Link(client, self._address)
        link.client.on_connect = self._answered(link)
        link.client.on_message = lambda _c, _u, message: self._on_message(
            message.topic, bytes(message.payload), message.retain
        )
        try:
            await link.run()
        finally:
            was, self.connected, self._client = self.connected, False, None
            if was:
                self._on_connection(False)

    def _answered(self, link: "_Link") -> Any:  # noqa: ANN401  paho's callback type
        def answered(client: paho.Client, _u: Any, _f: Any, reason: Any, _p: Any) -> None:  # noqa: ANN401
            if reason.is_failure:
                why = f"the broker at {self._address} refuses {self._client_id}: {reason}"
                link.end(Unavailable(why))
                return
            if self._subscriptions:
                client.subscribe(self._subscriptions)
            self._client, self.connected = client, True
            self._say(f"connected to {self._address}", logging.INFO)
            self._on_connection(True)

        return answered

    def _new_client(self) -> paho.Client:
        client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id=self._client_id, reconnect_on_failure=False
        )
        client.max_inflight_messages_set(_IN_FLIGHT)
        client.max_queued_messages_set(0)
        if self._will is not None:
            client.will_set(*self._will, qos=1, retain=True)
        address = self._address
        if address.user is not None:
            client.username_pw_set(address.user, address.password)
        if address.ca is not None:
            client.tls_set_context(_tls(address))
        return client


class _Link:
    """One connection's socket, watched by the event loop, until it ends."""

    def __init__(self, client: paho.Client, address: Address) -> None:
        self.client = client
        self._address = address
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._over: asyncio.Future[None] = self._loop.create_future()
        client.on_socket_open = self._opened
        client.on_socket_close = self._closed
        client.on_socket_register_write = self._want_write
        client.on_socket_unregister_write = self._written

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

    def end(self, error: BaseException) -> None:
        """Give this connection up."""
        if not self._over.done():
            self._over.set_exception(error)

    def _connect(self) -> None:
        """Open the socket; blocks, so it runs in a thread."""
        try:
            self.client.connect(self._address.host, self._address.port, KEEPALIVE_S)
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            raise Unavailable(f"want a broker at {self._address}, got: {why}") from None

    def _part(self) -> None:
        """Say goodbye, as far as the socket takes it at once, and close."""
        client = self.client
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
        while self.client.loop_misc() == MQTTErrorCode.MQTT_ERR_SUCCESS:
            await asyncio.sleep(_TICK_S)

    def _guarded(self, step: Callable[[], object]) -> None:
        """Our own bug in a callback ends the process, not just this callback."""
        try:
            step()
        except OSError as error:
            self.end(Unavailable(f"lost the broker at {self._address}: {error.strerror or error}"))
        except BaseException as error:  # noqa: BLE001  handed on to run()
            self.end(error)

    def _read(self) -> None:
        self.client.loop_read()
        sock = self.client.socket()
        while isinstance(sock, ssl.SSLSocket) and sock.pending():
            self.client.loop_read()
            sock = self.client.socket()

    # paho calls these, the first from the thread that connects

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
        self.end(Unavailable(f"lost the broker at {self._address}"))

    def _want_write(self, _client: paho.Client, _user: Any, sock: Any) -> None:  # noqa: ANN401
        # At once in the loop: put off, it would come after paho has said that all is written.
        if threading.get_ident() == self._thread:
            self._watch_write(sock)
        else:
            self._loop.call_soon_threadsafe(self._watch_write, sock)

    def _watch_write(self, sock: socket.socket) -> None:
        if sock.fileno() >= 0 and not self._over.done():
            self._loop.add_writer(sock, self._guarded, self.client.loop_write)

    def _written(self, _client: paho.Client, _user: Any, sock: Any) -> None:  # noqa: ANN401
        if sock.fileno() >= 0:
            self._loop.remove_writer(sock)


def _tls(address: Address) -> ssl.SSLContext:
    """TLS 1.3 with our own certificate.

    Raises:
        Missing: a file that is named is not there, or not ours to read.
    """
    for path in (address.ca, address.cert, address.key):
        if path is not None and not os.access(path, os.R_OK):
            raise Missing(f"want a readable file, got nothing at {path} - at `$.broker`")
    context = ssl.create_default_context(cafile=address.ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    if address.cert is not None:
        context.load_cert_chain(address.cert, address.key)
    return context
