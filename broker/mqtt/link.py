"""What a session needs of one connection, whichever client makes it."""

import os
import ssl
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from broker.service import secret_file
from models.errors import Missing

KEEPALIVE_S = 15

OnMessage = Callable[[str, bytes, bool], None]
"""Topic, payload, retain."""

Will = tuple[str, bytes]
"""Topic and payload of what the broker says, retained, if we are lost."""


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


class Greeting(msgspec.Struct, frozen=True, kw_only=True):
    """What a connection says first."""

    address: Address
    client_id: str
    will: Will | None = None
    subscriptions: Sequence[str] = ()

    def refusal(self, reason: str) -> str:
        """The line for a broker that turns us away."""
        return f"the broker at {self.address} refuses {self.client_id}: {reason}"


class Link(Protocol):
    """One connection, used once."""

    async def run(self) -> None:
        """Connect and serve until the connection is lost; never returns.

        Raises:
            Unavailable: it could not be made, was refused, or is lost.
            Missing: a certificate is not there.
        """

    def publish(self, topic: str, payload: bytes, *, qos: int, retain: bool) -> bool:
        """Hand a message over; False if it cannot be taken now."""

    @property
    def unacknowledged(self) -> int:
        """How many messages the broker has not acknowledged yet."""


MakeLink = Callable[[Greeting, Callable[[], None], OnMessage], Link]
"""A make of link: the greeting, what to call when the broker has let us in, and for each message.

Both are called in the event loop; what they raise ends `run`.
"""


def tls(address: Address, client_id: str) -> ssl.SSLContext | None:
    """TLS 1.3 with our own certificate, or None where the address names no authority. Reads files.

    `{id}` in a path stands for the client's id.

    Raises:
        Missing: a file that is named is not there, or not ours to read.
    """
    if address.ca is None:
        return None
    ca, cert, key = (
        path and path.replace("{id}", client_id) for path in (address.ca, address.cert, address.key)
    )
    key = key and secret_file(key)
    for path in (ca, cert, key):
        if path is not None and not os.access(path, os.R_OK):
            raise Missing(
                f"{client_id}: want a readable file, got nothing at {path} - at `$.broker`"
            )
    context = ssl.create_default_context(cafile=ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    if cert is not None:
        context.load_cert_chain(cert, key)
    return context
