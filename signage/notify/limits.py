"""How often one may ask. All of it is in memory, and hashed with a salt that nobody keeps."""

import hashlib
import ipaddress
import secrets
from collections import Counter, deque
from datetime import date

A_DAY_BY_ADDRESS = 3
"""Mails that ask for a confirmation, to one address."""
AN_HOUR_BY_NETWORK = 60
"""A lobby's visitors share one network."""
A_MINUTE = 120
"""By everybody together."""

_IPV4_BITS, _IPV6_BITS = 24, 56
_HOUR_S, _MINUTE_S = 3600.0, 60.0
_MANY = 5000  # networks, before those that have not asked for an hour are let go


class Limits:
    """Counts of who asked, forgotten at midnight."""

    def __init__(self) -> None:
        self._day: date | None = None
        self._salt = secrets.token_bytes(16)
        self._addresses: Counter[bytes] = Counter()
        self._networks: dict[bytes, deque[float]] = {}
        self._all: deque[float] = deque()

    def allow(self, client: str | None, now_s: float, day: date) -> bool:
        """Count one who asks from a network; False if it is too much.

        Args:
            client: the client's IP address, or the name of who has none.
            now_s: seconds, of a clock that never steps back.
            day: today.
        """
        self._begin(day)
        if len(self._networks) > _MANY:
            self._networks = {
                network: asked
                for network, asked in self._networks.items()
                if asked[-1] > now_s - _HOUR_S
            }
        network = self._hash(network_of(client))
        by_network = self._networks.get(network) or deque()
        for asked, kept_s in ((by_network, _HOUR_S), (self._all, _MINUTE_S)):
            while asked and asked[0] <= now_s - kept_s:
                asked.popleft()
        if len(by_network) >= AN_HOUR_BY_NETWORK or len(self._all) >= A_MINUTE:
            return False
        self._networks[network] = by_network
        by_network.append(now_s)
        self._all.append(now_s)
        return True

    def allow_address(self, address: str, day: date) -> bool:
        """Count one mail that asks for a confirmation; False if it would be too many."""
        self._begin(day)
        key = self._hash(address.lower())
        self._addresses[key] += 1
        return self._addresses[key] <= A_DAY_BY_ADDRESS

    def _begin(self, day: date) -> None:
        if day != self._day:
            self._day, self._salt = day, secrets.token_bytes(16)
            for counted in (self._addresses, self._networks, self._all):
                counted.clear()

    def _hash(self, text: str) -> bytes:
        return hashlib.blake2b(text.encode(), key=self._salt, digest_size=16).digest()


def network_of(client: str | None) -> str:
    """The network of an address, as one office or household has it; else a name as it is.

    >>> network_of("192.0.2.77"), network_of("2001:db8:1:2ff::5"), network_of("?")
    ('192.0.2.0/24', '2001:db8:1:200::/56', '?')
    """
    try:
        address = ipaddress.ip_address((client or "").strip())
    except ValueError:
        return client or ""
    mapped = getattr(address, "ipv4_mapped", None)
    address = mapped or address
    bits = _IPV4_BITS if address.version == 4 else _IPV6_BITS  # noqa: PLR2004
    return str(ipaddress.ip_network((address, bits), strict=False))
