"""A connection to the broker that comes back: what every process publishes and hears by."""

import asyncio
import contextlib
import logging
import os
import random
from collections.abc import Callable, Sequence
from typing import Never
from urllib.parse import unquote, urlsplit

from broker import service
from broker.mqtt.by_paho import PahoLink
from broker.mqtt.link import Address, Greeting, Link, MakeLink, OnMessage, Will
from models.errors import BadUsage, Unavailable
from models.site import Broker

__all__ = ["ENVIRONMENT", "Address", "Session", "address_of"]

logger = logging.getLogger("machiai.session")

ENVIRONMENT = "MACHIAI_BROKER"
"""`mqtt://user:password@host:port`, set by `machiai demo` for the processes that it starts."""

_FIRST_WAIT_S = 0.2
_LONGEST_WAIT_S = 3.0  # a hub that comes back is on a screen within 5 s
_FLUSH_STEP_S = 0.02


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
        will: Will | None = None,
        subscriptions: Sequence[str] = (),
        make: MakeLink = PahoLink,
    ) -> None:
        self._greeting = Greeting(
            address=address, client_id=client_id, will=will, subscriptions=subscriptions
        )
        self._on_message = on_message
        self._on_connection = on_connection
        self._make = make
        self._link: Link | None = None
        self._said = ""
        self._wait_s = _FIRST_WAIT_S
        self.connected = False

    def publish(self, topic: str, payload: bytes, *, qos: int = 1, retain: bool = False) -> bool:
        """Hand a message to the connection; False if there is none."""
        if self._link is None or not self.connected:
            return False
        return self._link.publish(topic, payload, qos=qos, retain=retain)

    async def flush(self, timeout_s: float = 2.0) -> None:
        """Wait until the broker has all that was published, or for `timeout_s`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while self.connected and self._link is not None and self._link.unacknowledged:
                    await asyncio.sleep(_FLUSH_STEP_S)

    async def run(self) -> Never:
        """Connect, stay connected, come back with backoff; until cancelled.

        Raises:
            Missing: a certificate that the site file names is not there.
        """
        while True:
            try:
                await self._one_connection()
            except Unavailable as error:
                self._say(f"{error}; trying again")
            wait_s, self._wait_s = self._wait_s, min(self._wait_s * 2, _LONGEST_WAIT_S)
            await asyncio.sleep(wait_s * random.uniform(0.7, 1.3))  # noqa: S311  jitter, no secret

    def _say(self, line: str, level: int = logging.WARNING) -> None:
        """Log a change of state once, not once a second."""
        if line != self._said:
            self._said = line
            logger.log(level, line)
            service.say(line)

    async def _one_connection(self) -> None:
        self._link = self._make(self._greeting, self._let_in, self._on_message)
        try:
            await self._link.run()
        finally:
            was, self.connected, self._link = self.connected, False, None
            if was:
                self._on_connection(False)

    def _let_in(self) -> None:
        self.connected = True
        self._wait_s = _FIRST_WAIT_S
        self._say(f"{service.CONNECTED} {self._greeting.address}", logging.INFO)
        self._on_connection(True)
