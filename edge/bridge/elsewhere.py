"""A broker that devices of other makes speak to: the office's own, or another."""

import contextlib
from urllib.parse import urlsplit

from broker.mqtt.link import Address
from broker.service import secret
from broker.session import address_of
from edge.bridge.aims import AimedSettings
from models.contract.ids import Id
from models.errors import BadSite
from models.site import Broker

_PORTS = {"mqtt": 1883, "mqtts": 8883}


class ElsewhereSettings(AimedSettings, frozen=True, kw_only=True):
    """Which broker, and who we are to it."""

    broker: str | None = None  # None: the office's own
    client: Id | None = None
    user: str | None = None
    password_file: str | None = None
    ca: str | None = None
    cert: str | None = None
    key: str | None = None


def check(given: ElsewhereSettings) -> None:
    """Refuse what is no broker, and the office's own where we would throw ourselves out.

    Raises:
        BadSite: with the key.
    """
    if given.broker is None:
        if given.client is None:
            why = "two under one name throw each other out"
            raise BadSite(f"want a name of its own at the office's broker: {why} - at `$.client`")
        for key in ("user", "password_file", "ca", "cert", "key"):
            if getattr(given, key) is not None:
                raise BadSite(f"want it with a `broker` of its own only - at `$.{key}`")
        return
    parts = _split(given.broker)
    if parts is None:
        wanted = "want mqtt://host or mqtts://host, with a port or without"
        raise BadSite(f"{wanted}, got {given.broker!r} - at `$.broker`")
    if (parts[0] == "mqtts") != (given.ca is not None):
        raise BadSite("want whom to trust with mqtts://, and only there - at `$.ca`")
    if (given.cert is None) != (given.key is None) or (given.cert and given.ca is None):
        raise BadSite("want both of cert, key, with mqtts:// - at `$.cert`")
    if given.password_file is not None and given.user is None:
        raise BadSite("want the `user` whose password it is - at `$.user`")


def address(given: ElsewhereSettings, own: Broker) -> Address:
    """Where it is. Reads the password: call it in a thread.

    Raises:
        Missing: the password's file is not there.
    """
    parts = None if given.broker is None else _split(given.broker)
    if parts is None:
        return address_of(own)
    _, host, port = parts
    return Address(
        host=host,
        port=port,
        user=given.user,
        password=given.password_file and secret(given.password_file),
        ca=given.ca,
        cert=given.cert,
        key=given.key,
    )


def _split(url: str) -> tuple[str, str, int] | None:
    """Scheme, host and port of a broker; None if it is no address of one."""
    with contextlib.suppress(ValueError):
        parts = urlsplit(url)
        is_bare = not (parts.path.strip("/") or parts.query or parts.fragment or parts.username)
        if parts.scheme in _PORTS and parts.hostname and is_bare:
            return parts.scheme, parts.hostname, parts.port or _PORTS[parts.scheme]
    return None
